#include "cli/score_report.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/score_journal.h"
#include "report/format.h"
#include "report/text.h"

namespace kqtorture {
namespace {

using Result = ScoreCell::Result;

constexpr int kRules = 23;

std::string number(double value, const char* format) {
  char text[32];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string seconds_text(double seconds) { return number(seconds, seconds < 10 ? "%.1f" : "%.0f"); }

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

// The last answer: an engine that was asked twice had longer then.
const ScoreCell* find(const std::vector<ScoreCell>& cells, const std::string& mutant,
                      const std::string& engine) {
  const ScoreCell* last = nullptr;
  for (const ScoreCell& cell : cells) {
    if (cell.mutant == mutant && cell.engine == engine) last = &cell;
  }
  return last;
}

std::string field_of(const ScoreCell* cell) {
  if (cell == nullptr) return "";
  switch (cell->result) {
    case Result::kKilled:
      return seconds_text(cell->seconds);
    case Result::kSurvived:
      return "–";
    case Result::kAbsent:
      return "absent";
    case Result::kBroken:
      return "broken";
  }
  return "";
}

struct Totals {
  size_t wanted = 0, killed = 0;
  std::vector<double> seconds;  // to each first kill
  double slowest_kill = 0;      // seconds that the engine alone needed which found the bug
};

Totals totals_of(const Score& score) {
  Totals totals;
  for (const Mutant& mutant : score.mutants) {
    if (!mutant.equivalent.empty()) continue;
    totals.wanted++;
    double seconds = 0;
    const ScoreCell* kill = score.kill_of(mutant, &seconds);
    if (kill == nullptr) continue;
    totals.killed++;
    totals.slowest_kill = std::max(totals.slowest_kill, kill->seconds);
    totals.seconds.push_back(seconds);
  }
  return totals;
}

std::string headline(const Score& score) {
  const Totals totals = totals_of(score);
  const double part = totals.wanted == 0 ? 0
                                         : 100.0 * static_cast<double>(totals.killed) /
                                               static_cast<double>(totals.wanted);
  const double slowest =
      totals.seconds.empty() ? 0 : *std::max_element(totals.seconds.begin(), totals.seconds.end());
  return std::to_string(totals.killed) + " of " + std::to_string(totals.wanted) +
         " planted bugs found (" + number(part, "%.1f") + " %), the median in " +
         seconds_text(median(totals.seconds)) + " s, the slowest in " + seconds_text(slowest) +
         " s";
}

std::string table_of_engines(const Score& score) {
  std::string text =
      "| engine | asked | found | median seconds | sound libkq |\n|---|---|---|---|---|\n";
  for (const std::string& engine : score.engines) {
    size_t asked = 0;
    std::vector<double> seconds;
    for (const Mutant& mutant : score.mutants) {
      const ScoreCell* cell = find(score.cells, mutant.name, engine);
      if (cell == nullptr || cell->result == Result::kAbsent) continue;
      asked++;
      if (cell->result == Result::kKilled) seconds.push_back(cell->seconds);
    }
    const ScoreCell* sound = find(score.sound, "", engine);
    const char* verdict = sound == nullptr                     ? "not asked"
                          : sound->result == Result::kSurvived ? "nothing found"
                          : sound->result == Result::kKilled   ? "**false alarm**"
                          : sound->result == Result::kAbsent   ? "absent"
                                                               : "broken";
    text += "| " + engine + " | " + std::to_string(asked) + " | " + std::to_string(seconds.size()) +
            " | " + (seconds.empty() ? "" : seconds_text(median(seconds))) + " | " + verdict +
            " |\n";
  }
  return text;
}

// "I9a" counts for I9.
std::vector<int> rules_of(const Mutant& mutant) {
  std::vector<int> rules;
  const std::string& text = mutant.rule;
  for (size_t at = 0; at < text.size(); at++) {
    if (text[at] != 'I' || at + 1 >= text.size() || text[at + 1] < '0' || text[at + 1] > '9') {
      continue;
    }
    const int rule = std::atoi(text.c_str() + at + 1);
    if (std::find(rules.begin(), rules.end(), rule) == rules.end()) rules.push_back(rule);
  }
  return rules;
}

std::string table_of_rules(const Score& score) {
  std::map<int, std::pair<size_t, size_t>> rules;  // planted, found
  for (int rule = 1; rule <= kRules; rule++) rules[rule] = {};
  for (const Mutant& mutant : score.mutants) {
    double seconds;
    const bool found = score.kill_of(mutant, &seconds) != nullptr;
    for (const int rule : rules_of(mutant)) {
      rules[rule].first++;
      rules[rule].second += found ? 1 : 0;
    }
  }
  const auto planted_any = [](const auto& rule) { return rule.second.first > 0; };
  if (std::none_of(rules.begin(), rules.end(), planted_any)) return "";
  std::string head = "| rule |", line = "|---|", planted = "| planted |", found = "| found |";
  for (const auto& [rule, counts] : rules) {
    head += " I" + std::to_string(rule) + " |";
    line += "---|";
    planted += " " + std::to_string(counts.first) + " |";
    found += " " + std::to_string(counts.second) + " |";
  }
  return "\n## Rules\n\n" + head + "\n" + line + "\n" + planted + "\n" + found + "\n";
}

std::string table_of_mutants(const Score& score) {
  std::string head = "| mutant | origin | kind | rule | found as |", line = "|---|---|---|---|---|";
  for (const std::string& engine : score.engines) {
    head += " " + engine + " |";
    line += "---|";
  }
  std::string text = head + "\n" + line + "\n";
  for (const Mutant& mutant : score.mutants) {
    double seconds;
    const ScoreCell* kill = score.kill_of(mutant, &seconds);
    std::string as = kill != nullptr             ? kill->verdict + " " + kill->rule
                     : mutant.equivalent.empty() ? "**survived**"
                                                 : "equivalent";
    text += "| " + mutant.name + " | " + to_line(mutant.origin) + " | " + to_line(mutant.kind) +
            " | " + to_line(mutant.rule) + " | " + as + " |";
    for (const std::string& engine : score.engines) {
      text += " " + field_of(find(score.cells, mutant.name, engine)) + " |";
    }
    text += "\n";
  }
  return text;
}

std::string list_of_survivors(const Score& score) {
  std::string text;
  for (const Mutant* mutant : score.survivors()) {
    text += "- **" + mutant->name + "** (" + to_line(mutant->kind) + ", " + to_line(mutant->rule) +
            "): " + to_line(mutant->story);
    // Of one that nobody thought of nobody thought who is to find it.
    if (mutant->kind == "mechanical") {
      text += "\n";
      continue;
    }
    text += " To be found by";
    const char* separator = " ";
    for (const std::string& engine : engines_for(*mutant)) {
      text += separator + engine;
      separator = ", ";
    }
    text += ".\n";
  }
  for (const Mutant& mutant : score.mutants) {
    if (mutant.equivalent.empty()) continue;
    text += "- " + mutant.name + " is equivalent: " + to_line(mutant.equivalent) + "\n";
  }
  return text;
}

}  // namespace

std::string to_markdown(const Score& score) {
  std::string text =
      "# The mutation score\n\n"
      "`scripts/score --update-docs` writes this page, or with `--mechanical` the one of small "
      "changes that a program drew: bugs are planted into libkq\n"
      "one at a time, and the engines are asked to find them until one does (`--every-engine`: "
      "all). A field is the seconds until it "
      "did,\n"
      "start-up included; – says that it did not within its budget. What the engines before it "
      "spent "
      "in vain counts in the\n"
      "median and in the slowest.\n\n**" +
      headline(score) + ".** Seed " + std::to_string(score.seed) + ", " +
      number(score.budget, "%g") +
      " s for an engine and a mutant. No engine that "
      "found a bug needed more than " +
      seconds_text(totals_of(score).slowest_kill) + " s for it.\n\n## Engines\n\n" +
      table_of_engines(score) + table_of_rules(score);
  const std::string survivors = list_of_survivors(score);
  if (!survivors.empty()) text += "\n## Not found\n\n" + survivors;
  return text + "\n## Mutants\n\n" + table_of_mutants(score);
}

std::string to_json(const Score& score) {
  using Json = nlohmann::ordered_json;
  const Totals totals = totals_of(score);
  Json json{{"format", kScoreFormat.name},
            {"format_version", kScoreFormat.version},
            {"seed", score.seed},
            {"budget_seconds", score.budget},
            {"every_engine", score.every_engine},
            {"passed", score.passed()},
            {"mutants", totals.wanted},
            {"killed", totals.killed},
            {"median_seconds", median(totals.seconds)},
            {"engines", score.engines}};
  const auto cells = [](const std::vector<ScoreCell>& from) {
    Json list = Json::array();
    for (const ScoreCell& cell : from) list.push_back(Json::parse(to_json(cell)));
    return list;
  };
  json["sound"] = cells(score.sound);
  json["cells"] = cells(score.cells);
  Json list = Json::array();
  for (const Mutant& mutant : score.mutants) {
    double seconds = 0;
    const ScoreCell* kill = score.kill_of(mutant, &seconds);
    Json entry{{"name", mutant.name},
               {"origin", to_utf8(mutant.origin)},
               {"platform", to_utf8(mutant.platform)},
               {"rule", to_utf8(mutant.rule)},
               {"kind", to_utf8(mutant.kind)},
               {"depth", mutant.depth},
               {"killed", kill != nullptr}};
    if (kill != nullptr) entry["seconds"] = seconds;
    if (kill != nullptr) entry["by"] = kill->engine;
    if (!mutant.equivalent.empty()) entry["equivalent"] = to_utf8(mutant.equivalent);
    list.push_back(std::move(entry));
  }
  json["all"] = std::move(list);
  return json.dump(2) + "\n";
}

std::string to_summary(const Score& score) {
  std::string text = headline(score) + "\n";
  for (const Mutant* mutant : score.unbuilt()) text += "NOT BUILT " + mutant->name + "\n";
  for (const Mutant* mutant : score.survivors()) {
    text += "SURVIVED " + mutant->name + ": " + to_line(mutant->story) + "\n";
  }
  for (const ScoreCell* cell : score.false_alarms()) {
    text += "FALSE ALARM: " + cell->engine + " finds " + cell->verdict + " " + cell->rule +
            " in libkq as it is (" + cell->scenario + ")\n";
  }
  for (const ScoreCell& cell : score.sound) {
    if (cell.result == Result::kAbsent || cell.result == Result::kBroken) {
      text += cell.engine + " could not be asked: " + to_line(cell.note) + "\n";
    }
  }
  if (!score.interrupted.empty()) text += score.interrupted + "\n";
  return text + (score.passed() ? "passed\n" : "NOT passed\n");
}

}  // namespace kqtorture
