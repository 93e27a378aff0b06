// `kqtorture shrink FINDING`: make the program of a finding smaller, and show it.
//
// Findings are shrunk when they are made, within a budget. This goes on from there, or starts from
// a program that came by another way: a crash file of a fuzzer, a litmus file of one's own.
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "cli/finding_file.h"
#include "cli/litmus_finding.h"
#include "cli/run.h"
#include "cli/run_apart.h"
#include "report/files.h"
#include "report/text.h"
#include "scenario/parse.h"
#include "scenario/print.h"
#include "subject/profiles.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

using Status = SequentialResult::Status;

// A race that one run in fifty meets costs half a second for each candidate that does not.
constexpr double kShrinkBudget = 60;

struct Arguments {
  std::string path;
  std::string output;
  int iterations = 1000;
  bool dangerous = false;
};

// A finding's program, or the file itself when it is a program.
bool load(const std::string& path, Scenario* scenario, Finding* finding, std::string* error) {
  if (!path.ends_with(".litmus")) {
    return load_finding(path, finding, error) && litmus_of(path, *finding, scenario, error);
  }
  auto program = load_program(path, error);
  if (!program) return false;
  scenario->path = path;
  scenario->name = std::filesystem::path(path).stem().string();
  scenario->program = std::move(*program);
  return true;
}

int show(const std::string& program, const Arguments& arguments) {
  std::fputs(program.c_str(), stdout);
  std::string error;
  if (!arguments.output.empty() && !write_file(arguments.output, program, &error)) {
    return usage_error(error);
  }
  return kExitFinding;
}

// In the worker.
int shrink_it(const Scenario& scenario, const Arguments& arguments, const RunOptions& options) {
  std::string error;
  const auto runner = ScenarioRunner::open(&error);
  if (!runner) return usage_error(error);
  note_activity(to_file_name(scenario.name).c_str());
  // A race shows only now and then: it has the whole budget to show once.
  const auto deadline = std::chrono::steady_clock::now() + options.shrink_time;
  RunOptions attempt = options;
  ScenarioRunner::Outcome outcome = runner->run(scenario, attempt);
  while (!is_sequential(scenario.program) && !outcome.stuck &&
         (outcome.status == Status::kClean || outcome.status == Status::kUndecided) &&
         std::chrono::steady_clock::now() < deadline) {
    ++attempt.seed;
    outcome = runner->run(scenario, attempt);
  }
  if (outcome.status != Status::kFinding) {
    std::printf("shrink: not found this time%s%s\n", outcome.note.empty() ? "" : ": ",
                to_line(outcome.note).c_str());
    return outcome.status == Status::kSkipped ? kExitSkipped : kExitClean;
  }
  save_finding(outcome.finding);
  const int code = show(outcome.finding.reproducer, arguments);
  if (outcome.stuck) leave_stuck(code);
  return code;
}

// A program that ends its process is made smaller by ending others.
int shrink_ending(Finding finding, const Scenario& scenario, const Arguments& arguments,
                  const RunOptions& options) {
  const ApartOptions apart{options.free_running, options.iterations, options.seed,
                           options.dangerous};
  Finding seen;
  if (!run_apart(scenario.program, apart, &seen)) {
    std::printf("shrink: not found this time\n");
    return kExitClean;
  }
  const Program small = shrink_apart(scenario.program, apart, seen.verdict, options.shrink_time);
  finding.verdict = seen.verdict;
  finding.message = seen.message;
  finding.reproducer = print(small);
  save_finding(finding);
  return show(finding.reproducer, arguments);
}

bool ends_its_process(const Finding& finding) {
  return finding.verdict == "crash" || finding.verdict == "hang" || finding.verdict == "exit";
}

int run_shrink(const CommandLine& line, const CLI::App& subcommand, const Arguments& arguments) {
  Scenario scenario;
  Finding finding;
  std::string error;
  if (!load(arguments.path, &scenario, &finding, &error)) return usage_error(error);
  CommonOptions common = line.common();
  if (subcommand.count("--subject") == 0 && !finding.subject.empty()) {
    common.subject = finding.subject;
  }
  if (subcommand.count("--profile") == 0 && is_profile(finding.profile)) {
    common.profile = finding.profile;
  }
  export_subject(common);
  if (!finding.schedule.empty()) {
    std::vector<std::string> more = {"--budget", std::to_string(common.budget)};
    if (!arguments.output.empty()) more.insert(more.end(), {"--output", arguments.output});
    if (arguments.dangerous) more.push_back("--dangerous");
    return explore_finding("shrink", arguments.path, more);
  }
  RunOptions how;
  how.free_running = finding.engine == "free-running";
  how.iterations = arguments.iterations;
  how.dangerous = arguments.dangerous;
  how.seed = common.seed ? *common.seed : finding.seed;
  how.shrink_time = std::chrono::milliseconds(static_cast<int64_t>(common.budget * 1000));
  if (ends_its_process(finding)) return shrink_ending(finding, scenario, arguments, how);
  SupervisorOptions options;
  options.program = "shrink";
  options.complete = [&](Finding* broken) {
    broken->engine = engine_of(scenario.program, how);
    broken->scenario = scenario.name;
    broken->reproducer = print(scenario.program);
  };
  if (const auto code = supervise(line.argc(), line.argv(), options)) return *code;
  const int code = shrink_it(scenario, arguments, how);
  std::fflush(nullptr);
  announce_exit(code);
  return code;
}

}  // namespace

void register_shrink(CommandLine* line) {
  static Arguments arguments;
  static CLI::App* subcommand = nullptr;
  subcommand = line->add("shrink", "Make the program of a finding smaller",
                         [line] { return run_shrink(*line, *subcommand, arguments); });
  subcommand->add_option("finding", arguments.path, "a file of out/findings/, or a litmus file")
      ->required();
  subcommand->add_option("--output", arguments.output, "write the program to this file as well");
  subcommand->add_option("--iterations", arguments.iterations, "runs of a program with threads")
      ->check(CLI::Range(1, 1000000));
  subcommand->add_flag("--dangerous", arguments.dangerous, kDangerousHelp);
  line->take_subject(subcommand);
  line->take_budget(subcommand, kShrinkBudget);
  line->take_seed(subcommand);
}

}  // namespace kqtorture
