#!/usr/bin/env python3
"""Runs the rules with an engine that they were not written for: opa (strict, and formatted as it formats) or conftest.

Usage: elsewhere.py opa|conftest. Each must find in fixtures/RULE/fail.json what is there to be found, by that rule alone, and nothing in pass.json.
"""
import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


def run(*arguments):
    ended = subprocess.run(arguments, cwd=HERE, capture_output=True, text=True)
    if ended.returncode not in (0, 1):
        sys.exit(f"{' '.join(arguments)}:\n{ended.stdout}{ended.stderr}")
    return ended


def opa(plan):
    return json.loads(run("opa", "eval", "--format", "raw", "--strict-builtin-errors", "--data", "rules", "--input", plan, "data.linkward.gate.deny").stdout)


def conftest(plan):
    tested = json.loads(run("conftest", "test", "--policy", "rules", "--namespace", "linkward.gate", "--output", "json", plan).stdout)
    return [{"msg": failure["msg"], **failure["metadata"]} for result in tested for failure in result.get("failures", [])]


def wrong(plan):
    """What is there to be found: resources whose names begin with `wrong`, or the plan itself."""
    changes = json.loads((HERE / plan).read_text()).get("resource_changes", [])
    found = {change["address"] for change in changes if change["mode"] == "managed" and change["name"].startswith("wrong")}
    return found or {"plan"}


def main():
    engine = {"opa": opa, "conftest": conftest}[sys.argv[1]]
    faults = []
    if engine is opa:
        for check in (["opa", "check", "--strict", "rules"], ["opa", "fmt", "--fail", "--diff", "rules"]):
            ended = run(*check)
            faults += [ended.stdout + ended.stderr] if ended.returncode else []
    rules = sorted(folder.name for folder in (HERE / "fixtures").iterdir() if folder.is_dir())
    for rule in rules:
        for name, wanted in ("fail", wrong(f"fixtures/{rule}/fail.json")), ("pass", set()):
            found = {(finding["rule"], finding["address"]) for finding in engine(f"fixtures/{rule}/{name}.json")}
            if found != {(rule, address) for address in wanted}:
                faults.append(f"{rule}/{name}: {sorted(found)}, not {sorted(wanted)}")
    print("\n".join([*faults, f"{len(rules)} rules, {len(faults)} faults"]))
    sys.exit(1 if faults or not rules else 0)


main()
