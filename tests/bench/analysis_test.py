#!/usr/bin/env python3
"""The statistics against samples whose answers were worked out by hand, --compare against files
made for it, and the reader against files made to break it."""

import contextlib
import io
import json
import os
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "bench" / "analysis"))
import acceptance  # noqa: E402
import charts  # noqa: E402
import comparing  # noqa: E402
import documentation  # noqa: E402
import main  # noqa: E402
import measures  # noqa: E402
import runs  # noqa: E402
import samples  # noqa: E402
import sections  # noqa: E402
import tables  # noqa: E402


def entry(name, index, real, **more):
    return {"name": name, "run_type": "iteration", "repetition_index": index, "iterations": 1,
            "real_time": real, "cpu_time": real, "time_unit": "ns", **more}


def document(**series):
    """name -> list of times; a name's "_BY_" stands for "/by:" and so on."""
    return {"context": {}, "benchmarks": [entry(name, index, value)
                                          for name, values in series.items()
                                          for index, value in enumerate(values)]}


STEADY = [100.0, 101, 99, 100, 102, 98, 100, 101, 99]
KQUEUE, AGAIN = "w/by:kqueue/real_time/threads:1", "w/by:kqueue.again/real_time/threads:1"


class Statistics(unittest.TestCase):
    def test_median_of_odd_and_even(self):
        self.assertEqual(measures.median([3, 1, 2]), 2)
        self.assertEqual(measures.median([4, 1, 2, 3]), 2.5)

    def test_mann_whitney_exact_when_all_of_one_exceed_the_other(self):
        # Two of C(6,3) = 20 orders are as extreme.
        self.assertAlmostEqual(measures.mann_whitney([1, 2, 3], [4, 5, 6]), 0.1)
        self.assertAlmostEqual(measures.mann_whitney([4, 5, 6], [1, 2, 3]), 0.1)
        # C(10,5) = 252.
        self.assertAlmostEqual(measures.mann_whitney([1, 2, 3, 4, 5], [6, 7, 8, 9, 10]), 2 / 252)

    def test_mann_whitney_exact_in_the_middle(self):
        # {1,4} and {2,3}: U = 2 is the middle of 0..4; 4 of 6 orders have U >= 2, doubled is > 1.
        self.assertEqual(measures.mann_whitney([1, 4], [2, 3]), 1)
        # {1,3,5} and {2,4,6}: U = 3, so 6 of the other; 7 of 20 orders have U >= 6.
        self.assertAlmostEqual(measures.mann_whitney([1, 3, 5], [2, 4, 6]), 2 * 7 / 20)

    def test_exact_tail_counts_every_order(self):
        for n, m in ((1, 1), (2, 3), (4, 4), (8, 9)):
            self.assertAlmostEqual(measures.exact_tail(n, m, 0), 1)

    def test_mann_whitney_normal_approximation(self):
        # n = m = 9, U = 81: z = (81 - 40.5 - 0.5) / sqrt(81 * 19 / 12) = 40 / 11.3248 = 3.53207,
        # two-sided p = 0.000412.
        p = measures.mann_whitney(list(range(9)), list(range(9, 18)))
        self.assertAlmostEqual(p, 0.000412, places=5)

    def test_mann_whitney_with_ties(self):
        # Ranks 1, 2.5, 2.5 and 4.5, 4.5, 6: U = 9; ties 2 and 2 give 12 of 6*5 = 0.4 less;
        # z = (9 - 4.5 - 0.5) / sqrt(9/12 * 6.6) = 4 / 2.22486 = 1.79786, p = 0.0722.
        self.assertAlmostEqual(measures.mann_whitney([1, 2, 2], [3, 3, 4]), 0.0722, places=4)
        self.assertEqual(measures.mann_whitney([5] * 9, [5] * 9), 1)

    def test_interval_of_a_constant_is_a_point_and_others_repeat(self):
        self.assertEqual(measures.ratio_interval([20] * 9, [10] * 9), (2, 2))
        first = measures.ratio_interval(STEADY, STEADY, "seed")
        self.assertEqual(first, measures.ratio_interval(STEADY, STEADY, "seed"))
        self.assertLessEqual(first[0], 1)
        self.assertGreaterEqual(first[1], 1)

    def test_floor_is_the_end_that_is_farther_from_one(self):
        self.assertAlmostEqual(measures.noise_floor([110] * 9, [100] * 9), 0.1)
        self.assertAlmostEqual(measures.noise_floor([80] * 9, [100] * 9), 0.2)

    def test_difference_must_exceed_the_floor(self):
        slower = [value * 1.1 for value in STEADY]
        self.assertEqual(measures.Comparison(STEADY, slower, 0.03).word, "slower")
        self.assertEqual(measures.Comparison(slower, STEADY, 0.03).word, "faster")
        self.assertFalse(measures.Comparison(STEADY, slower, 0.2).real)
        self.assertFalse(measures.Comparison(STEADY, STEADY, 0.0).real)


class Comparing(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def file(self, name, content):
        path = os.path.join(self.folder, name)
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        with open(path, "wb") as file:
            file.write(data)
        return path

    def compare(self, old, new, *more):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main.main(["--program=none", f"--out={self.folder}", "--compare", old, new,
                              *more])
        return code, out.getvalue(), err.getvalue()

    def refused(self, content, words):
        good = self.file("good.json", document(w=STEADY))
        code, out, err = self.compare(self.file("bad.json", content), good)
        self.assertEqual((code, out, err.count("\n")), (2, "", 1), err)
        self.assertIn("bad.json", err)
        self.assertIn(words, err)

    def test_slower_is_told_and_fails_on_request_only(self):
        old = self.file("old.json", document(**{KQUEUE: STEADY, AGAIN: STEADY}))
        slow = [value * 1.25 for value in STEADY]
        new = self.file("new.json", document(**{KQUEUE: slow, AGAIN: slow}))
        code, out, _ = self.compare(old, new)
        self.assertEqual(code, 0)
        self.assertIn("1.25", out)
        self.assertIn("| slower", out)
        self.assertNotIn("kqueue.again", out)
        self.assertEqual(self.compare(old, new, "--fail-if-slower=10")[0], 1)
        self.assertEqual(self.compare(old, new, "--fail-if-slower=30")[0], 0)
        self.assertEqual(self.compare(new, old, "--fail-if-slower=10")[0], 0)

    def test_noise_of_the_job_hides_what_is_smaller(self):
        restless = [value * 1.4 for value in STEADY]
        old = self.file("old.json", document(**{KQUEUE: STEADY, AGAIN: restless}))
        new = self.file("new.json", document(**{KQUEUE: [v * 1.2 for v in STEADY]}))
        code, out, _ = self.compare(old, new, "--fail-if-slower=5")
        self.assertEqual(code, 0)
        self.assertIn("no difference beyond noise", out)

    def test_files_of_other_programs_and_units(self):
        old = self.file("old.json", document(BM_thing=[5000.0, 5001, 4999, 5000, 5002]))
        new = document(BM_thing=[7.5, 7.501, 7.499, 7.5, 7.502])
        for one in new["benchmarks"]:
            one["time_unit"] = "us"
        code, out, _ = self.compare(old, self.file("new.json", new))
        self.assertEqual(code, 0)
        self.assertIn("1.50", out)

    def test_aggregates_and_failed_rows_do_not_count(self):
        old, new = document(w=STEADY), document(w=STEADY, x=STEADY)
        old["benchmarks"].append(entry("w", 0, 1e9, run_type="aggregate"))
        old["benchmarks"].append({"name": "x", "error_occurred": True, "error_message": "no"})
        code, out, _ = self.compare(self.file("old.json", old), self.file("new.json", new))
        self.assertEqual(code, 0)
        self.assertEqual(len(out.splitlines()), 3)

    def test_nothing_in_common_or_too_few_repetitions(self):
        good = self.file("good.json", document(w=STEADY))
        for other, words in ((document(v=STEADY), "in common"), (document(w=[1.0, 2]), "repetit")):
            code, _, err = self.compare(good, self.file("other.json", other))
            self.assertEqual((code, err.count("\n")), (2, 1))
            self.assertIn(words, err)

    def test_a_file_and_a_subject_do_not_compare(self):
        code, _, err = self.compare("emulator", self.file("good.json", document(w=STEADY)))
        self.assertEqual((code, err.count("\n")), (2, 1))

    def test_hostile_files(self):
        self.refused(b"", "not JSON")
        self.refused(b"{", "not JSON")
        self.refused(b"\xff\xfe\x00", "not UTF-8")
        self.refused(b"[" * 200_000, "nested")
        self.refused([], "no list of benchmarks")
        self.refused({"benchmarks": {}}, "no list of benchmarks")
        self.refused({"benchmarks": []}, "no measurement")
        self.refused({"benchmarks": [7]}, "without a name")
        self.refused({"benchmarks": [{"name": 7}]}, "without a name")
        for value in ("fast", True, None, [], {}):
            self.refused({"benchmarks": [entry("w", 0, value)]}, "not a number")
        for text in (b"NaN", b"Infinity", b"1e999", b"1" + b"0" * 400):
            self.refused(json.dumps(document(w=[7.0])).encode().replace(b"7.0", text), "not finite")
        self.refused({"benchmarks": [entry("w", 0, -1)]}, "not a duration")
        self.refused({"benchmarks": [entry("w", 0, 1, time_unit="year")]}, "time_unit")
        self.refused({"benchmarks": [entry("w", 0, 1, time_unit=[])]}, "time_unit")
        self.refused({"benchmarks": [entry("w", 0, 1, count=float("nan"))]}, "not finite")

    def test_names_cannot_write_to_the_terminal(self):
        bad = {"benchmarks": [entry("\x1b[31m\nw", 0, "x")]}
        code, _, err = self.compare(self.file("b.json", bad), self.file("c.json", bad))
        self.assertEqual((code, err.count("\n")), (2, 1))
        self.assertNotIn("\x1b", err)

    def test_missing_file_and_directory(self):
        for path in (os.path.join(self.folder, "none"), self.folder):
            code, _, err = self.compare(path, path)
            self.assertEqual((code, err.count("\n")), (2, 1))

    def test_zero_times_divide_nothing(self):
        zero = self.file("zero.json", document(w=[0.0] * 9))
        self.assertEqual(self.compare(zero, zero)[0], 0)


class Acceptance(unittest.TestCase):
    def rows(self, ours, theirs):
        name = "delivery/dispatch/pipe/list:64"
        series = {acceptance.full_name(name, "kqueue", 1): ours,
                  acceptance.full_name(name, "kqueue.again", 1): ours,
                  acceptance.full_name(name, "epoll+FIONREAD", 1): theirs}
        return samples.rows_of(document(**series))

    def test_ratio_is_the_others_time_over_ours(self):
        verdicts = acceptance.judge(self.rows([100.0] * 9, [150.0] * 9))
        self.assertEqual((verdicts.judged, verdicts.missed), (1, 0))
        self.assertEqual(verdicts.lines[0][2:], ("1.50", "1.50 to 1.50", "0.0 %", "1.00", "met"))

    def test_slower_is_missed(self):
        verdicts = acceptance.judge(self.rows([100.0] * 9, [90.0] * 9))
        self.assertEqual((verdicts.judged, verdicts.missed), (1, 1))

    def test_memory_counts_what_malloc_does_not_know(self):
        def judged(heap, resident):
            rows = samples.rows_of({"benchmarks": [entry(
                acceptance.memory_name(), 0, 1, heap_bytes=heap, resident_bytes=resident,
                knotes=100000, descriptors=0)]})
            return acceptance.judge(rows).missed
        self.assertEqual(judged(150, 160), 0)
        self.assertEqual(judged(0, 300), 1)
        self.assertEqual(judged(201, 0), 1)

    def test_idle_compares_the_dearest_with_the_cheapest(self):
        def judged(*times):
            series = {acceptance.idle_name(count, who): [float(time)] * 9
                      for count, time in zip(acceptance.IDLE, times)
                      for who in ("kqueue", "kqueue.again")}
            return acceptance.judge(samples.rows_of(document(**series))).missed
        self.assertEqual(judged(100, 110, 119, 105, 100), 0)
        self.assertEqual(judged(100, 110, 121, 105, 100), 1)


class Writing(unittest.TestCase):
    def test_tables_keep_strangers_in_their_cells(self):
        self.assertIn("a\\|b", tables.table(["x"], [["a|b"]]))
        page = sections.page("t", "f", [sections.Section("s", "", ["h"], [["<script>"]])], [])
        self.assertNotIn("<script>", page)
        self.assertEqual(charts.quoted("it's\n'; system('x')"), "'it''s ''; system(''x'')'")

    def test_points_of_a_histogram_too_close_to_see_are_left_out(self):
        text = "  Value  Percentile\n\n 1 0.5 5 2.00\n 2 0.51 5 2.04\n 9 0.9 9 10.00\n 10 1 10\n"
        self.assertEqual(charts.histogram_points(text), [(2, 1), (10, 9)])

    def test_durations(self):
        self.assertEqual([tables.duration(n) for n in (7, 1500, 2.5e6, 3e9)],
                         ["7 ns", "1.5 us", "2.5 ms", "3 s"])

    def test_page_keeps_what_is_around_its_block(self):
        page = f"before\n{documentation.BEGIN}\nold\n{documentation.END}\nafter\n"
        new = documentation.replaced(page, "fresh")
        self.assertIn("before\n", new)
        self.assertIn("after\n", new)
        self.assertIn("fresh", new)
        self.assertNotIn("old", new)
        self.assertEqual(documentation.replaced(new, "fresh"), new)
        with self.assertRaises(samples.BadInput):
            documentation.replaced("no marks", "x")

    def test_names_are_taken_apart_and_quoted(self):
        row = samples.Row("q/list:64/by:epoll+FIONREAD/real_time/threads:2")
        self.assertEqual(row.family, "q/list:64/real_time/threads:2")
        self.assertEqual(row.contender, "epoll+FIONREAD")
        self.assertEqual(sections.events_of(row.name), 64)
        self.assertEqual(runs.escape("a+b/(c)"), "a\\+b/\\(c\\)")

    def test_budget_is_divided_within_bounds(self):
        self.assertEqual(runs.seconds_for(1000, 9, 10, 0.001), runs.SHORTEST)
        self.assertEqual(runs.seconds_for(1, 9, 1, 1e6), runs.LONGEST)
        self.assertAlmostEqual(runs.seconds_for(10, 8, 0, 10), 0.1)


if __name__ == "__main__":
    unittest.main()
