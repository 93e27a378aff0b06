#!/usr/bin/env python3
"""What scripts/explore-score measures, once it has built it: see there.

usage: explore_score.py BUILD --seeds N --budget SECONDS --out FILE [--only NAME]... [--page FILE]
"""

import argparse
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

MUTANTS = pathlib.Path(__file__).resolve().parent.parent / "tests/mutants/schedules"
# sched::rotation(), and the search that `--strategy all` adds to it.
STRATEGIES = ["random", "pos", "pct:2", "pct:3", "pct:4", "dfs:2"]
FREE, STRESS = "free threads", "kq_stress"
# A process's times are counted in ticks that are not much shorter; below, a ratio says nothing.
SHORTEST = 0.001
STARTS = 5
# One round of it is the least that kq_stress does, after it has measured how long pauses are to be.
ONE_CASE = "DispatchOwnership.HandlersOfOneKnoteNeverOverlap/Pipe"


def die(message):
    print(f"explore_score.py: {message}", file=sys.stderr)
    sys.exit(2)


class Run:
    """One command: exit code, processor seconds with all its children, standard output."""

    def __init__(self, command):
        with tempfile.TemporaryDirectory() as out, tempfile.TemporaryFile() as text:
            child = subprocess.Popen([str(word) for word in command], stdout=text,
                                     stderr=subprocess.DEVNULL, env={**os.environ, "KQ_OUT": out})
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = self.code = os.waitstatus_to_exitcode(status)
            self.seconds = usage.ru_utime + usage.ru_stime
            text.seek(0)
            self.text = text.read().decode(errors="replace")
        # A mutant that takes the whole program down has been found.
        self.found = self.code == 1 or self.code < 0
        if self.code == 2:
            die(f"{' '.join(str(word) for word in command)}: exit code 2")


class Ways:
    """The commands, by name, for one mutant."""

    def __init__(self, build, budget):
        self.build, self.budget = build, budget

    def command(self, way, name, seed, limit=None):
        """What runs the mutant; with a limit, the shortest run there is, of the sound libkq."""
        program = MUTANTS / f"{name}.litmus"
        kqtorture = self.build / "bin/kqtorture"
        free = self.build / f"lib/mutants/schedules/{name}.so"
        if way == STRESS:
            length = ["--iterations", 1] if limit else ["--budget", self.budget]
            filters = [f"--gtest_filter=*{ONE_CASE}", "--threads", 3] if limit else []
            return [self.build / "bin/kq_stress", "--subject", "emulator" if limit else free,
                    "--seed", seed, "--gtest_fail_fast", *length, *filters]
        if way == FREE:
            length = ["--iterations", 1] if limit else ["--budget", self.budget]
            return [kqtorture, "run", program, "--engine", "free", "--no-shrink", "--seed", seed,
                    "--subject", "emulator" if limit else free, *length]
        length = ["--schedules", 1] if limit else ["--budget", self.budget]
        subject = "emulator" if limit else self.build / f"lib/controlled/mutants/{name}.so"
        return [kqtorture, "explore", program, "--strategy", way, "--jobs", 1, "--json", "--seed",
                seed, "--subject", subject, *length]

    def start(self, way, name):
        """Median processor seconds of a start."""
        runs = [Run(self.command(way, name, seed + 1, limit=1)) for seed in range(STARTS)]
        return statistics.median(run.seconds for run in runs)


def schedules_of(text):
    try:
        return json.loads(text[text.index("{"):])["schedules"]
    except (ValueError, KeyError):
        return None


def measure(ways, way, name, seeds):
    start = ways.start(way, name)
    seconds, schedules, found = [], [], 0
    for seed in range(1, (1 if way.startswith("dfs") else seeds) + 1):
        run = Run(ways.command(way, name, seed))
        spent = max(run.seconds - start, SHORTEST)
        seconds.append(spent if run.found else max(spent, ways.budget))
        found += run.found
        if way in STRATEGIES:
            schedules.append(schedules_of(run.text))
    counts = [count for count in schedules if count is not None]
    return {"seconds": seconds, "median": statistics.median(seconds), "found": found,
            "start": start, "schedules": counts,
            "median_schedules": statistics.median(counts) if counts else None}


def header_of(name):
    """The patch's own words about its kind."""
    kind, taken = [], False
    for line in (MUTANTS / f"{name}.patch").read_text().split("\n--- ")[0].splitlines():
        taken = line.startswith("kind:") or (taken and line.startswith(" "))
        if taken:
            kind.append(line.removeprefix("kind:").strip())
    return " ".join(kind)


def cell(result):
    runs = len(result["seconds"])
    text = f"{result['median']:.3f}" if result["median"] < 1 else f"{result['median']:.1f}"
    if result["found"] * 2 <= runs:
        text = f"> {text}"
    if result["median_schedules"] is not None:
        text += f" / {result['median_schedules']:,.0f}"
    return text if result["found"] == runs else f"{text} ({result['found']} of {runs})"


def speed_up(results, way):
    ratios = [of[STRESS]["median"] / of[way]["median"] for of in results.values()]
    return math.exp(statistics.fmean(math.log(ratio) for ratio in ratios))


def tables(results, seeds, budget):
    ways = [*STRATEGIES, FREE, STRESS]
    lines = ["| mutant | " + " | ".join(ways) + " |", "|---" * (len(ways) + 1) + "|"]
    for name, of in results.items():
        lines.append(f"| {name} | " + " | ".join(cell(of[way]) for way in ways) + " |")
    best = {name: min((of[way]["median"], way) for way in STRATEGIES)
            for name, of in results.items()}
    lines += ["", "| against kq_stress | times less processor time |", "|---|---|"]
    lines += [f"| {way} | {speed_up(results, way):,.1f} |" for way in ways if way != STRESS]
    gain = statistics.fmean(math.log(of[STRESS]["median"] / best[name][0])
                            for name, of in results.items())
    lines += [f"| the best strategy for each | {math.exp(gain):,.1f} |", "", "What they are:", ""]
    lines += [f"- {name}: {header_of(name)}" for name in results]
    lines += ["", f"{seeds} seeds, {budget:g} s a run, {os.cpu_count()} processors."]
    return "\n".join(lines) + "\n"


ABOUT = """# How soon bugs of schedules are found

`scripts/explore-score --update-docs` writes this page. A field is the median of the processor
seconds to the first finding, starting excluded, and, under a scheduler, of the schedules. Of runs
that did not all find it the number that did is told; one that did not counts as the whole budget,
so the times behind `>`, and ratios to them, are lower bounds. A row is a mutant of
`tests/mutants/schedules`; kq_stress runs all its races with the jitter that it measures.

"""


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--seeds", type=int, required=True)
    parser.add_argument("--budget", type=float, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--only", action="append")
    parser.add_argument("--page", type=pathlib.Path)
    return parser.parse_args()


def main():
    arguments = parse()
    names = arguments.only or sorted(path.stem for path in MUTANTS.glob("*.patch"))
    ways = Ways(arguments.build, arguments.budget)
    results = {}
    for name in names:
        results[name] = {}
        for way in [*STRATEGIES, FREE, STRESS]:
            results[name][way] = measure(ways, way, name, arguments.seeds)
            print(f"{name} {way}: {cell(results[name][way])}", flush=True)
    text = tables(results, arguments.seeds, arguments.budget)
    print(text)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps({"seeds": arguments.seeds, "budget": arguments.budget,
                                         "mutants": results}, indent=1) + "\n")
    if arguments.page:
        arguments.page.write_text(ABOUT + text)


if __name__ == "__main__":
    main()
