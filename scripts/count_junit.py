#!/usr/bin/env python3
"""Prints how many tests of JUnit files passed, failed and were skipped: three numbers on one line.

ctest and the torture campaign both leave such a file; the shell cannot read XML.
"""

import sys
import xml.etree.ElementTree as tree


def main():
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        print("usage: count_junit.py FILE...", file=sys.stderr)
        return 2
    passed = failed = skipped = 0
    for path in sys.argv[1:]:
        try:
            cases = tree.parse(path).getroot().iter("testcase")
        except (OSError, tree.ParseError) as error:
            print(f"count_junit.py: {path}: {error}", file=sys.stderr)
            return 2
        for case in cases:
            if case.find("failure") is not None or case.find("error") is not None:
                failed += 1
            elif case.find("skipped") is not None or case.get("status") == "disabled":
                skipped += 1
            else:
                passed += 1
    print(passed, failed, skipped)
    return 0


if __name__ == "__main__":
    sys.exit(main())
