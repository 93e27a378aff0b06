// The machine-readable forms and the terminal's table. Numbers are written as they are, unrounded
// in JSON; a 64-bit seed stays a number, which every language that matters here reads exactly.
#include "report/summary.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "report/files.h"
#include "report/format.h"
#include "report/text.h"

namespace kqtorture {
namespace {

using nlohmann::ordered_json;

// A score of all planted bugs is a few hundred kilobytes.
constexpr size_t kMostJson = size_t{16} << 20;

std::string number(const char* format, double value) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, format, value);
  return buffer;
}

ordered_json engine_json(const EngineSummary& engine) {
  ordered_json object;
  object["name"] = engine.name;
  object["status"] = to_word(engine.status);
  object["note"] = engine.note;
  object["seconds"] = engine.seconds;
  object["slices"] = engine.slices;
  object["operations"] = engine.work.operations;
  object["deliveries"] = engine.work.deliveries;
  object["executions"] = engine.work.executions;
  object["executions_per_second"] = engine.executions_per_second();
  object["extra"] = engine.work.extra;
  object["findings"] = ordered_json::array();
  for (const auto& found : engine.found) {
    ordered_json entry = ordered_json::parse(to_json(found.finding));
    entry["file"] = found.file;
    if (!found.signature.empty()) entry["signature"] = found.signature;
    if (!found.known.empty()) entry["known"] = found.known;
    object["findings"].push_back(std::move(entry));
  }
  return object;
}

std::string attribute(const char* name, const std::string& value) {
  return std::string(" ") + name + "=\"" + to_markup(value) + "\"";
}

std::string property(const char* name, const std::string& value) {
  return "      <property" + attribute("name", name) + attribute("value", value) + "/>\n";
}

// A test case that a CI lists and does not count: the engine did not run, or its finding is known.
size_t skipped_cases(const EngineSummary& engine) {
  return engine.found.size() - engine.new_findings() + (engine.status == EngineStatus::kSkipped);
}

std::string suite_xml(const EngineSummary& engine) {
  const bool passed = engine.found.empty();
  const size_t tests = std::max<size_t>(engine.found.size(), 1);
  std::string out = "  <testsuite" + attribute("name", engine.name) +
                    attribute("tests", std::to_string(tests)) +
                    attribute("failures", std::to_string(engine.new_findings())) +
                    attribute("errors", engine.status == EngineStatus::kFailed ? "1" : "0") +
                    attribute("skipped", std::to_string(skipped_cases(engine))) +
                    attribute("time", number("%.3f", engine.seconds)) + ">\n";
  out += "    <properties>\n" + property("operations", std::to_string(engine.work.operations)) +
         property("deliveries", std::to_string(engine.work.deliveries)) +
         property("executions", std::to_string(engine.work.executions)) + "    </properties>\n";
  for (const auto& found : engine.found) {
    const std::string name =
        found.finding.scenario.empty() ? found.finding.verdict : found.finding.scenario;
    out += "    <testcase" + attribute("classname", engine.name) + attribute("name", name) +
           ">\n      ";
    if (!found.known.empty()) {
      out += "<skipped" + attribute("message", "known: " + found.known) + "/>\n    </testcase>\n";
      continue;
    }
    out += "<failure" + attribute("type", found.finding.verdict) +
           attribute("message", found.finding.message) + ">" + to_markup(to_text(found.finding)) +
           "</failure>\n    </testcase>\n";
  }
  if (passed || engine.status == EngineStatus::kFailed) {
    out += "    <testcase" + attribute("classname", engine.name) + attribute("name", "campaign") +
           attribute("time", number("%.3f", engine.seconds));
    if (engine.status == EngineStatus::kSkipped) {
      out += "><skipped" + attribute("message", engine.note) + "/></testcase>\n";
    } else if (engine.status == EngineStatus::kFailed) {
      out += "><error" + attribute("message", engine.note) + "/></testcase>\n";
    } else {
      out += "/>\n";
    }
  }
  return out + "  </testsuite>\n";
}

}  // namespace

const char* to_word(EngineStatus status) {
  switch (status) {
    case EngineStatus::kClean:
      return "clean";
    case EngineStatus::kFound:
      return "found";
    case EngineStatus::kSkipped:
      return "skipped";
    case EngineStatus::kFailed:
      return "failed";
  }
  return "unknown";
}

size_t CampaignSummary::findings() const {
  size_t count = 0;
  for (const EngineSummary& engine : engines) count += engine.found.size();
  return count;
}

size_t CampaignSummary::new_findings() const {
  size_t count = 0;
  for (const EngineSummary& engine : engines) count += engine.new_findings();
  return count;
}

size_t EngineSummary::new_findings() const {
  return static_cast<size_t>(std::count_if(found.begin(), found.end(),
                                           [](const Found& one) { return one.known.empty(); }));
}

std::string result_of(const EngineSummary& engine) {
  const size_t fresh = engine.new_findings(), known = engine.found.size() - fresh;
  std::string result;
  if (fresh > 0) result = std::to_string(fresh) + " found";
  if (known > 0) result += (fresh > 0 ? ", " : "") + std::to_string(known) + " known";
  return result.empty() ? to_word(engine.status) : result;
}

std::string to_results_json(const CampaignSummary& campaign) {
  ordered_json object;
  object["format"] = kResultsFormat.name;
  object["format_version"] = kResultsFormat.version;
  object["version"] = campaign.version;
  object["started"] = campaign.started;
  object["subject"] = campaign.subject;
  object["profile"] = campaign.profile;
  object["seed"] = campaign.seed;
  object["budget_seconds"] = campaign.budget_seconds;
  object["elapsed_seconds"] = campaign.elapsed_seconds;
  object["exit_code"] = campaign.exit_code;
  object["findings"] = campaign.findings();
  object["new_findings"] = campaign.new_findings();
  object["vanished"] = campaign.vanished;
  object["problems"] = campaign.problems;
  object["engines"] = ordered_json::array();
  for (const EngineSummary& engine : campaign.engines) {
    object["engines"].push_back(engine_json(engine));
  }
  return object.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

std::string to_junit_xml(const CampaignSummary& campaign) {
  size_t tests = 0, errors = 0, skipped = 0;
  std::string suites;
  for (const EngineSummary& engine : campaign.engines) {
    tests += std::max<size_t>(engine.found.size(), 1);
    errors += engine.status == EngineStatus::kFailed;
    skipped += skipped_cases(engine);
    suites += suite_xml(engine);
  }
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites" +
         attribute("name", "kqtorture " + campaign.subject) +
         attribute("tests", std::to_string(tests)) +
         attribute("failures", std::to_string(campaign.new_findings())) +
         attribute("errors", std::to_string(errors)) +
         attribute("skipped", std::to_string(skipped)) +
         attribute("time", number("%.3f", campaign.elapsed_seconds)) + ">\n" + suites +
         "</testsuites>\n";
}

std::string to_table(const CampaignSummary& campaign) {
  size_t width = 6;
  for (const EngineSummary& engine : campaign.engines) width = std::max(width, engine.name.size());
  const auto row = [&](const std::string& name, const std::string& seconds,
                       const std::string& operations, const std::string& deliveries,
                       const std::string& executions, const std::string& speed,
                       const std::string& result) {
    char buffer[512];
    std::snprintf(buffer, sizeof buffer, "%-*s %8s %16s %16s %14s %10s  ", static_cast<int>(width),
                  name.c_str(), seconds.c_str(), operations.c_str(), deliveries.c_str(),
                  executions.c_str(), speed.c_str());
    return buffer + result + "\n";
  };
  std::string out =
      row("engine", "seconds", "operations", "deliveries", "executions", "exec/s", "result");
  for (const EngineSummary& engine : campaign.engines) {
    std::string result = result_of(engine);
    if (!engine.note.empty()) result += ": " + to_printable(engine.note);
    out += row(engine.name, number("%.1f", engine.seconds), with_commas(engine.work.operations),
               with_commas(engine.work.deliveries), with_commas(engine.work.executions),
               number("%.0f", engine.executions_per_second()), result);
  }
  return out;
}

bool write_reports(const CampaignSummary& campaign, const std::string& directory,
                   std::string* error) {
  std::string bench, score, missing;
  for (const EngineSummary& engine : campaign.engines) {
    // What an earlier campaign measured is not this one's.
    const bool worked =
        engine.status == EngineStatus::kClean || engine.status == EngineStatus::kFound;
    if (engine.name == "bench" && engine.slices > 0 && worked) {
      read_file(directory + "/bench.json", kMostJson, &bench, &missing);
    }
  }
  read_file(directory + "/score/score.json", kMostJson, &score, &missing);
  return write_file(directory + "/results.json", to_results_json(campaign), error) &&
         write_file(directory + "/junit.xml", to_junit_xml(campaign), error) &&
         write_file(directory + "/results.sarif", to_sarif(campaign), error) &&
         write_file(directory + "/index.html", to_html(campaign, bench, score), error) &&
         write_finding_pages(campaign, directory, error);
}

std::string title_of(const EngineSummary::Found& found) {
  const Finding& finding = found.finding;
  std::string title = finding.verdict;
  if (!finding.rule.empty()) title += " (" + finding.rule + ")";
  title += " in " + finding.engine;
  if (!finding.scenario.empty()) title += ": " + finding.scenario;
  if (!found.known.empty()) title = "known: " + title;
  return title;
}

}  // namespace kqtorture
