// What each strategy promises, on programs small enough to count.
#include "sched/strategies.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "simulated.h"

namespace kqtorture::sched {
namespace {

using Trace = std::vector<uint32_t>;

Op load(uint64_t object) { return {Op::kLoad, object}; }
Op store(uint64_t object, int value) { return {Op::kStore, object, value}; }
Op lock(uint64_t object) { return {Op::kLock, object}; }
Op unlock(uint64_t object) { return {Op::kUnlock, object}; }

std::vector<Op> noise(uint64_t object, size_t count) {
  return std::vector<Op>(count, store(object, 1));
}

std::vector<Op> row(std::initializer_list<std::vector<Op>> parts) {
  std::vector<Op> all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

const Program kTwoByThree = {noise(1, 3), noise(1, 3)};
const Program kShort = {{load(1)}, {load(1)}};
const Program kThreeThreads = {{store(1, 1), load(2)}, {store(2, 1), load(1)}, {load(1), load(2)}};
const Program kLocks = {{lock(9), store(1, 1), unlock(9), load(2)},
                        {lock(9), store(1, 2), unlock(9), store(2, 1)},
                        {load(1), lock(9), unlock(9)}};

// Every schedule with at most so many preemptions, without any cleverness.
void enumerate(const Program& program, const Trace& prefix, unsigned preemptions, unsigned most,
               std::set<Trace>* all) {
  Simulation simulation(program);
  Outcome outcome;
  for (const uint32_t thread : prefix) simulation.step(thread, &outcome);
  const std::vector<Candidate> candidates = simulation.candidates();
  if (candidates.empty()) all->insert(prefix);
  bool can_stay = false;
  for (const Candidate& candidate : candidates) {
    if (!prefix.empty() && candidate.thread == prefix.back()) can_stay = true;
  }
  for (const Candidate& candidate : candidates) {
    const bool preempts = can_stay && candidate.thread != prefix.back();
    if (preempts && preemptions == most) continue;
    Trace longer = prefix;
    longer.push_back(candidate.thread);
    enumerate(program, longer, preemptions + preempts, most, all);
  }
}

std::set<Trace> all_schedules(const Program& program, unsigned most) {
  std::set<Trace> all;
  enumerate(program, {}, 0, most, &all);
  return all;
}

TEST(DepthFirst, RunsExactlyTheSchedulesOfEachBound) {
  for (const Program* program : {&kTwoByThree, &kThreeThreads, &kLocks}) {
    for (const unsigned bound : {0u, 1u, 2u, 3u, 100u}) {
      auto search = make_depth_first(bound);
      std::set<Trace> seen;
      while (!search->exhausted()) {
        const Outcome outcome = simulate(*program, search.get(), 0);
        ASSERT_TRUE(outcome.done);
        seen.insert(outcome.trace);
      }
      EXPECT_FALSE(search->lost_its_way());
      EXPECT_EQ(seen, all_schedules(*program, bound)) << "bound " << bound;
      EXPECT_EQ(search->schedules(), seen.size()) << "bound " << bound;
    }
  }
  EXPECT_EQ(all_schedules(kTwoByThree, 0).size(), 2u);
  EXPECT_EQ(all_schedules(kTwoByThree, 100).size(), 20u);
}

TEST(DepthFirst, FewPreemptionsComeFirst) {
  auto search = make_depth_first(3);
  std::vector<unsigned> counts;
  while (!search->exhausted()) {
    const Trace trace = simulate(kTwoByThree, search.get(), 0).trace;
    std::map<uint32_t, int> done;
    unsigned preemptions = 0;
    for (size_t i = 0; i < trace.size(); i++) {
      if (i > 0 && trace[i] != trace[i - 1] && done[trace[i - 1]] < 3) preemptions++;
      done[trace[i]]++;
    }
    ASSERT_LE(preemptions, search->bound() + 1);
    counts.push_back(preemptions);
  }
  EXPECT_EQ(counts.front(), 0u);
  EXPECT_EQ(*std::max_element(counts.begin(), counts.end()), 3u);
}

TEST(DepthFirst, EndsAlthoughThreadsSpin) {
  const Program two_spin = {{{Op::kSpinUntil, 1, 1}}, {{Op::kSpinUntil, 1, 1}}, {store(1, 1)}};
  auto search = make_depth_first(9);
  std::set<Trace> seen;
  uint64_t runs = 0;
  while (!search->exhausted()) {
    const Outcome outcome = simulate(two_spin, search.get(), 0);
    ASSERT_TRUE(outcome.done);
    ASSERT_LT(++runs, 100000u);
    seen.insert(outcome.trace);
  }
  EXPECT_EQ(seen.size(), search->schedules());
  EXPECT_GT(seen.size(), 6u);  // those in which nobody spins are six
}

TEST(DepthFirst, EnumeratesOtherChoicesToo) {
  auto search = make_depth_first(0);
  std::set<std::pair<size_t, size_t>> seen;
  while (!search->exhausted()) {
    search->begin(0);
    const size_t first = search->pick(3);
    seen.insert({first, first == 1 ? search->pick(2) : 0});
    search->end(0, 1);
  }
  EXPECT_EQ(seen.size(), 4u);
  EXPECT_EQ(search->schedules(), 4u);
}

TEST(DepthFirst, SaysWhenAProgramIsAnotherOne) {
  for (const Program* other : {&kThreeThreads, &kShort}) {
    auto search = make_depth_first(100);
    for (int i = 0; i < 3; i++) simulate(kTwoByThree, search.get(), 0);
    EXPECT_FALSE(search->lost_its_way());
    simulate(*other, search.get(), 0);
    EXPECT_TRUE(search->lost_its_way());
    EXPECT_TRUE(search->exhausted());
  }
}

TEST(Strategies, MeetEveryInterleavingOfASmallProgram) {
  for (const char* name : {"random", "pos"}) {
    std::string error;
    const auto strategy = strategy_named(name, &error);
    std::set<Trace> seen;
    for (uint64_t seed = 1; seed <= 4000; seed++) {
      seen.insert(simulate(kTwoByThree, strategy.get(), seed).trace);
    }
    EXPECT_EQ(seen, all_schedules(kTwoByThree, 100)) << name;
  }
}

TEST(Strategies, DoNotSpinForEver) {
  const Program spinners = {{{Op::kSpinUntil, 1, 1}, store(2, 1)},
                            {{Op::kSpinUntil, 2, 1}, store(3, 1)},
                            {{Op::kSpinUntil, 1, 1}, {Op::kSpinUntil, 3, 1}},
                            row({noise(5, 10), {store(1, 1)}})};
  std::vector<std::string> names = rotation();
  names.push_back("dfs:2");
  for (const std::string& name : names) {
    std::string error;
    const auto strategy = strategy_named(name, &error);
    for (uint64_t seed = 1; seed <= 500; seed++) {
      ASSERT_TRUE(simulate(spinners, strategy.get(), seed, 5000).done) << name << ' ' << seed;
      if (seed > 100) continue;
      // Nor when they are not told who spins.
      ASSERT_TRUE(simulate(spinners, strategy.get(), seed, 50000, false).done) << name;
    }
  }
  const std::vector<uint8_t> none;
  EXPECT_TRUE(simulate(spinners, make_bytes(none).get(), 0, 5000).done);
  EXPECT_TRUE(simulate(spinners, make_replay({}).get(), 0, 5000).done);
}

TEST(Strategies, TheSameSeedIsTheSameSchedule) {
  for (const std::string& name : rotation()) {
    std::string error;
    // Two of them, since PCT learns from each schedule how long the next one may be.
    const auto strategy = strategy_named(name, &error);
    const auto twin = strategy_named(name, &error);
    for (uint64_t seed = 1; seed <= 50; seed++) {
      const Outcome outcome = simulate(kLocks, strategy.get(), seed);
      EXPECT_TRUE(outcome == simulate(kLocks, twin.get(), seed)) << name;
      auto replay = make_replay(outcome.decisions);
      EXPECT_TRUE(outcome == simulate(kLocks, replay.get(), 0)) << name;
      EXPECT_FALSE(replay->misfit());
    }
  }
}

TEST(Replay, SaysWhenItDoesNotFit) {
  for (const auto& decisions : {std::vector<uint8_t>{2}, std::vector<uint8_t>(50, 0)}) {
    auto replay = make_replay(decisions);
    EXPECT_TRUE(simulate(kTwoByThree, replay.get(), 0).done);
    EXPECT_TRUE(replay->misfit());
  }
}

TEST(Replay, StaysBehindItsEnd) {
  auto replay = make_replay({1});
  EXPECT_EQ(simulate(kTwoByThree, replay.get(), 0).trace, (Trace{1, 1, 1, 0, 0, 0}));
  EXPECT_FALSE(replay->misfit());
}

TEST(Bytes, BelowHalfStaysAndAboveSelectsAnother) {
  const std::vector<uint8_t> bytes = {0, 127, 128, 0};
  const auto strategy = make_bytes(bytes);
  EXPECT_EQ(simulate(kTwoByThree, strategy.get(), 0).trace, (Trace{0, 0, 1, 1, 1, 0}));
}

// The share of `runs` schedules in which the bug shows, and with how many choices at most.
template <typename Bug>
double share(const Program& program, Strategy* strategy, uint64_t runs, uint64_t* choices,
             const Bug& bug) {
  uint64_t hits = 0;
  for (uint64_t seed = 1; seed <= runs; seed++) {
    const Outcome outcome = simulate(program, strategy, seed);
    *choices = std::max(*choices, outcome.choices);
    if (bug(outcome)) hits++;
  }
  return static_cast<double>(hits) / static_cast<double>(runs);
}

// Thread 0 finds another value than it left.
TEST(Pct, MeetsABugOfDepthTwoAsOftenAsPromised) {
  const Program program = {row({noise(5, 12), {store(1, 1), load(1)}, noise(5, 12)}),
                           row({noise(6, 12), {store(1, 2)}, noise(6, 12)}), noise(7, 26)};
  uint64_t k = 0;
  const double found = share(program, make_pct(2).get(), 20000, &k,
                             [](const Outcome& o) { return o.loaded[0] == 2; });
  EXPECT_GT(found, 0.7 / (3.0 * static_cast<double>(k)));
}

// Thread 1 sees both values of thread 0, one after the other.
TEST(Pct, MeetsABugOfDepthThreeAsOftenAsPromised) {
  const Program program = {row({noise(5, 5), {store(1, 1)}, noise(5, 5), {store(1, 2)}}),
                           row({{load(1)}, noise(6, 5), {load(1)}, noise(6, 5)})};
  const auto bug = [](const Outcome& o) { return o.loaded[0] == 1 && o.loaded[1] == 2; };
  uint64_t k = 0;
  const double found = share(program, make_pct(3).get(), 50000, &k, bug);
  EXPECT_GT(found, 0.7 / (2.0 * static_cast<double>(k * k)));
  // A depth of two is not enough for it: with one change nobody comes back.
  k = 0;
  EXPECT_LT(share(program, make_pct(2).get(), 20000, &k, bug), found / 4);
}

// Two pairs of steps that conflict, with steps between them that do not: the first pair one way,
// the second the other. Nearly two coins for POS; a walk has to be in the right place twice.
TEST(Pos, OrdersPairsMoreEvenlyThanARandomWalk) {
  const Program program = {row({noise(5, 2), {store(1, 1)}, noise(5, 2), {store(2, 1)}}),
                           row({noise(6, 2), {load(1)}, noise(6, 2), {load(2)}})};
  const auto bug = [](const Outcome& o) { return o.loaded[0] == 0 && o.loaded[1] == 1; };
  uint64_t k = 0;
  const double walked = share(program, make_random_walk().get(), 20000, &k, bug);
  EXPECT_GT(share(program, make_pos().get(), 20000, &k, bug), 1.3 * walked);
}

TEST(Names, AreThoseOfTheRotationAndOthers) {
  std::string error;
  for (const std::string& name : rotation()) EXPECT_EQ(strategy_named(name, &error)->name(), name);
  for (const char* name : {"pct:9", "dfs:0"}) EXPECT_EQ(strategy_named(name, &error)->name(), name);
  EXPECT_EQ(error, "");
  for (const char* name : {"", "pct", "pct:", "pct:1", "pct:22", "dfs:x", "Random", "pos "}) {
    error.clear();
    EXPECT_EQ(strategy_named(name, &error), nullptr) << name;
    EXPECT_NE(error.find('"' + std::string(name) + '"'), std::string::npos);
  }
}

TEST(PctMissBound, IsThatOfThePaper) {
  EXPECT_DOUBLE_EQ(pct_miss_bound(0, 3, 100, 2), 1);
  EXPECT_NEAR(pct_miss_bound(1, 3, 100, 2), 1 - 1.0 / 300, 1e-15);
  EXPECT_NEAR(pct_miss_bound(10, 2, 10, 3), std::pow(1 - 1.0 / 200, 10), 1e-14);
  EXPECT_EQ(pct_miss_bound(5, 1, 1, 2), 0);
  // One minus 1e-18 is one, for who computes it like that.
  const double rare = pct_miss_bound(1000000000, 1, 1000000000, 3);
  EXPECT_NEAR((1 - rare) * 1e9, 1, 1e-6);
  EXPECT_GT(pct_miss_bound(1000, 4, 150, 4), pct_miss_bound(1000, 4, 150, 3));
}

TEST(DistinctCounter, CountsExactlyAndThenSaysThatItEstimates) {
  DistinctCounter counter;
  for (uint64_t i = 0; i < 1000; i++) EXPECT_TRUE(counter.add(i));
  for (uint64_t i = 0; i < 1000; i++) EXPECT_FALSE(counter.add(i));
  EXPECT_EQ(counter.count(), 1000u);
  EXPECT_TRUE(counter.exact());
  constexpr uint64_t kMany = 3000000;
  for (uint64_t i = 0; i < kMany; i++) counter.add(i * 0x9e3779b97f4a7c15);
  EXPECT_FALSE(counter.exact());
  EXPECT_NEAR(static_cast<double>(counter.count()), kMany + 1000, 0.06 * kMany);
}

}  // namespace
}  // namespace kqtorture::sched
