#!/usr/bin/env python3
"""Does `scripts/test` show what failed? A copy of the scripts runs the tests of a project without
sources, in which tests fail in every way that ctest knows."""

import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "scripts"
PRESETS = """{"version": 3,
 "configurePresets": [{"name": "release", "generator": "Ninja",
                       "binaryDir": "${sourceDir}/build/release"}],
 "buildPresets": [{"name": "release", "configurePreset": "release"}],
 "testPresets": [{"name": "release", "configurePreset": "release",
                  "output": {"outputOnFailure": true}}]}
"""
HEAD = "cmake_minimum_required(VERSION 3.22)\nproject(failing NONE)\nenable_testing()\n"
PASSING = 'add_test(NAME passes COMMAND sh -c "echo all is well")\n'
# A GoogleTest program, as far as its output goes.
GTEST = r"""[==========] Running 3 tests from 1 test suite.
[ RUN      ] Suite.Good
chatter of the good case
[       OK ] Suite.Good (0 ms)
[ RUN      ] Suite.Bad
file.cpp:7: Failure
[  FAILED  ] Suite.Bad (0 ms)
[ RUN      ] Suite.Skipped
chatter of the skipped case
[  SKIPPED ] Suite.Skipped (0 ms)
[==========] 3 tests from 1 test suite ran. (0 ms total)
[  FAILED  ] Suite.Bad
"""
FAILING = """
add_test(NAME long COMMAND sh -c "seq -f line-%g 1 100; exit 3")
add_test(NAME program COMMAND sh -c "cat ${CMAKE_SOURCE_DIR}/gtest.txt; exit 1")
add_test(NAME dies COMMAND sh -c "echo last words; kill -SEGV $$")
add_test(NAME hangs COMMAND sleep 60)
set_tests_properties(hangs PROPERTIES TIMEOUT 1)
add_test(NAME absent COMMAND /nowhere/program)
add_test(NAME prepares COMMAND false)
set_tests_properties(prepares PROPERTIES FIXTURES_SETUP prepared)
add_test(NAME needs COMMAND true)
set_tests_properties(needs PROPERTIES FIXTURES_REQUIRED prepared)
add_test(NAME skipped COMMAND sh -c "exit 77")
set_tests_properties(skipped PROPERTIES SKIP_RETURN_CODE 77)
add_test(NAME off COMMAND true)
set_tests_properties(off PROPERTIES DISABLED TRUE)
"""


class ScriptsTest(unittest.TestCase):
    def run_test(self, tests, *arguments):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        shutil.copytree(SCRIPTS, self.root / "scripts")
        (self.root / "scripts/setup").write_text("#!/bin/sh\n")
        (self.root / "CMakePresets.json").write_text(PRESETS)
        (self.root / "CMakeLists.txt").write_text(HEAD + tests)
        (self.root / "gtest.txt").write_text(GTEST)
        return subprocess.run(
            [self.root / "scripts/test", "--preset", "release", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)

    def test_passing_tests_need_few_lines(self):
        result = self.run_test(PASSING)
        lines = result.stdout.splitlines()
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertEqual(lines[-1], "100% tests passed, 0 tests failed out of 1")
        self.assertNotIn("all is well", result.stdout)
        self.assertLess(len(lines), 10, result.stdout)

    def test_failures_come_last_with_their_names_and_words(self):
        result = self.run_test(PASSING + FAILING)
        lines = result.stdout.splitlines()
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertRegex(lines[-1], r"^\d+% tests passed, 5 tests failed out of 10$")
        table = next(i for i, line in enumerate(lines) if re.match(r"release +1 passed", line))
        shown = [line for line in lines[table:] if line.startswith(("failed: ", "not run: "))]
        expected = ["failed: release: " + name for name in
                    ("long", "program", "dies", "hangs", "prepares")]
        expected += ["not run: release: absent", "not run: release: needs"]
        self.assertCountEqual(shown, expected)
        report = "\n".join(lines[table:])
        self.assertIn("    last words", report)
        for line in ("line-1", "line-100", "file.cpp:7: Failure"):
            self.assertIn(f"    {line}\n", report)
        self.assertNotIn("line-50", report)
        self.assertNotIn("chatter", report, "what passed or was skipped")
        self.assertLess(len(lines), 130, "the end of a log shows all of it")

    def test_a_failure_alone_has_room(self):
        result = self.run_test(PASSING + FAILING, "--filter", "^long$")
        shown = re.findall(r"^    line-(\d+)$", result.stdout, re.MULTILINE)
        self.assertEqual(len(shown), 25, result.stdout)
        self.assertEqual((shown[0], shown[-1]), ("1", "100"))


if __name__ == "__main__":
    unittest.main()
