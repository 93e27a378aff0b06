// Pauses that let any two calls meet: the spread follows from what was measured, and the seed says
// the rest.
#include "stress/jitter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace kqtorture {
namespace {

using contract::HistoryOp;
using contract::OpKind;
using contract::Timeout;

TEST(Jitter, SpreadsOverTheTwoLongestCallsTogether) {
  // Medians 1000, 3000 and 900: together the first two need 4000 ns.
  EXPECT_EQ(calibrate({{900, 1000, 1100}, {3000, 3000, 3000}, {900}}), 4096u);
  EXPECT_EQ(calibrate({{3000}, {1000}, {900}}), 4096u);
  EXPECT_EQ(calibrate({{900}, {1000}, {3000}}), 4096u);
}

TEST(Jitter, OneLongCallAmongManyIsAPreemption) {
  EXPECT_EQ(calibrate({{1000, 1000, 5'000'000, 1000, 1000}, {900}}), 2048u);
}

TEST(Jitter, NothingMeasuredLeavesTheSpreadAsItWas) {
  EXPECT_EQ(calibrate({}), kUnmeasuredSpread);
  EXPECT_EQ(calibrate({{}, {}}), kUnmeasuredSpread);
}

TEST(Jitter, StaysWithinBounds) {
  EXPECT_GE(calibrate({{1}, {1}}), 100u);
  EXPECT_LE(calibrate({{1'000'000'000}, {1'000'000'000}}), 100'000u);
}

TEST(Jitter, MeasuresCallsThatMayNotSleep) {
  contract::History history;
  history.ns_per_tick = 0.5;
  history.threads.resize(2);
  const auto call = [&](OpKind kind, Timeout timeout, int nevents, uint64_t begin, uint64_t end) {
    HistoryOp op;
    op.kind = kind;
    op.timeout = timeout;
    op.nevents = nevents;
    op.begin = begin;
    op.end = end;
    history.threads[0].add(op);
  };
  call(OpKind::kKevent, Timeout::kForever, 4, 0, 100000);   // waits
  call(OpKind::kKevent, Timeout::kFinite, 4, 0, 100000);    // waits
  call(OpKind::kKevent, Timeout::kForever, 0, 1000, 3000);  // has no room to wait for
  call(OpKind::kKevent, Timeout::kZero, 4, 1000, 1800);
  call(OpKind::kClose, Timeout::kZero, 0, 0, 600);
  call(OpKind::kClose, Timeout::kZero, 0, 0, contract::kUnreturned);
  const auto lengths = racing_calls(history.view());
  EXPECT_EQ(lengths, (std::vector<std::vector<uint64_t>>{{1000, 400, 300}, {}}));
}

TEST(Jitter, SameSeedAndSpreadArePausesOfTheSameLength) {
  Random first(42), second(42), other(43);
  bool differs = false;
  for (int i = 0; i < 1000; ++i) {
    const Pause pause = next_pause(&first, 4096), again = next_pause(&second, 4096);
    const Pause else_where = next_pause(&other, 4096);
    EXPECT_EQ(pause.spin_ns, again.spin_ns);
    EXPECT_EQ(pause.yield, again.yield);
    differs = differs || pause.spin_ns != else_where.spin_ns;
  }
  EXPECT_TRUE(differs);
}

// Two threads make calls of 1000 and 3000 ns in turns of their own. Over the spread's pauses every
// tenth of the one meets every tenth of the other.
TEST(Jitter, AnyPointOfACallMeetsAnyPointOfAnother) {
  constexpr double kLengths[2] = {1000, 3000};
  const uint64_t spread = calibrate({{1000}, {3000}});
  Random random(7);
  bool met[10][10] = {};
  for (int i = 0; i < 100'000; ++i) {
    // Both were released at the same moment, and paused before their calls.
    const double start[2] = {static_cast<double>(next_pause(&random, spread).spin_ns),
                             static_cast<double>(next_pause(&random, spread).spin_ns)};
    for (int point = 0; point < 10; ++point) {
      const double when = start[0] + kLengths[0] * (point + 0.5) / 10;
      const double there = (when - start[1]) / kLengths[1];
      if (there >= 0 && there < 1) met[point][static_cast<size_t>(there * 10)] = true;
    }
  }
  for (const auto& row : met) {
    for (const bool point : row) EXPECT_TRUE(point);
  }
}

TEST(Jitter, HalfOfAllPausesAreNone) {
  Random random(1);
  int none = 0;
  for (int i = 0; i < 10'000; ++i) {
    const Pause pause = next_pause(&random, 4096);
    EXPECT_LE(pause.spin_ns, 4096u);
    none += !pause.yield && pause.spin_ns == 0;
  }
  EXPECT_NEAR(none, 5000, 300);
}

}  // namespace
}  // namespace kqtorture
