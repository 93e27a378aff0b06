#!/usr/bin/env python3
"""What scripts/explore-score measures, once it has built it: see there.

usage: explore_score.py BUILDS --seeds N --budget SECONDS --out FILE [--only NAME]... [--way WAY]...
                        [--tsan-prefix COMMAND] [--page FILE] [--at-least RATIO]

--at-least: what has to come of it, as many times less processor time for guided search, all its
strategies, than for kq_stress. Exit 1 when it did not.
"""

import argparse
import os
import pathlib
import statistics
import sys

from explore_score_page import guard_of, page_of
from explore_score_record import Records
from explore_score_ways import CannotRun, WAYS, Bench, all_ways, draws

MUTANTS = pathlib.Path(__file__).resolve().parent.parent / "tests/mutants/schedules"
# A process's times are counted in ticks that are not much shorter; below, a ratio says nothing.
SHORTEST = 0.001
STARTS = 5


def die(message):
    print(f"explore_score.py: {message}", file=sys.stderr)
    sys.exit(2)


def start_of(bench, records, way, name):
    """Median processor seconds of a start."""
    known = records.start(way, name)
    if known is None:
        known = statistics.median(bench.start(way, name, seed + 1) for seed in range(STARTS))
        records.add({"start": known, "way": way, "mutant": name})
    return known


def measure(bench, records, way, name, seed, budget):
    """One run. What was found late was not found: it is censored at the budget, as is the rest."""
    start = start_of(bench, records, way, name)
    run = bench.run(way, name, seed, budget, start)
    found = run.found and run.seconds <= budget
    seconds = max(run.seconds, SHORTEST) if found else budget
    record = {"way": way, "mutant": name, "seed": seed, "found": found, "seconds": seconds,
              "load": os.getloadavg()[0]}
    if run.schedules is not None:
        record["schedules"] = run.schedules
    records.add(record)
    said = f"{seconds:.3f} s" if found else "not found"
    print(f"seed {seed} {name} {way}: {said}", flush=True)


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("builds", type=pathlib.Path)
    parser.add_argument("--seeds", type=int, required=True)
    parser.add_argument("--budget", type=float, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--only", action="append")
    parser.add_argument("--way", action="append", choices=all_ways())
    parser.add_argument("--tsan-prefix", default="")
    parser.add_argument("--page", type=pathlib.Path)
    parser.add_argument("--at-least", type=float)
    return parser.parse_args()


def main():
    arguments = parse()
    names = arguments.only or sorted(path.stem for path in MUTANTS.glob("*.patch"))
    ways = arguments.way or list(WAYS)
    bench = Bench(arguments.builds, MUTANTS, arguments.tsan_prefix.split())
    try:
        records = Records(arguments.out, arguments.budget)
        # Seed by seed, so that an end that comes too soon leaves as many of each.
        for seed in range(1, arguments.seeds + 1):
            for name in names:
                for way in ways:
                    if (seed == 1 or draws(way)) and not records.has(way, name, seed):
                        measure(bench, records, way, name, seed, arguments.budget)
    except (CannotRun, ValueError) as error:
        die(error)
    if arguments.at_least is not None:
        holds, said = guard_of(records, MUTANTS, arguments.at_least)
        print(said)
        sys.exit(0 if holds else 1)
    page = page_of(records, MUTANTS)
    print(page)
    if arguments.page:
        arguments.page.write_text(page)


if __name__ == "__main__":
    main()
