"""Running kq_bench: one process for each family, so that contenders for the same work have their
repetitions in turns within seconds of each other, and a peer that crashes takes one family down.
"""

import json
import os
import re
import subprocess
import tempfile

from samples import BadInput, CONTENDER, parse, printable, rows_of

SHORTEST = 0.002  # seconds of one repetition: some hundred times a clock read and a first wait
LONGEST = 0.2  # longer ones only meet more of what else the machine does
START_UP = 0.06  # seconds of a child that measures nothing


class Finding(Exception):
    """The subject answered wrongly, crashed or hung; kq_bench has said how."""


def escape(name):
    return re.sub(r"([.+*?^${}()|\[\]\\])", r"\\\1", name)


def family_of(name):
    return CONTENDER.sub("", name, count=1)


class Bench:
    """The program with what every child of a job is told."""

    def __init__(self, program, subject=None, peer=None, scratch=None):
        self.program, self.subject, self.peer = program, subject, peer
        self.scratch = scratch or tempfile.mkdtemp(prefix="kq_bench.")
        self.children = 0
        self.notes = []  # what a person has to know of the results

    def command(self, peer):
        command = [self.program]
        if self.subject:
            command += ["--subject", self.subject]
        return command + (["--peer", self.peer] if peer and self.peer else [])

    def names(self, pattern="."):
        """All measurements that match, in the order of their declaration."""
        answer = subprocess.run(
            [*self.command(True), "--benchmark_list_tests", f"--benchmark_filter={pattern}"],
            capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if answer.returncode != 0:
            raise BadInput(last_line(answer.stderr) or f"kq_bench exits {answer.returncode}")
        return [line for line in answer.stdout.splitlines() if line]

    def families(self, pattern="."):
        """family -> names"""
        result = {}
        for name in self.names(pattern):
            result.setdefault(family_of(name), []).append(name)
        return result

    def child(self, names, repetitions, seconds, peer, findings):
        """(exit code, document or None, last line of stderr) of one process."""
        self.children += 1
        out = os.path.join(self.scratch, f"{self.children}.json")
        chosen = "|".join(escape(name) for name in names)
        command = [*self.command(peer), f"--benchmark_filter=^({chosen})$",
                   f"--benchmark_repetitions={repetitions}",
                   "--benchmark_enable_random_interleaving=true",
                   f"--benchmark_min_time={seconds:.5f}", f"--benchmark_out={out}",
                   "--benchmark_out_format=json",
                   "--histograms", os.path.join(self.scratch, "histograms")]
        answer = subprocess.run(command, env={**os.environ, "KQ_OUT": findings},
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                errors="replace", check=False, stdin=subprocess.DEVNULL)
        document = None
        try:
            with open(out, encoding="utf-8") as file:
                document = parse(file.read())
            os.unlink(out)
        except (OSError, BadInput):
            pass
        return answer.returncode, document, last_line(answer.stderr)

    def run_family(self, names, repetitions, seconds, findings):
        """The document of one family. A peer that takes its process down is left out, and noted."""
        with_peer = self.peer and any("/by:peer" in name for name in names)
        if with_peer:
            spare = os.path.join(self.scratch, "peer")
            code, document, _ = self.child(names, repetitions, seconds, True, spare)
            if code == 0 and document is not None:
                return document
            self.notes.append(f"{family_of(names[0])}: without the peer, which did not survive it")
            names = [name for name in names if "/by:peer" not in name]
        code, document, said = self.child(names, repetitions, seconds, False, findings)
        if code == 1:
            raise Finding(said)
        if code != 0 or document is None:
            raise BadInput(f"kq_bench exits {code}: {said}")
        return document


def last_line(text):
    lines = [line for line in text.splitlines() if line.strip()]
    return printable(lines[-1]) if lines else ""


def seconds_for(measurements, repetitions, families, budget):
    """The time of one repetition, so that all of them fit into the budget, roughly: finding the
    number of iterations takes about two repetitions more."""
    left = max(0.0, budget - families * START_UP)
    return min(LONGEST, max(SHORTEST, left / max(1, measurements * (repetitions + 2))))


def merge(documents):
    """One document in Google Benchmark's form, of many."""
    result = {"context": documents[0].get("context", {}), "benchmarks": []}
    for document in documents:
        result["benchmarks"] += document.get("benchmarks", [])
    return result


def run_all(bench, families, repetitions, budget, findings, progress):
    measurements = sum(len(names) for names in families.values())
    seconds = seconds_for(measurements, repetitions, len(families), budget)
    documents = []
    for index, (family, names) in enumerate(families.items()):
        progress(index, len(families), family)
        documents.append(bench.run_family(names, repetitions, seconds, findings))
    return merge(documents)


def rows_or_none(document):
    try:
        return rows_of(document)
    except BadInput:
        return {}


def write_json(path, document):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    temporary = path + ".new"
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1)
    os.replace(temporary, path)
