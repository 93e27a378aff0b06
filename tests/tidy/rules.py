"""The house rules that a machine can check, one function per rule.

Each rule takes the tree (tree.py) and yields violations, "file:line: what is wrong". They are plain
text rules on purpose: no build is needed to run them, and a rule is short enough to argue about.
self_test.py shows of each that it fires on a planted violation.
"""

import re
import shutil
import subprocess

from tree import is_cpp, is_script

MAX_LINES = 450  # a file that one reader can hold; the house aims at 150
MAX_COLUMNS = 100
MIN_OPENING_WORDS = 6  # fewer is a title, not a paragraph

# Who may include whom, beside itself. The model is written from the contract and never from the
# emulator, so contract and kqueue know nothing of ours; everything else points downwards.
ROOMS = {
    "kqueue": set(),
    "contract": set(),
    "sched": {"scenario"},
    "report": {"contract"},
    "subject": {"report"},
    "scenario": {"subject", "contract", "report"},
    "engine": {"scenario", "subject", "contract", "report", "sched"},
    "cli": {"engine", "scenario", "subject", "contract", "report", "sched"},
}
# What is tested is reached through the subject interface and through nothing else.
SUBJECT_USERS = ("src/contract", "src/report", "src/scenario", "src/engine", "src/cli", "fuzz",
                 "stress", "bench")
# The user's list, and what tools look for there and nowhere else. All else has a room.
TOP_LEVEL = {"README.md", "CONTRIBUTING.md", "LICENSE", "CMakeLists.txt", "CMakePresets.json",
             ".clang-format", ".clang-tidy", ".gitignore", "fuzz", "stress", "bench", "corpus",
             "scripts", "src", "tests", "docs", "cmake", ".ci", ".github", ".clusterfuzzlite",
             "debian"}
LIMITED_FOLDERS = ("src/", "fuzz/", "stress/", "bench/", "tests/", "scripts/")
UNLIMITED_SUFFIXES = (".patch", ".json", ".md", ".dict")


class Skipped(Exception):
    """The rule cannot be checked here; the text says why."""


def file_opens_with_a_paragraph(tree):
    for path in tree.files:
        if not (is_cpp(path) or is_script(tree, path) or path.endswith((".py", ".sh", ".cmake"))):
            continue
        opening = opening_comment(tree.text(path)) or opening_comment(own_header(tree, path))
        if len(opening.split()) < MIN_OPENING_WORDS:
            yield f"{path}:1: does not open with a paragraph that says what it is for and why"


def own_header(tree, path):
    """x.cpp that starts by including x.h answers the question that x.h opens with."""
    header = re.sub(r"\.(cpp|cc|c)$", ".h", path)
    name = header.rsplit("/", 1)[-1]
    starts_with_it = re.match(rf'#include "(?:[\w/]*/)?{re.escape(name)}"', tree.text(path))
    return tree.text(header) if starts_with_it and header in tree.known else ""


def opening_comment(text):
    """The words of the comment that a file starts with, after #! and shellcheck lines."""
    text = re.sub(r"\A#!.*\n", "", text)
    text = re.sub(r"\A# shellcheck .*\n", "", text)
    block = re.match(r'\s*(/\*.*?\*/|""".*?"""|(?:[ \t]*(?://|#(?!\w*\s*[<"])).*\n)+)', text, re.S)
    return re.sub(r'[/*#"]', " ", block.group(1)) if block else ""


def top_level_is_small(tree):
    for name in sorted({path.split("/")[0] for path in tree.files} - TOP_LEVEL):
        yield f"{name}:1: has no place at the top level"


def file_is_short(tree):
    for path in tree.files:
        if path.startswith(LIMITED_FOLDERS) and not path.endswith(UNLIMITED_SUFFIXES):
            count = tree.text(path).count("\n")
            if count > MAX_LINES:
                yield f"{path}:{count}: {count} lines, more than {MAX_LINES}: split it by question"


def lines_are_narrow(tree):
    for path, number, line in code_lines(tree):
        if len(line) > MAX_COLUMNS:
            yield f"{path}:{number}: {len(line)} columns, more than {MAX_COLUMNS}"


def no_tabs_and_no_trailing_space(tree):
    for path, number, line in code_lines(tree):
        if "\t" in line:
            yield f"{path}:{number}: a tab"
        if line != line.rstrip():
            yield f"{path}:{number}: trailing space"


def code_lines(tree):
    for path in tree.files:
        if is_cpp(path) or is_script(tree, path) or path.endswith((".py", ".sh", ".cmake", ".txt")):
            if not path.startswith("corpus/"):
                for number, line in enumerate(tree.text(path).splitlines(), 1):
                    yield path, number, line


def no_unfinished_marks(tree):
    marks = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|X" + r"XX|H" + r"ACK)\b")
    for path in tree.files:
        if not path.startswith("corpus/"):
            yield from matches(tree, path, marks, "an unfinished mark")


def no_host_facts(tree):
    facts = re.compile(r"(?<![\w.])/(?:ro" + r"ot|wo" + r"rk|ho" + r"me|Us" + r"ers)/\w"
                       r"|\b(?:10|192\.168|172\.(?:1[6-9]|2\d|3[01]))(?:\.\d{1,3}){2,3}\b")
    for path in tree.files:
        if not path.startswith("corpus/"):
            yield from matches(tree, path, facts, "a path or an address of somebody's machine")


def matches(tree, path, pattern, what):
    for number, line in enumerate(tree.text(path).splitlines(), 1):
        if pattern.search(line):
            yield f"{path}:{number}: {what}: {line.strip()[:60]}"


def includes_point_down(tree):
    for path in tree.files:
        if not is_cpp(path):
            continue
        room = path.split("/")[1] if path.startswith("src/") else None
        for number, line in enumerate(tree.text(path).splitlines(), 1):
            found = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if not found:
                continue
            header = found.group(2)
            if header == "sys/event.h" and path.startswith(SUBJECT_USERS):
                yield f"{path}:{number}: reaches a kqueue by <sys/event.h>, not through the subject"
            target = included_room(tree, path, header)
            if target is None or target == room:
                continue
            if room is not None and target not in ROOMS.get(room, set()):
                yield f"{path}:{number}: src/{room} may not include {header}"
            elif target == "kqueue" and not path.startswith("tests/"):
                yield f"{path}:{number}: only tests may look inside src/kqueue"


def included_room(tree, path, header):
    """The room of src/ that a header belongs to, None when it is no header of ours."""
    folder = path.rsplit("/", 1)[0] if "/" in path else ""
    for candidate in (normalize(f"{folder}/{header}"), f"src/{header}"):
        if candidate in tree.known and candidate.startswith("src/"):
            return candidate.split("/")[1]
    first = header.split("/")[0]
    return first if "/" in header and first in ROOMS else None


def normalize(path):
    parts = []
    for part in path.split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def fuzzers_are_complete(tree):
    for path in tree.files:
        target = re.fullmatch(r"fuzz/(\w+_fuzzer)\.(?:cc|cpp)", path)
        if not target:
            continue
        name = target.group(1)
        for companion in (f"fuzz/{name}.dict", f"fuzz/{name}.options"):
            if companion not in tree.known:
                yield f"{path}:1: has no {companion}"
        if not any(file.startswith(f"corpus/{name}/") for file in tree.files):
            yield f"{path}:1: has no seed in corpus/{name}/"


def links_lead_somewhere(tree):
    folders = {path[:i] for path in tree.files for i, c in enumerate(path) if c == "/"}
    for path in tree.files:
        if not path.endswith(".md"):
            continue
        folder = path.rsplit("/", 1)[0] + "/" if "/" in path else ""
        for number, line in enumerate(tree.text(path).splitlines(), 1):
            for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", line):
                target = normalize(folder + link)
                if "://" not in link and target not in tree.known and target not in folders:
                    yield f"{path}:{number}: there is no {link}"


def packages_are_explained(tree):
    listed = tree.run("scripts/setup", "--list", "--with", "coverage", "--with", "bench",
                      "--with", "mutation", "--with", "packaging", "--with", "browser")
    if listed.returncode != 0:
        yield f"scripts/setup:1: --list exits {listed.returncode}"
        return
    explained = tree.text("docs/dependencies.md") if "docs/dependencies.md" in tree.known else ""
    for requirement in listed.stdout.split():
        for package in requirement.split("|"):
            if f"`{package}`" not in explained:
                yield f"docs/dependencies.md:1: does not say what {package} is for"


def scripts_help_and_refuse(tree):
    for path in tree.files:
        if not is_script(tree, path):
            continue
        if not tree.executable(path):
            yield f"{path}:1: is not executable"
            continue
        if "set -euo pipefail" not in tree.text(path):
            yield f"{path}:1: does not set -euo pipefail"
        answer = tree.run(path, "--help")
        if answer.returncode != 0 or path.rsplit("/", 1)[1] not in answer.stdout:
            yield f"{path}:1: --help does not print its help and exit 0"
        answer = tree.run(path, "--no-such-option")
        if answer.returncode != 2 or answer.stderr.count("\n") != 1:
            yield f"{path}:1: does not refuse an unknown option with one line and exit 2"


def shellcheck_is_silent(tree):
    if not shutil.which("shellcheck"):
        raise Skipped("shellcheck is not installed")
    scripts = [path for path in tree.files
               if path.endswith((".sh", ".bash")) or is_script(tree, path)
               or tree.text(path).startswith("#!/usr/bin/env bash")]
    if scripts:
        answer = subprocess.run(["shellcheck", "-x", "-f", "gcc", *scripts], cwd=tree.root,
                                capture_output=True, text=True, check=False)
        yield from answer.stdout.splitlines()


def clang_format_is_silent(tree):
    program = shutil.which("clang-format-14") or shutil.which("clang-format")
    if not program:
        raise Skipped("clang-format is not installed")
    version = subprocess.run([program, "--version"], capture_output=True, text=True,
                             check=True).stdout
    if not re.search(r"version 14\.", version):
        raise Skipped(f"layout is decided by clang-format 14, here is {version.strip()}")
    # What is kept in the corpus is kept as it was written.
    sources = [path for path in tree.files if is_cpp(path) and not path.startswith("corpus/")]
    if sources:
        answer = subprocess.run([program, "--dry-run", *sources], cwd=tree.root,
                                capture_output=True, text=True, check=False)
        untidy = re.findall(r"^(\S+:\d+):\d+: ", answer.stderr, re.M)
        yield from (f"{place}: clang-format would change this" for place in dict.fromkeys(untidy))


RULES = [
    file_opens_with_a_paragraph,
    top_level_is_small,
    file_is_short,
    lines_are_narrow,
    no_tabs_and_no_trailing_space,
    no_unfinished_marks,
    no_host_facts,
    includes_point_down,
    fuzzers_are_complete,
    links_lead_somewhere,
    packages_are_explained,
    scripts_help_and_refuse,
    shellcheck_is_silent,
    clang_format_is_silent,
]
