// The strategies there are, by name, and the numbers of a campaign.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sched/strategy.h"

namespace kqtorture::sched {

// Each thread that can go on is as likely as any other; but mostly the running one goes on, which
// makes long stretches and short ones (random_walk.cpp).
std::unique_ptr<Strategy> make_random_walk();
// Probabilistic concurrency testing of that depth, 2 at least (pct.cpp).
std::unique_ptr<Strategy> make_pct(unsigned depth);
// Partial order sampling (pos.cpp).
std::unique_ptr<Strategy> make_pos();

// Every schedule with no more preemptions than the bound, the ones with fewest first (dfs.cpp).
class DepthFirst : public Strategy {
 public:
  // Different schedules that were run, of this bound and all lower ones.
  virtual uint64_t schedules() const = 0;
  // The one at work, or the last one; every schedule of the lower ones was run. Below the one asked
  // for although exhausted(): then no schedule has more preemptions.
  virtual unsigned bound() const = 0;
  // The program did not do again what it had done after the same choices: nothing is exhaustive.
  virtual bool lost_its_way() const = 0;
};
std::unique_ptr<DepthFirst> make_depth_first(unsigned bound);

// The decisions of a schedule that was run (Schedule::decisions); behind their end the running
// thread goes on as long as it can, until it yields (replay.cpp).
class Replay : public Strategy {
 public:
  // A decision was not among those that could be taken, or the schedule ended before the last of
  // them: it is another program.
  virtual bool misfit() const = 0;
};
std::unique_ptr<Replay> make_replay(std::vector<uint8_t> decisions);
// For fuzzers: a byte for each choice. Below 128 the running thread goes on, if it can and does not
// yield; else the byte selects among the others. Behind the end: zeros.
std::unique_ptr<Strategy> make_bytes(std::span<const uint8_t> bytes);

// "random", "pos", "pct:DEPTH" (2 to 9), "dfs:BOUND" (0 to 9). Null with one line in *error.
std::unique_ptr<Strategy> strategy_named(std::string_view name, std::string* error);
// What a campaign goes through in turn.
std::vector<std::string> rotation();

// The probability that a bug of that depth, in a program of so many threads and choices, was missed
// by all of `schedules` of PCT of that depth: the bound of Burckhardt et al. (ASPLOS 2010).
double pct_miss_bound(uint64_t schedules, uint64_t threads, uint64_t choices, unsigned depth);

// How many different numbers were there? Exact up to kExact, estimated (within 2 %) beyond.
class DistinctCounter {
 public:
  DistinctCounter();
  ~DistinctCounter();
  // True when the number is new, or, once it estimates, may be.
  bool add(uint64_t hash);
  uint64_t count() const;
  bool exact() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kqtorture::sched
