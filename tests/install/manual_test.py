#!/usr/bin/env python3
"""The manual pages and the completions say what the programs take: every subcommand and option of
--help, and nothing else. Usage: manual_test.py DIRECTORY-OF-THE-PROGRAMS."""

import pathlib
import re
import shutil
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/scripts"))
import cli_help  # noqa: E402

BIN = pathlib.Path(sys.argv.pop(1)).resolve()
MAN = ROOT / "docs/man"
COMPLETION = ROOT / "src/cli/completion"
# Of the bits of <sys/event.h>: masks and what only a kernel sets.
NOT_FOR_PROGRAMS = {"EV_SYSFLAGS", "EV_DROP", "EV_FLAG1", "EVFILT_SYSCOUNT", "EV_SET"}


def section(page, name):
    return re.search(rf"^\.Sh {name}\n(.*?)(?=^\.Sh )", page, re.M | re.S).group(1)


def flags(text):
    return set(re.findall(r"Fl -([a-z][\w-]*)", text))


class Manual(unittest.TestCase):
    def page(self, name):
        return (MAN / name).read_text()

    def test_pages_are_mdoc_without_a_warning(self):
        if not shutil.which("mandoc"):
            self.skipTest("mandoc is not installed")
        for page in sorted(MAN.iterdir()):
            # Links between pages are for the machine that they are installed on.
            answer = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], text=True,
                                    capture_output=True, check=False)
            self.assertEqual(answer.stdout, "", page.name)

    def test_every_subcommand_has_its_line_with_its_options(self):
        page = self.page("kqtorture.1")
        synopsis = section(page, "SYNOPSIS")
        lines = dict(re.findall(r"^\.Nm\n\.Cm ([a-z-]+)\n(.*?)(?=^\.Nm\n|\Z)", synopsis,
                                re.M | re.S))
        program = str(BIN / "kqtorture")
        self.assertEqual(sorted(lines), sorted(cli_help.subcommands(program)))
        for subcommand, line in lines.items():
            taken = cli_help.options(program, subcommand) - {"help"}
            self.assertEqual(sorted(flags(line)), sorted(taken), subcommand)
            self.assertRegex(page, rf"(?m)^\.It Cm {subcommand}$")

    def test_every_option_is_explained_and_none_that_is_not_there(self):
        for name in cli_help.PROGRAMS:
            program = str(BIN / name)
            taken = set(cli_help.options(program))
            for subcommand in cli_help.subcommands(program):
                taken |= cli_help.options(program, subcommand)
            page = self.page(f"{name}.1")
            items = re.findall(r"^\.It Fl (.*)", page, re.M)
            explained = {flag for item in items for flag in re.findall(r"(?<!\S)-([a-z][\w-]*)",
                                                                      item)}
            explained = {flag for flag in explained if not flag.startswith("gtest_")}
            self.assertEqual(sorted(explained), sorted(taken), name)
            if not cli_help.subcommands(program):
                synopsis = {flag for flag in flags(section(page, "SYNOPSIS"))
                            if not flag.startswith("gtest_")}
                self.assertEqual(sorted(synopsis), sorted(taken - {"help"}), name)

    def test_kq_names_what_the_header_declares(self):
        header = (ROOT / "src/kqueue/include/sys/event.h").read_text()
        page = self.page("kq.3")
        constants = set(re.findall(r"^#define (EV_\w+|EVFILT_\w+)", header, re.M))
        named = set(re.findall(r"\b(EV_[A-Z]\w*|EVFILT_\w+)", page))
        self.assertEqual(sorted(constants - NOT_FOR_PROGRAMS), sorted(named - {"EV_SET"}))
        functions = set(re.findall(r"^int (\w+)\(", header, re.M))
        declared = set(re.findall(r"^\.F[no] (\w+)(?: (?:void|\"|$)|$)",
                                  section(page, "SYNOPSIS"), re.M))
        self.assertEqual(sorted(functions), sorted(declared))


class Completion(unittest.TestCase):
    """What each shell offers at the end of a command line."""

    def bash(self, *words):
        script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
                  '_kqtorture "$1"; printf "%s\\n" "${COMPREPLY[@]}"')
        return self.lines(["bash", "--norc", "-c", script, "bash", COMPLETION / "kqtorture.bash",
                           *words])

    def zsh(self, *words):
        if not shutil.which("zsh"):
            self.skipTest("zsh is not installed")
        # What the completion system would do with the words: print them.
        script = ('compadd() { print -l -- ${(P)2}; }; _files() { print -l -- *(N); }; '
                  '_describe() { print -l -- ${${(P)2}%%:*}; }; '
                  'source_=$1; shift; words=("$@"); CURRENT=$#; PREFIX=${words[-1]}; '
                  'complete_it() { source $source_; }; complete_it')
        return self.lines(["zsh", "-f", "-c", script, "zsh", COMPLETION / "_kqtorture", *words])

    def lines(self, command):
        answer = subprocess.run(command, capture_output=True, text=True, check=False, cwd=MAN)
        self.assertEqual(answer.stderr, "")
        return sorted(filter(None, answer.stdout.split("\n")))

    def check(self, shell):
        program = str(BIN / "kqtorture")
        self.assertEqual(shell(program, ""), sorted(cli_help.subcommands(program)))
        for subcommand in cli_help.subcommands(program):
            offered = set(shell(program, subcommand, "--"))
            self.assertEqual({word[2:] for word in offered if word.startswith("--")},
                             cli_help.options(program, subcommand), subcommand)
        for name in cli_help.PROGRAMS[1:]:
            offered = set(shell(str(BIN / name), "--"))
            self.assertEqual({word[2:] for word in offered if word.startswith("--")},
                             cli_help.options(str(BIN / name)), name)
        profiles = shell(program, "run", "--profile", "")
        self.assertIn("strict-2006", profiles)
        self.assertEqual(len(profiles), 8)
        self.assertEqual(shell(program, "run", "--engine", ""), ["auto", "free", "sequential"])
        self.assertTrue({"emulator", "native", "kq.3"} <= set(shell(program, "run", "--subject",
                                                                    "")))
        self.assertIn("kq.3", shell(program, "run", ""))

    def test_bash_offers_what_help_names(self):
        self.check(self.bash)
        program = str(BIN / "kqtorture")
        self.assertEqual(self.bash(program, "sur"), ["survey"])
        self.assertEqual(self.bash(program, "run", "--profile", "=", "net"), ["netbsd"])

    def test_zsh_offers_what_help_names(self):
        self.check(self.zsh)


if __name__ == "__main__":
    unittest.main()
