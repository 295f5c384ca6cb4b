#!/usr/bin/env python3
"""Whether every validation and precondition of the modules has a run that it fails (`expect_failures`).

negatives.py                 counts: as many such runs for a variable as it has validations, and so for preconditions. Quick; check.sh runs it.
negatives.py --mutate [MODULE…]   proves: with one condition after the other made true, a test of the module must fail. Takes minutes.
                             Beforehand: TF_PLUGIN_DIR, a folder with registry.terraform.io/hashicorp/aws in it, instead of the registry.
"""
import collections
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

INFRA = pathlib.Path(__file__).resolve().parent.parent
BLOCK = re.compile(r'^(variable|resource|data|output) "([^"]+)"(?: "([^"]+)")? {\n(.*?)^}', re.M | re.S)
CONDITION = re.compile(r"^ +(?:validation|precondition|postcondition) {\n(?: *#[^\n]*\n)* *condition *= (.*?)\n *error_message", re.M | re.S)


def conditions(module):
    """Each condition: the file, whose it is in the words of expect_failures, and where its expression stands."""
    for file in sorted(module.glob("*.tf")):
        for block in BLOCK.finditer(file.read_text()):
            kind, first, second, body = block.groups()
            owner = {"variable": f"var.{first}", "output": f"output.{first}", "resource": f"{first}.{second}"}.get(kind, f"data.{first}.{second}")
            for condition in CONDITION.finditer(body):
                yield file, owner, (block.start(4) + condition.start(1), block.start(4) + condition.end(1))


def runs_that_fail(module):
    expected = collections.Counter()
    for file in module.glob("tests/*.tftest.hcl"):
        for listed in re.findall(r"expect_failures = \[(.*?)\]", file.read_text(), re.S):
            expected.update(re.findall(r"[a-z_][\w.]*", listed))
    return expected


def count(modules):
    missing, total = [], 0
    for module in modules:
        wanted = collections.Counter(owner for _, owner, _ in conditions(module))
        # What the pattern overlooks would pass unseen.
        written = sum(len(re.findall(r"^ +(?:validation|precondition|postcondition) {", file.read_text(), re.M)) for file in module.glob("*.tf"))
        if written != wanted.total():
            missing.append(f"{module.name}: {written} conditions are written, {wanted.total()} are understood")
        had = runs_that_fail(module)
        missing += [f"{module.name}: {owner} has {number} conditions and {had[owner]} runs that fail one" for owner, number in sorted(wanted.items()) if had[owner] < number]
        total += wanted.total()
    print("\n".join(missing + [f"{total} conditions, {len(missing)} without a negative run"]))
    return not missing and total > 0


def terraform(folder, *arguments):
    environment = {**os.environ, "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "AWS_EC2_METADATA_DISABLED": "true"}
    if not os.path.exists(environment.get("TF_CLI_CONFIG_FILE", "/")):
        del environment["TF_CLI_CONFIG_FILE"]
    return subprocess.run(["terraform", f"-chdir={folder}", *arguments], env=environment, capture_output=True, text=True)


def only(module, owner):
    """A test file with the runs that fail this one, beside what all runs of their file share."""
    for file in module.glob("tests/*.tftest.hcl"):
        shared, *runs = re.split(r'^(?=run ")', file.read_text(), flags=re.M)
        runs = [run for run in runs if owner in re.findall(r"[a-z_][\w.]*", "".join(re.findall(r"expect_failures = \[(.*?)\]", run, re.S)))]
        if runs:
            (module / "tests/only.tftest.hcl").write_text(shared + "".join(runs))
            return ["-filter=tests/only.tftest.hcl"]
    return []


def mutate(modules):
    """In a copy, so that nothing of the checkout changes."""
    survived, total = [], 0
    plugins = [f"-plugin-dir={os.environ['TF_PLUGIN_DIR']}"] if os.environ.get("TF_PLUGIN_DIR") else []
    with tempfile.TemporaryDirectory() as work:
        for folder in ["infra", "events", "functions", "policy"]:
            shutil.copytree(INFRA.parent / folder, pathlib.Path(work) / folder, ignore=shutil.ignore_patterns("target", ".terraform*"))
        for module in (pathlib.Path(work) / "infra/modules" / module.name for module in modules):
            if terraform(module, "init", "-backend=false", "-input=false", *plugins).returncode != 0:
                sys.exit(f"{module.name}: cannot be initialised")
            for file, owner, (start, end) in list(conditions(module)):
                text = file.read_text()
                file.write_text(f"{text[:start]}({text[start:end]}) || true{text[end:]}")
                tested = terraform(module, "test", "-no-color", *only(module, owner))
                file.write_text(text)
                total += 1
                if not re.search(r"^Failure! ", tested.stdout, re.M):
                    survived.append(f"{module.name}: {owner}: {' '.join(text[start:end].split())}")
                    print(survived[-1], flush=True)
            print(f"{module.name}: done", flush=True)
    print(f"{total} conditions taken out, {len(survived)} not missed")
    return not survived and total > 0


def main():
    arguments = sys.argv[1:]
    named = [argument for argument in arguments if not argument.startswith("--")]
    modules = [INFRA / "modules" / name for name in named] or sorted(path for path in (INFRA / "modules").iterdir() if path.is_dir())
    sys.exit(0 if (mutate if "--mutate" in arguments else count)(modules) else 1)


main()
