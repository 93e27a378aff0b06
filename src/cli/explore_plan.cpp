// Numbers only: nothing is run here.
#include "cli/explore_plan.h"

#include <algorithm>

#include "cli/engines.h"
#include "scenario/random.h"
#include "sched/strategies.h"

namespace kqtorture {
namespace {

// Without a budget and without a number.
constexpr uint64_t kSchedulesByDefault = 1000;
// With a budget a turn is short, so that every program has several.
constexpr double kTurn = 500, kTurnPerSecond = 8;
// Two preemptions show most of what is there to be shown (Musuvathi and Qadeer, PLDI 2007), and a
// third makes a search that does not end of nearly any program.
constexpr char kDepthFirst[] = "dfs:2";

}  // namespace

ExplorePlan::ExplorePlan(const ExploreArguments& arguments) : arguments_(arguments) {
  if (arguments.strategy == "all") {
    strategies_ = sched::rotation();
    strategies_.emplace_back(kDepthFirst);
  } else {
    strategies_ = {arguments.strategy};
  }
  const uint64_t schedules = arguments.schedules > 0 ? arguments.schedules : kSchedulesByDefault;
  // The first round is complete whatever it takes: with little time its turns are short.
  const auto turn =
      static_cast<uint64_t>(std::clamp(arguments.budget * kTurnPerSecond, 16.0, kTurn));
  batch_ = has_deadline() ? std::min(schedules, turn) : schedules;
  rounds_ =
      has_deadline() && arguments.schedules == 0 ? UINT64_MAX : (schedules + batch_ - 1) / batch_;
}

bool ExplorePlan::is_depth_first(size_t strategy) const {
  return strategies_[strategy].starts_with("dfs:");
}

unsigned ExplorePlan::pct_depth(size_t strategy) const {
  const std::string& name = strategies_[strategy];
  return name.starts_with("pct:") ? static_cast<unsigned>(name[4] - '0') : 0;
}

uint64_t ExplorePlan::share(size_t lane, size_t jobs) const {
  return batch_ / jobs + (lane < batch_ % jobs ? 1 : 0);
}

bool ExplorePlan::over(const ExploreBoard& board) const {
  const double seconds = std::chrono::duration<double>(board.elapsed()).count();
  return has_deadline() && seconds >= arguments_.budget;
}

std::set<ExplorePlan::Place> ExplorePlan::kept(const std::string& scenario) const {
  const size_t drawing = is_depth_first(strategies_.size() - 1) && strategies_.size() > 1
                             ? strategies_.size() - 1
                             : strategies_.size();
  const uint64_t all = drawing * batch_;
  std::set<Place> places;
  if (arguments_.keep == 0) return places;
  // As many different ones of `all` (Floyd).
  Random random(derive_seed(arguments_.seed, "keep " + scenario, 0));
  for (uint64_t last = all - std::min(all, arguments_.keep); last < all; last++) {
    const uint64_t drawn = random.below(last + 1);
    const Place place{static_cast<size_t>(drawn / batch_), drawn % batch_};
    if (!places.insert(place).second) {
      places.insert({static_cast<size_t>(last / batch_), last % batch_});
    }
  }
  return places;
}

uint64_t ExplorePlan::seed_of(const std::string& scenario, size_t strategy, uint64_t number) const {
  return derive_seed(arguments_.seed, scenario + ' ' + strategies_[strategy], number);
}

}  // namespace kqtorture
