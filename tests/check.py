#!/usr/bin/python3
"""`make check`: every step, announced and timed; one line at the end, `N passed, N failed`.

The steps run in order. But the system tests and those in a browser wait most of their time, so what only wants a processor
(`beside`) runs meanwhile, with the least priority.

Tests are counted where they run first (unit tests in the release build, system tests, browser tests); a step that fails for
another reason, a sanitizer's finding for example, counts as one failure. Each step's whole output is in build/check/<step>.log.
"""

import argparse
import os
import re
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOGS = ROOT / "build/check"
WAITING = ("system", "browser")  # steps that wait most of their time


class Step:
    def __init__(self, name, command, what, count=None, beside=False):
        self.name = name
        self.command = ["nice", "-n", "19", *command] if beside else command
        self.what = what
        self.count = count  # log text -> (passed, failed)
        self.beside = beside  # runs while those of WAITING run

    def run(self):
        """(passed, failed)."""
        print(f"check: {self.name}: {self.what} …", flush=True)
        log = LOGS / f"{self.name}.log"
        begin = time.monotonic()
        with open(log, "w") as out:
            environment = {**os.environ, "CI": "true"}
            code = subprocess.run(self.command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment).returncode
        passed, failed = self.count(log.read_text(errors="replace")) if self.count else (0, 0)
        if code != 0 and failed == 0:
            failed = 1
        counted = f", {passed} passed, {failed} failed" if self.count else ""
        print(f"check: {self.name}: {'FAILED' if failed else 'ok'} after {time.monotonic() - begin:.0f} s{counted}", flush=True)
        if failed:
            print(f"---- the end of {log.relative_to(ROOT)} ----\n{tail(log)}\n----", flush=True)
        return passed, failed


def tail(log, lines=60):
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def count_tap(text):
    """Every test point of every binary; one that dies in its middle ends with a `not ok` (tests/unit/run)."""
    skipped = len(re.findall(r"^ok \d+ .*# SKIP", text, re.M))
    return len(re.findall(r"^ok \d+", text, re.M)) - skipped, len(re.findall(r"^not ok\b", text, re.M))


def count_failures_only(text):
    return 0, len(re.findall(r"^not ok\b", text, re.M))


def junit(name):
    return LOGS / f"{name}.xml"


def count_junit(name):
    def count(_text):
        if not junit(name).exists():
            return 0, 0
        suite = xml.etree.ElementTree.parse(junit(name)).getroot().find("testsuite")
        failed = int(suite.get("failures")) + int(suite.get("errors"))
        return int(suite.get("tests")) - failed - int(suite.get("skipped")), failed

    return count


def steps(fuzz_seconds):
    make = ["make", "--no-print-directory", f"-j{os.cpu_count()}"]
    verbose = "PROVE=prove -v"
    yield Step("build", [*make, "all", "tests"], "programs and tests, gcc, warnings are errors")
    yield Step("build-clang", [*make, "CC=clang", "all", "tests"], "the same with clang")
    yield Step("lint", [*make, "lint"], "arrows, sizes, format, clang-tidy, cppcheck, generated pages, deployment files")
    yield Step("unit", [*make, verbose, "unit"], "unit tests", count_tap)
    yield Step("unit-web", [*make, "unit-web"], "unit tests of the dashboard", count_tap)
    yield Step("unit-asan", [*make, verbose, "SAN=address,undefined", "unit"], "unit tests, address and undefined", count_failures_only)
    for name, what in zip(WAITING, ("system tests on real Kafka and Redis", "tests of the dashboard in Chromium")):
        yield Step(name, [*make, "JOBS=2", f"ARGS=-v --junitxml={junit(name)}", name], what, count_junit(name))
    tsan = [*make, verbose, "SAN=thread", "unit"]
    yield Step("unit-tsan", tsan, "unit tests, threads", count_failures_only, beside=True)
    fuzz = [*make, f"SECS={fuzz_seconds}", "FUZZ_JOBS=1", "fuzz"]
    yield Step("fuzz", fuzz, f"every fuzzer for {fuzz_seconds} s", beside=True)


def run_all(chosen):
    """[(passed, failed)] of steps in order; ends when the build fails."""
    results = []
    for step in chosen:
        results.append(step.run())
        if step.name == "build" and results[-1][1]:
            break
    return results


def run_with_others_beside(chosen):
    """The same, with the `beside` ones while those that wait run."""
    before = [step for step in chosen if not step.beside and step.name not in WAITING]
    results = run_all(before)
    if any(step.name == "build" for step in before) and results[0][1]:
        return results
    beside = []
    thread = threading.Thread(target=lambda: beside.extend(run_all([step for step in chosen if step.beside])))
    thread.start()
    results += run_all([step for step in chosen if step.name in WAITING])
    thread.join()
    return results + beside


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--fuzz-seconds", type=int, default=60)
    options.add_argument("only", nargs="*", help="names of steps; default: all")
    chosen = options.parse_args()
    LOGS.mkdir(parents=True, exist_ok=True)
    for name in WAITING:
        junit(name).unlink(missing_ok=True)
    results = run_with_others_beside([step for step in steps(chosen.fuzz_seconds) if not chosen.only or step.name in chosen.only])
    passed, failed = (sum(column) for column in zip(*(results or [(0, 0)])))
    line = f"{passed} passed, {failed} failed"
    (LOGS / "summary").write_text(line + "\n")
    print(line)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
