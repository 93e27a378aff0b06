// Of histories that are illegal by construction, how many are caught?
//
// Long simulated histories, each with one thing in it that no order explains: an event after the
// final one, a ONESHOT event in two calls, an event from a call that began after a DELETE had
// ended.
#include <gtest/gtest.h>

#include <cstdio>
#include <map>

#include "contract/checker/checker.h"
#include "effort.h"
#include "mutate.h"
#include "simulator.h"

namespace kqtorture::contract::testing {
namespace {

void count_caught(bool (*spoil)(History*, Random*)) {
  const uint64_t seed = first_seed();
  const uint64_t count = rounds(2000);
  uint64_t spoiled = 0, caught = 0, undecided = 0;
  std::map<std::string, uint64_t> rules;
  for (uint64_t i = 0; i < count; ++i) {
    SimulatorOptions options;
    options.threads = 4;
    options.calls = 400;
    options.users = 2;
    options.pipes = 1;
    options.reuse = i % 2 == 0;
    options.late = i % 3 == 0;
    History history = Simulator(options, seed + i).run();
    Random random(seed + i);
    if (!spoil(&history, &random)) continue;
    ++spoiled;
    const CheckReport report = check_history(history.view(), *find_profile("strict-2006"),
                                             *find_host(options.late ? "linux" : "linux-at-once"));
    if (report.violation) {
      ++caught;
      ++rules[report.violation->rule + " " + report.violation->verdict];
    } else {
      undecided += report.decided() ? 0 : 1;
    }
  }
  std::printf(
      "seed %llu, %llu histories: %llu spoiled, %llu caught (%.2f%%), %llu of the others "
      "undecided\n",
      static_cast<unsigned long long>(seed), static_cast<unsigned long long>(count),
      static_cast<unsigned long long>(spoiled), static_cast<unsigned long long>(caught),
      100.0 * static_cast<double>(caught) / static_cast<double>(spoiled),
      static_cast<unsigned long long>(undecided));
  for (const auto& [rule, times] : rules) {
    std::printf("  %s: %llu\n", rule.c_str(), static_cast<unsigned long long>(times));
  }
  EXPECT_GT(spoiled, count / 4);
  EXPECT_GE(static_cast<double>(caught), 0.99 * static_cast<double>(spoiled));
}

TEST(Illegal, AnEventAfterTheFinalEventIsCaught) { count_caught(deliver_after_final); }
TEST(Illegal, AOneshotEventInTwoCallsIsCaught) { count_caught(duplicate_oneshot); }
TEST(Illegal, AnEventAfterADeleteThatHadEndedIsCaught) { count_caught(deliver_after_delete); }

}  // namespace
}  // namespace kqtorture::contract::testing
