// What `kqtorture explore` was asked for, and in which order that is done.
//
// Every program has a turn with each strategy before any has a second one. A turn is a batch of
// schedules; workers side by side share a batch, each taking every n-th of it. A schedule is named
// by its program, its strategy and a number, from which its seed follows.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cli/explore_board.h"
#include "sched/runtime.h"

namespace kqtorture {

struct ExploreArguments {
  std::vector<std::string> paths;
  std::string known;  // a file of known findings; may be empty
  std::string strategy = "all";
  uint64_t schedules = 0;  // of each program by each strategy; 0: as the budget allows
  double budget = 0;       // seconds; 0: each program has `schedules`
  uint64_t seed = 0;
  size_t jobs = 0;  // 0: as many as there are processors
  bool json = false;
  std::string engine = "fibers";
  uint64_t most_steps = 200'000;
  bool no_races = false;
  bool dangerous = false;  // also what is known to hang or panic the native kernel
  uint64_t keep = 0;       // schedules that pass, of each program, to be saved
};

class ExplorePlan {
 public:
  explicit ExplorePlan(const ExploreArguments& arguments);

  // By their number on the board. The last one may be the depth-first search.
  const std::vector<std::string>& strategies() const { return strategies_; }
  bool is_depth_first(size_t strategy) const;
  // 2 to 9, or 0 when it is not PCT.
  unsigned pct_depth(size_t strategy) const;

  // Schedules of a batch, of all workers together.
  uint64_t batch() const { return batch_; }
  // Of that worker.
  uint64_t share(size_t lane, size_t jobs) const;
  // How many rounds there are without a deadline.
  uint64_t rounds() const { return rounds_; }
  bool has_deadline() const { return arguments_.budget > 0; }
  bool over(const ExploreBoard& board) const;
  // The depth-first search is one worker's alone.
  size_t depth_first_lane(size_t program, size_t jobs) const { return program % jobs; }

  // Which schedules of a program are kept if they pass: some of the first batch of every strategy
  // that draws, by the seed. A strategy and a number each; a search is drawn from only where there
  // is nothing else.
  struct Place {
    size_t strategy;
    uint64_t number;
    friend auto operator<=>(const Place&, const Place&) = default;
  };
  std::set<Place> kept(const std::string& scenario) const;

  uint64_t seed_of(const std::string& scenario, size_t strategy, uint64_t number) const;

 private:
  const ExploreArguments& arguments_;
  std::vector<std::string> strategies_;
  uint64_t batch_;
  uint64_t rounds_;
};

}  // namespace kqtorture
