// Every step is written to the journal before and after, so that whoever comes next knows.
#include "cli/run_worker.h"

#include <algorithm>

#include "cli/run_report.h"
#include "report/text.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

using Status = SequentialResult::Status;
using Clock = RunOptions::Clock;

// With a budget every program has a turn before any has a second one, and the first turn is short:
// what is easy to meet is met in a few runs.
constexpr int kFirstTurn = 20;

Clock::duration duration_of(double seconds) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

}  // namespace

RunWorker::RunWorker(const std::vector<Scenario>& scenarios, const RunArguments& arguments,
                     RunJournal* journal)
    : scenarios_(scenarios),
      arguments_(arguments),
      journal_(*journal),
      deadline_(journal->began() + duration_of(arguments.budget)),
      done_(scenarios.size(), false) {}

int RunWorker::work() {
  note_activity("open");
  note_seed(arguments_.seed);
  std::string error;
  runner_ = ScenarioRunner::open(&error);
  if (!runner_) return usage_error(error);
  where_to_go_on();
  bool found = false;
  // The first round is complete whatever it takes: a program that had no turn says nothing.
  for (bool any = true; any; round_++, next_ = 0) {
    any = false;
    for (; next_ < scenarios_.size(); next_++) {
      if (round_ > 0 && (done_[next_] || Clock::now() >= deadline_)) continue;
      found = run(next_) || found;
      any = arguments_.budget > 0;
    }
  }
  RunJournal::Entry end;
  end.note = runner_->subject().profile();
  journal_.add(end);
  return found ? kExitFinding : kExitClean;
}

void RunWorker::where_to_go_on() {
  for (const RunJournal::Entry& entry : journal_.read()) {
    if (entry.kind == RunJournal::Kind::kEnd || entry.scenario >= scenarios_.size()) continue;
    round_ = entry.round;
    next_ = entry.scenario + 1;
    done_[entry.scenario] = need_not_run_again(entry.scenario, entry.word);
  }
}

// What was found stays found, and what is exact comes out the same the next time.
bool RunWorker::need_not_run_again(size_t index, const std::string& word) const {
  return word == word_of(Status::kFinding) || word == word_of(Status::kSkipped) ||
         engine_of(scenarios_[index].program, options(0)) == "sequential";
}

RunOptions RunWorker::options(uint64_t round) const {
  RunOptions options;
  options.free_running = arguments_.engine == "free";
  options.sequential = arguments_.engine == "sequential";
  options.iterations = arguments_.iterations;
  if (arguments_.budget > 0) {
    if (round == 0) options.iterations = std::min(options.iterations, kFirstTurn);
    if (round > 0) options.deadline = deadline_;
  }
  if (arguments_.no_shrink) options.shrink_time = std::chrono::milliseconds(0);
  options.trace = arguments_.trace;
  options.dangerous = arguments_.dangerous;
  options.seed = arguments_.seed + round;
  return options;
}

bool RunWorker::run(size_t index) {
  const Scenario& scenario = scenarios_[index];
  const RunOptions how = options(round_);
  note_activity(to_file_name(scenario.name).c_str());
  note_seed(how.seed);
  RunJournal::Entry entry;
  entry.kind = RunJournal::Kind::kBegin;
  entry.scenario = index;
  entry.round = round_;
  journal_.add(entry);

  const ScenarioRunner::Outcome outcome = runner_->run(scenario, how);
  note_progress();
  const bool found = outcome.status == Status::kFinding;
  entry.kind = RunJournal::Kind::kResult;
  entry.word = word_of(outcome.status);
  entry.note = outcome.note;
  const bool ran = outcome.status != Status::kSkipped;
  entry.iterations = ran ? static_cast<uint64_t>(outcome.iterations) : 0;
  entry.operations = outcome.operations;
  entry.deliveries = outcome.deliveries;
  if (!arguments_.json && (round_ == 0 || found)) say(scenario, entry, outcome.trace);
  if (found) {
    entry.verdict = outcome.finding.verdict;
    entry.rule = outcome.finding.rule;
    entry.finding = save_finding(outcome.finding);
  }
  journal_.add(entry);
  done_[index] = need_not_run_again(index, entry.word);
  if (outcome.stuck) leave_stuck(kExitFinding);
  return found;
}

}  // namespace kqtorture
