// run, replay and shrink as a person uses them: what is refused, what is reported, and that a
// program which takes its process down is a finding like any other.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>

#include "litmus.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::Each;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Ran;
using ::testing::SizeIs;

const char kBothEnds[] = "user u 1\nkqueue k\nthread A\n";

class Run : public testing::LitmusCommands {
 protected:
  nlohmann::json json(const std::vector<std::string>& arguments, int code) {
    std::vector<std::string> all = {"run", "--json"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const Ran ran = kqtorture(all);
    EXPECT_EQ(ran.code, code) << ran.output;
    // Findings are told on stderr, before it.
    const auto begin = ran.output.find("{\n");
    return nlohmann::json::parse(ran.output.substr(std::min(begin, ran.output.size())), nullptr,
                                 false);
  }
  void refused(const Ran& ran, const std::string& part) const {
    EXPECT_EQ(ran.code, kExitUsage);
    EXPECT_EQ(std::count(ran.output.begin(), ran.output.end(), '\n'), 1) << ran.output;
    EXPECT_THAT(ran.output, HasSubstr(part));
  }
};

TEST_F(Run, MalformedProgramIsOneLineWithFileLineAndReason) {
  const std::string bad = file("bad.litmus", "pipe p\nkqueue k\nthread A\n  rite p.w 1\n");
  refused(kqtorture({"run", bad}), bad + ":4:3: unknown word 'rite'");
  // Beside a good one: nothing is half run.
  const std::string good = file("good.litmus", "pipe p\nthread A\nwrite p.w 1\n");
  refused(kqtorture({"run", good, bad}), "bad.litmus:4:3");
  refused(kqtorture({"run", directory_.path()}), "bad.litmus:4:3");
}

TEST_F(Run, WhatIsNotThereIsNamed) {
  refused(kqtorture({"run", path("missing.litmus")}), "missing.litmus");
  std::filesystem::create_directory(path("empty"));
  refused(kqtorture({"run", path("empty")}), "no .litmus file in it");
  refused(kqtorture({"run", path("empty"), "--engine", "steam"}), "--engine");
  refused(kqtorture({"shrink", path("missing.json")}), "missing.json");
}

TEST_F(Run, ProgramsForAnotherProfileAreSkippedAndThatIsNoPass) {
  const auto result =
      json({file("one.litmus", "profile netbsd\npipe p\nthread A\nwrite p.w 1\n")}, kExitSkipped);
  EXPECT_EQ(result["programs"][0]["result"], "skipped");
  EXPECT_EQ(result["programs"][0]["note"], "it is about profile netbsd");
}

TEST_F(Run, PrintShowsTheCanonicalFormAndRunsNothing) {
  const std::string text = "pipe p\nkqueue k\n\nthread A\n  kevent k (p.r READ ADD)\n";
  const Ran ran =
      kqtorture({"run", "--print",
                 file("a.litmus",
                      "pipe p   # a pipe\nkqueue k\nthread A\nkevent k (p.r EVFILT_READ EV_ADD)")});
  EXPECT_EQ(ran.code, kExitClean);
  EXPECT_EQ(ran.output, text);
}

#if defined(KQT_LIBKQ)

TEST_F(Run, CorpusHoldsOnTheEmulator) {
  const auto result = json({KQT_LITMUS, "--iterations", "20"}, kExitClean);
  ASSERT_THAT(result["programs"], SizeIs(Ge(40u)));
  for (const auto& program : result["programs"]) {
    EXPECT_EQ(program["result"], "ok") << program;
    EXPECT_GE(program["calls"], 1) << program;
  }
  EXPECT_EQ(result["profile"], "strict-2006");
  EXPECT_TRUE(finding_files().empty());
}

TEST_F(Run, BudgetGivesThreadsMoreRunsAndTheRestOne) {
  const std::string one = file("one.litmus", "pipe p\nthread A\nwrite p.w 1\n");
  const std::string two = file("two.litmus",
                               "user u 1\nkqueue k\nthread A\nkevent k (u USER ADD)\nthread B\n"
                               "kevent k (u USER ADD)\n");
  const auto result = json({one, two, "--budget", "1"}, kExitClean);
  EXPECT_EQ(result["programs"][0]["runs"], 1);
  EXPECT_GT(result["programs"][1]["runs"], 200);
}

TEST_F(Run, TraceShowsWhatEveryOperationReturned) {
  const Ran ran =
      kqtorture({"run", "--trace", file("a.litmus", "pipe p\nthread A\nwrite p.w 7\n")});
  EXPECT_EQ(ran.code, kExitClean);
  EXPECT_THAT(ran.output, HasSubstr("write p.w 7 => 7"));
}

TEST_F(Run, TraceDoesNotReadAnEntryThatCouldNotBeWritten) {
  const Ran ran = kqtorture({"run", "--trace",
                             file("a.litmus",
                                  "user u 1\nkqueue k\nthread A\n"
                                  "kevent k (u USER DELETE) room=1 events=fault:0\n")});
  EXPECT_EQ(ran.code, kExitClean) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("events=fault:0 => 1"));
}

TEST_F(Run, ProgramThatDoesNotDrawTheVerdictItExpectsIsAFinding) {
  const auto result =
      json({file("a.litmus", "expect lost\npipe p\nthread A\nwrite p.w 1\n")}, kExitFinding);
  EXPECT_EQ(result["programs"][0]["verdict"], "wrong-answer");
}

TEST_F(Run, ProgramThatContradictsItselfIsAFindingThatReplays) {
  const auto result =
      json({file("a.litmus",
                 "pipe p\nkqueue k\nthread A\nwrite p.w 1\nkevent k room=1 => nothing\n"
                 "write p.w 2 => 3\nread p.r 9\n")},
           kExitFinding);
  EXPECT_EQ(result["programs"][0]["rule"], "=>");
  ASSERT_THAT(finding_files(), SizeIs(1));
  const Ran replay = kqtorture({"replay", finding_files()[0]});
  EXPECT_EQ(replay.code, kExitFinding);
  EXPECT_THAT(replay.output, HasSubstr("found again: wrong-answer (=>)"));
}

TEST_F(Run, FindingThatIsKnownDoesNotCount) {
  const std::string program = file(
      "a.litmus", "pipe p\nkqueue k\nthread A\nwrite p.w 1\nkevent k room=1 => 1\nread p.r 9\n");
  const std::string known = file("known", "=> wrong-answer/* the program is wrong\n");
  const Ran ran = kqtorture({"run", program, "--known", known});
  EXPECT_EQ(ran.code, kExitClean) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("the program is wrong"));
  const Ran other =
      kqtorture({"run", program, "--known", file("other", "I5 duplicate/* elsewhere\n")});
  EXPECT_EQ(other.code, kExitFinding);
  EXPECT_THAT(other.output, HasSubstr("new:      => wrong-answer/"));
  EXPECT_THAT(other.output, HasSubstr("vanished: I5 duplicate/*"));
  refused(kqtorture({"run", program, "--known", file("bad", "I5\n")}), "bad:1: ");
}

TEST_F(Run, FindingThatIsRepairedIsNotFoundAgain) {
  Finding finding;
  finding.verdict = "lost";
  finding.engine = "sequential";
  finding.scenario = "a";
  finding.message = "m";
  finding.subject = "emulator";
  finding.reproducer = "pipe p\nkqueue k\nthread A\nwrite p.w 1\nkevent k (p.r READ ADD) room=1\n";
  const std::string saved = file("finding.json", to_json(finding));
  const Ran replay = kqtorture({"replay", saved, "--budget", "1"});
  EXPECT_EQ(replay.code, kExitClean);
  EXPECT_THAT(replay.output, HasSubstr("not found this time"));
  const Ran shrink = kqtorture({"shrink", saved, "--budget", "1"});
  EXPECT_EQ(shrink.code, kExitClean);
  EXPECT_THAT(shrink.output, HasSubstr("not found this time"));
}

#endif  // KQT_LIBKQ

TEST_F(Run, FindingWhoseProgramIsMalformedIsRefused) {
  Finding finding;
  finding.verdict = "lost";
  finding.engine = "sequential";
  finding.message = "m";
  const std::string saved = path("finding.json");
  for (const char* command : {"replay", "shrink"}) {
    finding.reproducer = "pipe p\nthread A\nrite p.w 1\n";
    testing::write_text(saved, to_json(finding));
    refused(kqtorture({command, saved}), "finding.json:3:1: unknown word 'rite'");
    finding.reproducer = "";
    testing::write_text(saved, to_json(finding));
    refused(kqtorture({command, saved}), "has no program");
  }
  finding.engine = "stress";
  testing::write_text(saved, to_json(finding));
  refused(kqtorture({"shrink", saved}), "a finding of stress has no litmus program");
}

// A subject that crashes on DELETE, hangs on DISABLE and exits on ENABLE.
class Ending : public Run {
 protected:
  std::string program(const std::string& name, const std::string& ops) {
    return file(name + ".litmus", kBothEnds + ops);
  }
  const std::string subject_ = KQT_ENDING_SUBJECT;
  const std::string noise_ = "kevent k (u USER ADD)\nkevent k room=4\nkevent k (u USER ADD)\n";
};

TEST_F(Ending, CrashIsAFindingAndTheNextProgramRuns) {
  const auto result =
      json({program("a_crash", noise_ + "kevent k (u USER DELETE)\nkevent k room=4\n"),
            program("b_fine", noise_), "--subject", subject_},
           kExitFinding);
  EXPECT_EQ(result["programs"][0]["verdict"], "crash");
  EXPECT_EQ(result["programs"][1]["result"], "ok") << result;
  ASSERT_THAT(finding_files(), SizeIs(1));
  const std::string saved = finding_files()[0];
  EXPECT_EQ(result["programs"][0]["finding"], saved);
  const Finding finding = load(saved);
  EXPECT_EQ(finding.engine, "sequential");
  EXPECT_EQ(finding.scenario, "a_crash");
  EXPECT_EQ(count_ops(program_of(finding.reproducer)), 1u) << finding.reproducer;
  const Ran replay = kqtorture({"replay", saved});
  EXPECT_EQ(replay.code, kExitFinding);
  EXPECT_THAT(replay.output, HasSubstr("found again: crash"));
}

TEST_F(Ending, ShrinkMakesACrashSmaller) {
  const std::string path =
      program("crash", noise_ + "kevent k (u USER DELETE)\nkevent k room=4\n" + noise_);
  EXPECT_EQ(kqtorture({"run", "--no-shrink", path, "--subject", subject_}).code, kExitFinding);
  ASSERT_THAT(finding_files(), SizeIs(1));
  EXPECT_EQ(count_ops(program_of(load(finding_files()[0]).reproducer)), 8u);
  const Ran shrink =
      kqtorture({"shrink", finding_files()[0], "--output", this->path("small.litmus")});
  EXPECT_EQ(shrink.code, kExitFinding);
  EXPECT_EQ(count_ops(program_of(testing::read_text(this->path("small.litmus")))), 1u)
      << shrink.output;
}

TEST_F(Ending, ExitIsAFinding) {
  const auto result =
      json({program("a", "kevent k (u USER ENABLE)\n"), "--subject", subject_}, kExitFinding);
  EXPECT_EQ(result["programs"][0]["verdict"], "exit");
}

TEST_F(Ending, CallThatNeverReturnsIsAHang) {
  const auto result = json(
      {program("a", "kevent k (u USER DISABLE)\n"), program("b", noise_), "--subject", subject_},
      kExitFinding);
  EXPECT_EQ(result["programs"][0]["verdict"], "hang");
  EXPECT_EQ(result["programs"][1]["result"], "ok");
}

TEST_F(Ending, ThreadThatNeverReturnsIsAHangAndTheNextProgramRuns) {
  const auto result = json({program("a", "kevent k (u USER DISABLE)\nthread B\nkevent k room=1\n"),
                            program("b", noise_), "--subject", subject_},
                           kExitFinding);
  EXPECT_EQ(result["programs"][0]["verdict"], "hang");
  // The engine and the worker's supervisor both watch; either may be the first to be sure.
  EXPECT_THAT(result["programs"][0]["note"].get<std::string>(),
              AnyOf(HasSubstr("thread A"), HasSubstr("no progress")));
  EXPECT_EQ(result["programs"][1]["result"], "ok");
}

TEST_F(Ending, SubjectThatCannotBeLoadedEndsTheRun) {
  const Ran ran = kqtorture({"run", program("a", noise_), program("b", noise_), "--subject",
                             std::string(KQT_OBJECTS) + "/crash_in_constructor.so"});
  EXPECT_EQ(ran.code, kExitFinding);
  EXPECT_THAT(ran.output, HasSubstr("FINDING crash in check"));
  refused(kqtorture({"run", program("a", noise_), "--json", "--subject",
                     std::string(KQT_OBJECTS) + "/no_kevent.so"}),
          "does not export kevent");
}

}  // namespace
}  // namespace kqtorture
