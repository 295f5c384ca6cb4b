#!/usr/bin/env python3
"""How soon the offline commands of the operator's tool answer, from start to exit.

    tests/bench/startup.py --binary target/release/linkward [--starts 50]

Prints a Markdown table: of so many starts the median and the least, by the clock and by the processor's time. Exit status 1 if a median is
20 ms or more. Needs Python 3.9 and Linux or macOS.
"""
import argparse
import pathlib
import resource
import statistics
import subprocess
import sys
import time

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "operator/tests/fixtures"
COMMANDS = [
    "policy check access.yaml",
    "policy diff access.yaml access.new.yaml",
    "policy explain access.yaml --identity spiffe://internal.example/prod/orders-api --path /v1/invoices/7",
    "policy test cases.yaml --policy access.yaml",
    "completions bash",
]
LIMIT = 20.0


def start(words):
    """Milliseconds by the clock and of the processor."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    ended = subprocess.run(words, cwd=FIXTURES, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    took, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if ended.returncode not in (0, 1):
        sys.exit(f"`{' '.join(words)}` failed with exit status {ended.returncode}")
    return 1e3 * took, 1e3 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", required=True, type=pathlib.Path)
    parser.add_argument("--starts", type=int, default=50)
    asked = parser.parse_args()
    binary = str(asked.binary.resolve(strict=True))
    print("| command | median ms | least ms | processor, median ms |\n|---|---|---|---|")
    slow = False
    for command in COMMANDS:
        clock, processor = zip(*(start([binary, *command.split()]) for _ in range(asked.starts)))
        print(f"| `{' '.join(command.split()[:2])}` | {statistics.median(clock):.1f} | {min(clock):.1f} | {statistics.median(processor):.1f} |")
        slow |= statistics.median(clock) >= LIMIT
    sys.exit(1 if slow else 0)


main()
