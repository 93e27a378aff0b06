#!/usr/bin/env python3
"""A rule that cannot fire protects nothing: each is shown a small clean tree, where it must stay
silent, and that tree with one planted violation, where it and no other rule must speak."""

import pathlib
import shutil
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
import rules  # noqa: E402
from tree import Tree  # noqa: E402

OPENING = "// What this file is for, and why it is built as it is.\n"
SCRIPT = """#!/usr/bin/env bash
# Usage: scripts/{name}, which does nothing and is here to be looked at.
set -euo pipefail
case ${{1:-}} in
  --help) echo "Usage: scripts/{name}" ;;
  --list) echo git ;;
  --*) echo "{name}: unknown argument" >&2; exit 2 ;;
esac
"""
CLEAN = {
    "src/contract/model.h": OPENING + "#pragma once\n\nint model();\n",
    "src/contract/model.cpp": '#include "contract/model.h"\n',
    "src/subject/subject.h": OPENING + "#pragma once\n\nint subject();\n",
    "src/kqueue/knote.h": OPENING + "#pragma once\n",
    "src/kqueue/kevent.cpp": OPENING + '#include "knote.h"\n',
    "src/scenario/run.cpp": OPENING + '#include "contract/model.h"\n#include "subject/subject.h"\n',
    "fuzz/flags_fuzzer.cpp": OPENING + '#include "subject/subject.h"\n',
    "fuzz/flags_fuzzer.dict": '"x"\n',
    "fuzz/flags_fuzzer.options": "[libfuzzer]\n",
    "corpus/flags_fuzzer/one": "any /ro" + "ot/x, any\ttab, any TO" + "DO\n",
    "tests/kqueue/white_box.cpp": OPENING + '#include "kqueue/knote.h"\n',
    "scripts/setup": SCRIPT.format(name="setup"),
    "docs/dependencies.md": "- `git`: to clone. See [the index](README.md#more).\n",
    "docs/README.md": "[needs](dependencies.md), [model](../src/contract/), [web](http://x.org/)\n",
}


def replaced(path, old, new):
    return {path: CLEAN[path].replace(old, new)}


# rule -> the violations to plant, one at a time: files to write (None: to remove), or a callable.
PLANTED = {
    rules.file_opens_with_a_paragraph: [
        {"src/contract/model.h": "#pragma once\n\nint model();\n", "src/contract/model.cpp": None},
        {"src/contract/model.h": "// Model.\n#pragma once\n\nint model();\n"},
        {"tests/run_all.py": "import os\n"},
        {"src/contract/model.cpp": "int model();\n"},
        {"src/scenario/words.cpp": '#include "contract/model.h"\n'},
    ],
    rules.top_level_is_small: [
        {"notes.md": "Notes.\n"},
        {"tools/run_all.py": OPENING.replace("//", "#")},
    ],
    rules.file_is_short: [
        {"src/contract/model.h": OPENING + "int x;\n" * rules.MAX_LINES},
        {"scripts/setup": SCRIPT.format(name="setup") + "true\n" * rules.MAX_LINES},
    ],
    rules.lines_are_narrow: [
        {"tests/tool.py": '"""A tool for looking at things that stand in rows."""\n# ' + "x" * 99},
    ],
    rules.no_tabs_and_no_trailing_space: [
        {"cmake/Flags.cmake": "# The flags that everything is compiled with here.\n\tset(x 1)\n"},
        {"cmake/Flags.cmake": "# The flags that everything is compiled with here. \n"},
    ],
    rules.no_unfinished_marks: [
        {"docs/page.md": "Later. TO" + "DO: say how.\n"},
        replaced("src/contract/model.h", "int model();", "int model();  // FIX" + "ME"),
    ],
    rules.no_host_facts: [
        {"docs/page.md": "See /ho" + "me/somebody/notes.\n"},
        {"docs/page.md": "Ask 192.16" + "8.1.7.\n"},
    ],
    rules.includes_point_down: [
        replaced("src/contract/model.h", "once\n", 'once\n\n#include "subject/subject.h"\n'),
        replaced("src/contract/model.h", "once\n", 'once\n\n#include "kqueue/knote.h"\n'),
        replaced("src/kqueue/knote.h", "once\n", 'once\n\n#include "contract/model.h"\n'),
        replaced("src/kqueue/knote.h", "once\n", 'once\n\n#include "../contract/model.h"\n'),
        replaced("src/subject/subject.h", "once\n", 'once\n\n#include "scenario/run.h"\n'),
        replaced("fuzz/flags_fuzzer.cpp", "subject/subject.h", "kqueue/knote.h"),
        replaced("fuzz/flags_fuzzer.cpp", '"subject/subject.h"', "<sys/event.h>"),
    ],
    rules.fuzzers_are_complete: [
        {"fuzz/flags_fuzzer.dict": None},
        {"fuzz/flags_fuzzer.options": None},
        {"corpus/flags_fuzzer/one": None},
    ],
    rules.links_lead_somewhere: [
        {"docs/page.md": "See [there](nowhere.md#here).\n"},
    ],
    rules.packages_are_explained: [
        {"docs/dependencies.md": "Nothing is needed.\n"},
    ],
    rules.scripts_help_and_refuse: [
        {"scripts/other": SCRIPT.format(name="other").replace("--help)", "--hilfe)")},
        {"scripts/other": SCRIPT.format(name="other").replace("exit 2", "exit 0")},
        {"scripts/other": SCRIPT.format(name="other").replace("set -euo pipefail", "set -e")},
        lambda root: write(root, {"scripts/other": SCRIPT.format(name="other")}, mode=0o644),
    ],
    rules.shellcheck_is_silent: [
        {"scripts/lib.sh": "# shellcheck shell=bash\n# Bits that are shared by all scripts.\n"
                           "unquoted() { ls $1; }\n"},
    ],
    rules.clang_format_is_silent: [
        replaced("src/contract/model.h", "int model();", "int  model( );"),
    ],
}


def write(root, files, mode=0o755):
    for path, text in files.items():
        file = root / path
        if text is None:
            file.unlink()
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        if path.startswith("scripts/"):
            file.chmod(mode)


def speaking(root):
    """The names of the rules that find something in a tree, and of those that cannot look."""
    tree, names, blind = Tree(str(root)), set(), set()
    for rule in rules.RULES:
        try:
            if list(rule(tree)):
                names.add(rule.__name__)
        except rules.Skipped:
            blind.add(rule.__name__)
    return names, blind


class EveryRule(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp())
        style = pathlib.Path(__file__).parents[2] / ".clang-format"
        shutil.copy(style, self.root / ".clang-format")
        write(self.root, CLEAN)

    def tearDown(self):
        shutil.rmtree(self.root)

    def test_is_silent_on_a_clean_tree(self):
        self.assertEqual(speaking(self.root)[0], set())

    def test_has_a_planted_violation(self):
        self.assertEqual(set(rules.RULES), set(PLANTED))


def add_case(rule, number, violation):
    def fires(self):
        if callable(violation):
            violation(self.root)
        else:
            write(self.root, violation)
        names, blind = speaking(self.root)
        if rule.__name__ in blind:
            self.skipTest("the tool that this rule asks is not here")
        self.assertEqual(names, {rule.__name__})

    setattr(EveryRule, f"test_{rule.__name__}_fires_on_violation_{number}", fires)


for planted_rule, violations in PLANTED.items():
    for index, planted in enumerate(violations, 1):
        add_case(planted_rule, index, planted)

if __name__ == "__main__":
    unittest.main()
