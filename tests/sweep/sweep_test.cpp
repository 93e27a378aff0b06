// Does the sweep find a kqueue that is wrong for a single word, and does it name that word?
#include "engine/sweep.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <numeric>

#include "engine/matrix.h"
#include "engine/subjects.h"
#include "scenario/parse.h"
#include "sweep/judges.h"

namespace kqtorture {
namespace {

SweepResult sweep(const Subject& subject, const std::string& only, double sample = 1) {
  SweepOptions options;
  options.only = only;
  options.sample = sample;
  options.seed = 42;
  return run_sweep(subject, strict(), host(), options);
}

// The finding's program, on the subject that it was made on.
bool shows_again(const Finding& finding, const Subject& subject) {
  SequentialEngine engine(subject, strict(), host());
  return engine.run(program_of(finding.reproducer)).status == SequentialResult::Status::kFinding;
}

TEST(Sweep, ASampleOfTheEmulatorIsCleanAndAccountsForEveryCombination) {
  const SweepResult result = sweep(emulator(), "", 0.002);
  EXPECT_TRUE(result.findings.empty());
  const SweepCounts& counts = result.counts;
  EXPECT_GT(counts.executed, 10000u);
  EXPECT_EQ(counts.executed, counts.changing + counts.refused);
  EXPECT_GT(counts.changing, 1000u);
  EXPECT_GT(counts.work.deliveries, 1000u);
  uint64_t sum = counts.executed + result.not_sampled + result.cut_short;
  for (const auto& [reason, count] : result.unreachable) sum += count;
  EXPECT_EQ(sum, result.combinations);
  EXPECT_EQ(result.cut_short, 0u);
}

TEST(Sweep, ASampleDependsOnItsSeedAlone) {
  const SweepResult one = sweep(emulator(), "USER.", 0.01);
  const SweepResult two = sweep(emulator(), "USER.", 0.01);
  EXPECT_GT(one.counts.executed, 0u);
  EXPECT_EQ(one.counts.executed, two.counts.executed);
  EXPECT_EQ(one.counts.work.kevent_calls, two.counts.work.kevent_calls);
}

std::vector<size_t> all_of(SweepTurns* turns) {
  std::vector<size_t> order;
  while (const auto turn = turns->next()) order.push_back(*turn);
  return order;
}

TEST(Sweep, ABudgetDrawsTheOrderWithTheSeedAndLeavesNothingOut) {
  constexpr double kHour = 3600;
  SweepTurns plain(100, 42, 0), drawn(100, 42, kHour), again(100, 42, kHour), other(100, 43, kHour);
  std::vector<size_t> in_order(100);
  std::iota(in_order.begin(), in_order.end(), size_t{0});
  EXPECT_EQ(all_of(&plain), in_order);
  std::vector<size_t> order = all_of(&drawn);
  EXPECT_NE(order, in_order);
  EXPECT_EQ(order, all_of(&again));
  EXPECT_NE(order, all_of(&other));
  std::sort(order.begin(), order.end());
  EXPECT_EQ(order, in_order);
  EXPECT_FALSE(drawn.out_of_time());
}

TEST(Sweep, ABudgetThatIsOverRunsOneCaseAndAccountsForTheOthers) {
  SweepOptions options;
  options.seed = 42;
  options.sample = 0.002;
  options.budget = 1e-9;
  const SweepResult result = run_sweep(emulator(), strict(), host(), options);
  EXPECT_EQ(result.counts.cases, 1u);
  EXPECT_GT(result.counts.executed, 0u);
  EXPECT_TRUE(result.out_of_time);
  EXPECT_GT(result.cut_short, result.counts.executed);
  MatrixOptions settings;
  settings.seed = 42;
  settings.sample = 0.01;
  settings.budget = 1e-9;
  const MatrixResult matrix = run_matrix(emulator(), strict(), host(), settings);
  EXPECT_GT(matrix.counts.programs, 0u);
  EXPECT_LT(matrix.counts.programs, kMatrixPrograms / matrix_settings().size());
}

TEST(Sweep, AllWordsOfOneCaseAreExecuted) {
  const SweepResult result = sweep(emulator(), "USER.dispatch.queued.ready");
  EXPECT_EQ(result.counts.executed, kSweepWords);
  EXPECT_EQ(result.counts.cases, 1u);
  EXPECT_TRUE(result.findings.empty());
}

// Accepts one word of 65,536 that it should refuse.
TEST(Sweep, OneRefusedWordThatIsAcceptedIsNamed) {
  constexpr uint16_t kWord = 0x3c45;
  const Altered subject([](const Altered::Call& call) {
    const int result = Altered::real(call);
    for (int i = 0; i < result && i < call.nchanges; i++) {
      if (call.changes[i].flags == kWord) call.events[i].data = 0;
    }
    return result;
  });
  const SweepResult result = sweep(subject, "USER.level.enabled.idle");
  ASSERT_EQ(result.findings.size(), 1u);
  const Finding& finding = result.findings[0];
  EXPECT_EQ(finding.verdict, "wrong-errno");
  EXPECT_EQ(finding.scenario, "sweep.USER.level.enabled.idle");
  EXPECT_TRUE(shows_again(finding, subject)) << finding.reproducer;
  const Program program = program_of(finding.reproducer);
  bool named = false;
  for (const Op& op : program.threads[0].ops) {
    for (const Change& change : op.changes) named = named || change.flags == kWord;
  }
  EXPECT_TRUE(named) << finding.reproducer;
}

// Refuses it, but has deleted the knote by then.
TEST(Sweep, OneRefusedWordThatHasAnEffectIsNamed) {
  constexpr uint16_t kWord = 0x0403;
  const Altered subject([](const Altered::Call& call) {
    const int result = Altered::real(call);
    for (int i = 0; i < call.nchanges; i++) {
      if (call.changes[i].flags != kWord) continue;
      Kevent gone = call.changes[i];
      gone.flags = flag::kDelete;
      emulator().kevent(call.kq, &gone, 1, nullptr, 0, nullptr);
    }
    return result;
  });
  const SweepResult result = sweep(subject, "READ-pipe.level.enabled.idle");
  ASSERT_EQ(result.findings.size(), 1u);
  EXPECT_TRUE(shows_again(result.findings[0], subject)) << result.findings[0].reproducer;
  EXPECT_NE(result.findings[0].reproducer.find("0x400"), std::string::npos)
      << result.findings[0].reproducer;
}

// A word that is done rightly by itself, and wrongly beside fifteen others.
TEST(Sweep, AWordThatIsWrongOnlyInCompanyIsFoundWithItsCompany) {
  const Altered subject([](const Altered::Call& call) {
    const int result = Altered::real(call);
    if (call.nchanges == 0 && result >= 4) call.events[3].udata = nullptr;
    return result;
  });
  const SweepResult result = sweep(subject, "USER.level.queued.ready");
  ASSERT_GE(result.findings.size(), 1u);
  EXPECT_EQ(result.findings[0].verdict, "wrong-udata");
  EXPECT_TRUE(shows_again(result.findings[0], subject)) << result.findings[0].reproducer;
}

TEST(Sweep, AnEventThatComesTwiceIsADuplicate) {
  const Altered subject([](const Altered::Call& call) {
    int result = Altered::real(call);
    if (call.nchanges == 0 && result > 0 && result < call.nevents) {
      call.events[result] = call.events[0];
      result++;
    }
    return result;
  });
  const SweepResult result = sweep(subject, "USER.level.queued.ready", 0.01);
  ASSERT_GE(result.findings.size(), 1u);
  EXPECT_EQ(result.findings[0].verdict, "duplicate");
}

TEST(Sweep, AKqueueThatIsWrongEverywhereEndsTheSweepEarlyAndTheRestIsCounted) {
  const Altered subject([](const Altered::Call& call) {
    const int result = Altered::real(call);
    for (int i = 0; i < result; i++) call.events[i].fflags ^= 0x10;
    return result;
  });
  const SweepResult result = sweep(subject, "", 0.01);
  EXPECT_GE(result.findings.size(), 3u);
  uint64_t sum = result.counts.executed + result.not_sampled + result.cut_short;
  for (const auto& [reason, count] : result.unreachable) sum += count;
  for (const auto& [reason, count] : result.counts.skipped) sum += count;
  EXPECT_EQ(sum, result.combinations);
}

}  // namespace
}  // namespace kqtorture
