// `kqtorture shrink FINDING`: make the program of a finding smaller, and show it.
//
// Findings are shrunk when they are made, within a budget. This goes on from there, or starts from
// a program that came by another way: a crash file of a fuzzer, a litmus file of one's own.
#include <unistd.h>

#include <cstdio>

#include "cli/finding_file.h"
#include "cli/litmus_finding.h"
#include "cli/run.h"
#include "report/files.h"
#include "report/text.h"
#include "scenario/parse.h"
#include "subject/profiles.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

using Status = SequentialResult::Status;

struct Arguments {
  std::string path;
  std::string output;
  int iterations = 1000;
};

// A finding's program, or the file itself when it is a program.
bool load(const std::string& path, Scenario* scenario, Finding* finding, std::string* error) {
  scenario->path = path;
  if (path.ends_with(".litmus")) {
    auto program = load_program(path, error);
    if (!program) return false;
    scenario->program = std::move(*program);
    scenario->name = to_file_name(path);
    return true;
  }
  if (!load_finding(path, finding, error)) return false;
  scenario->name = finding->scenario;
  std::string text;
  if (!litmus_text(path, *finding, &text, error)) return false;
  if (const auto failure = parse(text, &scenario->program)) {
    *error = failure->text(path);
    return false;
  }
  return true;
}

int shrink_it(const Scenario& scenario, const Arguments& arguments, uint64_t seed) {
  std::string error;
  const auto runner = ScenarioRunner::open(&error);
  if (!runner) return usage_error(error);
  note_activity(("shrink " + scenario.path).c_str());
  RunOptions options;
  options.seed = seed;
  options.iterations = arguments.iterations;
  const ScenarioRunner::Outcome outcome = runner->run(scenario, options);
  if (outcome.status != Status::kFinding) {
    std::printf("shrink: not found this time%s%s\n", outcome.note.empty() ? "" : ": ",
                to_line(outcome.note).c_str());
    return outcome.status == Status::kSkipped ? kExitSkipped : kExitClean;
  }
  save_finding(outcome.finding);
  std::fputs(outcome.finding.reproducer.c_str(), stdout);
  if (!arguments.output.empty() &&
      !write_file(arguments.output, outcome.finding.reproducer, &error)) {
    return usage_error(error);
  }
  if (outcome.stuck) {
    std::fflush(nullptr);
    announce_exit(kExitFinding);
    _exit(kExitFinding);
  }
  return kExitFinding;
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
  SupervisorOptions options;
  options.program = "shrink";
  if (const auto code = supervise(line.argc(), line.argv(), options)) return *code;
  const int code = shrink_it(scenario, arguments, common.seed ? *common.seed : finding.seed);
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
  line->take_subject(subcommand);
  line->take_seed(subcommand);
}

}  // namespace kqtorture
