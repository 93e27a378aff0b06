#!/usr/bin/env python3
"""What scripts/mutate.py takes for a small mistake, and that the same seed draws the same ones."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
# pylint: disable=wrong-import-position
try:
    import mutate
except SystemExit:
    sys.exit(77)
from mutate_operators import Finder, parse

SOURCE = """
struct MutexGuard { explicit MutexGuard(int); ~MutexGuard(); };
void call(int);
int locked(int a, int b) {
  if (a < b && a > 0) return 1;
  {
    MutexGuard guard(a);
    call(a);
    call(b);
  }
  call(3);
  for (int i = 0; i <= a; ++i) { if (int left = b - i) call(left); }
  return a ? b : 2;
}
"""


class Mutants(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.source = self.folder / "a.cpp"
        self.source.write_text(SOURCE)

    def edits(self, operator):
        finder = Finder(parse(self.source, ["-x", "c++", "-std=gnu++20"]), self.source, SOURCE)
        return [" ".join((SOURCE[:edit.begin] + edit.text + SOURCE[edit.end:]).split())
                for edit in finder.all() if edit.operator == operator]

    def expect(self, operator, *texts):
        edits = self.edits(operator)
        for text in texts:
            self.assertTrue(any(text in edit for edit in edits), text)
        return edits

    def test_every_kind_of_condition_is_negated(self):
        edits = self.expect("negate", "if (!(a < b && a > 0))", "if (!(a < b) && a > 0)",
                            "if (a < b && !(a > 0))", "for (int i = 0; !(i <= a); ++i)",
                            "if (int left = b - i; !left)", "return !(a) ? b : 2;")
        self.assertEqual(len(edits), 6)

    def test_what_is_declared_or_returned_at_the_end_is_not_dropped(self):
        edits = self.expect("drop", "if (a < b && a > 0) ;", "{ ; call(a); call(b); }",
                            "call(a); ; }", "} ; for", "0) return 1; { MutexGuard")
        self.assertFalse(any("return a ? b : 2;" not in edit for edit in edits))
        self.assertFalse(any("int i = 0" not in edit and "for" in edit for edit in edits))

    def test_a_lock_changes_places_with_its_neighbour(self):
        self.assertEqual(len(self.expect("swap", "{ call(a); MutexGuard guard(a); call(b); }")), 1)

    def test_statements_leave_a_section_and_enter_it(self):
        edits = self.expect("move", "call(a); } call(b); call(3);", "call(b); call(3); } for",
                            "{ { MutexGuard guard(a); call(a); } call(b); }")
        self.assertEqual(len(edits), 3)

    def test_bounds_and_numbers_are_off_by_one(self):
        self.expect("off", "a <= b && a > 0", "a >= 0", "i < a", "call((3 + 1))", "int i = (0 + 1)")

    def test_the_same_seed_writes_the_same_and_nothing_equal_to_the_original(self):
        recipe = {"compiler": "c++", "source": str(self.folder), "sources": ["a.cpp"],
                  "flags": ["-O1", "-std=gnu++20"]}
        (self.folder / "recipe.json").write_text(json.dumps(recipe))
        (self.folder / "include").mkdir()
        known = self.folder / "known.txt"

        def run(out, *more):
            subprocess.run([sys.executable, "-B", ROOT / "scripts/mutate.py",
                            self.folder / "recipe.json", "--out", self.folder / out, "--count",
                            "6", "--explained", known, *more], check=True, capture_output=True)
            return {path.name: path.read_text() for path in (self.folder / out).iterdir()}

        known.write_text("")
        first = run("one", "--seed", "7", "--jobs", "1")
        self.assertEqual(len(first), 6)
        name = sorted(first)[0].removesuffix(".patch")
        known.write_text(f"# Comment.\n{name} equivalent: nobody\n    sees it.\n")
        second = run("two", "--seed", "7", "--jobs", "2")
        self.assertEqual(sorted(first), sorted(second))
        self.assertIn("\nequivalent: nobody sees it.\n", second[f"{name}.patch"])
        self.assertNotEqual(sorted(first), sorted(run("three", "--seed", "8")))
        # A sample that was drawn once is kept, whatever the seed and wherever it stands.
        drawn = self.folder / "drawn.txt"
        drawn.write_text("".join(each.removesuffix(".patch") + "\n" for each in first))
        kept = run("four", "--seed", "9", "--drawn", str(drawn))
        self.assertEqual(sorted(first), sorted(kept))
        for text in first.values():
            subprocess.run(["patch", "-p3", "-s", "-f", "--fuzz=0", "--dry-run"], input=text,
                           cwd=self.folder, check=True, text=True)

    def test_an_explanation_of_nothing_is_refused(self):
        known = self.folder / "known.txt"
        known.write_text("drop_a_0123ab whatever: why\n")
        with self.assertRaises(SystemExit):
            mutate.read_explained(known)


if __name__ == "__main__":
    unittest.main()
