#!/usr/bin/env python3
"""The table of README.md says what the pages of the score say."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SCRIPT = ROOT / "scripts/score_readme.py"
PAGE = ("# Score\n\n**{} of 20 planted bugs found (90.0 %), the median in 1.5 s, "
        "the slowest in 42 s.** Seed 1.\n")
MARKS = ("<!-- scripts/score --update-docs writes this. -->", "<!-- End of what it writes. -->")


class Readme(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        (self.root / "docs").mkdir()
        (self.root / "docs/score.md").write_text(PAGE.format(18))
        (self.root / "docs/score-mechanical.md").write_text(PAGE.format(17))
        (self.root / "docs/explore-score.md").write_text("| | against |\n| all | 94.0 |\n")
        (self.root / "README.md").write_text(f"Before.\n{MARKS[0]}\nold\n{MARKS[1]}\nAfter.\n")

    def run_it(self, *arguments):
        return subprocess.run([sys.executable, "-B", SCRIPT, *arguments, self.root], text=True,
                              capture_output=True, check=False)

    def test_what_stands_between_the_marks_is_replaced(self):
        self.assertEqual(self.run_it("--check").returncode, 1)
        self.assertEqual(self.run_it().returncode, 0)
        self.assertEqual(self.run_it("--check").returncode, 0)
        text = (self.root / "README.md").read_text()
        self.assertTrue(text.startswith("Before.\n") and text.endswith("After.\n"))
        self.assertNotIn("old", text)
        for part in ("| 18 | 90.0 % | 1.5 s | 42 s |", "| 17 |", "94.0 times"):
            self.assertIn(part, text)

    def test_a_page_or_a_mark_that_is_missing_is_named(self):
        (self.root / "docs/score.md").write_text("nothing\n")
        ran = self.run_it()
        self.assertEqual((ran.returncode, "score.md" in ran.stderr), (2, True))
        (self.root / "docs/score.md").write_text(PAGE.format(18))
        (self.root / "README.md").write_text("nothing\n")
        ran = self.run_it()
        self.assertEqual((ran.returncode, "README.md" in ran.stderr), (2, True))


if __name__ == "__main__":
    unittest.main()
