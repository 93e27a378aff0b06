// kq_explore: the program behind `kqtorture explore`. It is one of its own because it is linked
// with the scheduler's runtime, which takes the place of pthreads and more: no other program should
// be.
//
// One process reads the programs, starts a lane for each job and reports; what they come to stands
// on a board that all of them share (explore_board.h).
#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <thread>

#include "cli/command_line.h"
#include "cli/explore_again.h"
#include "cli/explore_lane.h"
#include "cli/explore_report.h"
#include "cli/finding_file.h"
#include "cli/known.h"
#include "cli/litmus_finding.h"
#include "cli/programs.h"
#include "report/stats.h"
#include "report/text.h"
#include "sched/strategies.h"
#include "subject/child.h"
#include "subject/executable.h"
#include "subject/profiles.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

constexpr char kAboutExplore[] =
    "kqtorture explore: run programs with threads under a scheduler that chooses every switch.\n"
    "Exit code 0: nothing found; 1: a finding, saved under $KQ_OUT/findings (default "
    "out/findings);\n"
    "2: usage or environment; 77: nothing could be run.";
constexpr std::chrono::milliseconds kBetweenLooks{200};

std::string check_strategy(const std::string& name) {
  std::string error;
  return name == "all" || sched::strategy_named(name, &error) ? "" : error + ", and all";
}

// Returns an exit code when there is nothing to run.
std::optional<int> parse_explore(int argc, char** argv, CommonOptions* common,
                                 ExploreArguments* arguments) {
  CLI::App app{kAboutExplore, "kqtorture explore"};
  common->subject = Subject::default_spec();
  common->budget = 0;
  app.add_option("scenario", arguments->paths, "a litmus file, or a directory of them")->required();
  app.add_option("--known", arguments->known,
                 "a file of known findings: they do not count (docs/findings.md)");
  app.add_option("--strategy", arguments->strategy,
                 "random, pos, pct:2 to pct:9, dfs:0 to dfs:9; all: each in turn")
      ->check(check_strategy)
      ->capture_default_str();
  app.add_option("--schedules", arguments->schedules,
                 "of each program by each strategy (default: 1000, or as the budget allows)")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 40));
  app.add_option("--jobs", arguments->jobs, "workers side by side (default: processors)")
      ->check(CLI::Range(size_t{1}, ExploreBoard::kMostJobs));
  app.add_option("--engine", arguments->engine,
                 "fibers, or threads: slower, where fibers cannot be had")
      ->check(CLI::IsMember({"fibers", "threads"}))
      ->capture_default_str();
  app.add_option("--most-steps", arguments->most_steps, "then a schedule counts as endless")
      ->check(CLI::Range(uint64_t{100}, uint64_t{1} << 32))
      ->capture_default_str();
  app.add_option("--keep", arguments->keep,
                 "so many schedules of each program that pass, drawn by the seed, are saved under "
                 "$KQ_OUT/schedules, for kqtorture replay")
      ->check(CLI::Range(uint64_t{0}, uint64_t{10'000}));
  app.add_flag("--dangerous", arguments->dangerous, kDangerousHelp);
  app.add_flag("--no-races", arguments->no_races, "look for no data races: twice as fast");
  take_common(&app, common);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    std::printf("%s", app.help().c_str());
    return kExitClean;
  } catch (const CLI::ParseError& error) {
    return usage_error("explore: " + std::string(error.what()) + " (see --help)");
  }
  arguments->budget = common->budget;
  arguments->json = common->json;
  return std::nullopt;
}

class Exploration {
 public:
  Exploration(int argc, char** argv, const ExploreArguments& arguments,
              std::vector<Scenario> scenarios)
      : argc_(argc),
        argv_(argv),
        arguments_(arguments),
        scenarios_(std::move(scenarios)),
        plan_(arguments_) {}

  int go(const std::string& subject) {
    size_t lane = 0;
    if (const auto board = ExploreBoard::inherited(scenarios_.size(), &lane)) {
      return run_lane(argc_, argv_, scenarios_, arguments_, plan_, board.get(), lane);
    }
    std::string error;
    known_ = KnownRun::begin(arguments_.known, &error);
    if (!known_) return usage_error(error);
    board_ = ExploreBoard::create(scenarios_.size(), arguments_.jobs);
    if (!board_ || !watch_signals()) return usage_error(std::strerror(errno));
    if (!arguments_.json) {
      std::printf("seed %llu\n", static_cast<unsigned long long>(arguments_.seed));
      std::fflush(stdout);
    }
    setenv("KQ_SEED", std::to_string(arguments_.seed).c_str(), 1);
    said_.resize(scenarios_.size());
    const int code = run_lanes();
    if (code == kExitUsage) return code;
    return report(subject, code);
  }

 private:
  int run_lanes() {
    const char* alone = std::getenv("KQ_WORKER");
    if (alone != nullptr && std::strcmp(alone, "0") == 0) {  // for debuggers
      return run_lane(argc_, argv_, scenarios_, arguments_, plan_, board_.get(), 0);
    }
    std::vector<std::unique_ptr<Child>> lanes;
    const std::vector<std::string> command(argv_, argv_ + argc_);
    for (size_t i = 0; i < arguments_.jobs; i++) {
      SpawnOptions options;
      options.environment = environment_with({{ExploreBoard::kVariable, board_->variable(i)}});
      lanes.push_back(std::make_unique<Child>());
      if (const int error = lanes.back()->start(executable_path(), command, options)) {
        return usage_error(std::strerror(error));
      }
    }
    int code = kExitClean;
    for (const auto& lane : lanes) {
      while (!lane->wait_until(Child::Clock::now() + kBetweenLooks)) {
        if (const int number = pending_signal()) {
          for (const auto& one : lanes) one->end(number);
          die_of(number);
        }
        say_what_is_new(false);
      }
      const int status = lane->status();
      const int own = WIFEXITED(status) ? WEXITSTATUS(status) : kExitFinding;
      code = own == kExitUsage || code == kExitUsage ? kExitUsage : std::max(code, own);
    }
    return code;
  }

  // Findings as they come, the rest at the end.
  void say_what_is_new(bool at_the_end) {
    if (arguments_.json) return;
    const ExploreReport report(scenarios_, arguments_, plan_, *board_);
    for (size_t i = 0; i < scenarios_.size(); i++) {
      const bool found = board_->program(i).verdict == ExploreBoard::Verdict::kFinding;
      if (said_[i] || !(found || at_the_end)) continue;
      said_[i] = true;
      std::printf("%s\n", report.text_of(i).c_str());
    }
    std::fflush(stdout);
  }

  int report(const std::string& subject, int code) {
    say_what_is_new(true);
    const ExploreReport report(scenarios_, arguments_, plan_, *board_);
    report.write_stats();
    std::string about_known;
    code = known_->conclude(
        code == kExitFinding ? code : report.exit_code(),
        [&](const auto& scenario) { return report.ran(scenario); }, &about_known);
    std::fputs(about_known.c_str(), arguments_.json ? stderr : stdout);
    std::printf("%s\n", (arguments_.json ? report.json(subject, code) : report.text()).c_str());
    std::fflush(nullptr);
    return code;
  }

  const int argc_;
  char** const argv_;
  const ExploreArguments& arguments_;
  const std::vector<Scenario> scenarios_;
  const ExplorePlan plan_;
  std::unique_ptr<ExploreBoard> board_;
  std::unique_ptr<KnownRun> known_;
  std::vector<bool> said_;
};

// The emulator under control is the one that was compiled for it.
void choose_instrumented_emulator() {
  if (std::getenv("KQ_LIBKQ") != nullptr) return;
  setenv("KQ_LIBKQ", own_library("controlled/libkq.so").c_str(), 1);
}

// The findings of `explore`, for `kqtorture replay` and `kqtorture shrink`.
int again_main(int argc, char** argv) {
  CLI::App app{"for kqtorture replay and kqtorture shrink", "kq_explore"};
  AgainArguments arguments{argc, argv, "", "", 60, false};
  std::string what;
  app.add_option("what", what)->check(CLI::IsMember({"replay", "shrink"}))->required();
  app.add_option("finding", arguments.path)->required();
  app.add_option("--output", arguments.output);
  app.add_option("--budget", arguments.budget);
  app.add_flag("--dangerous", arguments.dangerous);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return usage_error("explore: " + std::string(error.what()));
  }
  Finding finding;
  Scenario scenario;
  std::string error;
  if (!load_finding(arguments.path, &finding, &error) ||
      !litmus_of(arguments.path, finding, &scenario, &error)) {
    return usage_error(error);
  }
  if (finding.schedule.empty()) return usage_error(arguments.path + ": has no schedule");
  if (what == "shrink" && finding.verdict == kNothingFound) {
    return usage_error(arguments.path + ": nothing was found in it that could be made smaller");
  }
  choose_instrumented_emulator();
  return what == "replay" ? replay_schedule(arguments, finding, scenario)
                          : shrink_schedule(arguments, finding, scenario);
}

int explore_main(int argc, char** argv) {
  if (argc > 1 && (std::strcmp(argv[1], "replay") == 0 || std::strcmp(argv[1], "shrink") == 0)) {
    return again_main(argc, argv);
  }
  CommonOptions common;
  ExploreArguments arguments;
  if (const auto code = parse_explore(argc, argv, &common, &arguments)) return *code;
  std::vector<Scenario> scenarios;
  if (!load_scenarios(arguments.paths, &scenarios)) return kExitUsage;
  export_subject(common);
  choose_instrumented_emulator();
  arguments.seed = common.seed ? *common.seed : draw_seed();
  if (arguments.jobs == 0) arguments.jobs = std::max(1u, std::thread::hardware_concurrency());
  arguments.jobs = std::min(arguments.jobs, ExploreBoard::kMostJobs);
  return Exploration(argc, argv, arguments, std::move(scenarios)).go(common.subject);
}

}  // namespace
}  // namespace kqtorture

int main(int argc, char** argv) { return kqtorture::explore_main(argc, argv); }
