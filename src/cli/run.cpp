// `kqtorture run FILE or DIRECTORY...`: litmus programs (docs/litmus.md) on a subject, each outcome
// held against the contract.
//
// The supervisor reads the programs and reports; workers run them. A worker that a program crashes
// or hangs is replaced by one that goes on after that program.
#include "cli/run.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "cli/known.h"
#include "cli/run_apart.h"
#include "cli/run_journal.h"
#include "cli/run_report.h"
#include "cli/run_worker.h"
#include "report/stats.h"
#include "report/text.h"
#include "scenario/print.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

using Kind = RunJournal::Kind;

// A hang costs the supervisor some seconds to be sure of. After so many of them the rest
// of the programs would say no more.
constexpr int kMostHangs = 3;
// Programs that crash are made smaller, each candidate in a process of its own. When many crash
// they all say the same.
constexpr int kMostCrashesShrunk = 3;
// Nothing that a program does sleeps for longer than two seconds.
constexpr std::chrono::seconds kWorkerLookInterval{3};

// What one operation of a program may compute, and the checker of one history.
constexpr std::chrono::seconds kWorkerMostCpu{15};

class Run {
 public:
  Run(const CommandLine& line, const RunArguments& arguments, std::vector<Scenario> scenarios)
      : line_(line), arguments_(arguments), scenarios_(std::move(scenarios)) {}

  int go() {
    journal_ = RunJournal::inherited();
    const bool worker = journal_ != nullptr;
    if (!worker) {
      std::string error;
      known_ = KnownRun::begin(arguments_.known, &error);
      if (!known_) return usage_error(error);
      journal_ = RunJournal::create();
      if (!journal_) return usage_error(std::strerror(errno));
      setenv("KQ_SEED", std::to_string(arguments_.seed).c_str(), 1);
      if (!arguments_.json) {
        std::printf("seed %llu\n", static_cast<unsigned long long>(arguments_.seed));
        std::fflush(stdout);
      }
    }
    SupervisorOptions options;
    options.program = "run";
    options.look_interval = kWorkerLookInterval;
    options.most_cpu = kWorkerMostCpu;
    options.complete = [this](Finding* finding) { complete(finding); };
    while (true) {
      broken_ = false;
      const auto code = supervise(line_.argc(), line_.argv(), options);
      if (!code) {
        const int own = RunWorker(scenarios_, arguments_, journal_.get()).work();
        std::fflush(nullptr);
        if (own == kExitUsage || worker) {
          announce_exit(own);
          return own;
        }
        break;  // KQ_WORKER=0: one process is both
      }
      if (*code == kExitUsage) return *code;
      if (broken_ || hangs_ == kMostHangs || at_the_end()) break;
    }
    return report();
  }

 private:
  // Did the last worker come to its end? If not, a program left it unable to go on.
  bool at_the_end() const {
    const auto entries = journal_->read();
    return entries.empty() || entries.back().kind == Kind::kEnd;
  }

  // A worker ended in a way that it had not chosen. Which program was that?
  void complete(Finding* finding) {
    const auto entries = journal_->read();
    if (entries.empty() || entries.back().kind != Kind::kBegin) {
      // Between programs, in the subject's constructor or destructor: no program shows it.
      broken_ = true;
      if (entries.empty()) finding->engine = "check";
      return;
    }
    RunJournal::Entry result = entries.back();
    const Scenario& scenario = scenarios_[result.scenario];
    const RunOptions how = RunWorker(scenarios_, arguments_, journal_.get()).options(0);
    finding->engine = engine_of(scenario.program, how);
    finding->scenario = scenario.name;
    finding->reproducer = print(scenario.program);
    if (finding->verdict == "hang") hangs_++;
    const bool shrinks = finding->verdict == "crash" && how.shrink_time.count() > 0;
    if (shrinks && ++crashes_ <= kMostCrashesShrunk) {
      const ApartOptions apart{finding->engine == "free-running", how.iterations, finding->seed,
                               how.dangerous};
      finding->reproducer =
          print(shrink_apart(scenario.program, apart, finding->verdict, how.shrink_time));
    }
    result.kind = Kind::kResult;
    result.word = word_of(SequentialResult::Status::kFinding);
    result.verdict = finding->verdict;
    result.note = finding->message;
    result.iterations = 1;
    result.finding = output_directory() + "/findings/" + finding_file_name(*finding);
    journal_->add(result);
    if (!arguments_.json) say(scenario, result, {});
  }

  int report() const {
    const RunReport report(scenarios_, *journal_);
    report.write_stats();
    std::string about_known;
    const int code = known_->conclude(
        broken_ ? kExitFinding : report.exit_code(),
        [&](const auto& scenario) { return report.ran(scenario); }, &about_known);
    if (arguments_.json) {
      std::printf("%s\n", report.json(line_.common().subject, arguments_.seed, code).c_str());
      std::fputs(about_known.c_str(), stderr);
    } else {
      std::printf("%s%s\n", about_known.c_str(), report.text().c_str());
    }
    std::fflush(nullptr);
    return code;
  }

  const CommandLine& line_;
  const RunArguments& arguments_;
  const std::vector<Scenario> scenarios_;
  std::unique_ptr<RunJournal> journal_;
  std::unique_ptr<KnownRun> known_;  // in the supervisor
  bool broken_ = false;              // the subject, whatever is run on it
  int hangs_ = 0;
  int crashes_ = 0;
};

int run_run(const CommandLine& line, RunArguments arguments) {
  std::vector<Scenario> scenarios;
  if (!load_scenarios(arguments.paths, &scenarios)) return kExitUsage;
  if (arguments.print) {
    for (const Scenario& scenario : scenarios) {
      std::fputs(print(scenario.program).c_str(), stdout);
    }
    return kExitClean;
  }
  export_subject(line.common());
  arguments.budget = line.common().budget;
  arguments.json = line.common().json;
  arguments.seed = line.common().seed ? *line.common().seed : draw_seed();
  return Run(line, arguments, std::move(scenarios)).go();
}

}  // namespace

void register_run(CommandLine* line) {
  static RunArguments arguments;
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
  subcommand->add_flag("--dangerous", arguments.dangerous, kDangerousHelp);
  subcommand->add_option("--known", arguments.known,
                         "a file of known findings: they do not count (docs/findings.md)");
  line->take_subject(subcommand);
  line->take_budget(subcommand, 0);
  line->take_seed(subcommand);
  line->take_json(subcommand);
}

}  // namespace kqtorture
