#!/usr/bin/env python3
"""The part of scripts/bench that plans, counts and writes: which children of kq_bench run when,
what their numbers say, and the tables and charts of it. Standard library only.

Exit: 0 done, 1 a finding or, when asked for, a requirement missed; 2 wrong usage or environment.
"""

import argparse
import os
import random
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True
import acceptance  # noqa: E402
import charts  # noqa: E402
import comparing  # noqa: E402
import runs  # noqa: E402
import sections  # noqa: E402
from documentation import replace_block  # noqa: E402
from samples import BadInput, load, printable, rows_of  # noqa: E402

# Of every question a little, for --compare of two kqueues: a child runs all of it in each turn.
COMPARED = (r"^(delivery/(dispatch|oneshot|clear)/(pipe|socketpair)/list:64/by:kqueue/real_time/"
            r"threads:[124]$|user_trigger/list:64/by:kqueue/real_time/threads:[124]$|"
            r"registration/.*/list:64/by:kqueue/real_time/threads:1$|timers/.*/by:kqueue/)")


class OneLine(argparse.ArgumentParser):
    def error(self, message):
        raise BadInput(f"{message} (see --help)")


def arguments(argv):
    parser = OneLine(add_help=False)
    parser.add_argument("--program", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--docs")
    parser.add_argument("--subject")
    parser.add_argument("--peer")
    parser.add_argument("--filter")
    parser.add_argument("--budget", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument("--cpu-time", action="store_true")
    parser.add_argument("--exit-status", action="store_true")
    parser.add_argument("--fail-if-slower", type=float)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--acceptance", action="store_true")
    mode.add_argument("--update-docs", action="store_true")
    mode.add_argument("--compare", nargs=2)
    result = parser.parse_args(argv)
    if result.repetitions < comparing.FEWEST:
        raise BadInput(f"--repetitions: at least {comparing.FEWEST}, better {comparing.ENOUGH}")
    if not 0 < result.budget < 1e9:
        raise BadInput("--budget needs a positive number of seconds")
    return result


def progress(index, count, what):
    if sys.stderr.isatty():
        print(f"\r\x1b[K{index + 1}/{count} {what}"[:120], end="", file=sys.stderr, flush=True)


def facts_of(context, options):
    # Libraries by their names: where they lie says nothing to whoever reads the page.
    told = [f"{key} {os.path.basename(str(context[key]))}"
            for key in ("subject", "profile", "peer", "date", "num_cpus") if key in context]
    return (", ".join(printable(str(fact)) for fact in told)
            + f"; {options.repetitions} repetitions in random order")


def measure(options, bench, families):
    """The merged document, saved, with its rows."""
    document = runs.run_all(bench, families, options.repetitions, options.budget,
                            os.environ.get("KQ_OUT", options.out), progress)
    progress(-1, 0, "")
    runs.write_json(os.path.join(options.out, "results.json"), document)
    return document, rows_of(document)


def publish(options, bench, document, rows, first, more=()):
    """Writes table.md, index.html and the charts; prints the tables."""
    content = [*first, *more, *sections.all_of(rows)]
    drawn, why_none = charts.draw(rows, os.path.join(bench.scratch, "histograms"),
                                  os.path.join(options.out, "charts"))
    facts = facts_of(document["context"], options)
    notes = "".join(f"- {note}\n" for note in [*bench.notes, why_none] if note)
    text = f"{facts}\n\n" + "".join(section.markdown() for section in content) + notes
    with open(os.path.join(options.out, "table.md"), "w", encoding="utf-8") as file:
        file.write(text)
    pictures = []
    for caption, path in drawn:
        with open(path, encoding="utf-8") as file:
            svg = file.read()
        pictures.append((caption, svg[svg.index("<svg"):]))
    with open(os.path.join(options.out, "index.html"), "w", encoding="utf-8") as file:
        file.write(sections.page("kq_bench", facts, content, pictures))
    shown = "".join(section.markdown() for section in first)
    print(f"{facts}\n\n{shown}{notes}" if first else text)
    print(f"{options.out}: results.json, table.md, index.html, {len(drawn)} charts")
    return text, drawn


def run_everything(options, bench):
    families = bench.families(options.filter or ".")
    if not families:
        raise BadInput("--filter matches nothing")
    document, rows = measure(options, bench, families)
    publish(options, bench, document, rows, [])
    return 0


def run_acceptance(options, bench, also=()):
    known = set(bench.names())
    groups = [[name for name in group if name in known] for group in acceptance.groups()]
    groups = [group for group in groups if group]
    families = {runs.family_of(group[0]): group for group in groups}
    for pattern in also:
        for family, names in bench.families(pattern).items():
            families.setdefault(family, names)
    document, rows = measure(options, bench, families)
    times = ("cpu", "real") if options.cpu_time else ("real", "cpu")
    section, verdicts = acceptance.section(rows, times[0])
    other, _ = acceptance.section(rows, times[1])
    if verdicts.noisy:
        bench.notes.append(f"{verdicts.noisy} of {verdicts.judged} requirements have a noise floor "
                           "above 10 %: this machine was busy")
    text, drawn = publish(options, bench, document, rows, [section], [other])
    print(f"{verdicts.judged} requirements judged, {verdicts.missed} not met")
    if verdicts.judged == 0:
        raise BadInput("nothing that is required was measured")
    return (1 if options.exit_status and verdicts.missed else 0), text, drawn


def update_docs(options, bench):
    if not options.docs:
        raise BadInput("--update-docs needs to know the page")
    # What the page shows beyond the requirements: scaling, lists, idle knotes, waking up.
    code, text, drawn = run_acceptance(options, bench, (
        "^delivery/dispatch/pipe/list:", "^user_trigger/list:", "^wakeup/", "^herd/.*waiters:[48]/",
        "^memory/", "^recording/", "^timers/", "^registration/", "^idle/"))
    stem = os.path.splitext(options.docs)[0]
    pictures = ""
    for caption, path in drawn:
        copy = f"{stem}-{os.path.basename(path)}"
        shutil.copyfile(path, copy)
        pictures += f"![{caption}]({os.path.basename(copy)})\n"
    replace_block(options.docs, text.replace("\n## ", "\n### ") + "\n" + pictures)
    print(f"{options.docs}: rewritten")
    return code


def is_subject(what):
    if what in ("emulator", "native"):
        return True
    try:
        with open(what, "rb") as file:
            return file.read(4) in (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
    except OSError as error:
        raise BadInput(f"{printable(what)}: {error.strerror}") from None


def alternate(options, old, new, scratch):
    """Three series in turns, in a fresh random order each round: old, new, and old again."""
    source = random.Random(options.seed)
    sides = {"old": old, "new": new, "again": old}
    benches = {side: runs.Bench(options.program, subject, scratch=os.path.join(scratch, side))
               for side, subject in sides.items()}
    documents = {side: [] for side in sides}
    for bench in benches.values():
        os.makedirs(bench.scratch, exist_ok=True)
    names = benches["old"].names(options.filter or COMPARED)
    names = [name for name in names if "/by:kqueue/" in name]
    if not names:
        raise BadInput("--filter matches no measurement of a kqueue")
    seconds = runs.seconds_for(3 * len(names), options.repetitions, 3 * options.repetitions,
                               options.budget)
    for turn in range(options.repetitions):
        for side in source.sample(sorted(sides), len(sides)):
            progress(turn, options.repetitions, side)
            code, document, said = benches[side].child(names, 1, seconds, False,
                                                       os.environ.get("KQ_OUT", options.out))
            if code == 1:
                raise runs.Finding(f"{sides[side]}: {said}")
            if code != 0 or document is None:
                raise BadInput(f"{printable(sides[side])}: kq_bench exits {code}: {said}")
            for entry in document["benchmarks"]:
                entry["repetition_index"] = turn
            documents[side].append(document)
    progress(-1, 0, "")
    merged = {side: runs.merge(documents[side]) for side in sides}
    for side, document in merged.items():
        runs.write_json(os.path.join(options.out, f"compare-{side}.json"), document)
    return [rows_of(merged[side]) for side in ("old", "new", "again")]


def run_compare(options, scratch):
    old, new = options.compare
    kinds = [is_subject(old), is_subject(new)]
    if kinds[0] != kinds[1]:
        raise BadInput("--compare takes two result files or two subjects, not one of each")
    if kinds[0]:
        old_rows, new_rows, again = alternate(options, old, new, scratch)
    else:
        (old_rows, _), (new_rows, _), again = load(old), load(new), None
    comparisons = comparing.compare(old_rows, new_rows, again,
                                    "cpu" if options.cpu_time else "real")
    print(comparing.report(comparisons), end="")
    if options.fail_if_slower is None:
        return 0
    slow = comparing.slower(comparisons, options.fail_if_slower)
    print(f"{len(slow)} of {len(comparisons)} slower by more than {options.fail_if_slower:g} %")
    return 1 if slow else 0


def run(options):
    if options.compare:
        with tempfile.TemporaryDirectory(prefix="kq_bench.") as scratch:
            return run_compare(options, scratch)
    os.makedirs(options.out, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="kq_bench.") as scratch:
        bench = runs.Bench(options.program, options.subject, options.peer, scratch)
        if options.update_docs:
            return update_docs(options, bench)
        if options.acceptance:
            return run_acceptance(options, bench)[0]
        return run_everything(options, bench)


def main(argv):
    try:
        return run(arguments(argv))
    except BadInput as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except runs.Finding as finding:
        print(f"bench: {finding}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"bench: {printable(str(error))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
