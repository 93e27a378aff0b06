#!/usr/bin/env python3
"""Puts what docs/score.md, docs/score-mechanical.md and docs/explore-score.md come to into
README.md, between its two marks. scripts/score --update-docs calls it.

usage: score_readme.py [--check] [ROOT]

--check writes nothing. Exit: 0 it stands there, 1 --check and it does not, 2 a page or a mark is
missing.
"""

import argparse
import pathlib
import re
import sys

BEGIN = "<!-- scripts/score --update-docs writes this. -->"
END = "<!-- End of what it writes. -->"
HEADLINE = re.compile(r"\*\*(\d+) of (\d+) planted bugs found \(([\d.]+) %\), "
                      r"the median in ([\d.]+) s, the slowest in ([\d.]+) s\.\*\*")
GUIDED = re.compile(r"^\| all \| ([\d.,]+)", re.M)
PAGES = (("docs/score.md", "bugs of real kqueues, and what else the contract forbids"),
         ("docs/score-mechanical.md", "small changes that a program drew"))


class Missing(Exception):
    pass


def read(path):
    try:
        return path.read_text()
    except OSError as problem:
        raise Missing(f"{path}: {problem.strerror}") from None


def block_of(root):
    lines = ["| planted into libkq, one at a time | found | | median | slowest |",
             "|---|---|---|---|---|"]
    for page, what in PAGES:
        found = HEADLINE.search(read(root / page))
        if not found:
            raise Missing(f"{root / page}: has no headline")
        killed, planted, part, median, slowest = found.groups()
        lines.append(f"| {planted} [{what}]({page}) | {killed} | {part} % | {median} s "
                     f"| {slowest} s |")
    guided = GUIDED.search(read(root / "docs/explore-score.md"))
    if not guided:
        raise Missing(f"{root / 'docs/explore-score.md'}: compares nothing")
    return "\n".join(lines + [
        "", "Races of depth 2 and more are found by guided search in a geometric mean of "
        f"{guided[1]} times",
        "less processor time than by the stress suite ([how](docs/explore-score.md))."])


def with_block(text, block, path):
    begin, end = text.find(BEGIN), text.find(END)
    if begin < 0 or end < begin:
        raise Missing(f"{path}: lacks '{BEGIN}' and, below it, '{END}'")
    return f"{text[:begin]}{BEGIN}\n\n{block}\n\n{text[end:]}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    parser.add_argument("root", nargs="?", type=pathlib.Path,
                        default=pathlib.Path(__file__).resolve().parent.parent)
    options = parser.parse_args()
    readme = options.root / "README.md"
    try:
        old = read(readme)
        new = with_block(old, block_of(options.root), readme)
    except Missing as problem:
        print(f"score_readme.py: {problem}", file=sys.stderr)
        return 2
    if options.check:
        if new != old:
            print(f"{readme}: does not say what the pages say; run scripts/score_readme.py")
        return 0 if new == old else 1
    readme.write_text(new)
    return 0


if __name__ == "__main__":
    sys.exit(main())
