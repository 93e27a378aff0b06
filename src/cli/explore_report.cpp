// A pass is its numbers: how much was run, how much of that was different, and what may have been
// missed all the same.
#include "cli/explore_report.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "report/format.h"
#include "report/stats.h"
#include "report/text.h"
#include "sched/strategies.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

using Verdict = ExploreBoard::Verdict;

const char* word_of_verdict(Verdict verdict) {
  switch (verdict) {
    case Verdict::kNotRun:
      return "not run";
    case Verdict::kClean:
      return "ok";
    case Verdict::kUndecided:
      return "undecided";
    case Verdict::kSkipped:
      return "skipped";
    case Verdict::kFinding:
      return "FINDING";
  }
  return "";
}

std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, value != 0 && value < 0.001 ? "%.1e" : "%.3f", value);
  return text;
}

}  // namespace

uint64_t ExploreReport::schedules(size_t program) const {
  uint64_t sum = 0;
  for (const auto& count : board_.program(program).schedules) sum += count;
  return sum;
}

uint64_t ExploreReport::sum(std::atomic<uint64_t> ExploreBoard::Tally::*member) const {
  uint64_t sum = 0;
  for (size_t i = 0; i < board_.programs(); i++) sum += board_.program(i).*member;
  return sum;
}

size_t ExploreReport::count(Verdict verdict) const {
  size_t count = 0;
  for (size_t i = 0; i < board_.programs(); i++) count += board_.program(i).verdict == verdict;
  return count;
}

int ExploreReport::exit_code() const {
  if (count(Verdict::kFinding) > 0) return kExitFinding;
  return count(Verdict::kSkipped) + count(Verdict::kNotRun) == board_.programs() ? kExitSkipped
                                                                                 : kExitClean;
}

double ExploreReport::rate(uint64_t schedules) const {
  const double seconds = std::chrono::duration<double>(board_.elapsed()).count();
  return static_cast<double>(schedules) / std::max(seconds, 1e-9);
}

double ExploreReport::miss_bound(size_t program, size_t strategy) const {
  const ExploreBoard::Tally& state = board_.program(program);
  return sched::pct_miss_bound(state.schedules[strategy], state.most_threads, state.most_choices,
                               plan_.pct_depth(strategy));
}

std::string ExploreReport::miss_bounds(size_t program) const {
  std::string text;
  for (size_t i = 0; i < plan_.strategies().size(); i++) {
    const unsigned depth = plan_.pct_depth(i);
    if (depth == 0) continue;
    text += std::string(text.empty() ? "" : ", ") + "depth " + std::to_string(depth) + ": " +
            short_number(miss_bound(program, i));
  }
  return text;
}

std::string ExploreReport::search(size_t program) const {
  const ExploreBoard::Tally& state = board_.program(program);
  if (!plan_.is_depth_first(plan_.strategies().size() - 1)) return "";
  const uint64_t tried = state.schedules[plan_.strategies().size() - 1];
  if (state.finished_bound == 0) {
    return "depth-first search not finished at bound 0, " + with_commas(tried) + " schedules";
  }
  std::string text = "exhaustive at bound " + std::to_string(state.finished_bound - 1) + ", " +
                     with_commas(state.finished_schedules) + " schedules";
  if (!state.search_ended) {
    text += "; bound " + std::to_string(state.finished_bound) + " not finished";
  }
  return text;
}

std::string ExploreReport::text_of(size_t program) const {
  const ExploreBoard::Tally& state = board_.program(program);
  const Scenario& scenario = scenarios_[program];
  const Verdict verdict = state.verdict;
  char head[64];
  std::snprintf(head, sizeof head, "%-9s ", word_of_verdict(verdict));
  std::string text = head + to_printable(scenario.name);
  if (verdict == Verdict::kFinding) {
    text += ": " + state.finding_verdict.get();
    if (!state.rule.get().empty()) text += " (" + state.rule.get() + ")";
  }
  if (const std::string note = state.note.get(); !note.empty()) text += ": " + to_line(note);
  const uint64_t all = schedules(program);
  if (all == 0) return text;
  const double seconds = static_cast<double>(state.nanoseconds) / 1e9;
  text += "\n  " + with_commas(all) + " schedules, " +
          with_commas(static_cast<uint64_t>(static_cast<double>(all) / std::max(seconds, 1e-9))) +
          "/s of one worker; " + with_commas(state.distinct) + (board_.full() ? " or more" : "") +
          " interleavings, " + with_commas(state.most_steps) + " steps and " +
          with_commas(state.most_choices) + " choices at most, " + with_commas(state.repeated) +
          " run twice";
  if (state.kept > 0) text += ", " + with_commas(state.kept) + " kept";
  if (state.undecided > 0) text += ", " + with_commas(state.undecided) + " undecided";
  const std::string missed = miss_bounds(program), searched = search(program);
  if (!missed.empty()) text += "\n  missed by PCT with probability at most: " + missed;
  if (!searched.empty()) text += "\n  " + searched;
  return text;
}

std::string ExploreReport::text() const {
  uint64_t all = 0;
  bool uncontrolled = false;
  for (size_t i = 0; i < board_.programs(); i++) {
    all += schedules(i);
    uncontrolled = uncontrolled || board_.program(i).uncontrolled;
  }
  const auto number = [this](Verdict verdict) { return std::to_string(count(verdict)); };
  std::string text;
  if (uncontrolled) {
    text =
        "the subject was not compiled with -fsanitize=thread: only the order of the calls, and of "
        "what it asks of libc, was controlled\n";
  }
  using Tally = ExploreBoard::Tally;
  return text + std::to_string(board_.programs()) + " programs, " + with_commas(all) +
         " schedules on " + arguments_.engine + ", " +
         with_commas(static_cast<uint64_t>(rate(all))) + "/s by " + std::to_string(board_.jobs()) +
         " workers, " + with_commas(sum(&Tally::distinct)) + " interleavings, " +
         with_commas(sum(&Tally::repeated)) + " run twice, " +
         with_commas(sum(&Tally::operations)) + " calls: " + number(Verdict::kClean) + " ok, " +
         number(Verdict::kFinding) + " findings, " + number(Verdict::kSkipped) + " skipped";
}

std::string ExploreReport::json(const std::string& subject, int code) const {
  auto programs = nlohmann::ordered_json::array();
  for (size_t i = 0; i < board_.programs(); i++) {
    const ExploreBoard::Tally& state = board_.program(i);
    nlohmann::ordered_json entry = {{"scenario", to_utf8(scenarios_[i].path)},
                                    {"result", word_of_verdict(state.verdict)},
                                    {"schedules", schedules(i)}};
    for (size_t s = 0; s < plan_.strategies().size(); s++) {
      entry["strategies"][plan_.strategies()[s]] = state.schedules[s].load();
      if (plan_.pct_depth(s) > 0) {
        entry["missed"][plan_.strategies()[s]] = miss_bound(i, s);
      }
    }
    entry.update({{"seconds", static_cast<double>(state.nanoseconds) / 1e9},
                  {"processor_seconds", static_cast<double>(state.processor_nanoseconds) / 1e9},
                  {"interleavings", state.distinct.load()},
                  {"most_steps", state.most_steps.load()},
                  {"most_choices", state.most_choices.load()},
                  {"steps", state.steps.load()},
                  {"calls", state.operations.load()},
                  {"deliveries", state.deliveries.load()},
                  {"judged", state.judged.load()},
                  {"undecided", state.undecided.load()},
                  {"run_twice", state.repeated.load()},
                  {"kept", state.kept.load()}});
    if (state.finished_bound > 0) {
      entry["exhaustive"] = {{"bound", state.finished_bound - 1},
                             {"schedules", state.finished_schedules.load()}};
    }
    if (const auto verdict = state.finding_verdict.get(); !verdict.empty()) {
      entry["verdict"] = to_utf8(verdict);
      entry["rule"] = to_utf8(state.rule.get());
      entry["finding"] = to_utf8(state.finding.get());
    }
    if (const auto note = state.note.get(); !note.empty()) entry["note"] = to_utf8(note);
    entry["instrumented"] = !state.uncontrolled;
    programs.push_back(std::move(entry));
  }
  uint64_t all = 0;
  for (size_t i = 0; i < board_.programs(); i++) all += schedules(i);
  const nlohmann::ordered_json answer = {{"format", kExploreFormat.name},
                                         {"format_version", kExploreFormat.version},
                                         {"subject", to_utf8(subject)},
                                         {"engine", arguments_.engine},
                                         {"seed", arguments_.seed},
                                         {"jobs", board_.jobs()},
                                         {"schedules", all},
                                         {"schedules_per_second", rate(all)},
                                         {"exit_code", code},
                                         {"programs", std::move(programs)}};
  return answer.dump(2);
}

bool ExploreReport::ran(const std::string& scenario) const {
  if (scenario.empty()) return true;
  for (size_t i = 0; i < board_.programs(); i++) {
    const Verdict verdict = board_.program(i).verdict;
    if (scenarios_[i].name != scenario) continue;
    return verdict != Verdict::kNotRun && verdict != Verdict::kSkipped;
  }
  return false;
}

void ExploreReport::write_stats() const {
  using Tally = ExploreBoard::Tally;
  Stats stats;
  stats.operations = sum(&Tally::operations);
  stats.deliveries = sum(&Tally::deliveries);
  for (size_t i = 0; i < board_.programs(); i++) stats.executions += schedules(i);
  stats.extra["interleavings"] = sum(&Tally::distinct);
  kqtorture::write_stats(stats);
}

}  // namespace kqtorture
