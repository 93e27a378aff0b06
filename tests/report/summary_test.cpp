// A campaign's three reports are valid in their formats whatever a subject put into them, and
// agree.
#include "report/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

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

TEST(WriteReports, LeavesAFileForEachReader) {
  testing::TemporaryDirectory directory;
  std::string error;
  ASSERT_TRUE(write_reports(campaign(), directory.path() + "/out", &error)) << error;
  EXPECT_THAT(
      testing::files_in(directory.path() + "/out"),
      ::testing::UnorderedElementsAre("results.json", "junit.xml", "results.sarif", "index.html"));
}

}  // namespace
}  // namespace kqtorture
