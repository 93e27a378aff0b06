// Programs of one thread go to the sequential engine, which is exact; programs of several run
// freely.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "cli/run.h"
#include "report/text.h"
#include "scenario/danger.h"
#include "scenario/parse.h"
#include "scenario/print.h"
#include "subject/layout.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

using Status = SequentialResult::Status;
namespace fs = std::filesystem;

// Programs tried while one is made smaller; time is what usually ends it.
constexpr int kMostCandidates = 3000;

void complain(const std::string& text) {
  std::fprintf(stderr, "kqtorture: %s\n", to_line(text).c_str());
}

bool files_of(const std::string& path, std::vector<std::string>* files) {
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    files->push_back(path);
    return true;
  }
  std::vector<std::string> found;
  fs::recursive_directory_iterator below(path, error);
  for (; !error && below != fs::recursive_directory_iterator(); below.increment(error)) {
    if (below->path().extension() == ".litmus") found.push_back(below->path().string());
  }
  if (error || found.empty()) {
    complain(path + (error ? ": " + error.message() : ": no .litmus file in it"));
    return false;
  }
  std::sort(found.begin(), found.end());
  files->insert(files->end(), found.begin(), found.end());
  return true;
}

}  // namespace

bool load_scenarios(const std::vector<std::string>& paths, std::vector<Scenario>* scenarios) {
  bool good = true;
  std::vector<std::string> files;
  for (const std::string& path : paths) good = files_of(path, &files) && good;
  for (const std::string& file : files) {
    std::string error;
    auto program = load_program(file, &error);
    if (!program) {
      complain(error);
      good = false;
    } else {
      scenarios->push_back({file, fs::path(file).stem().string(), std::move(*program)});
    }
  }
  return good;
}

std::unique_ptr<ScenarioRunner> ScenarioRunner::open(std::string* error) {
  auto runner = std::make_unique<ScenarioRunner>();
  runner->subject_ = Subject::open(Subject::default_spec(), error);
  if (!runner->subject_) return nullptr;
  runner->sequential_ = SequentialEngine::create(*runner->subject_, error);
  runner->free_running_ = FreeRunningEngine::create(*runner->subject_, error);
  if (!runner->sequential_ || !runner->free_running_) return nullptr;
  return runner;
}

std::string engine_of(const Program& program, const RunOptions& options) {
  const bool free = options.free_running || (!options.sequential && !is_sequential(program));
  return free ? "free-running" : "sequential";
}

ScenarioRunner::Outcome ScenarioRunner::run(const Scenario& scenario, const RunOptions& options) {
  const std::string danger = options.dangerous ? "" : danger_here(*subject_, scenario.program);
  if (!danger.empty()) {
    Outcome skipped;
    skipped.status = Status::kSkipped;
    skipped.note = danger;
    return skipped;
  }
  const bool free = engine_of(scenario.program, options) == "free-running";
  Outcome outcome = free ? free_running(scenario, options) : sequential(scenario, options);
  outcome.finding.scenario = scenario.name;
  outcome.finding.seed = options.seed;
  expected_verdict(scenario.program, &outcome);
  return outcome;
}

ScenarioRunner::Outcome ScenarioRunner::sequential(const Scenario& scenario,
                                                   const RunOptions& options) {
  Outcome outcome;
  const uint64_t calls = sequential_->calls(), deliveries = sequential_->deliveries();
  SequentialResult result = sequential_->run(scenario.program, options.trace);
  outcome.status = result.status;
  outcome.note = result.message;
  outcome.trace = std::move(result.trace);
  outcome.operations = sequential_->calls() - calls;
  outcome.deliveries = sequential_->deliveries() - deliveries;
  if (result.status != Status::kFinding) return outcome;
  const bool shrinks = options.shrink_time.count() > 0;
  outcome.finding = sequential_->investigate(scenario.program, shrinks ? kMostCandidates : 0,
                                             RunOptions::Clock::now() + options.shrink_time);
  if (outcome.finding.verdict.empty()) {
    outcome.status = Status::kUndecided;
    outcome.note = result.verdict + " " + result.rule + ", once and not again: " + result.message;
  }
  return outcome;
}

ScenarioRunner::Outcome ScenarioRunner::free_running(const Scenario& scenario,
                                                     const RunOptions& options) {
  Outcome outcome;
  FreeRunningResult result;
  ShrinkLimits limits;
  limits.time = options.shrink_time;
  limits.programs = limits.time.count() > 0 ? kMostCandidates : 0;
  outcome.finding = free_running_->investigate(
      scenario.program, {options.iterations, options.seed, options.deadline}, limits, &result);
  outcome.status = result.status;
  outcome.note = result.message;
  if (options.trace) outcome.trace = to_lines(result.lanes);
  outcome.operations = result.operations;
  outcome.deliveries = result.deliveries;
  outcome.iterations = result.iterations;
  outcome.stuck = result.stuck;
  if (result.status == Status::kClean && result.undecided > 0) {
    outcome.status = Status::kUndecided;
    outcome.note = std::to_string(result.undecided) + " of " + std::to_string(result.iterations) +
                   " runs were not decided in full";
  }
  return outcome;
}

std::string danger_here(const Subject& subject, const Program& program) {
  if (subject.spec() != "native") return "";
  const std::string danger = danger_on(default_profile(subject.layout()), program);
  return danger.empty() ? "" : danger + "; --dangerous runs it";
}

// A program may say which verdict it must draw. Drawing it is good; drawing none is a finding.
void ScenarioRunner::expected_verdict(const Program& program, Outcome* outcome) const {
  if (program.expect.empty() || program.expect == "clean" || outcome->status == Status::kSkipped) {
    return;
  }
  if (outcome->status == Status::kFinding && outcome->finding.verdict == program.expect) {
    outcome->status = Status::kClean;
    outcome->note = "found, as expected: " + program.expect;
  } else if (outcome->status == Status::kClean) {
    outcome->status = Status::kFinding;
    outcome->finding.verdict = "wrong-answer";
    outcome->finding.engine = is_sequential(program) ? "sequential" : "free-running";
    outcome->finding.subject = subject_->spec();
    outcome->finding.profile = subject_->profile();
    outcome->finding.message =
        "the program is expected to draw " + program.expect + " and drew nothing";
    outcome->finding.reproducer = print(program);
  }
}

void leave_stuck(int code) {
  std::fflush(nullptr);
  announce_exit(code);
  _exit(code);
}

}  // namespace kqtorture
