"""What the measurements of scripts/explore-score come to, as docs/explore-score.md."""

import math
import os
import re
import statistics

from explore_score_ways import ALL, FUZZER, PASS, SEEDS, STRATEGIES, STRESS, TSAN, all_ways, draws

ABOUT = """# How soon bugs of schedules are found

`scripts/explore-score --update-docs` writes this page. A row is a mutant of
`tests/mutants/schedules`; a field is the median, over the seeds, of the processor seconds up to the
first finding, starting excluded, and, under a scheduler, of the schedules. Of runs that did not all
find it the number that did is told; one that did not counts as the whole budget, so a time behind
`>` and the ratios to it are lower bounds.

- **all** is `kqtorture explore` as it comes: the strategies beside it take turns. They, **fuzzer**
  and **free threads** are given the program beside the patch.
- **fuzzer** is `schedule_fuzzer`, guided by pairs of steps, with `KQ_SCHEDULES_ONLY`; **fuzzer from
  seeds** starts from `corpus/schedule_fuzzer` and has to find the program, too.
- **kq_stress** runs all its races with the jitter that it measures, in passes of {pass_} s, in an
  order that is drawn; **kq_stress TSan** does so with harness and subject under ThreadSanitizer.

"""


def header_of(mutants, name):
    """The patch's own words about its kind."""
    kind, taken = [], False
    for line in (mutants / f"{name}.patch").read_text().split("\n--- ")[0].splitlines():
        taken = line.startswith("kind:") or (taken and line.startswith(" "))
        if taken:
            kind.append(line.removeprefix("kind:").strip())
    return " ".join(kind)


def is_deep(header):
    """Depth 2 and more; a switch that must happen is an order that must hold."""
    depth = re.search(r"depth (\d+)", header)
    return int(depth[1]) >= 2 if depth else "switch" in header


def median_of(runs):
    return statistics.median(run["seconds"] for run in runs)


def cell(runs):
    if not runs:
        return "-"
    median, found = median_of(runs), sum(run["found"] for run in runs)
    text = f"{median:.3f}" if median < 1 else f"{median:.1f}"
    if found * 2 <= len(runs):
        text = f"> {text}"
    counts = [run["schedules"] for run in runs if "schedules" in run]
    if counts:
        text += f" / {statistics.median(counts):,.0f}"
    return text if found == len(runs) else f"{text} ({found} of {len(runs)})"


def geometric_mean(values):
    return math.exp(statistics.fmean(math.log(value) for value in values))


def ratio(records, names, base, way):
    """How many times less processor time than the base; None where one was not measured."""
    pairs = [(records.of(base, name), records.of(way, name)) for name in names]
    if not names or not all(left and right for left, right in pairs):
        return None
    return geometric_mean(median_of(left) / median_of(right) for left, right in pairs)


def guard_of(records, mutants, least):
    """Does guided search beat kq_stress by that much on what is deep? With a line that says so."""
    names = [name for name in records.mutants() if is_deep(header_of(mutants, name))]
    times = ratio(records, names, STRESS, ALL)
    if times is None:
        return False, "guided search against stress: not measured"
    runs = min(len(records.of(way, name)) for way in (STRESS, ALL) for name in names)
    holds = times >= least
    return holds, (f"guided search finds {len(names)} races of depth 2 and more in {times:,.1f} "
                   f"times less processor time than stress (geometric mean, {runs} seeds, what was "
                   f"not found counts as {records.budget:g} s): "
                   + ("passed" if holds else f"NOT passed, wanted are {least:g}"))


def best_of_each(records, names, base, ways):
    best = [min(median_of(records.of(way, name)) for way in ways if records.of(way, name))
            for name in names]
    return geometric_mean(median_of(records.of(base, name)) / least
                          for name, least in zip(names, best))


def hard(records, names):
    """Those that kq_stress found in not even half of its runs."""
    return [name for name in names
            if sum(run["found"] for run in records.of(STRESS, name)) * 2
            <= len(records.of(STRESS, name))]


def comparison(records, deep, ways):
    bases = [base for base in (STRESS, TSAN) if base in ways]
    if not bases or not deep:
        return []
    lines = ["", "Times less processor time to the first finding, geometric mean over the "
             f"{len(deep)} mutants of depth 2 and more:", "",
             "| | " + " | ".join(f"against {base}" for base in bases) + " |",
             "|---" * (len(bases) + 1) + "|"]
    for way in ways:
        if way != STRESS:
            ratios = [ratio(records, deep, base, way) for base in bases]
            shown = " | ".join("-" if one is None else f"{one:,.1f}" for one in ratios)
            lines.append(f"| {way} | {shown} |")
    drawing = [way for way in STRATEGIES if way != ALL and way in ways]
    if drawing:
        shown = " | ".join(f"{best_of_each(records, deep, base, drawing):,.1f}" for base in bases)
        lines.append(f"| the best strategy for each | {shown} |")
    rarely = hard(records, deep)
    if STRESS in ways and rarely:
        shown = [f"{way} {one:,.1f}" for way in (ALL, FUZZER, SEEDS)
                 if way in ways and (one := ratio(records, rarely, STRESS, way)) is not None]
        lines += ["", f"On the {len(rarely)} of them that kq_stress found in half of its runs at "
                  "most, where all of these are lower bounds: " + ", ".join(shown) + "."]
    return lines


def seeds_of(records, names, ways):
    """How many there are of each way; those with fewer are named."""
    seeds = {way: min((len(records.of(way, name)) for name in names), default=0)
             for way in ways if draws(way)}
    most = max(seeds.values(), default=0)
    fewer = [f"{way} {count}" for way, count in seeds.items() if count < most]
    return f"{most} seeds" + (f" (of {', '.join(fewer)})" if fewer else "")


def load_of(records, names, ways):
    """A busy machine preempts threads anywhere, which is what kq_stress lives by."""
    loads = [run["load"] for way in ways for name in names for run in records.of(way, name)
             if "load" in run]
    return f", of a load of {statistics.median(loads):.1f} while it was measured" if loads else ""


def page_of(records, mutants):
    names = records.mutants()
    ways = [way for way in all_ways() if way in records.ways()]
    lines = ["| mutant | " + " | ".join(ways) + " |", "|---" * (len(ways) + 1) + "|"]
    for name in names:
        fields = " | ".join(cell(records.of(way, name)) for way in ways)
        lines.append(f"| {name} | {fields} |")
    headers = {name: header_of(mutants, name) for name in names}
    lines += comparison(records, [name for name in names if is_deep(headers[name])], ways)
    lines += ["", "What they are:", ""]
    lines += [f"- {name}: {headers[name]}" for name in names]
    lines += ["", f"{seeds_of(records, names, ways)}, {records.budget:g} processor seconds a run, "
              f"{os.cpu_count()} processors{load_of(records, names, ways)}."]
    return ABOUT.replace("{pass_}", str(PASS)) + "\n".join(lines) + "\n"
