// `kqtorture explore` as a person uses it: what holds is said with its numbers, what does not is
// found, runs again step by step from its file alone, and shrinks.
#include <gmock/gmock.h>

#include <algorithm>

#include "engine/deviations.h"
#include "litmus.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

using ::testing::Each;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Ran;
using ::testing::SizeIs;

const char kTwoOrders[] =
    "user u 1\nuser v 2\nkqueue k\nthread A\nkevent k (u USER ADD)\nthread B\nkevent k (v USER "
    "ADD)\n";

class Explore : public testing::LitmusCommands {
 protected:
  Ran explore(std::vector<std::string> arguments, testing::Variables variables = {}) const {
    arguments.insert(arguments.begin(), {"explore", "--seed", "1"});
    return kqtorture(arguments, variables);
  }
  static nlohmann::json json_of(const Ran& ran) {
    const auto begin = ran.output.find("{\n");
    return nlohmann::json::parse(ran.output.substr(std::min(begin, ran.output.size())), nullptr,
                                 false);
  }
  static std::string race(const std::string& name) {
    return std::string(KQT_LITMUS) + "/race_" + name + ".litmus";
  }
  // Of the schedules that passed.
  std::vector<std::string> kept_files() const {
    std::vector<std::string> files;
    for (const std::string& name : testing::files_in(out() + "/schedules")) {
      files.push_back(out() + "/schedules/" + name);
    }
    return files;
  }
  // The only finding, after the mutant has drawn it.
  std::string found_in_the_mutant() const {
    const Ran ran =
        explore({race("oneshot_two_waiters"), "--schedules", "500", "--subject", KQT_MUTANT});
    EXPECT_EQ(ran.code, kExitFinding) << ran.output;
    EXPECT_THAT(finding_files(), SizeIs(1)) << ran.output;
    return finding_files().empty() ? "" : finding_files()[0];
  }
};

TEST_F(Explore, RacesHoldOnTheEmulatorAndThePassHasItsNumbers) {
  const Ran ran = explore({KQT_LITMUS, "--schedules", "25", "--json"});
  EXPECT_EQ(ran.code, kExitClean) << ran.output;
  const auto result = json_of(ran);
  ASSERT_THAT(result["programs"], SizeIs(Ge(40u)));
  for (const auto& program : result["programs"]) {
    EXPECT_EQ(program["result"], "ok") << program;
    EXPECT_TRUE(program["instrumented"]) << program;
    EXPECT_GE(program["schedules"], 100) << program;
    EXPECT_GE(program["run_twice"], 5) << program;
    EXPECT_GE(program["interleavings"], 1) << program;
    EXPECT_EQ(program["undecided"], 0) << program;
    EXPECT_LE(program["missed"]["pct:2"], 1) << program;
  }
}

TEST_F(Explore, SearchThatEndsSaysItsBoundAndItsSchedules) {
  const std::string two =
      file("two.litmus", "pipe p\nthread A\nwrite p.w 1\nthread B\nwrite p.w 2\n");
  const Ran ran = explore({two, "--strategy", "dfs:1", "--schedules", "1000", "--jobs", "1"});
  EXPECT_EQ(ran.code, kExitClean) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("exhaustive at bound 1, "));
  EXPECT_THAT(ran.output, Not(HasSubstr("not finished")));
  const Ran cut = explore({two, "--strategy", "dfs:1", "--schedules", "1", "--jobs", "1"});
  EXPECT_THAT(cut.output, HasSubstr("not finished"));
}

TEST_F(Explore, BothEnginesMakeTheSameSchedules) {
  std::vector<nlohmann::json> programs;
  for (const char* engine : {"fibers", "threads"}) {
    const Ran ran = explore({race("first_adds"), "--strategy", "random", "--schedules", "200",
                             "--jobs", "1", "--json", "--engine", engine});
    EXPECT_EQ(ran.code, kExitClean) << ran.output;
    auto program = json_of(ran)["programs"][0];
    program.erase("seconds");
    program.erase("processor_seconds");
    programs.push_back(program);
  }
  EXPECT_EQ(programs[0], programs[1]);
}

TEST_F(Explore, PlantedRaceIsFoundAndRunsAgainStepByStep) {
  const std::string path = found_in_the_mutant();
  const Finding finding = load(path);
  EXPECT_EQ(finding.engine, "controlled");
  EXPECT_EQ(finding.verdict, "duplicate");
  EXPECT_NE(finding.schedule.trace, 0u);
  EXPECT_FALSE(finding.lanes.switches.empty());
  for (int i = 0; i < 3; i++) {
    const Ran replay = kqtorture({"replay", path});
    EXPECT_EQ(replay.code, kExitFinding) << replay.output;
    EXPECT_THAT(replay.output, HasSubstr("found again: duplicate (I4)"));
    EXPECT_THAT(replay.output, HasSubstr("the same as when it was found, step by step"));
  }
}

TEST_F(Explore, ReplayOnARepairedSubjectFindsNothingAndSaysThatTheStepsAreOthers) {
  Finding finding = load(found_in_the_mutant());
  finding.subject = "emulator";
  const Ran replay = kqtorture({"replay", file("repaired.json", to_json(finding))});
  EXPECT_EQ(replay.code, kExitClean) << replay.output;
  EXPECT_THAT(replay.output, HasSubstr("not found this time"));
  EXPECT_THAT(replay.output, HasSubstr("not the steps that it was found with"));
  EXPECT_THAT(replay.output, HasSubstr("parted at step 1 of "));
}

TEST_F(Explore, SchedulesThatPassAreKeptAndRunAgainStepByStep) {
  for (const char* engine : {"fibers", "threads"}) {
    const Ran ran = explore(
        {race("oneshot_two_waiters"), "--schedules", "40", "--keep", "4", "--engine", engine});
    EXPECT_EQ(ran.code, kExitClean) << ran.output;
    EXPECT_THAT(ran.output, HasSubstr(", 4 kept"));
    const std::vector<std::string> kept = kept_files();
    ASSERT_THAT(kept, SizeIs(4)) << "drawn by the seed, whatever runs them";
    for (const std::string& path : kept) {
      EXPECT_EQ(load(path).schedule.carrier, engine);
      const Ran replay = kqtorture({"replay", path});
      EXPECT_EQ(replay.code, kExitClean) << replay.output;
      EXPECT_THAT(replay.output, HasSubstr("nothing found, as before"));
      EXPECT_THAT(replay.output, HasSubstr("the same as when it was kept, step by step"));
    }
    EXPECT_EQ(kqtorture({"shrink", kept[0]}).code, kExitUsage);
  }
}

TEST_F(Explore, ConnectionsAreMadeTheSameWayInEverySchedule) {
  const std::string connection = file("connection.litmus",
                                      "tcp c\nkqueue k\nsetup\nkevent k (c.b READ ADD|CLEAR)\n"
                                      "thread A\nwrite c.a 5\nthread B\nkevent k room=4\n");
  const Ran ran = explore({connection, "--schedules", "50", "--json"});
  EXPECT_EQ(ran.code, kExitClean) << ran.output;
  EXPECT_GE(json_of(ran)["programs"][0]["run_twice"], 5) << ran.output;
}

TEST_F(Explore, ReplayThatGoesAnotherWayNamesTheStep) {
  explore({race("oneshot_two_waiters"), "--schedules", "20", "--keep", "1"});
  ASSERT_THAT(kept_files(), SizeIs(1));
  const Finding kept = load(kept_files()[0]);
  const auto replayed = [&](const Finding& changed) {
    const Ran replay = kqtorture({"replay", file("changed.json", to_json(changed))});
    EXPECT_EQ(replay.code, kExitFinding) << replay.output;
    EXPECT_THAT(replay.output, HasSubstr("not the steps that it was kept with"));
    return replay.output;
  };
  const std::string all = std::to_string(kept.schedule.steps.size());
  Finding changed = kept;
  changed.schedule.steps[20].trace ^= 1;
  changed.schedule.steps[20].kind = 12;
  changed.schedule.trace++;
  EXPECT_THAT(replayed(changed), HasSubstr("parted at step 21 of " + all));
  EXPECT_THAT(replayed(changed), HasSubstr(" yields"));
  changed = kept;
  changed.schedule.trace++;
  EXPECT_THAT(replayed(changed), HasSubstr("what the calls returned is not the same"));
  changed.schedule.steps.pop_back();
  EXPECT_THAT(replayed(changed), HasSubstr("recorded was: the end"));
  changed.schedule.steps.clear();
  EXPECT_THAT(replayed(changed), HasSubstr("none were recorded"));
  // Another program.
  changed = kept;
  changed.reproducer = "pipe p\nthread A\nwrite p.w 1\nthread B\nwrite p.w 2\n";
  EXPECT_THAT(replayed(changed), HasSubstr("parted at step "));
}

TEST_F(Explore, ShrinkLeavesFewSwitchesAndTheSameVerdict) {
  const std::string path = found_in_the_mutant();
  const Finding before = load(path);
  const std::string output = this->path("small.litmus");
  const Ran shrink = kqtorture({"shrink", path, "--budget", "30", "--output", output});
  EXPECT_EQ(shrink.code, kExitFinding) << shrink.output;
  const Program small = program_of(testing::read_text(output));
  EXPECT_LE(count_ops(small), count_ops(program_of(before.reproducer)));
  const Finding after = load(finding_files()[0]);
  EXPECT_EQ(after.verdict, before.verdict);
  EXPECT_EQ(after.rule, before.rule);
  EXPECT_LE(after.lanes.switches.size(), 3u) << shrink.output;
  EXPECT_THAT(kqtorture({"explain", finding_files()[0]}).output, HasSubstr(" stops at "));
  const Ran replay = kqtorture({"replay", finding_files()[0]});
  EXPECT_THAT(replay.output, HasSubstr("the same as when it was found, step by step"));
}

TEST_F(Explore, LocksInTwoOrdersAreADeadlockThatNamesBoth) {
  const Ran ran = explore(
      {file("two_orders.litmus", kTwoOrders), "--schedules", "200", "--subject", KQT_TWO_ORDERS});
  EXPECT_EQ(ran.code, kExitFinding) << ran.output;
  ASSERT_THAT(finding_files(), SizeIs(1)) << ran.output;
  const Finding finding = load(finding_files()[0]);
  EXPECT_EQ(finding.verdict, "deadlock");
  EXPECT_THAT(finding.message, HasSubstr("thread A waits for a mutex, thread B waits for a mutex"));
  const Ran replay = kqtorture({"replay", finding_files()[0]});
  EXPECT_EQ(replay.code, kExitFinding) << replay.output;
  EXPECT_THAT(replay.output, HasSubstr("step by step"));
}

TEST_F(Explore, CrashLeavesItsScheduleAndTheNextProgramRuns) {
  const std::string crash = file("a.litmus",
                                 "user u 1\nkqueue k\nthread A\nkevent k (u USER ADD)\nthread B\n"
                                 "kevent k (u USER DELETE)\n");
  const std::string fine = file("b.litmus",
                                "user u 1\nkqueue k\nthread A\nkevent k (u USER ADD)\nthread B\n"
                                "kevent k (u USER ADD)\n");
  const Ran ran =
      explore({crash, fine, "--schedules", "20", "--json", "--subject", KQT_ENDING_SUBJECT});
  EXPECT_EQ(ran.code, kExitFinding) << ran.output;
  const auto result = json_of(ran);
  EXPECT_EQ(result["programs"][0]["verdict"], "crash") << ran.output;
  EXPECT_EQ(result["programs"][1]["result"], "ok") << ran.output;
  EXPECT_GE(result["programs"][1]["schedules"], 100) << ran.output;
  const Finding finding = load(result["programs"][0]["finding"].get<std::string>());
  EXPECT_EQ(finding.engine, "controlled");
  EXPECT_FALSE(finding.schedule.empty());
  const Ran replay = kqtorture({"replay", result["programs"][0]["finding"].get<std::string>()});
  EXPECT_EQ(replay.code, kExitFinding) << replay.output;
  EXPECT_THAT(replay.output, HasSubstr("found again: crash"));
}

TEST_F(Explore, CallThatIsNotUnderControlIsNamed) {
  const Ran ran =
      explore({file("a.litmus",
                    "user u 1\nkqueue k\nthread A\nkevent k (u USER DISABLE)\n"
                    "thread B\nkevent k room=1\n"),
               "--jobs", "1", "--schedules", "20", "--json", "--subject", KQT_ENDING_SUBJECT});
  EXPECT_EQ(ran.code, kExitFinding) << ran.output;
  const auto program = json_of(ran)["programs"][0];
  EXPECT_EQ(program["verdict"], "hang") << ran.output;
#if defined(__x86_64__)
  EXPECT_THAT(program["note"].get<std::string>(),
              HasSubstr("pause(), a system call that is not under control"));
#endif
}

TEST_F(Explore, SubjectThatIsNotInstrumentedIsRunAndThatIsSaid) {
  const Ran ran = explore({race("first_adds"), "--schedules", "50"}, {{"KQ_LIBKQ", KQT_PLAIN_KQ}});
  EXPECT_EQ(ran.code, kExitClean) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("only the order of the calls"));
}

TEST_F(Explore, WhatIsMeantBySomethingElseIsRefusedInOneLine) {
  const std::string good = file("a.litmus", "pipe p\nthread A\nwrite p.w 1\n");
  for (const auto& [option, value] :
       std::vector<std::pair<std::string, std::string>>{{"--strategy", "luck"},
                                                        {"--engine", "steam"},
                                                        {"--schedules", "0"},
                                                        {"--jobs", "0"},
                                                        {"--keep", "-1"},
                                                        {"--most-steps", "1"}}) {
    const Ran ran = explore({good, option, value});
    EXPECT_EQ(ran.code, kExitUsage);
    EXPECT_EQ(std::count(ran.output.begin(), ran.output.end(), '\n'), 1) << ran.output;
    EXPECT_THAT(ran.output, HasSubstr(option));
  }
}

TEST(Deviations, FewestKeepsThoseThatAreNeededTogether) {
  std::vector<Deviation> all;
  for (uint32_t i = 0; i < 40; i++) all.push_back({Deviation::Kind::kLeft, i % 3, i, 1});
  const Deviation first = all[7], second = all[31];
  int calls = 0;
  const auto needs_both = [&](const std::vector<Deviation>& some) {
    calls++;
    return std::count(some.begin(), some.end(), first) == 1 &&
           std::count(some.begin(), some.end(), second) == 1;
  };
  EXPECT_THAT(fewest(all, needs_both, 1000), ::testing::ElementsAre(first, second));
  EXPECT_LT(calls, 200);
  calls = 0;
  fewest(all, needs_both, 3);
  EXPECT_EQ(calls, 3);
}

}  // namespace
}  // namespace kqtorture
