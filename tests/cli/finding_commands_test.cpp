// explain and replay: a saved finding is shown, and run again with what it names.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "report/files.h"
#include "report/finding.h"
#include "subject/worker.h"
#include "tree.h"

namespace kqtorture {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Ran;
using testing::Tree;

class FindingCommands : public ::testing::Test {
 protected:
  Finding stress_finding() const {
    Finding finding;
    finding.verdict = "duplicate";
    finding.engine = "stress";
    finding.scenario = "DispatchOwnership.Pipes";
    finding.subject = testing::working_subject();
    finding.profile = "strict-2006";
    finding.seed = 4711;
    finding.message = "delivered twice";
    return finding;
  }
  std::string saved(const Finding& finding) const {
    const std::string path = tree_.path("finding.json");
    testing::write_text(path, to_json(finding));
    return path;
  }
  void refused(const Ran& ran, const std::string& part) const {
    EXPECT_EQ(ran.code, kExitUsage);
    EXPECT_EQ(std::count(ran.output.begin(), ran.output.end(), '\n'), 1) << ran.output;
    EXPECT_THAT(ran.output, HasSubstr(part));
  }

  Tree tree_;
};

TEST_F(FindingCommands, ExplainShowsTheText) {
  const Ran ran = tree_.kqtorture({"explain", saved(stress_finding())});
  EXPECT_EQ(ran.code, kExitClean);
  EXPECT_EQ(ran.output, to_text(stress_finding()));
}

TEST_F(FindingCommands, ExplainAsJsonIsTheFinding) {
  const Ran ran = tree_.kqtorture({"explain", "--json", saved(stress_finding())});
  Finding back;
  std::string error;
  ASSERT_TRUE(from_json(ran.output, &back, &error)) << error;
  EXPECT_EQ(back.message, "delivered twice");
}

std::string contents_of(const std::string& path) {
  std::string contents, error;
  EXPECT_TRUE(read_file(path, size_t{1} << 20, &contents, &error)) << error;
  return contents;
}

TEST_F(FindingCommands, ExplainDrawsTheThreads) {
  Finding finding = stress_finding();
  const std::string page = tree_.path("page.html"), drawing = tree_.path("lanes.svg");
  refused(tree_.kqtorture({"explain", "--svg", drawing, saved(finding)}), "no history");
  EXPECT_FALSE(std::filesystem::exists(drawing)) << "nothing is half written";
  finding.lanes = {
      .caption = "", .names = {"A"}, .calls = {{.lane = 0, .begin = 1, .end = 2, .text = "x"}}};
  const Ran ran = tree_.kqtorture({"explain", "--svg", drawing, "--html", page, saved(finding)});
  EXPECT_EQ(ran.code, kExitClean) << ran.output;
  EXPECT_THAT(contents_of(drawing), ::testing::StartsWith("<svg "));
  EXPECT_THAT(contents_of(page), HasSubstr("<svg "));
}

TEST_F(FindingCommands, AFileOfAnotherFormatOrVersionIsRefused) {
  const std::string members = R"("verdict": "lost", "engine": "e", "message": "m"})";
  const auto explain = [&](const std::string& head) {
    testing::write_text(tree_.path("other.json"), "{" + head + members);
    return tree_.kqtorture({"explain", tree_.path("other.json")});
  };
  EXPECT_EQ(explain("").code, kExitClean) << "it does not say";
  EXPECT_EQ(explain(R"("format": "kqtorture finding", "format_version": 1, )").code, kExitClean);
  refused(explain(R"("format": "kqtorture survey", "format_version": 1, )"), "not a finding");
  refused(explain(R"("format": "kqtorture finding", "format_version": 2, )"), "format_version");
  refused(explain(R"("format_version": "1", )"), "format_version");
}

TEST_F(FindingCommands, WhatIsNoFindingIsRefusedByName) {
  testing::write_text(tree_.path("bad.json"), "{");
  for (const char* command : {"explain", "replay"}) {
    refused(tree_.kqtorture({command, tree_.path("bad.json")}), "bad.json");
    refused(tree_.kqtorture({command, tree_.path("missing.json")}), "missing.json");
    refused(tree_.kqtorture({command, "/dev/zero"}), "not a regular file");
  }
}

TEST_F(FindingCommands, ReplayRunsTheRaceWithItsSeedSubjectAndProfile) {
  tree_.program("release", "kq_stress",
                "note \"$* $KQ_SEED $KQ_SUBJECT $KQ_PROFILE $KQ_BUDGET\"; exit 1");
  const Ran ran = tree_.kqtorture({"replay", saved(stress_finding()), "--budget", "3"});
  EXPECT_EQ(ran.code, kExitFinding);
  EXPECT_THAT(ran.output, HasSubstr("found again"));
  EXPECT_THAT(tree_.notes(), ElementsAre(HasSubstr("--gtest_filter=DispatchOwnership.Pipes 4711 " +
                                                   testing::working_subject() + " strict-2006 3")));
}

TEST_F(FindingCommands, ReplayObeysTheCommandLineBeforeTheFinding) {
  tree_.program("release", "kq_stress", "note \"$KQ_SEED $KQ_SUBJECT $KQ_PROFILE\"; exit 0");
  const Ran ran = tree_.kqtorture({"replay", saved(stress_finding()), "--seed", "8", "--subject",
                                   "emulator", "--profile", "macos"});
  EXPECT_EQ(ran.code, kExitClean);
  EXPECT_THAT(ran.output, HasSubstr("not found this time"));
  EXPECT_THAT(tree_.notes(), ElementsAre("8 emulator macos"));
}

TEST_F(FindingCommands, RaceIsReplayedUnderThreadSanitizerWhenThatIsBuilt) {
  tree_.program("release", "kq_stress", "note release; exit 0");
  Finding race = stress_finding();
  race.verdict = "race";
  EXPECT_EQ(tree_.kqtorture({"replay", saved(race)}).code, kExitClean);
  tree_.program("tsan", "kq_stress", "note tsan; exit 0");
  EXPECT_EQ(tree_.kqtorture({"replay", saved(race)}).code, kExitClean);
  EXPECT_THAT(tree_.notes(), ElementsAre("release", "tsan"));
}

TEST_F(FindingCommands, ReplayGivesAFuzzerItsInput) {
  tree_.program("fuzz", "flags_fuzzer", "note \"$*\"; exit 1");
  testing::write_text(tree_.path("inputs/flags_fuzzer-1"), "bytes");
  Finding finding = stress_finding();
  finding.engine = "flags_fuzzer";
  finding.reproducer = tree_.path("inputs/flags_fuzzer-1");
  EXPECT_EQ(tree_.kqtorture({"replay", saved(finding)}).code, kExitFinding);
  // The folder was moved: the input is found beside the finding.
  finding.reproducer = "/somewhere/else/flags_fuzzer-1";
  EXPECT_EQ(tree_.kqtorture({"replay", saved(finding)}).code, kExitFinding);
  EXPECT_THAT(tree_.notes(), ElementsAre(tree_.path("inputs/flags_fuzzer-1"),
                                         tree_.path("inputs/flags_fuzzer-1")));
}

TEST_F(FindingCommands, ReplaySaysWhatIsMissing) {
  Finding finding = stress_finding();
  refused(tree_.kqtorture({"replay", saved(finding)}), "kq_stress: not built");
  finding.engine = "flags_fuzzer";
  refused(tree_.kqtorture({"replay", saved(finding)}), "flags_fuzzer: not built");
  tree_.program("fuzz", "flags_fuzzer", "exit 1");
  refused(tree_.kqtorture({"replay", saved(finding)}), "names no input");
  finding.reproducer = "/no/such/input";
  refused(tree_.kqtorture({"replay", saved(finding)}), "/no/such/input: no such input");
  finding.engine = "astrology";
  refused(tree_.kqtorture({"replay", saved(finding)}), "cannot replay findings of astrology");
}

TEST_F(FindingCommands, EngineNameOfAFindingCannotChooseAProgramElsewhere) {
  Finding finding = stress_finding();
  finding.engine = "../../../../bin/evil_fuzzer";
  refused(tree_.kqtorture({"replay", saved(finding)}), "no fuzzer has such a name");
}

}  // namespace
}  // namespace kqtorture
