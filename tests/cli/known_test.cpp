// Findings that are known: how they are recognised again, and what that makes of an exit code.
#include "cli/known.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "subject/worker.h"
#include "tree.h"

namespace kqtorture {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::Ran;
using ::testing::SizeIs;

Finding finding_with(const std::string& program, const std::string& verdict = "duplicate",
                     const std::string& rule = "I5") {
  Finding finding;
  finding.verdict = verdict;
  finding.rule = rule;
  finding.engine = "free-running";
  finding.scenario = "race";
  finding.message = "m";
  finding.reproducer = program;
  return finding;
}

constexpr char kOneWay[] =
    "pipe p\nkqueue k\nthread A\nwrite p.w 5\nkevent k (p.r READ ADD|DISPATCH) room=1\n"
    "thread B\nkevent k room=4\n";
// Other names, numbers and threads, another order, one call more of a kind that was there.
constexpr char kOtherWay[] =
    "kqueue q\npipe x\nthread T\nkevent q room=2\nkevent q room=2\nthread S\nwrite x.w 1\n"
    "thread U\nkevent q (x.r READ DISPATCH|ADD udata=z) room=1\n";
constexpr char kAnotherBug[] =
    "pipe p\nkqueue k\nthread A\nwrite p.w 5\nkevent k (p.r READ ADD|ONESHOT) room=1\n"
    "thread B\nkevent k room=4\n";

TEST(Signature, IsOfWhatTheProgramIsMadeOf) {
  const std::string one = signature_of(finding_with(kOneWay));
  EXPECT_EQ(shape_of(finding_with(kOneWay)), "READ ADD|DISPATCH, kevent, write");
  EXPECT_EQ(one, signature_of(finding_with(kOtherWay)));
  EXPECT_NE(one, signature_of(finding_with(kAnotherBug)));
  EXPECT_NE(one, signature_of(finding_with(kOneWay, "lost")));
  EXPECT_THAT(one, ::testing::MatchesRegex("duplicate/[0-9a-f]{8}"));
  EXPECT_EQ(shape_of(finding_with("/tmp/crash-1234")), "race") << "the file of a fuzzer's input";
}

class KnownFile : public ::testing::Test {
 protected:
  bool load(const std::string& text, std::string* error) {
    testing::write_text(path_, text);
    return known_.load(path_, error);
  }
  testing::TemporaryDirectory directory_;
  const std::string path_ = directory_.path() + "/known";
  KnownFindings known_;
};

TEST_F(KnownFile, TellsKnownFromNewAndNamesWhatVanished) {
  const Finding one = finding_with(kOneWay), other = finding_with(kAnotherBug);
  std::string error;
  ASSERT_TRUE(load("# what we live with\n\nI5 " + signature_of(one) + " two waiters, bug 17\n" +
                       "I9 lost/* an edge now and then\nI1 lost/12345678 closed long ago\n",
                   &error))
      << error;
  ASSERT_NE(known_.reason(one), nullptr);
  EXPECT_EQ(*known_.reason(one), "two waiters, bug 17");
  EXPECT_EQ(known_.reason(other), nullptr) << "of the same rule, and another shape";
  EXPECT_NE(known_.reason(finding_with(kAnotherBug, "lost", "I9")), nullptr);
  EXPECT_EQ(known_.reason(finding_with(kOneWay, "duplicate", "I6")), nullptr);
  EXPECT_THAT(known_.vanished(nullptr), ::testing::ElementsAre("I1 lost/12345678 closed long ago"));

  const auto buckets = buckets_of(
      {{"a.json", one}, {"b.json", finding_with(kOtherWay)}, {"c.json", other}}, &known_);
  ASSERT_THAT(buckets, SizeIs(2));
  EXPECT_THAT(buckets[0].files, ::testing::ElementsAre("a.json", "b.json"));
  EXPECT_THAT(to_text(buckets, known_, nullptr),
              ::testing::AllOf(HasSubstr("known:    I5 " + signature_of(one) + ", 2 findings"),
                               HasSubstr("new:      I5 " + signature_of(other) + ", 1 finding:"),
                               HasSubstr("vanished: I1 lost/12345678")));
}

TEST_F(KnownFile, ThatIsMalformedIsRefusedWithFileAndLine) {
  std::string error;
  EXPECT_FALSE(load("# fine\nI5\n", &error));
  EXPECT_EQ(error, path_ + ":2: a rule without a signature");
  EXPECT_FALSE(load("I5 duplicate/*\n", &error));
  EXPECT_THAT(error, HasSubstr(":1: no reason"));
  EXPECT_FALSE(load("I5 duplicate because\n", &error));
  EXPECT_THAT(error, HasSubstr("VERDICT/DIGITS"));
  EXPECT_FALSE(KnownFindings().load(directory_.path() + "/none", &error));
  EXPECT_THAT(error, HasSubstr("none"));
}

TEST_F(KnownFile, VanishedIsOnlyWhatTheRunCouldHaveSeen) {
  std::string error;
  ASSERT_TRUE(
      load("I1 lost/* @first of the first\nI2 lost/* @second\tof the second\n"
           "I3 lost/* of any\n",
           &error))
      << error;
  EXPECT_THAT(known_.vanished(nullptr), SizeIs(3));
  const auto one_program = [](const std::string& scenario) { return scenario == "second"; };
  EXPECT_THAT(known_.vanished(one_program),
              ::testing::ElementsAre("I2 lost/* @second of the second"));
  const auto all_but = [](const std::string& scenario) { return scenario != "first"; };
  EXPECT_THAT(known_.vanished(all_but), SizeIs(2));
  EXPECT_FALSE(load("I1 lost/* @first\n", &error)) << "a scenario is no reason";
}

constexpr char kGuilty[] = "if [ $canary = yes ]; then found double duplicate; exit 1; fi\n";

class KnownCampaign : public ::testing::Test {
 protected:
  KnownCampaign() {
    tree_.healthy_programs();
    tree_.program("release", "kq_stress",
                  std::string(kGuilty) + "sleep 0.3; work 9 9 9; found mine lost; exit 1");
  }
  Ran torture(const std::string& known, const std::vector<std::string>& more = {}) {
    testing::write_text(tree_.path("known"), known);
    std::vector<std::string> arguments = {
        "torture", "--budget",         "3", "--subject", testing::working_subject(),
        "--known", tree_.path("known")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return tree_.kqtorture(arguments, {{"GITHUB_STEP_SUMMARY", tree_.path("summary.md")}});
  }
  static std::string mine() {
    Finding finding;
    finding.verdict = "lost";
    finding.engine = "stress";
    finding.scenario = "mine";
    return signature_of(finding);
  }
  testing::Tree tree_;
};

TEST_F(KnownCampaign, WhatIsKnownIsReportedAndDoesNotCount) {
  testing::write_text(tree_.path("summary.md"), "before\n");
  const Ran ran = torture("- " + mine() + " the old one\n- race/* gone\n");
  EXPECT_EQ(ran.code, kExitClean) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("known: the old one"));
  EXPECT_THAT(ran.output, HasSubstr("vanished: - race/* gone"));
  EXPECT_THAT(ran.output, HasSubstr("nothing found, 1 known"));
  EXPECT_GT(tree_.engine("stress")["slices"], 1) << "it may look for others";
  EXPECT_EQ(tree_.results()["findings"], 1);
  EXPECT_EQ(tree_.results()["new_findings"], 0);
  EXPECT_THAT(testing::read_text(tree_.out() + "/junit.xml"), Not(HasSubstr("<failure")));
  EXPECT_THAT(testing::read_text(tree_.out() + "/results.sarif"), HasSubstr("\"suppressions\""));
  EXPECT_THAT(testing::read_text(tree_.path("summary.md")),
              ::testing::AllOf(::testing::StartsWith("before\n"), HasSubstr("1 known")));
}

TEST_F(KnownCampaign, WhatIsNewIsAFindingBesideWhatIsKnown) {
  const Ran ran = torture("- lost/00000000 another one\n");
  EXPECT_EQ(ran.code, kExitFinding);
  EXPECT_EQ(tree_.results()["new_findings"], 1);
  EXPECT_THAT(ran.output, HasSubstr("signature: - " + mine()));
}

TEST_F(KnownCampaign, OfOneThatEndedEarlyNothingIsSaidToHaveVanished) {
  const Ran ran = torture("- race/* gone\n", {"--first"});
  EXPECT_EQ(ran.code, kExitFinding);
  EXPECT_THAT(ran.output, Not(HasSubstr("vanished")));
}

TEST_F(KnownCampaign, MalformedFileIsRefusedBeforeAnythingRuns) {
  const Ran ran = torture("I5\n");
  EXPECT_EQ(ran.code, kExitUsage);
  EXPECT_EQ(std::count(ran.output.begin(), ran.output.end(), '\n'), 1) << ran.output;
}

TEST_F(KnownCampaign, TriageSortsWhatAnyProgramSaved) {
  const std::string folder = tree_.out() + "/findings";
  testing::write_text(folder + "/a.json",
                      R"({"verdict":"lost","engine":"stress","message":"m","scenario":"mine"})");
  const Ran fresh = tree_.kqtorture({"triage", folder});
  EXPECT_EQ(fresh.code, kExitFinding);
  EXPECT_THAT(fresh.output, HasSubstr("1 findings in 1 buckets, 1 of them new"));
  testing::write_text(tree_.path("known"), "- " + mine() + " the old one\n");
  EXPECT_EQ(tree_.kqtorture({"triage", folder, "--known", tree_.path("known")}).code, kExitClean);
  EXPECT_EQ(tree_.kqtorture({"triage", tree_.path("nowhere")}).code, kExitUsage);
}

#if defined(KQT_CANARY)
// The lines of a file of known findings that say what a program found.
std::string all_of_it(const std::string& output) {
  std::istringstream lines(output);
  std::string known;
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("new: ", 0) != 0) continue;
    std::string rule, signature, word;
    std::istringstream(line) >> word >> rule >> signature;
    known += rule + " " + signature.substr(0, signature.find(',')) + " as it is\n";
  }
  return known;
}

class KnownToPrograms : public ::testing::Test {
 protected:
  Ran run_it(const std::vector<std::string>& command, const std::string& known) {
    std::vector<std::string> words = command;
    testing::write_text(directory_.path() + "/known", known);
    words.insert(words.end(), {"--subject", KQT_CANARY, "--seed", "1"});
    if (!known.empty()) words.insert(words.end(), {"--known", directory_.path() + "/known"});
    return testing::run(words, {{"KQ_OUT", directory_.path() + "/out"}});
  }
  void everything_known_is_no_finding(const std::vector<std::string>& command,
                                      const std::string& more, const std::string& vanished) {
    const Ran fresh = run_it(command, "");
    EXPECT_EQ(fresh.code, kExitFinding) << fresh.output;
    const std::string known = all_of_it(fresh.output);
    ASSERT_FALSE(known.empty()) << fresh.output;
    EXPECT_EQ(run_it(command, "- lost/00000000 another\n").code, kExitFinding);
    const Ran again = run_it(command, known + more);
    EXPECT_EQ(again.code, kExitClean) << again.output;
    EXPECT_THAT(again.output, HasSubstr("known:    "));
    std::string named;
    std::istringstream lines(again.output);
    for (std::string line; std::getline(lines, line);) {
      if (line.rfind("vanished: ", 0) == 0) named += line.substr(10) + "\n";
    }
    EXPECT_EQ(named, vanished);
    const Ran malformed = run_it(command, "I5\n");
    EXPECT_EQ(malformed.code, kExitUsage);
    EXPECT_EQ(std::count(malformed.output.begin(), malformed.output.end(), '\n'), 1);
  }
  testing::TemporaryDirectory directory_;
};

TEST_F(KnownToPrograms, SweepOfASampleSeesNothingVanish) {
  // Of several jobs it is chance which one makes the last finding.
  everything_known_is_no_finding(
      {KQT_SWEEP, "--sample", "0.001", "--only", "SIGNAL", "--jobs", "1"}, "- lost/00000000 gone\n",
      "");
}

TEST_F(KnownToPrograms, StressNamesWhatItsCasesCouldHaveSeen) {
  const std::string name = "Stress/OneshotWaiters.EventIsHandedToOneOfThem/User";
  const std::vector<std::string> command = {KQT_STRESS, "--gtest_filter=" + name,
                                            "--iterations=100"};
  std::string known = "I1 lost/00000000 @" + name +
                      " gone\nI1 lost/00000000 @Other.Case not run\n"
                      "I1 lost/00000000 anywhere\n";
  Ran ran = run_it(command, known);
  EXPECT_EQ(ran.code, kExitFinding) << ran.output;
  // A race shows this bug of the canary's or that one. All that come are put down, until one comes
  // that is.
  for (int runs = 0; runs < 50 && ran.code == kExitFinding; ++runs) {
    known += all_of_it(ran.output);
    ran = run_it(command, known);
  }
  EXPECT_EQ(ran.code, kExitClean) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("known:    "));
  EXPECT_THAT(ran.output, HasSubstr("vanished: I1 lost/00000000 @" + name + " gone\n"));
  EXPECT_THAT(ran.output, Not(HasSubstr("not run")));
  EXPECT_THAT(ran.output, Not(HasSubstr("anywhere")));
}
#endif

}  // namespace
}  // namespace kqtorture
