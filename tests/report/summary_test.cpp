// A campaign's three reports are valid in their formats whatever a subject put into them, and
// agree.
#include "report/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "report/files.h"
#include "report/text.h"
#include "run.h"
#include "xml.h"

namespace kqtorture {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

EngineSummary engine(const std::string& name, EngineStatus status, const std::string& note = "") {
  EngineSummary summary;
  summary.name = name;
  summary.status = status;
  summary.note = note;
  summary.seconds = 2;
  summary.slices = 3;
  summary.work.operations = 1234567;
  summary.work.deliveries = 890;
  summary.work.executions = 1000;
  return summary;
}

CampaignSummary campaign() {
  CampaignSummary summary;
  summary.version = "0.1.0";
  summary.started = "2024-01-02T03:04:05Z";
  summary.subject = "/tmp/<subject> & \"more\".so";
  summary.seed = 18446744073709551615u;
  summary.budget_seconds = 60;
  summary.elapsed_seconds = 58.5;
  summary.exit_code = 1;
  summary.engines = {engine("stress", EngineStatus::kFound),
                     engine("flags_fuzzer", EngineStatus::kSkipped, "not built: preset fuzz"),
                     engine("bench", EngineStatus::kFailed, "exit code 3"),
                     engine("canary", EngineStatus::kClean)};
  Finding finding;
  finding.verdict = "duplicate";
  finding.rule = "I5";
  finding.engine = "stress";
  finding.scenario = "DispatchOwnership.Pipes";
  finding.message = "twice <b>&amp; \x1b[31m\xFF";
  finding.detail = {"<script>alert(1)</script>", std::string("\0\x01", 2)};
  summary.engines[0].found.push_back({finding, "findings/a.json"});
  summary.problems = {"bench: exit code 3"};
  return summary;
}

TEST(ResultsJson, HoldsTheWorkAndTheFindings) {
  const auto json = nlohmann::json::parse(to_results_json(campaign()));
  EXPECT_EQ(json["seed"], 18446744073709551615u);
  EXPECT_EQ(json["exit_code"], 1);
  EXPECT_EQ(json["findings"], 1);
  ASSERT_EQ(json["engines"].size(), 4u);
  EXPECT_EQ(json["engines"][0]["status"], "found");
  EXPECT_EQ(json["engines"][0]["operations"], 1234567);
  EXPECT_EQ(json["engines"][0]["deliveries"], 890);
  EXPECT_EQ(json["engines"][0]["executions_per_second"], 500.0);
  EXPECT_EQ(json["engines"][0]["findings"][0]["verdict"], "duplicate");
  EXPECT_EQ(json["engines"][0]["findings"][0]["file"], "findings/a.json");
  EXPECT_EQ(json["engines"][1]["status"], "skipped");
  EXPECT_EQ(json["problems"][0], "bench: exit code 3");
}

TEST(JunitXml, IsWellFormedAndCountsRight) {
  const std::string xml = to_junit_xml(campaign());
  EXPECT_EQ(testing::xml_problem(xml), "");
  EXPECT_THAT(xml, HasSubstr("tests=\"4\" failures=\"1\" errors=\"1\" skipped=\"1\""));
  EXPECT_THAT(xml, HasSubstr("<failure type=\"duplicate\""));
  EXPECT_THAT(xml, HasSubstr("<skipped message=\"not built: preset fuzz\"/>"));
  EXPECT_THAT(xml, HasSubstr("<error message=\"exit code 3\"/>"));
  EXPECT_THAT(xml, HasSubstr("<property name=\"operations\" value=\"1234567\"/>"));
}

TEST(Html, ShowsEverythingAndRunsNothing) {
  const std::string html = to_html(campaign());
  EXPECT_EQ(to_utf8(html), html);
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, HasSubstr("&lt;script&gt;alert(1)"));
  EXPECT_THAT(html, Not(HasSubstr("http")));
  for (const char* part : {"1 finding", "duplicate (I5)", "DispatchOwnership.Pipes", "1234567",
                           "seed 18446744073709551615", "not built: preset fuzz"}) {
    EXPECT_THAT(html, HasSubstr(part));
  }
}

TEST(Html, CleanRunSaysSoOnlyWhenThereWasNoProblem) {
  CampaignSummary clean = campaign();
  clean.engines[0].found.clear();
  EXPECT_THAT(to_html(clean), HasSubstr("No pass"));
  clean.problems.clear();
  EXPECT_THAT(to_html(clean), HasSubstr("Nothing found"));
}

TEST(Table, HasARowPerEngineWithItsWork) {
  const std::string table = to_table(campaign());
  EXPECT_THAT(table, HasSubstr("1,234,567"));
  EXPECT_THAT(table, HasSubstr("1 found"));
  EXPECT_THAT(table, HasSubstr("skipped: not built: preset fuzz"));
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 5);
}

constexpr char kMeasured[] = R"({"benchmarks": [
  {"name": "user/list:1/by:kqueue/real_time/threads:1", "run_type": "iteration", "real_time": 2500},
  {"name": "user/list:1/by:kqueue/real_time/threads:1", "run_type": "iteration", "real_time": 2000},
  {"name": "user/list:1/by:kqueue.again/real_time/threads:1", "run_type": "iteration",
   "real_time": 3000},
  {"name": "user/list:1/by:<epoll>/real_time/threads:1", "run_type": "iteration", "real_time": 4,
   "time_unit": "ms"},
  {"name": "user/list:1/by:broken/threads:1", "run_type": "iteration", "real_time": 1,
   "error_occurred": true},
  {"name": "user/list:1/by:kqueue/real_time/threads:1_mean", "run_type": "aggregate",
   "real_time": 77},
  {"name": "claim_2006/pipe/iterations:1", "run_type": "iteration", "real_time": 1,
   "ratio": 1.25, "ratio_q10": 1.125, "ratio_q90": 1.5}]})";

TEST(Html, MeasurementsAreDrawnAsTheyAre) {
  const std::string html = to_html(campaign(), kMeasured);
  // Of repetitions the best; the longest bar is the longest time.
  EXPECT_THAT(html, HasSubstr("2.0 us"));
  EXPECT_THAT(html, HasSubstr("class=\"other\" x=\"200\" y=\"24\" width=\"380\""));
  EXPECT_THAT(html, HasSubstr("class=\"ours\" x=\"200\" y=\"4\" width=\"2\""));
  EXPECT_THAT(html, HasSubstr("&lt;epoll&gt;, 1 thread"));
  EXPECT_THAT(html, HasSubstr("differ by 50 % or more, one by 50 %"));
  EXPECT_THAT(html, HasSubstr("<td>1.25</td><td>1.12 to 1.50</td>"));
  EXPECT_THAT(html, Not(HasSubstr("broken")));
  EXPECT_THAT(html, Not(HasSubstr("77 ns")));
}

TEST(Html, ScoreIsATableOfEngines) {
  const std::string score = R"({"format": "kqtorture score", "format_version": 1, "mutants": 3,
    "killed": 2, "engines": ["litmus", "stress"], "sound": [
      {"engine": "litmus", "result": "survived"}, {"engine": "stress", "result": "killed"}],
    "cells": [{"engine": "litmus", "result": "killed", "seconds": 1},
      {"engine": "litmus", "result": "killed", "seconds": 4},
      {"engine": "litmus", "result": "survived", "seconds": 9},
      {"engine": "stress", "result": "absent", "seconds": 0}],
    "all": [{"name": "a<b", "killed": false}, {"name": "same", "killed": false, "equivalent": "x"},
      {"name": "c", "killed": true}]})";
  const std::string html = to_html(campaign(), "", score);
  EXPECT_THAT(html, HasSubstr("2 of 3 planted bugs"));
  EXPECT_THAT(html, HasSubstr("not found: a&lt;b."));
  EXPECT_THAT(html, HasSubstr("litmus</th><td>3</td><td>2</td><td>2.50</td><td>nothing found"));
  EXPECT_THAT(html, HasSubstr("stress</th><td>0</td><td>0</td><td></td><td>false alarm"));
}

TEST(Html, WhatIsNoMeasurementAndNoScoreIsLeftOut) {
  const std::string plain = to_html(campaign());
  for (const char* text :
       {"", "{", "[]", "{}", R"({"benchmarks": 1})", R"({"benchmarks": [1, {}, {"name": 2}]})",
        R"({"benchmarks": [{"name": "a/by:b", "run_type": "iteration", "real_time": -1}]})",
        R"({"format": "kqtorture score", "format_version": 2, "cells": []})",
        R"({"format": "kqtorture score", "format_version": 1, "cells": [{}]})"}) {
    EXPECT_EQ(to_html(campaign(), text, text), plain) << text;
  }
}

TEST(WriteReports, LeavesAFileForEachReader) {
  testing::TemporaryDirectory directory;
  std::string error;
  const std::string out = directory.path() + "/out";
  // The bench failed: what lies there is of another day.
  ASSERT_TRUE(write_file(out + "/bench.json", kMeasured, &error)) << error;
  ASSERT_TRUE(write_reports(campaign(), out, &error)) << error;
  EXPECT_THAT(testing::files_in(out),
              ::testing::UnorderedElementsAre("bench.json", "results.json", "junit.xml",
                                              "results.sarif", "index.html"));
  const std::string index = testing::read_text(out + "/index.html");
  EXPECT_THAT(index, Not(HasSubstr("What it costs")));
  EXPECT_THAT(index, HasSubstr("<a href=\"pages/a.html\">"));
  const std::string page = testing::read_text(out + "/pages/a.html");
  EXPECT_THAT(page, HasSubstr("duplicate (I5)"));
  EXPECT_THAT(page, HasSubstr("<a href=\"../findings/a.json\">"));
  EXPECT_THAT(testing::files_in(out + "/pages"), ::testing::UnorderedElementsAre("a.html"));

  CampaignSummary measured = campaign();
  measured.engines[0].found[0].finding.lanes = {"", {"A"}, {{0, 1, 2, "read p.r", false}}, {}};
  for (EngineSummary& engine : measured.engines) {
    if (engine.name == "bench") engine.status = EngineStatus::kClean, engine.slices = 1;
  }
  ASSERT_TRUE(write_reports(measured, out, &error)) << error;
  EXPECT_THAT(testing::read_text(out + "/index.html"), HasSubstr("What it costs"));
  EXPECT_THAT(testing::files_in(out + "/pages"),
              ::testing::UnorderedElementsAre("a.html", "a.trace.json"));
}

}  // namespace
}  // namespace kqtorture
