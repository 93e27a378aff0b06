#!/usr/bin/env python3
"""Does the tree keep the house rules? Prints every violation, by rule, and exits 1 on any.

An argument names the root of the tree; without one it is the repository this file lies in. A rule
that cannot be checked here (a missing tool) is named with the reason and counts as neither.
"""

import pathlib
import sys

sys.dont_write_bytecode = True
from rules import RULES, Skipped  # noqa: E402
from tree import Tree  # noqa: E402


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else str(pathlib.Path(__file__).parents[2])
    tree = Tree(root)
    if not tree.files:
        print(f"tidy: no files under {root}", file=sys.stderr)
        return 2
    violations = kept = 0
    for rule in RULES:
        try:
            found = list(rule(tree))
        except Skipped as reason:
            print(f"skipped {rule.__name__}: {reason}")
            continue
        for violation in found:
            print(f"{violation} [{rule.__name__}]")
        violations += len(found)
        kept += not found
    print(f"{len(tree.files)} files, {kept} rules kept, {violations} violations")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
