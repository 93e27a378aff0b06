// The formats that other programs read: SARIF, a CI job's summary, a Chrome trace.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "report/arrows.h"
#include "report/summary.h"
#include "report/trace.h"

namespace kqtorture {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

CampaignSummary two_findings() {
  CampaignSummary campaign;
  campaign.version = "0.1.0";
  campaign.started = "2024-01-02T03:04:05Z";
  campaign.subject = "/tmp/<a>|b.so";
  campaign.seed = 18446744073709551615u;
  campaign.exit_code = 1;
  campaign.problems = {"bench: exit | code 3"};
  campaign.vanished = {"I1 lost/12345678 closed"};
  EngineSummary stress;
  stress.name = "stress";
  stress.status = EngineStatus::kFound;
  Finding finding;
  finding.verdict = "duplicate";
  finding.rule = "I5";
  finding.engine = "stress";
  finding.scenario = "race";
  finding.message = "twice </pre>\x1b[31m\xFF";
  stress.found.push_back({finding, "findings/a b.json", "duplicate/1a2b3c4d", ""});
  finding.message = "thrice";
  stress.found.push_back({finding, "findings/c.json", "duplicate/1a2b3c4e", "an old one"});
  campaign.engines = {stress};
  return campaign;
}

// What the schema of SARIF 2.1.0 requires of the objects that are used here.
TEST(Sarif, HasTheStructureThatItsSchemaRequires) {
  const auto log = nlohmann::json::parse(to_sarif(two_findings()));
  EXPECT_EQ(log["version"], "2.1.0");
  EXPECT_THAT(log["$schema"].get<std::string>(), HasSubstr("sarif-2.1.0"));
  ASSERT_TRUE(log["runs"].is_array());
  ASSERT_EQ(log["runs"].size(), 1u);
  const auto& run = log["runs"][0];
  const auto& driver = run["tool"]["driver"];
  EXPECT_EQ(driver["name"], "kqtorture");
  const auto& rules = driver["rules"];
  ASSERT_EQ(rules.size(), 1u) << "a rule is listed once";
  EXPECT_TRUE(rules[0]["shortDescription"]["text"].is_string());
  ASSERT_EQ(run["results"].size(), 2u);
  for (const auto& result : run["results"]) {
    EXPECT_TRUE(result["message"]["text"].is_string());
    EXPECT_EQ(result["level"], "error");
    const size_t index = result["ruleIndex"];
    ASSERT_LT(index, rules.size());
    EXPECT_EQ(rules[index]["id"], result["ruleId"]);
    ASSERT_TRUE(result["locations"].is_array());
    EXPECT_TRUE(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].is_string());
    EXPECT_TRUE(result["partialFingerprints"].is_object());
    for (const auto& [name, value] : result["partialFingerprints"].items()) {
      EXPECT_TRUE(value.is_string()) << name;
    }
  }
  const auto& first = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"];
  EXPECT_EQ(first["uri"], "findings/a%20b.json");
  EXPECT_FALSE(run["results"][0].contains("suppressions"));
  EXPECT_EQ(run["results"][1]["suppressions"][0]["kind"], "external");
  EXPECT_EQ(run["results"][1]["suppressions"][0]["justification"], "an old one");
  ASSERT_TRUE(run["invocations"].is_array());
  EXPECT_EQ(run["invocations"][0]["executionSuccessful"], false);
  EXPECT_EQ(run["invocations"][0]["exitCode"], 1);
}

TEST(Sarif, WithoutFindingsHasEmptyLists) {
  const auto log = nlohmann::json::parse(to_sarif(CampaignSummary()));
  EXPECT_TRUE(log["runs"][0]["results"].is_array());
  EXPECT_TRUE(log["runs"][0]["tool"]["driver"]["rules"].is_array());
  EXPECT_EQ(log["runs"][0]["invocations"][0]["executionSuccessful"], true);
}

TEST(Markdown, SaysWhatCountsAndLetsNothingOutOfItsCell) {
  const std::string text = to_markdown(two_findings());
  EXPECT_THAT(text, HasSubstr("**1 found**, 1 known"));
  EXPECT_THAT(text, HasSubstr("- bench: exit \\| code 3\n"));
  EXPECT_THAT(text, HasSubstr("&lt;a&gt;\\|b.so"));
  EXPECT_THAT(text, HasSubstr("not found any more: I1 lost/12345678 closed"));
  EXPECT_THAT(text, Not(HasSubstr("twice </pre>")));
  EXPECT_THAT(text, HasSubstr("Known: an old one"));
  CampaignSummary clean;
  EXPECT_THAT(to_markdown(clean), HasSubstr("Nothing found"));
}

Finding race() {
  Finding finding;
  finding.verdict = "duplicate";
  finding.scenario = "race";
  finding.subject = "emulator";
  finding.message = "twice";
  finding.lanes.names = {"main", "A", "B"};
  finding.lanes.calls = {
      {0, 1, 2, "write p.w 5 => 5"},
      {1, 3, 9, "kevent k room=4 => (p.r READ DISPATCH data=5) (u USER)"},
      {2, 4, 5, "trigger k u => 0"},
      {2, 6, 8, "kevent k (u USER DELETE) room=1 => (u USER ERROR data=ENOENT)"},
      {2, 10, std::nullopt, "kevent k room=1", true},
  };
  return finding;
}

TEST(Trace, HasATrackASliceAndArrowsFromTriggerToDelivery) {
  const auto trace = nlohmann::json::parse(to_trace(race()));
  std::map<std::string, int> phases;
  std::map<int, nlohmann::json> starts, ends;
  for (const auto& event : trace["traceEvents"]) {
    const std::string phase = event["ph"];
    phases[phase]++;
    EXPECT_TRUE(event["pid"].is_number()) << event;
    EXPECT_TRUE(event["tid"].is_number()) << event;
    if (phase == "X") {
      EXPECT_GE(event["dur"].get<double>(), 0) << event;
    }
    if (phase == "s") starts[event["id"]] = event;
    if (phase == "f") ends[event["id"]] = event;
  }
  EXPECT_EQ(phases["M"], 4);
  EXPECT_EQ(phases["X"], 5);
  ASSERT_EQ(starts.size(), 2u) << "an entry of an error is no delivery";
  ASSERT_EQ(ends.size(), 2u);
  for (const auto& [id, start] : starts) {
    ASSERT_TRUE(ends.count(id));
    EXPECT_EQ(ends[id]["cat"], start["cat"]);
    EXPECT_EQ(ends[id]["name"], start["name"]);
    EXPECT_EQ(ends[id]["bp"], "e");
    EXPECT_GE(ends[id]["ts"].get<double>(), start["ts"].get<double>());
    EXPECT_EQ(ends[id]["tid"], 2) << "both were delivered by A";
    EXPECT_EQ(start["tid"], start["name"] == "p.r READ" ? 1 : 3);
  }
  EXPECT_EQ(to_trace(Finding()), "");
}

// What kq_stress records. A number stands for one end of its object.
TEST(Arrows, AreFoundInALogToo) {
  Lanes lanes;
  lanes.names = {"S", "A", "B"};
  lanes.calls = {
      {0, 0, 1, "pipe = 0 fd 6 fd2 7"},
      {0, 2, 3, "write 6 amount 1 = -1 EBADF fd 6"},
      {0, 4, 5, "write 7 amount 1 = 1 fd 7"},
      {1, 6, 7, "kevent(3, {USER ident 9 flags ADD fflags 0 data 0 udata 0x1}, room 0, zero) = 0"},
      {1, 8, 9,
       "kevent(3, {USER ident 9 flags 0 fflags TRIGGER data 0 udata 0x1, USER ident 8 flags ADD "
       "fflags 0 data 0 udata 0x0}, room 0, zero) = 0"},
      {2, 4.5, 10,
       "kevent(3, {}, room 4, wait) = 3 {READ ident 6 flags 0 fflags 0 data 1 udata 0x2, USER "
       "ident 9 flags CLEAR fflags 0 data 0 udata 0x1, USER ident 8 flags ERROR fflags 0 data 2 "
       "udata 0x0}"},
      {1, 10, 11, "write 7 amount 1 = 1 fd 7"},
  };
  const auto arrows = arrows_of(lanes);
  ASSERT_EQ(arrows.size(), 2u);
  EXPECT_EQ(arrows[0].name, "6 READ");
  EXPECT_EQ(arrows[0].source, &lanes.calls[2]) << "not what was written when it was over";
  EXPECT_EQ(arrows[1].name, "9 USER");
  EXPECT_EQ(arrows[1].source, &lanes.calls[4]) << "another change of the list names a trigger";
  for (const Arrow& arrow : arrows) {
    EXPECT_EQ(arrow.delivery, &lanes.calls[5]);
    EXPECT_LT(arrow.to, 10) << "there the next call may begin";
    EXPECT_LE(arrow.from, arrow.to);
  }
}

}  // namespace
}  // namespace kqtorture
