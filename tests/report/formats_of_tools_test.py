#!/usr/bin/env python3
"""What the tools write is what the schemas say: real outputs pass, and each mutation of them that
would mislead a reader is refused. With --files only these are put to the test; with --browser the
pages of a campaign are opened by scripts/check_report.py.

Usage: formats_of_tools_test.py [--browser] KQTORTURE KQ_SWEEP KQ_STRESS CANARY LITMUS_FOLDER
       formats_of_tools_test.py --files FILE...
Exit code 77 without the validator (python3-jsonschema), or without a browser.
"""

import copy
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
import report_formats  # pylint: disable=wrong-import-position

# Members that may be missing, by the name of the schema; of all others the loss is an error.
OPTIONAL = {
    "finding": {"lanes", "schedule", "signature", "known", "end_us", "guilty", "switches", "steps",
                "file"},
    "results": {"lanes", "schedule", "signature", "known", "end_us", "guilty", "switches", "steps"},
    "run": {"verdict", "rule", "note", "finding"},
    "explore": {"missed", "exhaustive", "verdict", "rule", "note", "finding"},
    "sweep": {"sweep", "matrix"},
    "score": {"verdict", "rule", "note", "scenario", "seconds", "by", "equivalent"},
    "survey": {"note", "trace"},
    "sarif": {"partialFingerprints", "suppressions", "locations"},
    "trace": {"cname", "args", "finding", "returned"},
}
# Their members are names of other things.
MAPS = {"extra", "strategies", "missed", "unreachable", "not_run", "deviations", "properties",
        "partialFingerprints"}
MOST_ITEMS = 4  # of a list: they are alike

failures = []
counts = {"outputs": 0, "mutations": 0}


def fail(text):
    failures.append(text)
    print("FAILED", text)


def mutations(value, path=()):
    """Yields (what, path, replacement); the replacement of None is the loss of the member."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield "without", path + (name,), None
            yield from mutations(part, path + (name,))
        yield "with an unknown member in", path + ("unknown_member",), [1]
        if path:
            yield "with a list for", path, [value]
    elif isinstance(value, list):
        for index, part in enumerate(value[:MOST_ITEMS]):
            yield from mutations(part, path + (index,))
        yield "with an object for the list", path, {"0": 1}
    elif isinstance(value, bool):
        yield "with a word for", path, "true"
    elif isinstance(value, str):
        yield "with a number for", path, 17
    else:
        yield "with text for", path, str(value)
        yield "with less than nothing in", path, -1


def apply(value, path, replacement):
    mutant = copy.deepcopy(value)
    owner = mutant
    for step in path[:-1]:
        owner = owner[step]
    if replacement is None:
        del owner[path[-1]]
    else:
        owner[path[-1]] = replacement
    return mutant


def spared(kind, what, path):
    """Is the mutation one that a reader is not misled by?"""
    if what == "without":
        return path[-1] in OPTIONAL.get(kind, ()) or (len(path) > 1 and path[-2] in MAPS)
    # In SARIF, and of a probability, -1 is one value among others.
    return what.startswith("with less") and path[-1] == "exitCode"


def check(schemas, kind, value):
    name = f"{kind}.schema.json"
    errors = schemas.sarif_errors(value) if kind == "sarif" else schemas.errors(name, value)
    counts["outputs"] += 1
    for error in errors[:5]:
        fail(f"{kind}: {error}")
    if errors:
        return
    for what, path, replacement in mutations(value):
        if spared(kind, what, path):
            continue
        counts["mutations"] += 1
        if not schemas.errors(name, apply(value, path, replacement)):
            fail(f"{kind} {what} {'/'.join(map(str, path))} is accepted")
    for member in ("format", "format_version"):
        if member in value and not schemas.errors(name, {**value, member: 2}):
            fail(f"{kind} of another {member} is accepted")


def check_trace(schemas, trace, least_arrows):
    check(schemas, "trace", trace)
    for error in report_formats.trace_errors(trace):
        fail(f"trace: {error}")
    events = trace["traceEvents"]
    arrows = [index for index, event in enumerate(events) if event["ph"] in "sf"]
    if len(arrows) < 2 * least_arrows:
        fail(f"trace: {len(arrows)} ends of arrows, of at least {least_arrows} arrows")
    for index in arrows[:8]:
        for what, change in (("lost", None), ("elsewhere", {"tid": 77}), ("early", {"ts": -1}),
                             ("late", {"ts": 1e12}), ("of another number", {"id": 77777}),
                             ("of another name", {"name": "x y"})):
            broken = copy.deepcopy(trace)
            if change is None:
                del broken["traceEvents"][index]
            else:
                broken["traceEvents"][index].update(change)
            counts["mutations"] += 1
            if not report_formats.trace_errors(broken):
                fail(f"trace: an end of an arrow {what} is accepted")


def check_junit(text):
    counts["outputs"] += 1
    for error in report_formats.junit_errors(text):
        fail(f"junit: {error}")
    for old, new in (('tests="', 'tests="1'), ("<testcase ", "<case "), ('failures="', 'f="'),
                     ("<failure ", "<problem "), (' classname="', ' class="'), ("</tests", "<t"),
                     ("<skipped ", "<error "), ("</properties>", "</properties><properties/>"),
                     ("<testsuites ", "<testsuite ")):
        counts["mutations"] += 1
        if old not in text or not report_formats.junit_errors(text.replace(old, new, 1)):
            fail(f"junit: {new} for {old} is accepted")


# A campaign in which everything happens: found, known, skipped, failed, and what a bench measures.
FAKE_STRESS = """#!/bin/sh
case "$KQ_SUBJECT" in *canary.so) kind=duplicate ;; *) kind=lost ;; esac
mkdir -p "$KQ_OUT/findings"
finding() {
  printf '{"verdict":"%s","engine":"stress","message":"<m> & \\\\u0001","scenario":"%s"}' \\
    "$2" "$1" > "$KQ_OUT/findings/.$1" && mv "$KQ_OUT/findings/.$1" "$KQ_OUT/findings/$1.json"
}
finding one $kind; finding two $kind
printf '{"operations":1000,"deliveries":100,"executions":10,"rounds":3}' > "$KQ_STATS"
exit 1
"""


# It measures, and the measurements have to be drawn.
FAKE_BENCH = """#!/bin/sh
for argument; do case $argument in --benchmark_out=*) out=${argument#*=} ;; esac; done
printf '{"benchmarks": [%s, %s, %s, %s]}' \\
  '{"name": "user/list:64/by:kqueue/threads:1", "run_type": "iteration", "real_time": 2500}' \\
  '{"name": "user/list:64/by:kqueue.again/threads:1", "run_type": "iteration", "real_time": 3}' \\
  '{"name": "user/list:64/by:<b>/threads:2", "run_type": "iteration", "real_time": 5, "time_unit":
  "ms"}' '{"name": "claim/pipe", "run_type": "iteration", "real_time": 1, "ratio": 1.25}' > "$out"
printf '{"operations":50,"deliveries":5,"executions":1}' > "$KQ_STATS"
"""
SCORE = {"format": "kqtorture score", "format_version": 1, "seed": 1, "budget_seconds": 2,
         "every_engine": False, "passed": False, "mutants": 1, "killed": 0, "median_seconds": 0,
         "engines": ["litmus"], "sound": [], "cells": [], "all": [
             {"name": "a_survivor", "origin": "", "platform": "", "rule": "I1", "kind": "memory",
              "depth": 0, "killed": False}]}


class Tools:
    def __init__(self, folder, kqtorture, sweep, stress, canary, litmus):
        self.folder, self.kqtorture, self.sweep, self.stress = folder, kqtorture, sweep, stress
        self.canary, self.litmus = canary, pathlib.Path(litmus)
        self.environment = {**os.environ, "KQ_OUT": str(folder / "out")}
        for name in ("KQ_SUBJECT", "KQ_PROFILE", "KQ_LAYOUT"):
            self.environment.pop(name, None)

    def run(self, code, *arguments, program=None):
        command = [program or self.kqtorture, *map(str, arguments)]
        ran = subprocess.run(command, env=self.environment, text=True, capture_output=True,
                             check=False)
        if ran.returncode != code:
            fail(f"{command}: exit {ran.returncode}, not {code}: {ran.stderr[-500:]}")
        return ran.stdout

    def json(self, code, *arguments, program=None):
        return json.loads(self.run(code, *arguments, program=program))

    def findings(self):
        return sorted((self.folder / "out/findings").glob("*.json"))

    def campaign(self):
        tree = self.folder / "tree/build/release"
        (tree / "bin").mkdir(parents=True)
        (tree / "lib").mkdir()
        shutil.copy(self.kqtorture, tree / "bin/kqtorture")
        (tree / "lib/libkq_canary.so").touch()
        stress, bench = tree / "bin/kq_stress", tree / "bin/kq_bench"
        stress.write_text(FAKE_STRESS)
        bench.write_text(FAKE_BENCH)
        stress.chmod(0o755)
        bench.chmod(0o755)
        out, known = self.folder / "campaign", self.folder / "known"
        (out / "score").mkdir(parents=True)
        (out / "score/score.json").write_text(json.dumps(SCORE))
        torture = ["torture", "--subject", self.canary, "--budget", 1, "--seed", 1, "--keep-going"]
        self.run(1, *torture, "--out", self.folder / "new", program=tree / "bin/kqtorture")
        results = json.loads((self.folder / "new/results.json").read_text())
        found = [one for engine in results["engines"] for one in engine["findings"]]
        if len({one["signature"] for one in found}) < 2:
            fail(f"a campaign finds {len(found)} findings")
        known.write_text(f"- {found[0]['signature']} as long as we live\nI1 lost/12345678 gone\n")
        self.run(1, *torture, "--out", out, "--known", known, program=tree / "bin/kqtorture")
        return [self.folder / "new", out]


def check_tools(schemas, tools):
    check(schemas, "version", tools.json(0, "version", "--json"))
    check(schemas, "check", tools.json(0, "check", "--json", "--subject", tools.canary))
    race = tools.litmus / "race_oneshot_two_waiters.litmus"
    sequential = tools.litmus / "unknown_flag_changes_nothing.litmus"
    for command, seconds in (("run", 0.5), ("explore", 0.5)):
        check(schemas, command, tools.json(1, command, race, sequential, "--json", "--seed", 1,
                                           "--subject", tools.canary, "--budget", seconds))
    check(schemas, "sweep", tools.json(1, "--json", "--sample", 0.0005, "--seed", 1, "--subject",
                                       tools.canary, program=tools.sweep))
    check(schemas, "survey", tools.json(0, "survey", "--json", "--subject", tools.canary))
    # A race is a log of what the C calls were given and returned.
    tools.run(1, "--gtest_filter=*OneshotWaiters.EventIsHandedToOneOfThem/*", "--iterations=2",
              "--seed", 1, "--subject", tools.canary, program=tools.stress)
    drawn = set()
    for number, path in enumerate(tools.findings()):
        finding = json.loads(path.read_text())
        check(schemas, "finding", finding)
        if "lanes" not in finding:
            continue
        trace = tools.folder / f"{number}.trace"
        tools.run(0, "explain", path, "--trace", trace)
        check_trace(schemas, json.loads(trace.read_text()), 1)
        drawn.add(finding["engine"])
    if len(drawn) < 3:
        fail(f"findings with a history are of {drawn}; run, explore and kq_stress were asked")
    for out in tools.campaign():
        check(schemas, "results", json.loads((out / "results.json").read_text()))
        check(schemas, "sarif", json.loads((out / "results.sarif").read_text()))
        check_junit((out / "junit.xml").read_text())


def check_pages(tools):
    out = tools.campaign()[1]
    survey, atlas = tools.folder / "survey.json", tools.folder / "atlas.html"
    tools.run(0, "survey", "--json", survey, "--subject", tools.canary)
    tools.run(0, "survey", "--atlas", atlas, survey, survey)
    page = (out / "index.html").read_text()
    for part in ("What it costs", "&lt;b&gt;", "5.0 ms", "1.25", "What the engines are worth",
                 "a_survivor", "Known, and not found any more", "What was found"):
        if part not in page:
            fail(f"the page of a campaign does not say {part}")
    return subprocess.run([sys.executable, "-B", ROOT / "scripts/check_report.py", out, "--atlas",
                           atlas], check=False).returncode


def main():
    if sys.argv[1:2] == ["--browser"]:
        with tempfile.TemporaryDirectory() as folder:
            code = check_pages(Tools(pathlib.Path(folder), *sys.argv[2:]))
        return 1 if failures else code
    try:
        schemas = report_formats.Schemas()
    except ImportError:
        print("skipped: python3-jsonschema is not installed (scripts/setup)")
        return 77
    if sys.argv[1:2] == ["--files"]:
        for name in sys.argv[2:]:
            value = json.loads(pathlib.Path(name).read_text())
            check(schemas, value["format"].split()[-1], value)
    else:
        with tempfile.TemporaryDirectory() as folder:
            check_tools(schemas, Tools(pathlib.Path(folder), *sys.argv[1:]))
    print(f"{counts['outputs']} outputs valid, {counts['mutations']} mutations of them refused, "
          f"{len(failures)} failures")
    return 1 if failures or counts["outputs"] == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
