// A worker ends with the first finding, because what was found may have left it broken; the next
// one goes on behind it, and first of all runs it again.
#include "cli/explore_lane.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "cli/explore_worker.h"
#include "report/finding.h"
#include "scenario/print.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

// A schedule takes microseconds; who makes none for so long hangs.
constexpr std::chrono::seconds kExploreLookInterval{3};
// Nor does it compute for so long, be it in a loop of the subject in which no step is seen.
constexpr std::chrono::seconds kExploreMostCpu{20};
// Workers in a row that ran no schedule.
constexpr int kMostIdleWorkers = 3;

// The threads that fibers borrow their stacks from sleep in a futex; whoever sleeps in anything
// else is the one that runs everybody, in a call that the runtime did not see.
std::string uncontrolled_call(const std::vector<std::string>& threads) {
  for (const std::string& line : threads) {
    const size_t call = line.find("system call ");
    if (call == std::string::npos || line.find("(futex)", call) != std::string::npos) continue;
    const size_t begin = line.find('(', call), end = line.find(')', call);
    if (begin == std::string::npos || end < begin) continue;
    return ": it waits in " + line.substr(begin + 1, end - begin - 1) +
           "(), a system call that is not under control";
  }
  return "";
}

// A worker ended in a way that it had not chosen: that is the schedule it was at.
void complete(const std::vector<Scenario>& scenarios, const ExploreArguments& arguments,
              const ExplorePlan& plan, ExploreBoard* board, ExploreBoard::Lane* lane,
              Finding* finding) {
  if (!lane->running) return;
  lane->running = false;
  const Scenario& scenario = scenarios[lane->program];
  finding->engine = "controlled";
  finding->scenario = scenario.name;
  finding->seed = lane->seed;
  finding->reproducer = print(scenario.program);
  ScheduleRecord& schedule = finding->schedule;
  schedule.strategy = plan.strategies()[lane->strategy];
  schedule.carrier = arguments.engine;
  schedule.most_steps = arguments.most_steps;
  schedule.races = !arguments.no_races;
  const uint64_t taken = std::min<uint64_t>(lane->decisions, ExploreBoard::Lane::kDecisions);
  schedule.decisions.assign(lane->decided, lane->decided + taken);
  if (finding->verdict == "hang") finding->message += uncontrolled_call(finding->detail);
  ExploreBoard::Tally& state = board->program(lane->program);
  state.finding_verdict.set(finding->verdict);
  state.note.set(finding->message);
  state.finding.set(output_directory() + "/findings/" + finding_file_name(*finding));
  state.verdict = ExploreBoard::Verdict::kFinding;
}

uint64_t work_of(const ExploreBoard& board) {
  uint64_t sum = 0;
  for (size_t i = 0; i < board.programs(); i++) {
    const ExploreBoard::Tally& state = board.program(i);
    for (const auto& count : state.schedules) sum += count;
    sum += state.verdict == ExploreBoard::Verdict::kFinding;
  }
  return sum;
}

}  // namespace

int run_lane(int argc, char** argv, const std::vector<Scenario>& scenarios,
             const ExploreArguments& arguments, const ExplorePlan& plan, ExploreBoard* board,
             size_t number) {
  ExploreBoard::Lane& lane = board->lane(number);
  SupervisorOptions options;
  options.program = "explore";
  options.look_interval = kExploreLookInterval;
  options.most_cpu = kExploreMostCpu;
  options.complete = [&](Finding* finding) {
    complete(scenarios, arguments, plan, board, &lane, finding);
  };
  int found = kExitClean;
  for (int idle = 0; idle < kMostIdleWorkers;) {
    const uint64_t before = work_of(*board);
    const auto code = supervise(argc, argv, options);
    if (!code) {
      const int own = ExploreWorker(scenarios, arguments, plan, board, number).work();
      std::fflush(nullptr);
      announce_exit(own);
      return own;
    }
    if (*code == kExitUsage) return *code;
    if (*code == kExitFinding) found = kExitFinding;
    if (lane.done) return found;
    idle = work_of(*board) == before ? idle + 1 : 0;
  }
  return kExitFinding;  // the subject, whatever is run on it: its finding was saved
}

}  // namespace kqtorture
