// SARIF 2.1.0, for those who read findings beside code: GitHub's security tab, editors, dashboards.
//
// A rule of the contract is a SARIF rule, a finding a result. What a result is recognised by the
// next time is the finding's signature, so that the same bug out of another seed is the same alert;
// one that is known is a suppressed result.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "report/summary.h"
#include "report/text.h"
#include "report/uri.h"

namespace kqtorture {
namespace {

using nlohmann::ordered_json;

std::string sarif_rule(const Finding& finding) {
  return finding.rule.empty() ? finding.verdict : finding.rule;
}

// Braces around one value are a list of it to one compiler and the value itself to another.
ordered_json list_of(ordered_json value) {
  ordered_json list = ordered_json::array();
  list.push_back(std::move(value));
  return list;
}

ordered_json sarif_result(const EngineSummary::Found& found, size_t rule_index) {
  const Finding& finding = found.finding;
  ordered_json result;
  result["ruleId"] = to_utf8(sarif_rule(finding));
  result["ruleIndex"] = rule_index;
  result["level"] = "error";
  result["message"]["text"] =
      to_utf8(finding.verdict + " in " + finding.engine +
              (finding.scenario.empty() ? "" : ": " + finding.scenario) + ": " + finding.message);
  if (!found.file.empty()) {
    ordered_json location;
    location["physicalLocation"]["artifactLocation"]["uri"] = to_uri(found.file);
    result["locations"] = list_of(std::move(location));
  }
  if (!found.signature.empty()) {
    result["partialFingerprints"]["kqtortureSignature/v1"] = to_utf8(found.signature);
  }
  if (!found.known.empty()) {
    result["suppressions"] =
        list_of({{"kind", "external"}, {"justification", to_utf8(found.known)}});
  }
  result["properties"] = {{"subject", to_utf8(finding.subject)},
                          {"profile", to_utf8(finding.profile)},
                          {"seed", std::to_string(finding.seed)}};
  return result;
}

}  // namespace

std::string to_sarif(const CampaignSummary& campaign) {
  std::vector<std::string> rules;
  ordered_json results = ordered_json::array();
  for (const EngineSummary& engine : campaign.engines) {
    for (const auto& found : engine.found) {
      const std::string rule = sarif_rule(found.finding);
      auto at = std::find(rules.begin(), rules.end(), rule);
      if (at == rules.end()) at = rules.insert(rules.end(), rule);
      results.push_back(sarif_result(found, static_cast<size_t>(at - rules.begin())));
    }
  }
  ordered_json driver = {{"name", "kqtorture"}, {"version", campaign.version}};
  driver["rules"] = ordered_json::array();
  for (const std::string& rule : rules) {
    const std::string text = "docs/contract.md says what it asks for: " + rule;
    driver["rules"].push_back(
        {{"id", to_utf8(rule)}, {"shortDescription", {{"text", to_utf8(text)}}}});
  }
  ordered_json invocation = {{"executionSuccessful", campaign.problems.empty()},
                             {"exitCode", campaign.exit_code},
                             {"startTimeUtc", campaign.started}};
  invocation["toolExecutionNotifications"] = ordered_json::array();
  for (const std::string& problem : campaign.problems) {
    invocation["toolExecutionNotifications"].push_back(
        {{"level", "error"}, {"message", {{"text", to_utf8(problem)}}}});
  }
  ordered_json run;
  run["tool"]["driver"] = std::move(driver);
  run["invocations"] = list_of(std::move(invocation));
  run["results"] = std::move(results);
  run["properties"] = {{"subject", to_utf8(campaign.subject)},
                       {"seed", std::to_string(campaign.seed)}};
  ordered_json log;
  log["$schema"] = "https://json.schemastore.org/sarif-2.1.0.json";
  log["version"] = "2.1.0";
  log["runs"] = list_of(std::move(run));
  return log.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace kqtorture
