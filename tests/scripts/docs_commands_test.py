#!/usr/bin/env python3
"""The commands in README.md, CONTRIBUTING.md and docs/ are ones that a reader can type: programs,
subcommands, options and files of each exist, and those that take a moment are run.
Usage: docs_commands_test.py BUILD-DIRECTORY, of preset release."""

import json
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
import cli_help  # noqa: E402

BUILD = pathlib.Path(sys.argv.pop(1)).resolve() if len(sys.argv) > 1 else ROOT / "build/release"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PRESETS = {preset["name"] for preset in json.loads((ROOT / "CMakePresets.json").read_text())
           ["configurePresets"]}
# Programs with --help of our kind; of others only that they are built, by this name somewhere.
OURS = {"kqtorture", "kq_stress", "kq_sweep", "kq_bench", "kq_webserver"}
OTHERS = {"kqueue_tests", "kqueue_tests_linked"} | {
    path.stem + end for path in (ROOT / "fuzz").glob("*_fuzzer.cpp") for end in ("", "_replay")}
# What is run, and the exit code that the page promises. Paths are stood in for below.
RUN = {
    "kqtorture survey": 0,
    "kqtorture survey --json kq.json": 0,
    "kqtorture survey --subject /path/to/libyours.so --json mine.json": 0,
    "kqtorture survey --atlas atlas.html kq.json mine.json": 0,
    "build/release/bin/kqtorture survey --subject /path/to/libyours.so": 0,
    "build/release/bin/kqtorture check --subject /path/to/libyours.so": 0,
    "build/release/bin/kqtorture explain out/findings/NAME.json --html page.html": 0,
    "build/release/bin/kqtorture explain out/findings/NAME.json": 0,
    "build/release/bin/kqtorture replay out/findings/NAME.json": 1,
    "build/release/bin/kqtorture shrink out/findings/NAME.json": 1,
    "kqtorture triage out/findings --known known.txt": 0,
    "kqtorture run dispatch.litmus": 0,
}
STAND_INS = {"/path/to/libyours.so": "build/release/lib/libkq.so",
             "dispatch.litmus": "corpus/litmus/dispatch_disables.litmus"}


def commands(page):
    """(line number, command) of a page: indented or in a fence for shells, continued by a
    backslash, without comments. A line that starts with none of our programs is no command."""
    lines = page.read_text().splitlines()
    fence, number = None, 0
    while number < len(lines):
        line, first = lines[number], number + 1
        number += 1
        if line.startswith("```"):
            fence = None if fence else line[3:] or "text"
            continue
        if not (fence in ("sh", "bash", "console") or fence is None and line.startswith("    ")):
            continue
        while line.endswith("\\") and number < len(lines):
            line = line[:-1] + lines[number]
            number += 1
        for part in re.split(r"\s&&\s", re.sub(r"\s#\s.*", "", line)):
            words = re.sub(r"^\s*(\$ )?(\w+=\S+\s+)*", "", part).strip()
            if re.match(r"(scripts/[\w-]+|build/|kqtorture\b|kq_\w+|kqueue_tests|cmake |ctest )",
                        words) and "(" not in words.split()[0]:
                yield first, words


def problems(command):
    """What is wrong with a command, one sentence each."""
    words = shlex.split(command)
    program, arguments = words[0], words[1:]
    if program in ("cmake", "ctest"):
        for preset in re.findall(r"--preset (\S+)", command):
            if preset not in PRESETS:
                yield f"no preset {preset}"
        return
    built = re.fullmatch(r"(?:kqtorture/)?build/([\w-]+)/bin/(\w+)", program)
    name = built.group(2) if built else program
    if built and built.group(1) not in PRESETS:
        yield f"no preset {built.group(1)}"
    if program.startswith(("scripts/", "kqtorture/scripts/")):
        script = ROOT / program.removeprefix("kqtorture/")
        if not script.is_file():
            yield f"no {program}"
            return
        taken = cli_help.options(str(script))
    elif name in OTHERS:
        return
    elif name in OURS and (BUILD / "bin" / name).exists():
        call = [str(BUILD / "bin" / name)]
        known = cli_help.subcommands(*call)
        if known:
            subcommand = arguments[0] if arguments else ""
            if subcommand not in known:
                yield f"{name} has no {subcommand or 'command without a subcommand'}"
                return
            call.append(subcommand)
        taken = cli_help.options(*call)
    elif name in OURS:
        return  # not built here
    else:
        yield f"no program {program}"
        return
    for word in arguments:
        option = re.match(r"--([a-z][\w-]*)", word)
        if option and option.group(1) not in taken and not option.group(1).startswith("gtest_"):
            yield f"{name} takes no --{option.group(1)}"
        if re.match(r"(corpus|tests|src|stress|fuzz)/", word) and not (ROOT / word).exists():
            yield f"there is no {word}"


class Commands(unittest.TestCase):
    def test_programs_options_and_files_exist(self):
        found = wrong = 0
        for page in PAGES:
            for number, command in commands(page):
                found += 1
                for problem in problems(command):
                    wrong += 1
                    print(f"{page.relative_to(ROOT)}:{number}: {problem}: {command}")
        print(f"{found} commands on {len(PAGES)} pages")
        self.assertGreaterEqual(found, 60)
        self.assertEqual(wrong, 0)

    def test_planted_mistakes_are_found(self):
        for good in ("scripts/torture --budget 300", "kqtorture run corpus/litmus --seed 1",
                     "build/release/bin/kq_stress --seed=7 --gtest_filter=x"):
            self.assertEqual(list(problems(good)), [], good)
        for bad in ("scripts/tortoise", "scripts/torture --budgets 300", "kqtorture walk",
                    "kqtorture", "kqtorture run corpus/litmuss", "cmake --preset relase",
                    "build/relase/bin/kq_stress", "kqtorture survey --strategy all",
                    "build/release/bin/kq_stressed"):
            self.assertNotEqual(list(problems(bad)), [], bad)

    def test_what_takes_a_moment_runs(self):
        on_pages = {}
        for page in PAGES:
            for number, command in commands(page):
                on_pages.setdefault(command, f"{page.relative_to(ROOT)}:{number}")
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / "build").mkdir()
            (folder / "build/release").symlink_to(BUILD)
            (folder / "corpus").symlink_to(ROOT / "corpus")
            # A finding, as a reader has one when he comes to these commands; and its line for
            # the file of what is known.
            kqtorture = BUILD / "bin/kqtorture"
            self.run_in(folder, f"{kqtorture} run corpus/litmus/dispatch_disables.litmus --seed 1 "
                                f"--subject {BUILD}/lib/libkq_canary.so", 1)
            (saved,) = (folder / "out/findings").glob("*.json")
            rule = json.loads(saved.read_text())["rule"]
            verdict = json.loads(saved.read_text())["verdict"]
            (folder / "known.txt").write_text(f"{rule}  {verdict}/*  the canary\n")
            for command, code in RUN.items():
                self.assertIn(command, on_pages, "is on no page any more: take it out of RUN")
                words = command.replace("NAME.json", saved.name)
                for stand_in, path in STAND_INS.items():
                    words = words.replace(stand_in, path)
                words = re.sub(r"^kqtorture", "build/release/bin/kqtorture", words)
                self.run_in(folder, words, code, on_pages[command])

    def run_in(self, folder, command, code, where=""):
        answer = subprocess.run(shlex.split(command), cwd=folder, capture_output=True, text=True,
                                check=False, env={"PATH": "/usr/bin:/bin", "KQ_SEED": "1"})
        self.assertEqual(answer.returncode, code,
                         f"{where}: {command}\n{answer.stdout}{answer.stderr}")


if __name__ == "__main__":
    unittest.main()
