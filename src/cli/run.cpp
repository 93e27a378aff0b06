// `kqtorture run FILE or DIRECTORY...`: litmus programs (docs/litmus.md) on a subject, each outcome
// held against the contract.
#include "cli/run.h"

#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "report/stats.h"
#include "report/text.h"
#include "scenario/print.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

using Status = SequentialResult::Status;

struct Arguments {
  std::vector<std::string> paths;
  bool print = false;
  bool trace = false;
  bool no_shrink = false;
  std::string engine = "auto";
  int iterations = 200;
};

const char* word_of(Status status) {
  switch (status) {
    case Status::kClean:
      return "ok";
    case Status::kFinding:
      return "FINDING";
    case Status::kUndecided:
      return "undecided";
    case Status::kSkipped:
      return "skipped";
  }
  return "";
}

struct Totals {
  uint64_t programs = 0, clean = 0, findings = 0, undecided = 0, skipped = 0;
  uint64_t operations = 0;
  nlohmann::ordered_json list = nlohmann::ordered_json::array();

  void add(const Scenario& scenario, const ScenarioRunner::Outcome& outcome,
           const std::string& saved) {
    programs++;
    operations += outcome.operations;
    clean += outcome.status == Status::kClean;
    findings += outcome.status == Status::kFinding;
    undecided += outcome.status == Status::kUndecided;
    skipped += outcome.status == Status::kSkipped;
    nlohmann::ordered_json entry = {{"scenario", scenario.path},
                                    {"result", word_of(outcome.status)},
                                    {"iterations", outcome.iterations},
                                    {"operations", outcome.operations}};
    if (!outcome.note.empty()) entry["note"] = to_utf8(outcome.note);
    if (!saved.empty()) entry["finding"] = to_utf8(saved);
    list.push_back(std::move(entry));
  }

  // Nothing ran: that is not the same as nothing found.
  int exit_code() const {
    if (findings > 0) return kExitFinding;
    return skipped == programs ? kExitSkipped : kExitClean;
  }
};

void say(const Scenario& scenario, const ScenarioRunner::Outcome& outcome, bool json) {
  if (json) return;
  std::printf("%-9s %s", word_of(outcome.status), to_printable(scenario.name).c_str());
  if (outcome.iterations != 1) std::printf(" (%d runs)", outcome.iterations);
  const bool clean = outcome.status == Status::kClean && outcome.note.empty();
  const std::string& text = clean ? scenario.program.title : outcome.note;
  if (!text.empty()) std::printf(": %s", to_line(text).c_str());
  std::printf("\n");
  for (const std::string& line : outcome.trace) std::printf("  %s\n", to_line(line).c_str());
  std::fflush(stdout);
}

int run_all(const std::vector<Scenario>& scenarios, const Arguments& arguments,
            const CommonOptions& common) {
  std::string error;
  const auto runner = ScenarioRunner::open(&error);
  if (!runner) return usage_error(error);
  RunOptions options;
  options.free_running = arguments.engine == "free";
  options.iterations = arguments.iterations;
  options.shrink = !arguments.no_shrink;
  options.trace = arguments.trace;
  options.seed = common.seed ? *common.seed : seed_from_environment();
  if (!common.json) std::printf("seed %llu\n", static_cast<unsigned long long>(options.seed));
  note_seed(options.seed);
  Totals totals;
  bool stuck = false;
  for (const Scenario& scenario : scenarios) {
    note_activity(("run " + scenario.path).c_str());
    const ScenarioRunner::Outcome outcome = runner->run(scenario, options);
    note_progress();
    std::string saved;
    say(scenario, outcome, common.json);
    if (outcome.status == Status::kFinding) saved = save_finding(outcome.finding);
    totals.add(scenario, outcome, saved);
    stuck = outcome.stuck;
    if (stuck) break;
  }
  if (common.json) {
    const nlohmann::ordered_json answer = {{"subject", to_utf8(runner->subject().spec())},
                                           {"profile", runner->subject().profile()},
                                           {"seed", options.seed},
                                           {"programs", totals.list}};
    std::printf("%s\n", answer.dump(2).c_str());
  } else {
    std::printf("%llu programs, %llu calls: %llu ok, %llu findings, %llu undecided, %llu skipped\n",
                static_cast<unsigned long long>(totals.programs),
                static_cast<unsigned long long>(totals.operations),
                static_cast<unsigned long long>(totals.clean),
                static_cast<unsigned long long>(totals.findings),
                static_cast<unsigned long long>(totals.undecided),
                static_cast<unsigned long long>(totals.skipped));
  }
  std::fflush(nullptr);
  if (stuck) {
    // A thread sits in the subject and cannot be got out: no destructor may run.
    announce_exit(kExitFinding);
    _exit(kExitFinding);
  }
  return totals.exit_code();
}

int run_run(const CommandLine& line, const Arguments& arguments) {
  std::vector<Scenario> scenarios;
  if (!load_scenarios(arguments.paths, &scenarios)) return kExitUsage;
  if (arguments.print) {
    for (const Scenario& scenario : scenarios) {
      std::fputs(print(scenario.program).c_str(), stdout);
    }
    return kExitClean;
  }
  export_subject(line.common());
  SupervisorOptions options;
  options.program = "run";
  if (const auto code = supervise(line.argc(), line.argv(), options)) return *code;
  const int code = run_all(scenarios, arguments, line.common());
  std::fflush(nullptr);
  announce_exit(code);
  return code;
}

}  // namespace

void register_run(CommandLine* line) {
  static Arguments arguments;
  CLI::App* subcommand =
      line->add("run", "Run litmus programs", [line] { return run_run(*line, arguments); });
  subcommand->add_option("scenario", arguments.paths, "a litmus file, or a directory of them")
      ->required();
  subcommand->add_flag("--print", arguments.print, "print the programs in canonical form instead");
  subcommand->add_flag("--trace", arguments.trace, "show what every operation returned");
  subcommand->add_flag("--no-shrink", arguments.no_shrink, "report findings as they came");
  subcommand
      ->add_option("--engine", arguments.engine,
                   "sequential or free; auto: sequential for programs of one thread")
      ->check(CLI::IsMember({"auto", "sequential", "free"}));
  subcommand->add_option("--iterations", arguments.iterations, "runs of a program with threads")
      ->check(CLI::Range(1, 1000000));
  line->take_subject(subcommand);
  line->take_seed(subcommand);
  line->take_json(subcommand);
}

}  // namespace kqtorture
