#!/usr/bin/env python3
"""Prints which tests of ctest's JUnit files failed, and what each had to say.

usage: failed_tests.py [--names] PRESET=FILE...

The passing cases of a GoogleTest program that failed are left out of its output, and what is still
long loses its middle: the names of all failed tests have to fit into the end of a log, so many
failures get few lines each. --names prints the names alone.
"""

import re
import sys
import xml.etree.ElementTree as tree

LINES_EACH = 25
LINES_TOGETHER = 100
FEWEST_EACH = 3
LONGEST_LINE = 300
# What ctest says of tests that nobody wanted to run. The others have not run because something is
# wrong: a program is missing, or what prepares them failed.
MEANT_TO_BE_SKIPPED = re.compile(r"SKIP_|Disabled")
FRAME = re.compile(r"\[(==========|----------|  PASSED  )\]|Note: Google Test filter|Running main")


def failed_tests(path):
    for case in tree.parse(path).getroot().iter("testcase"):
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            yield case, "failed"
        elif skipped is not None and case.get("status") == "notrun":
            message = skipped.get("message") or ""
            if not MEANT_TO_BE_SKIPPED.match(message):
                yield case, "not run"


def telling_lines(output):
    """Without what belongs to cases that passed or were skipped."""
    kept, case = [], None
    for line in output.splitlines():
        if line.startswith("[ RUN      ]"):
            case = len(kept)
        if line.startswith(("[       OK ]", "[  SKIPPED ]")):
            del kept[len(kept) if case is None else case :]
        elif line.strip() and not FRAME.match(line):
            kept.append(line)
    return kept


def shortened(lines, most):
    if len(lines) <= most:
        return lines
    head = most // 2
    left_out = len(lines) - most
    return lines[:head] + [f"[{left_out} lines left out]"] + lines[len(lines) - (most - head) :]


def main():
    arguments = sys.argv[1:]
    names_only = "--names" in arguments
    files = [argument for argument in arguments if argument != "--names"]
    if not files or any("=" not in argument for argument in files):
        print("usage: failed_tests.py [--names] PRESET=FILE...", file=sys.stderr)
        return 2
    found = []
    for argument in files:
        preset, path = argument.split("=", 1)
        try:
            found += [(preset, case, how) for case, how in failed_tests(path)]
        except (OSError, tree.ParseError) as error:
            print(f"failed_tests.py: {path}: {error}", file=sys.stderr)
            return 2
    most = max(FEWEST_EACH, min(LINES_EACH, LINES_TOGETHER // max(1, len(found))))
    for preset, case, how in found:
        print(f"{how}: {preset}: {case.get('name')}")
        if names_only:
            continue
        for line in shortened(telling_lines(case.findtext("system-out") or ""), most):
            print(f"    {line[:LONGEST_LINE]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
