// Nothing is saved: what is found again has its file, and what is new is for `kqtorture run` to
// say. Only a worker that ends by itself leaves a finding, as every worker's supervisor does.
#include "cli/replay_litmus.h"

#include <climits>
#include <cstdio>

#include "report/text.h"
#include "scenario/print.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

using Status = SequentialResult::Status;

// What is compared: the words of a message hold numbers that change from run to run.
std::string what(const Finding& finding) {
  return finding.rule.empty() ? finding.verdict : finding.verdict + " (" + finding.rule + ")";
}

void conclude(const Finding& before, const Finding& now) {
  if (what(before) == what(now)) {
    std::printf("replay: found again: %s\n", to_line(what(now)).c_str());
  } else {
    std::printf("replay: found, but as %s, not as %s\n", to_line(what(now)).c_str(),
                to_line(what(before)).c_str());
  }
  std::fflush(stdout);
}

int replay(const Scenario& scenario, const Finding& finding, const RunOptions& options) {
  std::string error;
  const auto runner = ScenarioRunner::open(&error);
  if (!runner) return usage_error(error);
  note_activity(to_file_name(scenario.name).c_str());
  note_seed(options.seed);
  const ScenarioRunner::Outcome outcome = runner->run(scenario, options);
  for (const std::string& line : outcome.trace) std::printf("  %s\n", to_printable(line).c_str());
  if (outcome.status == Status::kFinding) {
    std::printf("  %s\n", to_line(outcome.finding.message).c_str());
    conclude(finding, outcome.finding);
    if (outcome.stuck) leave_stuck(kExitFinding);
    return kExitFinding;
  }
  std::printf("replay: not found this time, in %d runs%s%s\n", outcome.iterations,
              outcome.note.empty() ? "" : ": ", to_line(outcome.note).c_str());
  return outcome.status == Status::kSkipped ? kExitSkipped : kExitClean;
}

}  // namespace

int replay_litmus(const CommandLine& line, const Scenario& scenario, const Finding& finding,
                  uint64_t seed, bool dangerous) {
  RunOptions how;
  how.free_running = finding.engine == "free-running";
  how.iterations = INT_MAX;
  how.seed = seed;
  how.shrink_time = std::chrono::milliseconds(0);
  how.trace = true;
  how.dangerous = dangerous;
  SupervisorOptions options;
  options.program = "replay";
  options.look_interval = std::chrono::seconds(3);
  options.complete = [&](Finding* ended) {
    ended->engine = engine_of(scenario.program, how);
    ended->scenario = scenario.name;
    ended->reproducer = print(scenario.program);
    conclude(finding, *ended);
  };
  if (const auto code = supervise(line.argc(), line.argv(), options)) return *code;
  how.deadline = RunOptions::Clock::now() +
                 std::chrono::milliseconds(static_cast<int64_t>(line.common().budget * 1000));
  const int code = replay(scenario, finding, how);
  std::fflush(nullptr);
  announce_exit(code);
  return code;
}

}  // namespace kqtorture
