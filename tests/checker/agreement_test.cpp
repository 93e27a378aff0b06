// Do the checker and the enumerator of all orders say the same of every small history?
//
// Good histories, cut short enough for the enumerator, and the same after one to three mutations.
#include <gtest/gtest.h>

#include <cstdio>

#include "brute_force.h"
#include "contract/checker/checker.h"
#include "effort.h"
#include "mutate.h"
#include "simulator.h"

namespace kqtorture::contract::testing {
namespace {

struct Tally {
  uint64_t histories = 0, explainable = 0, refused = 0, too_large = 0, orders = 0;
};

std::string lanes(const History& history) {
  std::string text;
  const HistoryView view = history.view();
  for (size_t t = 0; t < view.threads.size(); ++t) {
    for (const HistoryOp& op : view.threads[t].ops) {
      text += "T" + std::to_string(t) + " [" + std::to_string(op.begin) + ", " +
              (op.returned() ? std::to_string(op.end) : "...") + "] " +
              (op.quiescent ? "probe " : "") + to_text(view.threads[t], op) + "\n";
    }
  }
  return text;
}

// False when they disagree.
bool compare(const History& history, bool late, Tally* tally) {
  const HistoryView view = history.view();
  EXPECT_EQ(malformed(view), "");
  const BruteForce truth = brute_force(view, late);
  if (truth.too_large) {
    ++tally->too_large;
    return true;
  }
  const CheckReport report = check_history(view, *find_profile("strict-2006"),
                                           *find_host(late ? "linux" : "linux-at-once"));
  ++tally->histories;
  tally->orders += truth.orders;
  ++(truth.explainable ? tally->explainable : tally->refused);
  // What the objects' own calls leave open accuses nobody; the enumerator does not ask who it was.
  const bool objects =
      report.undecided[static_cast<size_t>(Undecided::kObjectOrder)] != 0 && !report.violation;
  const bool refused = report.violation.has_value() || objects;
  const bool agree = refused != truth.explainable;
  EXPECT_TRUE(agree) << "enumerator: " << (truth.explainable ? "explainable" : "not explainable")
                     << ", checker: " << to_text(report) << "\n"
                     << lanes(history);
  return agree;
}

void run(const SimulatorOptions& options, uint64_t count) {
  Tally tally;
  const uint64_t seed = first_seed();
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  for (uint64_t i = 0; i < count; ++i) {
    Random random(seed + i);
    SimulatorOptions chosen = options;
    chosen.calls = 2 + random.below(options.calls);
    chosen.threads = 2 + static_cast<int>(random.below(static_cast<size_t>(options.threads) - 1));
    History history = Simulator(chosen, seed + i).run();
    if (!compare(history, options.late, &tally)) return;
    for (int mutations = 0; mutations < 3; ++mutations) {
      if (!mutate(&history, &random)) continue;
      if (!compare(history, options.late, &tally)) {
        std::printf("history %llu\n", static_cast<unsigned long long>(seed + i));
        return;
      }
    }
  }
  std::printf(
      "%llu rounds of up to %llu calls: %llu histories (%llu explainable, %llu not), "
      "%llu too large, %llu orders, no disagreement\n",
      static_cast<unsigned long long>(count), static_cast<unsigned long long>(options.calls + 1),
      static_cast<unsigned long long>(tally.histories),
      static_cast<unsigned long long>(tally.explainable),
      static_cast<unsigned long long>(tally.refused),
      static_cast<unsigned long long>(tally.too_large),
      static_cast<unsigned long long>(tally.orders));
  EXPECT_GT(tally.explainable, count / 4);
  EXPECT_GT(tally.refused, count / 8);
}

SimulatorOptions small() {
  SimulatorOptions options;
  options.threads = 4;
  options.calls = 12;
  options.users = 1;
  options.pipes = 0;
  return options;
}

TEST(Agreement, OnUserKnotes) { run(small(), rounds(20000)); }

TEST(Agreement, OnUserKnotesWithUdataUsedAgain) {
  SimulatorOptions options = small();
  options.fresh_udata = options.receipts = false;  // whose an entry is would not be said
  run(options, rounds(20000));
}

TEST(Agreement, OnTwoUserKnotes) {
  SimulatorOptions options = small();
  options.users = 2;
  run(options, rounds(10000));
}

TEST(Agreement, OnAPipe) {
  SimulatorOptions options = small();
  options.users = 0;
  options.pipes = 1;
  run(options, rounds(20000));
}

TEST(Agreement, OnTwoPipesThatShareNumbers) {
  SimulatorOptions options = small();
  options.users = 0;
  options.pipes = 2;
  run(options, rounds(10000));
}

TEST(Agreement, OnAPipeWhoseActivityIsNoticedLate) {
  SimulatorOptions options = small();
  options.users = 0;
  options.pipes = 1;
  options.late = true;
  run(options, rounds(20000));
}

TEST(Agreement, OnEverythingTogether) {
  SimulatorOptions options = small();
  options.pipes = 1;
  options.fresh_udata = options.receipts = false;  // whose an entry is would not be said
  run(options, rounds(10000));
}

}  // namespace
}  // namespace kqtorture::contract::testing
