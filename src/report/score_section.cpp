// What kqtorture score left behind, as a part of a campaign's page: how far its silence goes.
#include <algorithm>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "report/format.h"
#include "report/page.h"
#include "report/text.h"

namespace kqtorture {
namespace {

using nlohmann::json;

struct EngineScore {
  size_t asked = 0;
  std::vector<double> seconds;  // to each kill
  std::string sound = "not asked";
};

std::string seconds_cell(std::vector<double> seconds) {
  if (seconds.empty()) return "<td></td>";
  std::sort(seconds.begin(), seconds.end());
  const size_t middle = seconds.size() / 2;
  const double median =
      seconds.size() % 2 == 1 ? seconds[middle] : (seconds[middle - 1] + seconds[middle]) / 2;
  char text[64];
  std::snprintf(text, sizeof text, "%.2f", median);
  return std::string("<td>") + text + "</td>";
}

std::string score_text(const json& score) {
  std::map<std::string, EngineScore> engines;
  for (const json& cell : score.at("cells")) {
    const std::string result = cell.at("result");
    if (result == "absent") continue;
    EngineScore& engine = engines[cell.at("engine")];
    engine.asked++;
    if (result == "killed") engine.seconds.push_back(cell.at("seconds"));
  }
  for (const json& cell : score.at("sound")) {
    const std::string result = cell.at("result");
    engines[cell.at("engine")].sound = result == "survived" ? "nothing found"
                                       : result == "killed" ? "false alarm"
                                                            : result;
  }
  std::string rows =
      "<thead><tr><th scope=\"col\">engine</th><th scope=\"col\">asked</th><th scope=\"col\">found"
      "</th><th scope=\"col\">median seconds</th><th scope=\"col\">the library as it is</th></tr>"
      "</thead>\n<tbody>\n";
  for (const json& name : score.at("engines")) {
    const EngineScore& engine = engines[name];
    rows += "<tr><th scope=\"row\">" + to_markup(name.get<std::string>()) + "</th><td>" +
            std::to_string(engine.asked) + "</td><td>" + std::to_string(engine.seconds.size()) +
            "</td>" + seconds_cell(engine.seconds) + "<td>" + to_markup(engine.sound) +
            "</td></tr>\n";
  }
  std::string survivors;
  for (const json& mutant : score.at("all")) {
    if (mutant.at("killed") || mutant.contains("equivalent")) continue;
    survivors += (survivors.empty() ? "" : ", ") + mutant.at("name").get<std::string>();
  }
  const auto killed = score.at("killed").get<uint64_t>(), all = score.at("mutants").get<uint64_t>();
  return "<section>\n<h2>What the engines are worth</h2>\n<p>" + std::to_string(killed) + " of " +
         std::to_string(all) + " planted bugs were found when they were last counted" +
         (survivors.empty() ? "" : "; not found: " + to_markup(survivors)) + ".</p>\n" +
         wide_table("The mutation score", rows + "</tbody>\n") + "</section>\n";
}

}  // namespace

std::string score_section(const std::string& text) {
  const json score = json::parse(text, nullptr, false);
  if (!score.is_object()) return "";
  try {
    if (score.value("format", "") != kScoreFormat.name ||
        score.value("format_version", 0) != kScoreFormat.version) {
      return "";
    }
    return score_text(score);
  } catch (const json::exception&) {
    return "";
  }
}

}  // namespace kqtorture
