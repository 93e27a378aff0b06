#!/usr/bin/env python3
"""What scripts/explore-score makes of its measurements, and that an interrupted one goes on."""

import pathlib
import signal
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
# pylint: disable=wrong-import-position
from explore_score_page import cell, guard_of, is_deep, page_of, ratio
from explore_score_record import Records
from explore_score_ways import ALL, STRESS, WAYS, Run, fuzzer_options

# Its child alone is busy, for as long as there is somebody who waits for it.
BUSY = """
import os
me = os.getpid()
if os.fork() == 0:
    while os.getppid() == me: pass
else:
    os.wait()
"""


def run_of(way, mutant, seed, seconds, found=True):
    return {"way": way, "mutant": mutant, "seed": seed, "found": found, "seconds": seconds}


class Measurements(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name) / "out/score.jsonl"

    def test_what_was_measured_is_not_measured_again(self):
        records = Records(self.path, 4)
        records.add({"start": 0.5, "way": "pos", "mutant": "m"})
        records.add(run_of("pos", "m", 1, 0.25))
        with self.path.open("a") as file:
            file.write('{"way": "pos", "mutant": "m", "se')
        again = Records(self.path, 4)
        self.assertTrue(again.has("pos", "m", 1))
        self.assertFalse(again.has("pos", "m", 2))
        self.assertEqual(again.start("pos", "m"), 0.5)
        again.add(run_of("pos", "m", 2, 0.75))
        self.assertEqual([run["seconds"] for run in Records(self.path, 4).of("pos", "m")],
                         [0.25, 0.75])

    def test_measurements_of_another_budget_are_refused(self):
        Records(self.path, 4)
        with self.assertRaisesRegex(ValueError, "budget of 4 s"):
            Records(self.path, 5)
        self.path.write_text("nonsense\n")
        with self.assertRaisesRegex(ValueError, ":1: not a measurement"):
            Records(self.path, 4)

    def test_runs_that_found_nothing_make_a_lower_bound(self):
        missed = [run_of(STRESS, "m", seed, 4.0, False) for seed in (1, 2)]
        self.assertEqual(cell(missed + [run_of(STRESS, "m", 3, 1.0)]), "> 4.0 (1 of 3)")
        self.assertEqual(cell([run_of(STRESS, "m", 1, 0.5)]), "0.500")

    def test_ratios_are_geometric_means_of_medians(self):
        records = Records(self.path, 4)
        for mutant, fast in (("a", 0.5), ("b", 0.02)):
            for seed in (1, 2, 3):
                records.add(run_of(STRESS, mutant, seed, 2.0))
                records.add(run_of("pos", mutant, seed, fast))
        self.assertAlmostEqual(ratio(records, ["a", "b"], STRESS, "pos"), 20)
        self.assertIsNone(ratio(records, ["a", "b"], STRESS, "random"))

    def test_a_guard_holds_at_its_ratio_and_fails_below_and_when_nothing_was_measured(self):
        (self.path.parent).mkdir(parents=True)
        for mutant, depth in (("a", 2), ("b", 3), ("shallow", 1)):
            (self.path.parent / f"{mutant}.patch").write_text(
                f"Story.\nkind: race of depth {depth}\n\n--- a/x\n")
        records = Records(self.path, 4)
        self.assertFalse(guard_of(records, self.path.parent, 1)[0])
        for mutant in ("a", "b", "shallow"):
            for seed in (1, 2):
                records.add(run_of(STRESS, mutant, seed, 4.0, False))
        self.assertFalse(guard_of(records, self.path.parent, 1)[0])
        for mutant, fast in (("a", 2.0), ("b", 0.125), ("shallow", 4.0)):
            for seed in (1, 2):
                records.add(run_of(ALL, mutant, seed, fast))
        holds, said = guard_of(records, self.path.parent, 7.9)
        self.assertTrue(holds, said)
        self.assertIn("2 races", said)
        self.assertIn("8.0 times", said)
        holds, said = guard_of(records, self.path.parent, 8.1)
        self.assertFalse(holds, said)
        self.assertIn("NOT passed", said)

    def test_depth_is_what_the_patch_says(self):
        self.assertTrue(is_deep("race of depth 2: two scans"))
        self.assertFalse(is_deep("race of depth 1, two threads"))
        self.assertTrue(is_deep("liveness, race of four threads and three switches"))

    def test_page_has_a_row_for_each_mutant(self):
        records = Records(self.path, 4)
        mutants = ROOT / "tests/mutants/schedules"
        names = sorted(path.stem for path in mutants.glob("*.patch"))
        for name in names:
            for way in WAYS:
                records.add(run_of(way, name, 1, 1.0))
        records.add(run_of("pos", names[0], 2, 1.0))
        page = page_of(records, mutants)
        self.assertIn("\n1 seeds, 4 processor seconds a run", page)
        for name in names:
            self.assertEqual(page.count(f"| {name} |"), 1)
            self.assertEqual(page.count(f"- {name}: "), 1)


class Costs(unittest.TestCase):
    def test_a_run_ends_when_all_its_processes_have_spent_their_processor_time(self):
        run = Run([sys.executable, "-c", BUSY], 0.3, {})
        self.assertFalse(run.found)
        self.assertEqual(run.child.returncode, -signal.SIGTERM)

    def test_time_that_passes_costs_nothing(self):
        run = Run([sys.executable, "-c", "import time; time.sleep(1)"], 5, {})
        self.assertLess(run.seconds, 1)

    def test_only_a_finding_that_was_saved_is_one(self):
        save = "mkdir {out}/findings && echo {} >{out}/findings/a.json && exit 1"
        self.assertTrue(Run(["sh", "-c", save], 5, {}).found)
        self.assertFalse(Run(["sh", "-c", "exit 1"], 5, {}).found)
        self.assertTrue(Run(["sh", "-c", "kill -SEGV $$"], 5, {}).found)

    def test_fuzzer_is_run_as_its_options_say(self):
        self.assertIn("-max_len=4096", fuzzer_options())


if __name__ == "__main__":
    unittest.main()
