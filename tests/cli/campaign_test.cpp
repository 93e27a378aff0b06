// What a campaign says is what its programs did: work is added up, findings are kept, and a run
// that cannot vouch for its silence is no pass.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <thread>

#include "subject/worker.h"
#include "tree.h"

namespace kqtorture {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Ran;
using ::testing::SizeIs;

class Campaign : public ::testing::Test {
 protected:
  Campaign() { tree_.healthy_programs(); }
  Ran torture(std::vector<std::string> more = {}, testing::Variables variables = {}) {
    std::vector<std::string> arguments = {"torture", "--budget", "3", "--subject",
                                          testing::working_subject()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return tree_.kqtorture(arguments, std::move(variables));
  }
  testing::Tree tree_;
};

constexpr char kGuiltyCanary[] = "if [ $canary = yes ]; then found double duplicate; exit 1; fi\n";

TEST_F(Campaign, NothingFoundIsZeroWithTheWorkBehindIt) {
  tree_.program("fuzz", "flags_fuzzer", "sleep 1; work 7 3 2; exit 0");
  const Ran ran = torture({"--seed", "42"});
  EXPECT_EQ(ran.code, kExitClean) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("seed 42"));
  EXPECT_THAT(ran.output, HasSubstr("nothing found"));
  const auto stress = tree_.engine("stress");
  EXPECT_EQ(stress["status"], "clean");
  EXPECT_EQ(stress["operations"], 1000 * stress["slices"].get<int>());
  EXPECT_EQ(tree_.engine("flags_fuzzer")["executions"],
            2 * tree_.engine("flags_fuzzer")["slices"].get<int>());
  EXPECT_EQ(tree_.engine("bench")["operations"], 50);
  EXPECT_THAT(tree_.engine("canary")["note"].get<std::string>(), HasSubstr("found guilty"));
  EXPECT_EQ(tree_.results()["seed"], 42);
  EXPECT_EQ(tree_.results()["exit_code"], 0);
  EXPECT_THAT(testing::files_in(tree_.out()), AllOf(Contains("junit.xml"), Contains("index.html")));
  EXPECT_THAT(testing::files_in(tree_.out() + "/findings"), SizeIs(0))
      << "the canary's finding is not the subject's";
}

TEST_F(Campaign, SubjectThatCannotBeOpenedIsOneLineOnStderr) {
  const auto stderr_of = [&](const std::string& subject) {
    const Ran ran = testing::run(
        {"/bin/sh", "-c",
         tree_.program_path() + " torture --budget 1 --subject " + subject + " 2>&1 >/dev/null"},
        {{"KQ_OUT", tree_.out()}});
    EXPECT_EQ(ran.code, kExitUsage);
    EXPECT_EQ(std::count(ran.output.begin(), ran.output.end(), '\n'), 1) << ran.output;
    return ran.output;
  };
  EXPECT_THAT(stderr_of("/no/such.so"), HasSubstr("/no/such.so: No such file or directory"));
  EXPECT_THAT(stderr_of("/etc/passwd"), HasSubstr("not a shared library"));
  EXPECT_THAT(stderr_of(std::string(KQT_OBJECTS) + "/no_kevent.so"), HasSubstr("kevent"));
  EXPECT_FALSE(tree_.results().is_object()) << "nothing was tortured, nothing is reported";
}

TEST_F(Campaign, SubjectWhoseConstructorCrashesIsAFinding) {
  const Ran ran = tree_.kqtorture({"torture", "--budget", "1", "--subject",
                                   std::string(KQT_OBJECTS) + "/crash_in_constructor.so"});
  EXPECT_EQ(ran.code, kExitFinding) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("FINDING crash"));
  EXPECT_EQ(tree_.engine("subject check")["findings"][0]["verdict"], "crash");
  EXPECT_EQ(tree_.engine("stress"), nullptr);
}

TEST_F(Campaign, FindingEndsItsEngineAndNotTheOthers) {
  tree_.program("release", "kq_stress",
                std::string(kGuiltyCanary) + "work 9 9 9; found mine lost; exit 1");
  tree_.program("fuzz", "flags_fuzzer", "sleep 1; work 7 3 2; exit 0");
  const Ran ran = torture();
  EXPECT_EQ(ran.code, kExitFinding);
  EXPECT_THAT(ran.output, HasSubstr("FINDING lost in stress: mine"));
  EXPECT_EQ(tree_.engine("stress")["slices"], 1);
  EXPECT_EQ(tree_.engine("stress")["findings"][0]["file"], "findings/mine.json");
  EXPECT_EQ(tree_.engine("flags_fuzzer")["status"], "clean");
  EXPECT_EQ(tree_.engine("bench")["status"], "clean");
}

TEST_F(Campaign, KeepGoingGivesTheEngineMoreTurns) {
  tree_.program("release", "kq_stress",
                std::string(kGuiltyCanary) + "sleep 0.3; work 9 9 9; found mine lost; exit 1");
  EXPECT_EQ(torture({"--keep-going"}).code, kExitFinding);
  EXPECT_GT(tree_.engine("stress")["slices"], 1);
  EXPECT_THAT(tree_.engine("stress")["findings"], SizeIs(1)) << "the same finding is one";
}

TEST_F(Campaign, FirstEndsEverything) {
  tree_.program("release", "kq_stress",
                std::string(kGuiltyCanary) + "work 9 9 9; found mine lost; exit 1");
  tree_.program("fuzz", "flags_fuzzer", "note fuzzed; work 1 1 1");
  EXPECT_EQ(torture({"--first"}).code, kExitFinding);
  EXPECT_THAT(tree_.notes(), SizeIs(0));
}

TEST_F(Campaign, FindingsOfEarlierCampaignsDoNotCount) {
  testing::write_text(tree_.out() + "/findings/old.json",
                      R"({"verdict":"lost","engine":"stress","message":"m"})");
  EXPECT_EQ(torture().code, kExitClean);
  EXPECT_THAT(testing::files_in(tree_.out() + "/findings"), Contains("old.json"));
}

TEST_F(Campaign, FindingSeenAgainCountsAgain) {
  tree_.program("release", "kq_stress",
                std::string(kGuiltyCanary) + "work 9 9 9; found mine lost; exit 1");
  EXPECT_EQ(torture().code, kExitFinding);
  EXPECT_EQ(torture().code, kExitFinding);
  EXPECT_EQ(tree_.results()["findings"], 1);
}

TEST_F(Campaign, ExitCodeOfAFindingIsEnough) {
  tree_.program("release", "kq_stress",
                std::string(kGuiltyCanary) + "work 9 9 9; echo it went wrong; exit 1");
  EXPECT_EQ(torture().code, kExitFinding);
  const auto finding = tree_.engine("stress")["findings"][0];
  EXPECT_THAT(finding["message"].get<std::string>(), HasSubstr("saved none"));
  EXPECT_THAT(finding["detail"], Contains("it went wrong"));
  EXPECT_THAT(testing::files_in(tree_.out() + "/findings"), SizeIs(1));
}

TEST_F(Campaign, SavedFindingCountsWhateverTheExitCode) {
  tree_.program("release", "kq_stress",
                std::string(kGuiltyCanary) + "work 9 9 9; found mine lost; exit 0");
  EXPECT_EQ(torture().code, kExitFinding);
}

TEST_F(Campaign, CrashGetsTheSanitizersReportFromTheLog) {
  tree_.program("release", "kq_stress",
                std::string(kGuiltyCanary) +
                    "work 9 9 9; echo before; echo '==7==ERROR: AddressSanitizer: use-after-free'\n"
                    "echo '    #0 in knote_free'; found mine crash; exit 1");
  EXPECT_EQ(torture().code, kExitFinding);
  const auto detail = tree_.engine("stress")["findings"][0]["detail"];
  EXPECT_THAT(detail, Contains("      #0 in knote_free"));
  EXPECT_THAT(detail, Not(Contains("  before")));
}

TEST_F(Campaign, CanaryThatGetsAwayIsNoPass) {
  tree_.program("release", "kq_stress", "sleep $KQ_BUDGET; work 1000 100 10; exit 0");
  const Ran ran = torture();
  EXPECT_EQ(ran.code, kExitUsage);
  EXPECT_THAT(ran.output, HasSubstr("a kqueue that delivers twice was not found guilty"));
}

TEST_F(Campaign, MissingCanaryIsNoPass) {
  unlink(tree_.path("build/release/lib/libkq_canary.so").c_str());
  const Ran ran = torture();
  EXPECT_EQ(ran.code, kExitUsage);
  EXPECT_THAT(ran.output, HasSubstr("not built: libkq_canary.so"));
}

TEST_F(Campaign, CanaryIsJudgedAsItselfAndNotAsTheSubject) {
  tree_.program("release", "kq_stress",
                "note \"$canary [$KQ_PROFILE] [$KQ_LAYOUT]\"\n" + std::string(kGuiltyCanary) +
                    "sleep $KQ_BUDGET; work 1 1 1");
  torture({"--profile", "macos"}, {{"KQ_LAYOUT", "freebsd11"}});
  EXPECT_EQ(tree_.notes().at(0), "yes [] []");
  EXPECT_EQ(tree_.notes().at(1), "no [macos] [freebsd11]");
}

TEST_F(Campaign, EngineWithoutWorkIsNoPass) {
  tree_.program("release", "kq_stress", std::string(kGuiltyCanary) + "sleep $KQ_BUDGET; exit 0");
  const Ran ran = torture();
  EXPECT_EQ(ran.code, kExitUsage);
  EXPECT_THAT(ran.output, HasSubstr("stress: reported no work"));
  EXPECT_EQ(tree_.engine("stress")["status"], "failed");
}

TEST_F(Campaign, EngineThatFailsIsNoPassAndSaysWhy) {
  tree_.program("fuzz", "flags_fuzzer", "echo no descriptors left; exit 2");
  const Ran ran = torture();
  EXPECT_EQ(ran.code, kExitUsage);
  EXPECT_THAT(ran.output, HasSubstr("flags_fuzzer: exit code 2: no descriptors left"));
}

TEST_F(Campaign, EngineThatDiesIsNoPass) {
  tree_.program("fuzz", "flags_fuzzer", "kill -9 $$");
  const Ran ran = torture();
  EXPECT_EQ(ran.code, kExitUsage);
  EXPECT_THAT(ran.output, HasSubstr("its supervisor died: Killed"));
}

TEST_F(Campaign, FindingOutweighsAProblem) {
  tree_.program("release", "kq_stress",
                std::string(kGuiltyCanary) + "work 9 9 9; found mine lost; exit 1");
  tree_.program("fuzz", "flags_fuzzer", "exit 2");
  EXPECT_EQ(torture().code, kExitFinding);
}

TEST_F(Campaign, SkippedEngineIsShownWithItsReason) {
  tree_.program("fuzz", "flags_fuzzer", "echo this profile has no flags; exit 77");
  const Ran ran = torture();
  EXPECT_EQ(ran.code, kExitClean) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("SKIPPED flags_fuzzer: this profile has no flags"));
  EXPECT_EQ(tree_.engine("flags_fuzzer")["status"], "skipped");
}

TEST_F(Campaign, PresetThatIsNotBuiltIsShownAsSkipped) {
  const Ran ran = torture();
  EXPECT_THAT(ran.output, HasSubstr("SKIPPED fuzzers: not built: preset fuzz"));
}

TEST_F(Campaign, MissingStressIsNoPass) {
  unlink(tree_.path("build/release/bin/kq_stress").c_str());
  EXPECT_EQ(torture().code, kExitUsage);
}

#if defined(KQT_LIBKQ)
TEST_F(Campaign, ThreadSanitizerIsForTheEmulatorOnly) {
  tree_.program("tsan", "kq_stress", "note \"$KQ_SUBJECT\"; sleep 1; work 5 5 5; exit 0");
  EXPECT_EQ(tree_.kqtorture({"torture", "--budget", "3", "--subject", "emulator"}).code,
            kExitClean);
  EXPECT_THAT(tree_.notes(), AllOf(Not(SizeIs(0)), Each("emulator")));
  EXPECT_EQ(tree_.engine("stress (tsan)")["status"], "clean");
  const size_t turns = tree_.notes().size();
  EXPECT_EQ(torture().code, kExitClean);
  EXPECT_THAT(tree_.notes(), SizeIs(turns));
}

TEST_F(Campaign, WebserverIsRacedOnTheEmulator) {
  tree_.program("release", "kq_webserver", "note \"$KQ_SUBJECT $*\"; work 5 5 5; exit 0");
  EXPECT_EQ(tree_.kqtorture({"torture", "--budget", "3", "--subject", "emulator"}).code,
            kExitClean);
  EXPECT_THAT(tree_.notes(), AllOf(Not(SizeIs(0)), Each(HasSubstr("emulator torture "))));
  EXPECT_EQ(tree_.engine("webserver")["status"], "clean");
}
#endif

TEST_F(Campaign, OneSeedGivesOneSequenceOfSeeds) {
  tree_.program("release", "kq_stress",
                "note $KQ_SEED\n" + std::string(kGuiltyCanary) + "sleep $KQ_BUDGET; work 1 1 1");
  torture({"--seed", "7"});
  const auto first = tree_.notes();
  unlink(tree_.path("notes").c_str());
  torture({"--seed", "7"});
  const auto second = tree_.notes();
  ASSERT_GE(first.size(), 3u);
  ASSERT_GE(second.size(), 3u);
  EXPECT_TRUE(std::equal(first.begin(), first.begin() + 3, second.begin()));
  EXPECT_EQ(std::set<std::string>(first.begin(), first.end()).size(), first.size());
}

TEST_F(Campaign, FuzzerIsToldItsCorpusSeedOptionsAndWhereInputsGo) {
  tree_.program("fuzz", "flags_fuzzer", "note \"$*\"; sleep 1; work 7 3 2; exit 0");
  testing::write_text(tree_.path("build/fuzz/bin/flags_fuzzer.options"),
                      "[other]\nmax_len = 1\n[libfuzzer]\nmax_len = 4096\n# comment = 1\n");
  testing::write_text(tree_.path("build/fuzz/bin/flags_fuzzer.dict"), "x=\"y\"\n");
  testing::write_text(tree_.path("corpus/flags_fuzzer/seed"), "seed");
  EXPECT_EQ(torture().code, kExitClean);
  const std::string command = tree_.notes().at(0);
  for (const std::string& part :
       {std::string("-max_len=4096"), std::string("-max_total_time="), std::string("-seed="),
        "-dict=" + tree_.path("build/fuzz/bin/flags_fuzzer.dict"),
        "-artifact_prefix=" + tree_.out() + "/findings/inputs/flags_fuzzer-",
        tree_.out() + "/corpus/flags_fuzzer " + tree_.path("corpus/flags_fuzzer")}) {
    EXPECT_THAT(command, HasSubstr(part));
  }
  EXPECT_THAT(command, Not(HasSubstr("max_len=1 ")));
  EXPECT_THAT(command, Not(HasSubstr("comment")));
}

// What a target is stands beside it, whatever its name.
TEST_F(Campaign, FuzzersThatCannotTortureThisSubjectDoNot) {
  for (const char* name : {"text_fuzzer", "steps_fuzzer"}) {
    tree_.program("fuzz", name, "note fuzzed; sleep 1; work 7 3 2; exit 0");
  }
  testing::write_text(tree_.path("build/fuzz/bin/text_fuzzer.options"),
                      "[libfuzzer]\nmax_len = 1\n\n[kqtorture]\n# no kqueue\ntests = parser\n");
  testing::write_text(tree_.path("build/fuzz/bin/steps_fuzzer.options"),
                      "[kqtorture]\nsubject = instrumented\n");
  EXPECT_EQ(torture().code, kExitClean);
  EXPECT_EQ(tree_.engine("text_fuzzer"), nullptr);
  EXPECT_EQ(tree_.engine("steps_fuzzer")["status"], "skipped");
  EXPECT_THAT(tree_.engine("steps_fuzzer")["note"].get<std::string>(),
              HasSubstr("not compiled with -fsanitize=thread"));
  EXPECT_THAT(tree_.notes(), SizeIs(0));
}

TEST_F(Campaign, SweepIsGivenTheTimeOfItsTurnAndAPartOfTheWords) {
  tree_.program("release", "kq_webserver", "note raced; work 5 5 5; exit 0");
  tree_.program("release", "kq_sweep", "note \"$*\"; sleep 1; work 7 3 2; exit 0");
  EXPECT_EQ(torture().code, kExitClean);
  EXPECT_EQ(tree_.engine("sweep")["status"], "clean");
  EXPECT_THAT(tree_.notes(), AllOf(Not(SizeIs(0)), Each(HasSubstr("--sample 0.01")),
                                   Each(HasSubstr("--budget 1."))));
  EXPECT_EQ(tree_.engine("webserver")["status"], "skipped") << "the subject is not libkq";
  EXPECT_THAT(tree_.engine("webserver")["note"].get<std::string>(), HasSubstr("libkq only"));
}

#ifdef KQT_LIBKQ
TEST_F(Campaign, LitmusCorpusTakesTurns) {
  testing::write_text(tree_.path("corpus/litmus/one.litmus"), "pipe p\nthread A\nwrite p.w 1\n");
  testing::write_text(tree_.path("corpus/litmus/two.litmus"),
                      "pipe p\nthread A\nwrite p.w 1\nthread B\nread p.r 1\n");
  const Ran ran = tree_.kqtorture({"torture", "--budget", "6", "--subject", "emulator"});
  EXPECT_EQ(ran.code, kExitClean) << ran.output;
  const auto litmus = tree_.engine("litmus");
  EXPECT_EQ(litmus["status"], "clean");
  EXPECT_GT(litmus["slices"], 1);
  EXPECT_GT(litmus["executions"], 100);
  EXPECT_GT(litmus["operations"], litmus["executions"]);
}

TEST_F(Campaign, WhatALitmusProgramFindsIsAFindingOfTheCampaign) {
  testing::write_text(tree_.path("corpus/litmus/wrong.litmus"),
                      "pipe p\nthread A\nwrite p.w 1 => 2\n");
  const Ran ran = tree_.kqtorture({"torture", "--budget", "3", "--subject", "emulator"});
  EXPECT_EQ(ran.code, kExitFinding) << ran.output;
  EXPECT_EQ(tree_.engine("litmus")["findings"][0]["scenario"], "wrong");
}

TEST_F(Campaign, MissingLitmusCorpusIsShownAsSkipped) {
  EXPECT_THAT(torture().output, HasSubstr("SKIPPED litmus: no corpus/litmus beside this build"));
}
#endif

TEST_F(Campaign, JsonOnStandardOutputIsNothingButTheResults) {
  const Ran ran = testing::run({"/bin/sh", "-c",
                                tree_.program_path() + " torture --json --budget 2 --subject " +
                                    testing::working_subject() + " 2>/dev/null"},
                               {{"KQ_OUT", tree_.out()}});
  EXPECT_EQ(ran.code, kExitClean);
  EXPECT_EQ(nlohmann::json::parse(ran.output, nullptr, false), tree_.results());
}

TEST_F(Campaign, InterruptEndsTheProgramsAndKeepsWhatIsKnown) {
  tree_.program("release", "kq_stress",
                std::string(kGuiltyCanary) + "work 9 9 9; found mine lost; note $$; sleep 600");
  const pid_t pid = fork();
  if (pid == 0) {
    setenv("KQ_OUT", tree_.out().c_str(), 1);
    execl(tree_.program_path().c_str(), "kqtorture", "torture", "--subject",
          testing::working_subject().c_str(), nullptr);
    _exit(126);
  }
  while (tree_.notes().empty()) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  kill(pid, SIGINT);
  int status = 0;
  waitpid(pid, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
  EXPECT_EQ(tree_.engine("stress")["findings"][0]["verdict"], "lost");
  EXPECT_THAT(tree_.results()["problems"].dump(), HasSubstr("interrupted"));
  const pid_t stress = std::atoi(tree_.notes().at(0).c_str());
  EXPECT_EQ(kill(stress, 0), -1) << "nothing is left running";
}

TEST_F(Campaign, UnusableOutputDirectoryIsAUsageError) {
  testing::write_text(tree_.path("file"), "");
  EXPECT_EQ(torture({"--out", tree_.path("file/out")}).code, kExitUsage);
  EXPECT_EQ(torture({"--out", ""}).code, kExitUsage);
}

}  // namespace
}  // namespace kqtorture
