// The finding alone says everything: its program, its decisions and its limits.
#include "cli/explore_again.h"

#include <unistd.h>

#include <cstdio>

#include "cli/command_line.h"
#include "cli/explore_worker.h"
#include "report/text.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

using Status = SequentialResult::Status;

std::string what_was(const std::string& verdict, const std::string& rule) {
  return rule.empty() ? verdict : verdict + " (" + rule + ")";
}

void conclude_replay(const std::string& before, const std::string& now) {
  if (before == now) {
    std::printf("replay: found again: %s\n", to_line(now).c_str());
  } else {
    std::printf("replay: found, but as %s, not as %s\n", to_line(now).c_str(),
                to_line(before).c_str());
  }
  std::fflush(stdout);
}

[[noreturn]] void leave_replay(int code) {
  std::fflush(nullptr);
  announce_exit(code);
  _exit(code);
}

int replay_in_worker(const Finding& finding, const Scenario& scenario, bool dangerous) {
  std::string error;
  std::unique_ptr<Subject> subject;
  const auto engine = open_controlled(finding.schedule.carrier, &subject, &error);
  if (!engine) return usage_error(error);
  if (!dangerous) error = danger_here(*subject, scenario.program);
  if (!error.empty() || !engine->load(scenario.program, &error)) {
    std::printf("replay: skipped: %s\n", to_line(error).c_str());
    return kExitSkipped;
  }
  note_activity(to_file_name(scenario.name).c_str());
  note_seed(finding.seed);
  const auto replay = sched::make_replay(finding.schedule.decisions);
  replay->begin(0);
  const ControlledResult& result = engine->run(replay.get(), options_of(finding.schedule));
  for (const std::string& line : to_lines(result.lanes)) {
    std::printf("  %s\n", to_printable(line).c_str());
  }
  if (result.status == Status::kSkipped) {
    std::printf("replay: skipped: %s\n", to_line(result.message).c_str());
    leave_replay(kExitSkipped);
  }
  const bool exact = result.trace == finding.schedule.trace && !replay->misfit();
  const bool passed = finding.verdict == kNothingFound;
  int code = kExitClean;
  if (result.status == Status::kFinding) {
    std::printf("  %s\n", to_line(result.message).c_str());
    for (const std::string& line : result.detail) {
      std::printf("  %s\n", to_printable(line).c_str());
    }
    conclude_replay(what_was(finding.verdict, finding.rule), what_was(result.verdict, result.rule));
    code = kExitFinding;
  } else if (passed) {
    std::printf("replay: nothing found, as before\n");
    // Nothing is all that there is to show again; so it is shown by the steps alone.
    if (!exact) code = kExitFinding;
  } else {
    std::printf("replay: not found this time\n");
  }
  const std::string when = passed ? "kept" : "found";
  std::printf("replay: %llu steps, trace %016llx: %s\n",
              static_cast<unsigned long long>(result.schedule.steps),
              static_cast<unsigned long long>(result.trace),
              exact ? ("the same as when it was " + when + ", step by step").c_str()
                    : ("not the steps that it was " + when +
                       " with: the subject is another, or it does something that is not under "
                       "control")
                          .c_str());
  if (!exact) {
    std::printf("replay: %s\n", to_line(parting(finding.schedule, *engine)).c_str());
  }
  leave_replay(code);
}

}  // namespace

int replay_schedule(const AgainArguments& arguments, const Finding& finding,
                    const Scenario& scenario) {
  SupervisorOptions options;
  options.program = "replay";
  options.look_interval = std::chrono::seconds(3);
  options.complete = [&](Finding* ended) {
    ended->engine = "controlled";
    ended->scenario = scenario.name;
    ended->reproducer = finding.reproducer;
    ended->schedule = finding.schedule;
    conclude_replay(what_was(finding.verdict, finding.rule), what_was(ended->verdict, ended->rule));
  };
  if (const auto code = supervise(arguments.argc, arguments.argv, options)) return *code;
  const int code = replay_in_worker(finding, scenario, arguments.dangerous);
  std::fflush(nullptr);
  announce_exit(code);
  return code;
}

}  // namespace kqtorture
