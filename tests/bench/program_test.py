#!/usr/bin/env python3
"""Usage: program_test.py KQ_BENCH [--all]. The bench as scripts/bench runs it: do all the parts
between a measurement and a table fit together? Nothing is said about how long anything took.

--all: also the whole acceptance, which takes half a minute.
"""

import contextlib
import io
import json
import os
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "bench" / "analysis"))
import main  # noqa: E402

PROGRAM = sys.argv[1]
failures = []


def expect(what, true):
    if not true:
        failures.append(what)
        print(f"FAILED {what}", file=sys.stderr)


def run(folder, *arguments):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main.main([f"--program={PROGRAM}", f"--out={folder}", "--budget=0.1", *arguments])
    return code, out.getvalue(), err.getvalue()


def read(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return file.read()


def check_a_run(folder):
    code, out, err = run(folder, "--filter=user_trigger/list:16/", "--repetitions=9")
    expect(f"a run exits 0: {err}", code == 0)
    entries = json.loads(read(folder, "results.json"))["benchmarks"]
    ours = [e for e in entries if "/by:kqueue/" in e["name"] and e["run_type"] == "iteration"]
    again = [e for e in entries if "/by:kqueue.again/" in e["name"]]
    expect("nine repetitions", [e["repetition_index"] for e in ours] == list(range(9)))
    expect("the subject ran again in the same job", len(again) >= 9)
    expect("the table tells the noise floor", "noise floor" in out and "kqueue" in out)
    expect("the page has the table", "<table>" in read(folder, "index.html"))
    results = os.path.join(folder, "results.json")
    code, out, _ = run(folder, "--compare", results, results, "--fail-if-slower=0")
    expect("a run is not slower than itself", code == 0 and "| slower" not in out)


def check_subjects_in_turns(folder):
    code, out, err = run(folder, "--compare", "emulator", "emulator", "--repetitions=3",
                         "--filter=user_trigger/list:1/by:kqueue/")
    expect(f"two subjects in turns exit 0: {err}", code == 0)
    expect("they are compared", "user_trigger/list:1/by:kqueue/" in out)


def check_acceptance(folder):
    code, out, err = run(folder, "--acceptance", "--repetitions=3", "--budget=0.01")
    expect(f"--acceptance exits 0 whatever the ratios are: {err}", code == 0)
    for what in ("delivery/dispatch/eventfd", "delivery/oneshot", "delivery/clear", "user_trigger",
                 "registration", "idle knotes", "heap per READ knote", "requirements judged"):
        expect(f"--acceptance tells {what}", what in out)


def check_refusals(folder):
    for arguments in (["--filter=nothing_is_called_so"], ["--repetitions=1"], ["--budget=-1"],
                      ["--no-such-option"], ["--subject=/nonexistent.so"],
                      ["--peer=/nonexistent.so"], ["--compare", "emulator", "/nonexistent.so"]):
        code, out, err = run(folder, *arguments)
        expect(f"{arguments}: exit 2 and one line, not {code}: {err}",
               code == 2 and err.count("\n") == 1 and out == "")


with tempfile.TemporaryDirectory() as scratch:
    os.environ["KQ_OUT"] = os.path.join(scratch, "findings")
    check_a_run(scratch)
    check_subjects_in_turns(scratch)
    check_refusals(scratch)
    if "--all" in sys.argv:
        check_acceptance(scratch)
sys.exit(1 if failures else 0)
