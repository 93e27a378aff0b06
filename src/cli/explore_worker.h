// The worker's side of `kqtorture explore`: schedule after schedule, until one of them is a finding
// or leaves the process unable to go on.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "cli/explore_board.h"
#include "cli/explore_plan.h"
#include "cli/run.h"
#include "engine/controlled.h"
#include "sched/strategies.h"

namespace kqtorture {

// The strategy, with every answer written to the board before it is acted on: what a crash leaves
// behind is the schedule that led to it.
class WatchedStrategy : public sched::Strategy {
 public:
  WatchedStrategy(sched::Strategy* inner, ExploreBoard::Lane* lane)
      : inner_(*inner), lane_(*lane) {}
  std::string name() const override { return inner_.name(); }
  void begin(uint64_t seed) override {
    lane_.decisions.store(0, std::memory_order_relaxed);
    inner_.begin(seed);
  }
  size_t choose(const sched::Choice& choice) override { return noted(inner_.choose(choice)); }
  size_t pick(size_t count) override { return noted(inner_.pick(count)); }
  void yielded(uint32_t thread) override { inner_.yielded(thread); }
  void end(uint64_t choices, uint32_t threads) override { inner_.end(choices, threads); }
  bool exhausted() const override { return inner_.exhausted(); }

 private:
  size_t noted(size_t answer) {
    const uint64_t at = lane_.decisions.load(std::memory_order_relaxed);
    if (at < ExploreBoard::Lane::kDecisions) lane_.decided[at] = static_cast<uint8_t>(answer);
    lane_.decisions.store(at + 1, std::memory_order_relaxed);
    return answer;
  }

  sched::Strategy& inner_;
  ExploreBoard::Lane& lane_;
};

// Starts the runtime, opens the subject and makes the engine. Every descriptor that the process
// will use from now on has a number that does not depend on who started it. Null with *error.
std::unique_ptr<ControlledEngine> open_controlled(const std::string& carrier,
                                                  std::unique_ptr<Subject>* subject,
                                                  std::string* error);

// The finding of a schedule, ready to be saved.
Finding finding_of(const ControlledResult& result, const ControlledEngine& engine,
                   const Scenario& scenario, const ScheduleRecord& schedule, uint64_t seed);
// Where the engine's last run left the schedule that it was to run again, in a line.
std::string parting(const ScheduleRecord& schedule, const ControlledEngine& engine);
ControlledEngine::Options options_of(const ScheduleRecord& schedule);

class ExploreWorker {
 public:
  // Everything given must outlive it.
  ExploreWorker(const std::vector<Scenario>& scenarios, const ExploreArguments& arguments,
                const ExplorePlan& plan, ExploreBoard* board, size_t lane);

  // Goes on where the board says that the lane's last worker stopped. The exit code of the process;
  // lane.done tells whether everything was done. Does not return when the process is dirty.
  int work();

 private:
  struct Turn {
    size_t program;
    size_t strategy;
    uint64_t round;
  };
  bool take_turn(const Turn& turn, uint64_t from);
  bool depth_first(const Turn& turn, uint64_t from);
  // False when the worker has to end.
  bool one(const Turn& turn, sched::Strategy* strategy, uint64_t number);
  bool found(const Turn& turn, const ControlledResult& result, uint64_t seed,
             const std::string& strategy);
  bool again(const Turn& turn, uint64_t seed, const std::string& strategy, uint64_t number,
             bool keep);
  void keep(const Turn& turn, Finding finding, uint64_t number);
  void verify();
  void save(const Turn& turn, const Finding& finding, bool verified);
  void take_processor_time(const Turn& turn);
  void count(const Turn& turn, const ControlledResult& result);
  bool load(size_t program);
  [[noreturn]] void leave(int code);
  ScheduleRecord record_of(const sched::Schedule& schedule, uint64_t trace,
                           const std::string& strategy) const;

  const std::vector<Scenario>& scenarios_;
  const ExploreArguments& arguments_;
  const ExplorePlan& plan_;
  ExploreBoard& board_;
  ExploreBoard::Lane& lane_;
  const size_t number_;
  std::unique_ptr<Subject> subject_;
  std::unique_ptr<ControlledEngine> engine_;
  // Of the plan, by program: they learn, and the search goes on where it was.
  std::vector<std::vector<std::unique_ptr<sched::Strategy>>> strategies_;
  size_t loaded_ = SIZE_MAX;           // program
  std::set<ExplorePlan::Place> kept_;  // of that program
  uint64_t processor_time_ = 0;        // that is counted, in nanoseconds
  bool dirty_ = false;
};

}  // namespace kqtorture
