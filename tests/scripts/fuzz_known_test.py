#!/usr/bin/env python3
"""scripts/fuzz --known goes on after a finding that is known, and ends with one that is not. The
build and the fuzzer are stand-ins; the script and the sorting of findings are the real ones.

Usage: fuzz_known_test.py KQTORTURE
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
KQTORTURE = pathlib.Path(sys.argv.pop()).resolve()
# Each turn has its own seed; the third finds something else.
FUZZER = """#!/bin/bash
echo "$*" >>"$KQ_OUT/turns"
turn=$(wc -l <"$KQ_OUT/turns")
verdict=lost
if [[ $turn -eq 3 ]]; then verdict=${THIRD:-lost}; fi
printf '{"verdict": "%s", "engine": "a_fuzzer", "message": "m", "scenario": "s"}' "$verdict" \\
  >"$KQ_OUT/findings/$turn.json"
sleep 0.2
exit 1
"""


class Fuzz(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        for name in ("scripts", "fuzz", "bin", "build/fuzz/bin", "build/release/bin"):
            (self.root / name).mkdir(parents=True)
        for name in ("scripts/fuzz", "scripts/lib.sh"):
            shutil.copy(ROOT / name, self.root / name)
        self.script("scripts/setup", "#!/bin/sh\nexit 0\n")
        self.script("bin/cmake", "#!/bin/sh\necho 'no work to do'\n")
        self.script("build/fuzz/bin/a_fuzzer", FUZZER)
        (self.root / "build/release/bin/kqtorture").symlink_to(KQTORTURE)
        (self.root / "build/fuzz/fuzzers.txt").write_text("a_fuzzer\n")
        (self.root / "fuzz/a_fuzzer.cpp").touch()
        (self.root / "known").write_text("- lost/* of old\n")

    def script(self, name, text):
        (self.root / name).write_text(text)
        (self.root / name).chmod(0o755)

    def fuzz(self, *arguments, **variables):
        environment = {**os.environ, "PATH": f"{self.root}/bin:{os.environ['PATH']}", **variables}
        for name in ("KQ_OUT", "KQ_SUBJECT", "KQ_BUDGET", "KQ_SEED"):
            environment.pop(name, None)
        ran = subprocess.run([self.root / "scripts/fuzz", "--seed", "7", *arguments], text=True,
                             env=environment, capture_output=True, check=False)
        turns = self.root / "out/turns"
        return ran, turns.read_text().splitlines() if turns.exists() else []

    def test_without_known_findings_the_first_ends_it(self):
        ran, turns = self.fuzz("--budget", "60")
        self.assertEqual((ran.returncode, len(turns)), (1, 1), ran.stderr)

    def test_what_is_known_does_not_end_it_and_what_is_new_does(self):
        ran, turns = self.fuzz("--budget", "60", "--known", self.root / "known", THIRD="crash")
        self.assertEqual((ran.returncode, len(turns)), (1, 3), ran.stderr)
        self.assertEqual(len({turn.split("-seed=")[1].split()[0] for turn in turns}), 3, turns)

    def test_what_is_known_does_not_count_when_the_time_is_over(self):
        ran, turns = self.fuzz("--budget", "1", "--known", self.root / "known")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertGreaterEqual(len(turns), 1)

    def test_a_file_that_cannot_be_read_is_refused(self):
        ran, turns = self.fuzz("--known", self.root / "none")
        self.assertEqual((ran.returncode, turns, ran.stderr.count("\n")), (2, [], 1))


if __name__ == "__main__":
    unittest.main()
