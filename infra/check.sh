#!/usr/bin/env bash
# Formats, validates and tests every module and example with a mocked AWS: no account, and no network where the provider is on disk.
# TF_PLUGIN_DIR names a folder with registry.terraform.io/hashicorp/aws in it, when it is not where one would look.
# Without Terraform, or without the provider, nothing is checked: that is a failure where CI=true, and a remark elsewhere.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

skip() { printf 'infra: %s; nothing was checked\n' "$1"; [[ ${CI:-} != true ]] && exit 0 || exit 1; }
command -v terraform > /dev/null || skip 'terraform is not installed'

# A configuration file that is named and not there would make every command complain.
[[ -e ${TF_CLI_CONFIG_FILE:-/} ]] || unset TF_CLI_CONFIG_FILE
export TF_IN_AUTOMATION=1 CHECKPOINT_DISABLE=1 AWS_EC2_METADATA_DISABLED=true

# The first folder with a copy of the provider: where we are told, where Terraform's own configuration says, where such folders usually are.
plugin_folder() {
    local mirrors config=${TF_CLI_CONFIG_FILE:-$HOME/.terraformrc}
    mirrors=$(sed -n 's/^[[:space:]]*path[[:space:]]*=[[:space:]]*"\(.*\)"/\1/p' "$config" 2> /dev/null || true)
    for folder in "${TF_PLUGIN_DIR:-}" $mirrors "$HOME/.terraform.d/plugins" "${XDG_DATA_HOME:-$HOME/.local/share}/terraform/plugins" \
        /usr/local/share/terraform/plugins /usr/share/terraform/plugins /opt /opt/* /opt/*/*; do
        [[ -n $folder && -d $folder/registry.terraform.io/hashicorp/aws ]] && { printf '%s' "$folder"; return; }
    done
    return 0
}
plugins=$(plugin_folder)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/logs"
passed=0 failed=0
fail() { failed=$((failed + 1)); printf '%s: %s\n' "$1" "$2"; cat "$work/log"; }

terraform fmt -check -recursive -diff . > "$work/log" 2>&1 || fail infra 'not formatted: run `terraform fmt -recursive`'

# One folder, from init to the last test. Its log ends with what became of it: passed, failed, seconds, or `uninitialised`.
check_folder() {
    local folder=$1 log=$work/logs/${1//\//_} began=$SECONDS good=0 bad=0 status=0
    export TF_DATA_DIR="$work/data/$folder"
    mkdir -p "$TF_DATA_DIR"
    # The lock file that init leaves is of this machine.
    rm -f "$folder/.terraform.lock.hcl"
    if ! terraform -chdir="$folder" init -backend=false -input=false -no-color ${plugins:+-plugin-dir="$plugins"} > "$log" 2>&1; then
        echo uninitialised >> "$log"
        return
    fi
    if terraform -chdir="$folder" validate -no-color > "$log" 2>&1; then
        terraform -chdir="$folder" test -no-color > "$log" 2>&1 || status=$?
        read -r good bad < <(awk '/^(Success|Failure)! / { print $2, $4 + $6 }' "$log") || read -r good bad <<< '0 0'
    else
        status=1
    fi
    rm -f "$folder/.terraform.lock.hcl"
    # A run may pass and its clean-up fail.
    ((status == 0 || bad > 0)) || bad=1
    echo "$good $bad $((SECONDS - began))" >> "$log"
}
export -f check_folder
export work plugins

folders=()
for folder in modules/* examples/*; do
    compgen -G "$folder/*.tf" > /dev/null && folders+=("$folder")
done
# A folder waits for its provider more than it computes.
printf '%s\n' "${folders[@]}" | xargs -P "${INFRA_JOBS:-$(getconf _NPROCESSORS_ONLN)}" -I{} bash -c 'check_folder {}'

for folder in "${folders[@]}"; do
    log=$work/logs/${folder//\//_}
    read -r good bad seconds < <(tail -n 1 "$log")
    if [[ $good == uninitialised ]]; then
        [[ -n $plugins ]] || skip 'the AWS provider is neither on disk nor to be had'
        cp "$log" "$work/log"
        fail "$folder" 'cannot be initialised'
        continue
    fi
    printf '%s: %d passed, %d failed (%ds)\n' "$folder" "$good" "$bad" "$seconds"
    passed=$((passed + good)) failed=$((failed + bad))
    ((bad == 0)) || cat "$log"
done

# Every validation has a run that it fails.
tests/negatives.py > "$work/log" 2>&1 || fail modules 'a validation without a negative run'
tail -n 1 "$work/log"

# Skips stand beside what they are about, each with its reason.
if command -v checkov > /dev/null; then
    checkov --directory modules --directory image --framework terraform dockerfile --quiet --compact --skip-download > "$work/log" 2>&1 || fail modules 'checkov has findings'
else
    echo 'checkov: not installed (pip install checkov), not run'
fi

# The plan gate's rules by the engines of others, which find in each fixture's plan what `linkward gate` finds.
for engine in opa conftest; do
    if command -v "$engine" > /dev/null; then
        guardrails/elsewhere.py "$engine" > "$work/log" 2>&1 || fail guardrails "$engine finds something else"
    else
        echo "$engine: not installed, not run"
    fi
done

printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0 && passed > 0))
