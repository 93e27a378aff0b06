// Is a correct kqueue ever accused?
//
// Simulated histories beyond the enumerator's reach: several threads, third-party ENABLE, signals,
// faults, receipts, dup2 and reuse of numbers, waiters that sleep long, calls that never return.
// None may be refused.
#include <gtest/gtest.h>

#include <cstdio>

#include "contract/checker/checker.h"
#include "effort.h"
#include "simulator.h"

namespace kqtorture::contract::testing {
namespace {

std::string witnesses(const HistoryView& view, const Violation& violation) {
  std::string text;
  for (const OpRef& ref : violation.witnesses) {
    const ThreadLog& log = view.threads[ref.thread];
    const HistoryOp& op = log.ops[ref.op];
    text += "T" + std::to_string(ref.thread) + " [" + std::to_string(op.begin) + ", " +
            std::to_string(op.end) + "] " + to_text(log, op) + "\n";
  }
  return text;
}

void accept_all(const SimulatorOptions& options, uint64_t count) {
  const uint64_t seed = first_seed();
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  CheckReport sum;
  for (uint64_t i = 0; i < count; ++i) {
    const History history = Simulator(options, seed + i).run();
    const HistoryView view = history.view();
    ASSERT_EQ(malformed(view), "");
    const CheckReport report = check_history(view, *find_profile("strict-2006"),
                                             *find_host(options.late ? "linux" : "linux-at-once"));
    ASSERT_FALSE(report.violation) << "seed " << seed + i << ": " << to_text(report) << "\n"
                                   << witnesses(view, *report.violation);
    sum.operations += report.operations;
    sum.points += report.points;
    sum.searched += report.searched;
    sum.probes += report.probes;
    sum.quiet_polls += report.quiet_polls;
    sum.most_states = std::max(sum.most_states, report.most_states);
    for (size_t reason = 0; reason < kUndecidedReasons; ++reason) {
      // Cut recordings leave sleepers that nobody asked after.
      if (static_cast<Undecided>(reason) == Undecided::kNoProbe) continue;
      ASSERT_EQ(report.undecided[reason], 0u) << to_text(report);
    }
  }
  std::printf("%llu histories: %s\n", static_cast<unsigned long long>(count), to_text(sum).c_str());
  EXPECT_GT(sum.points, sum.operations / 4);
  EXPECT_GT(sum.searched, sum.operations / 32);
}

SimulatorOptions large() {
  SimulatorOptions options;
  options.threads = 5;
  options.calls = number_in("KQ_CALLS", 400);
  return options;
}

TEST(GoodHistories, OfUserKnotesAreAccepted) {
  SimulatorOptions options = large();
  options.users = 3;
  options.pipes = 0;
  accept_all(options, rounds(1000));
}

TEST(GoodHistories, OfPipesAreAccepted) {
  SimulatorOptions options = large();
  options.users = 0;
  options.pipes = 2;
  options.reuse = false;
  accept_all(options, rounds(1000));
}

TEST(GoodHistories, OfNumbersThatAreReusedAreAccepted) {
  SimulatorOptions options = large();
  options.users = 0;
  options.pipes = 3;
  accept_all(options, rounds(1000));
}

TEST(GoodHistories, OfPipesWhoseActivityIsNoticedLateAreAccepted) {
  SimulatorOptions options = large();
  options.users = 0;
  options.pipes = 2;
  options.late = true;
  accept_all(options, rounds(1000));
}

TEST(GoodHistories, WithAWaiterThatSleepsThroughoutAreAccepted) {
  SimulatorOptions options = large();
  options.parked_waiter = true;
  options.probes = options.unfinished = false;
  accept_all(options, rounds(1000));
}

TEST(GoodHistories, OfEverythingWithUdataUsedAgainAreAccepted) {
  SimulatorOptions options = large();
  options.pipes = 2;
  options.late = true;
  options.fresh_udata = false;
  options.ties = 2;
  accept_all(options, rounds(1000));
}

}  // namespace
}  // namespace kqtorture::contract::testing
