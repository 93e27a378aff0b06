// The detector against an oracle that forgets nothing and has no vector clocks.
#include "sched/race_detector.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "scenario/random.h"
#include "sched/stack_depot.h"

namespace kqtorture::sched {
namespace {

using Access = RaceDetector::Access;

// Every event of the trace with the set of those that happen before it.
class Oracle {
 public:
  using Past = std::vector<bool>;

  void fork(uint32_t parent, uint32_t child) { join(child, parent); }
  void join(uint32_t parent, uint32_t child) { add(&past_[parent], past_[child]); }
  void acquire(uint32_t thread, uintptr_t object) { add(&past_[thread], released_[object]); }
  void release(uint32_t thread, uintptr_t object) { add(&released_[object], past_[thread]); }
  void release_store(uint32_t thread, uintptr_t object) { released_[object] = past_[thread]; }

  // The stacks (which number the events) of all that race with it.
  std::vector<Access> access(uintptr_t address, const Access& now) {
    std::vector<Access> races;
    const Past& past = past_[now.thread];
    for (size_t i = 0; i < events_.size(); i++) {
      const auto& [at, old] = events_[i];
      if (at + old.size <= address || address + now.size <= at) continue;
      if (!(old.write || now.write) || (old.atomic && now.atomic)) continue;
      if (!(i < past.size() && past[i])) races.push_back(old);
    }
    events_.push_back({address, now});
    Past& mine = past_[now.thread];
    mine.resize(events_.size());
    mine.back() = true;
    return races;
  }

 private:
  static void add(Past* into, const Past& from) {
    if (into->size() < from.size()) into->resize(from.size());
    for (size_t i = 0; i < from.size(); i++) {
      if (from[i]) (*into)[i] = true;
    }
  }

  std::vector<std::pair<uintptr_t, Access>> events_;
  std::map<uint32_t, Past> past_;
  std::map<uintptr_t, Past> released_;
};

struct Tally {
  uint64_t races = 0, quiet = 0;
};

// One trace: threads that are started and joined, locks, atomic objects, words of eight bytes that
// are accessed in parts.
void compare(uint64_t seed, RaceDetector* detector, Tally* tally) {
  Random random(seed);
  Oracle oracle;
  detector->reset();
  std::vector<uint32_t> live = {0};
  uint32_t started = 1;
  const uint32_t most = 2 + static_cast<uint32_t>(random.below(RaceDetector::kThreads - 1));
  const size_t words = 1 + random.below(6);
  // From hardly any order to hardly any race.
  const size_t order = random.below(90);
  const size_t length = 20 + random.below(150);
  for (uint32_t i = 0; i < length; i++) {
    const uint32_t thread = random.element(live);
    const uintptr_t object = 8 * (100 + random.below(3));
    if (started < most && random.chance(1, 8)) {
      detector->fork(thread, started);
      oracle.fork(thread, started);
      live.push_back(started++);
    } else if (live.size() > 2 && random.chance(1, 40)) {
      const uint32_t other = live.back();
      if (other == thread) continue;
      live.pop_back();
      detector->join(thread, other);
      oracle.join(thread, other);
    } else if (random.chance(order, 100)) {
      switch (random.below(4)) {
        case 0:
          detector->release(thread, object);
          oracle.release(thread, object);
          break;
        case 1:
          detector->release_store(thread, object);
          oracle.release_store(thread, object);
          break;
        default:
          detector->acquire(thread, object);
          oracle.acquire(thread, object);
      }
    } else {
      const auto size = random.pick<uint8_t>({1, 2, 4, 8, 8});
      const uintptr_t address = 4096 + 8 * random.below(words) + size * random.below(8u / size);
      const Access now{thread, i + 1, size, random.chance(1, 2), random.chance(1, 3)};
      const std::vector<Access> expected = oracle.access(address, now);
      const auto race = detector->access(address, now);
      ASSERT_EQ(race.has_value(), !expected.empty()) << "seed " << seed << " event " << i;
      (race ? tally->races : tally->quiet)++;
      if (!race) continue;
      bool known = false;
      for (const Access& old : expected) {
        known |= old.stack == race->before.stack && old.thread == race->before.thread &&
                 old.write == race->before.write && old.atomic == race->before.atomic &&
                 old.size == race->before.size;
      }
      ASSERT_TRUE(known) << "seed " << seed << " event " << i;
    }
  }
}

TEST(RaceDetector, AgreesWithTheDefinitionOnRandomTraces) {
  RaceDetector detector;
  Tally tally;
  for (uint64_t seed = 1; seed <= 5000; seed++) {
    compare(seed, &detector, &tally);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(tally.races, 50000u);
  EXPECT_GT(tally.quiet, 50000u);
}

TEST(RaceDetector, RemembersTwoHalvesOfAWord) {
  RaceDetector detector;
  detector.reset();
  detector.fork(0, 1);
  detector.fork(0, 2);
  EXPECT_FALSE(detector.access(4096, {0, 1, 4, true, false}));
  EXPECT_FALSE(detector.access(4100, {1, 2, 4, true, false}));
  const auto race = detector.access(4096, {2, 3, 4, false, false});
  ASSERT_TRUE(race);
  EXPECT_EQ(race->before.stack, 1u);
}

TEST(RaceDetector, GrowsAndForgets) {
  RaceDetector detector;
  for (int round = 0; round < 3; round++) {
    detector.reset();
    detector.fork(0, 1);
    for (uintptr_t i = 0; i < 20000; i++) {
      ASSERT_FALSE(detector.access(4096 + 8 * i, {0, 1, 8, true, false}));
      detector.release(0, 8 * i);
    }
    detector.acquire(1, 8 * 9999);  // what was released after the first 10000 writes
    for (uintptr_t i = 0; i < 20000; i++) {
      ASSERT_EQ(detector.access(4096 + 8 * i, {1, 2, 8, false, false}).has_value(), i >= 10000);
    }
  }
}

TEST(StackDepot, KnowsAStackAgain) {
  StackDepot depot;
  std::map<std::pair<uint32_t, uintptr_t>, uint32_t> made;
  std::vector<uint32_t> stacks = {0};
  Random random(7);
  for (int i = 0; i < 50000; i++) {
    const uint32_t caller = random.element(stacks);
    const uintptr_t pc = 1 + random.below(20);
    const uint32_t stack = depot.push(caller, pc);
    const auto [at, fresh] = made.insert({{caller, pc}, stack});
    ASSERT_EQ(at->second, stack);
    ASSERT_EQ(depot.pc(stack), pc);
    if (!fresh) continue;
    std::vector<uintptr_t> frames = depot.frames(caller);
    frames.insert(frames.begin(), pc);
    ASSERT_EQ(depot.frames(stack), frames);
    stacks.push_back(stack);
  }
  EXPECT_GT(stacks.size(), 10000u);  // the table has grown
  EXPECT_TRUE(depot.frames(0).empty());
}

}  // namespace
}  // namespace kqtorture::sched
