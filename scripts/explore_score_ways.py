"""The ways of running threads that scripts/explore-score compares, and what one run of each costs:
processor seconds of all its processes, ended when they are spent."""

import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
# sched::rotation(), and the search that `--strategy all` adds to it.
ALL = "all"
STRATEGIES = [ALL, "random", "pos", "pct:2", "pct:3", "pct:4", "dfs:2"]
FUZZER, SEEDS = "fuzzer", "fuzzer from seeds"
STRESS, TSAN, FREE = "kq_stress", "kq_stress TSan", "free threads"
WAYS = [*STRATEGIES, FUZZER, SEEDS, STRESS, TSAN]
# One round of it is the least that kq_stress does, after it has measured how long pauses are to be.
ONE_CASE = "DispatchOwnership.HandlersOfOneKnoteNeverOverlap/Pipe"
# Of kq_stress, in seconds: all its races, in an order that is drawn, so that those that come last
# are not always those for which nothing is left. Passes follow each other until the budget is
# spent.
PASS = 2
# A program's own limit is on time that passes, which on a busy machine is more than it gets.
PATIENCE = 50
LOOK = 0.05
# After which a command that was told to end is ended.
GRACE = 20
TICK = os.sysconf("SC_CLK_TCK")


class CannotRun(Exception):
    pass


def all_ways():
    return [*WAYS, FREE]


def draws(way):
    """A depth-first search is the same with every seed."""
    return not way.startswith("dfs")


def processor_seconds(root):
    """Of the process, all it has started, and those of them that have ended."""
    parents, seconds = {}, {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
        except OSError:
            continue
        parents[int(entry)] = int(fields[1])
        seconds[int(entry)] = sum(int(field) for field in fields[11:15]) / TICK
    family = {root}
    more = True
    while more:
        more = {pid for pid, parent in parents.items() if parent in family} - family
        family |= more
    return sum(seconds.get(pid, 0) for pid in family)


class Run:
    """One command: whether it found anything, processor seconds, and standard output."""

    def __init__(self, command, limit, variables):
        with tempfile.TemporaryDirectory() as out, tempfile.TemporaryFile() as text:
            environment = {**os.environ, "KQ_OUT": out, **variables}
            words = [str(word).replace("{out}", out) for word in command]
            stats = pathlib.Path(out) / "stats.json"
            environment["KQ_STATS"] = str(stats)
            self.child = subprocess.Popen(words, stdout=text, stderr=subprocess.DEVNULL,
                                          env=environment)
            stopped = self.wait(limit)
            text.seek(0)
            self.text = text.read().decode(errors="replace")
            saved = any(pathlib.Path(out).glob("findings/*.json"))
            self.stats = json.loads(stats.read_text()) if stats.exists() else {}
        code = self.child.returncode
        # A mutant that takes the whole program down has been found. A race that had no time to do
        # anything fails as well, but has found nothing.
        self.found = (code == 1 and saved) or (code < 0 and not stopped)
        if code == 2:
            raise CannotRun(f"{' '.join(words)}: exit code 2")

    def wait(self, limit):
        """True when the processor time was spent before the command ended."""
        stopped = None
        while True:
            pid, status, usage = os.wait4(self.child.pid, os.WNOHANG)
            if pid != 0:
                self.child.returncode = os.waitstatus_to_exitcode(status)
                self.seconds = usage.ru_utime + usage.ru_stime
                return stopped is not None
            if stopped is None and processor_seconds(self.child.pid) > limit:
                self.child.send_signal(signal.SIGTERM)
                stopped = time.monotonic()
            elif stopped is not None and time.monotonic() > stopped + GRACE:
                self.child.send_signal(signal.SIGKILL)
            time.sleep(LOOK)


class Outcome:
    def __init__(self, found, seconds, schedules):
        self.found, self.seconds, self.schedules = found, seconds, schedules


def explored(text):
    """Schedules, and processor seconds in them, of what `kqtorture explore --json` prints."""
    try:
        program = json.loads(text[text.index("{"):])["programs"][0]
        return program["schedules"], program["processor_seconds"]
    except (ValueError, KeyError, IndexError):
        return None, None


def fuzzer_options():
    """libFuzzer's part of schedule_fuzzer.options."""
    text = (ROOT / "fuzz/schedule_fuzzer.options").read_text()
    section = text.split("[libfuzzer]")[1].split("\n[")[0]
    return [f"-{name}={value}" for name, value in re.findall(r"^ *(\w+) *= *(\S+)", section, re.M)]


class Bench:
    """Runs mutants. `builds` has a folder for each preset."""

    def __init__(self, builds, mutants, tsan_prefix):
        self.builds, self.mutants, self.tsan_prefix = builds, mutants, tsan_prefix

    def subject(self, way, name):
        preset = {TSAN: "tsan", FUZZER: "fuzz", SEEDS: "fuzz"}.get(way, "release")
        free = way in (STRESS, TSAN, FREE)
        folder = "lib/mutants/schedules" if free else "lib/controlled/mutants"
        return self.builds / preset / folder / f"{name}.so"

    def command(self, way, name, seed, seconds, subject, shortest=False):
        """What runs the mutant for so long; or the shortest run there is."""
        program = self.mutants / f"{name}.litmus"
        kqtorture = self.builds / "release/bin/kqtorture"
        if way in (STRESS, TSAN):
            preset = "release" if way == STRESS else "tsan"
            command = [self.builds / preset / "bin/kq_stress", "--subject", subject, "--seed", seed,
                       "--gtest_fail_fast"]
            if way == TSAN:
                command = [*self.tsan_prefix, *command]
            if shortest:
                return [*command, "--iterations", 1, f"--gtest_filter=*{ONE_CASE}", "--threads", 3]
            return [*command, "--budget", PASS, "--gtest_shuffle",
                    f"--gtest_random_seed={seed % 99999 + 1}"]
        if way in (FUZZER, SEEDS):
            length = "-runs=1" if shortest else f"-max_total_time={int(seconds)}"
            # It writes into the first folder that it is given.
            inputs = [f"-seed_inputs={program}"]
            if way == SEEDS and not shortest:
                inputs = ["{out}", ROOT / "corpus/schedule_fuzzer"]
            return [self.builds / "fuzz/bin/schedule_fuzzer", f"-seed={seed}", length,
                    *fuzzer_options(), f"-dict={ROOT}/fuzz/schedule_fuzzer.dict",
                    "-artifact_prefix={out}/", *inputs]
        length = ["--budget", int(seconds)]
        if way == FREE:
            return [kqtorture, "run", program, "--engine", "free", "--no-shrink", "--seed", seed,
                    "--subject", subject, *(["--iterations", 1] if shortest else length)]
        return [kqtorture, "explore", program, "--strategy", way, "--jobs", 1, "--json", "--seed",
                seed, "--subject", subject, *(["--schedules", 1] if shortest else length)]

    @staticmethod
    def variables(way, subject):
        if way not in (FUZZER, SEEDS):
            return {}
        only = {"KQ_SCHEDULES_ONLY": "1"} if way == FUZZER else {}
        return {"KQ_SUBJECT": str(subject), **only}

    def start(self, way, name, seed):
        """Processor seconds of the shortest run, of the sound libkq."""
        command = self.command(way, name, seed, 1, "emulator", shortest=True)
        variables = self.variables(way, "emulator")
        # A fuzzer tells its own process's time, not its supervisor's.
        if way in (FUZZER, SEEDS):
            variables["KQ_WORKER"] = "0"
        return Run(command, PATIENCE, variables).seconds

    def run(self, way, name, seed, budget, start):
        subject = self.subject(way, name)
        found, spent, part = False, 0.0, 0
        while not found and spent < budget:
            drawn = seed if part == 0 else seed + 1000 * part
            command = self.command(way, name, drawn, PATIENCE * budget, subject)
            run = Run(command, budget - spent + start, self.variables(way, subject))
            spent += max(run.seconds - start, 0)
            found = run.found
            part += 1
            # The others go on for as long as they are let.
            if way not in (STRESS, TSAN):
                break
        # Naming the places in the source, and running it again, comes after the first finding.
        if found and "processor_us" in run.stats:
            spent = max(run.stats["processor_us"] / 1e6 - start, 0)
        if way not in STRATEGIES:
            return Outcome(found, spent, run.stats.get("executions"))
        schedules, seconds = explored(run.text)
        return Outcome(found, spent if seconds is None else seconds, schedules)
