// Of several results of one program the worst counts, and their work is added up.
#include "cli/run_report.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "report/format.h"
#include "report/stats.h"
#include "report/text.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

using Status = SequentialResult::Status;

// From the one that says least to the one that says most.
constexpr Status kByWeight[] = {Status::kSkipped, Status::kClean, Status::kUndecided,
                                Status::kFinding};

size_t weight(const std::string& word) {
  for (size_t i = 0; i < std::size(kByWeight); i++) {
    if (word == word_of(kByWeight[i])) return i + 1;
  }
  return 0;
}

}  // namespace

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

void say(const Scenario& scenario, const RunJournal::Entry& result,
         const std::vector<std::string>& trace) {
  std::printf("%-9s %s", result.word.c_str(), to_printable(scenario.name).c_str());
  if (result.iterations > 1) {
    std::printf(" (%llu runs)", static_cast<unsigned long long>(result.iterations));
  }
  const bool clean = result.word == word_of(Status::kClean) && result.note.empty();
  const std::string& text = clean ? scenario.program.title : result.note;
  if (!text.empty()) std::printf(": %s", to_line(text).c_str());
  std::printf("\n");
  for (const std::string& line : trace) std::printf("  %s\n", to_printable(line).c_str());
  std::fflush(stdout);
}

RunReport::RunReport(const std::vector<Scenario>& scenarios, const RunJournal& journal)
    : scenarios_(scenarios), results_(scenarios.size()) {
  for (RunJournal::Entry& entry : journal.read()) {
    if (entry.kind == RunJournal::Kind::kEnd) profile_ = entry.note;
    if (entry.kind != RunJournal::Kind::kResult || entry.scenario >= results_.size()) continue;
    RunJournal::Entry& result = results_[entry.scenario];
    entry.iterations += result.iterations;
    entry.operations += result.operations;
    entry.deliveries += result.deliveries;
    if (weight(entry.word) >= weight(result.word)) {
      result = std::move(entry);
    } else {
      result.iterations = entry.iterations;
      result.operations = entry.operations;
      result.deliveries = entry.deliveries;
    }
  }
}

size_t RunReport::count(Status status) const {
  size_t count = 0;
  for (const RunJournal::Entry& result : results_) count += result.word == word_of(status);
  return count;
}

uint64_t RunReport::sum(uint64_t RunJournal::Entry::*member) const {
  uint64_t sum = 0;
  for (const RunJournal::Entry& result : results_) sum += result.*member;
  return sum;
}

int RunReport::exit_code() const {
  if (count(Status::kFinding) > 0) return kExitFinding;
  return count(Status::kSkipped) == results_.size() ? kExitSkipped : kExitClean;
}

std::string RunReport::text() const {
  const auto number = [this](Status status) { return std::to_string(count(status)); };
  return std::to_string(results_.size()) + " programs, " +
         with_commas(sum(&RunJournal::Entry::iterations)) + " runs, " +
         with_commas(sum(&RunJournal::Entry::operations)) + " calls: " + number(Status::kClean) +
         " ok, " + number(Status::kFinding) + " findings, " + number(Status::kUndecided) +
         " undecided, " + number(Status::kSkipped) + " skipped";
}

std::string RunReport::json(const std::string& subject, uint64_t seed, int code) const {
  auto programs = nlohmann::ordered_json::array();
  for (size_t i = 0; i < results_.size(); i++) {
    const RunJournal::Entry& result = results_[i];
    nlohmann::ordered_json entry = {{"scenario", to_utf8(scenarios_[i].path)},
                                    {"result", result.word.empty() ? "not run" : result.word},
                                    {"runs", result.iterations},
                                    {"calls", result.operations},
                                    {"deliveries", result.deliveries}};
    if (!result.verdict.empty()) entry["verdict"] = result.verdict;
    if (!result.rule.empty()) entry["rule"] = result.rule;
    if (!result.note.empty()) entry["note"] = result.note;
    if (!result.finding.empty()) entry["finding"] = result.finding;
    programs.push_back(std::move(entry));
  }
  const nlohmann::ordered_json answer = {{"format", kRunFormat.name},
                                         {"format_version", kRunFormat.version},
                                         {"subject", to_utf8(subject)},
                                         {"profile", profile_},
                                         {"seed", seed},
                                         {"exit_code", code},
                                         {"programs", std::move(programs)}};
  return answer.dump(2);
}

bool RunReport::ran(const std::string& scenario) const {
  if (scenario.empty()) return true;
  for (size_t i = 0; i < results_.size(); i++) {
    if (scenarios_[i].name != scenario) continue;
    return !results_[i].word.empty() && results_[i].word != word_of(Status::kSkipped);
  }
  return false;
}

void RunReport::write_stats() const {
  Stats stats;
  stats.operations = sum(&RunJournal::Entry::operations);
  stats.deliveries = sum(&RunJournal::Entry::deliveries);
  stats.executions = sum(&RunJournal::Entry::iterations);
  kqtorture::write_stats(stats);
}

}  // namespace kqtorture
