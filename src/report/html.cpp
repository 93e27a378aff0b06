// The page a person opens after a campaign. Self-contained: no script, no font, no image, nothing
// fetched; it reads the same from a CI artifact, an attachment or a file system, in light and dark.
#include <cstdio>

#include "report/page.h"
#include "report/summary.h"
#include "report/text.h"

namespace kqtorture {
namespace {

constexpr char kStyle[] = R"(
:root { color-scheme: light dark; --line: #8885; --bad: #c22; --good: #283; --dim: #888; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin-bottom: 0; }
table { border-collapse: collapse; margin: 1.5rem 0; width: 100%; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .6rem; text-align: right; }
th:first-child, td:first-child, th:last-child, td:last-child { text-align: left; }
.found { color: var(--bad); font-weight: bold; } .failed { color: var(--bad); }
.clean { color: var(--good); } .skipped, .dim { color: var(--dim); }
details { border: 1px solid var(--line); border-radius: .3rem; margin: 1rem 0; }
details { padding: .5rem 1rem; }
summary { cursor: pointer; font-weight: bold; }
.history { overflow-x: auto; }
pre { overflow-x: auto; font: 13px/1.4 ui-monospace, monospace; }
)";

std::string cell(const std::string& text) { return "<td>" + to_markup(text) + "</td>"; }

std::string fixed(double value, int digits) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%.*f", digits, value);
  return buffer;
}

std::string engine_row(const EngineSummary& engine) {
  std::string result = result_of(engine);
  if (!engine.note.empty()) result += ": " + engine.note;
  return "<tr>" + cell(engine.name) + cell(fixed(engine.seconds, 1)) +
         cell(std::to_string(engine.work.operations)) +
         cell(std::to_string(engine.work.deliveries)) +
         cell(std::to_string(engine.work.executions)) +
         cell(fixed(engine.executions_per_second(), 0)) + "<td class=\"" + to_word(engine.status) +
         "\">" + to_markup(result) + "</td></tr>\n";
}

std::string finding_block(const EngineSummary::Found& found) {
  const Finding& finding = found.finding;
  const std::string title = title_of(found);
  std::string out = std::string(found.known.empty() ? "<details open>" : "<details>") +
                    "<summary>" + to_markup(title) + "</summary>\n<p>" +
                    to_markup(finding.message) + "</p>\n<p class=\"dim\">subject " +
                    to_markup(finding.subject) + ", seed " + std::to_string(finding.seed) +
                    ", saved as " + to_markup(found.file) + "</p>\n";
  if (!found.known.empty()) out += "<p>Known: " + to_markup(found.known) + "</p>\n";
  if (!finding.reproducer.empty()) {
    out += "<pre>" + to_markup(finding.reproducer) + "</pre>\n";
  }
  if (!finding.detail.empty()) {
    out += "<pre>";
    for (const std::string& line : finding.detail) out += to_markup(line) + "\n";
    out += "</pre>\n";
  }
  if (!finding.lanes.empty()) {
    if (!finding.lanes.caption.empty()) out += "<p>" + to_markup(finding.lanes.caption) + "</p>\n";
    out += "<div class=\"history\">" + to_svg(finding.lanes) + "</div>\n";
  }
  return out + "</details>\n";
}

std::string verdict_line(const CampaignSummary& campaign) {
  if (const size_t found = campaign.new_findings(); found > 0) {
    return "<p class=\"found\">" + std::to_string(found) + (found == 1 ? " finding" : " findings") +
           "</p>\n";
  }
  if (!campaign.problems.empty()) {
    return "<p class=\"failed\">No pass: the campaign did not do its work</p>\n";
  }
  if (const size_t known = campaign.findings(); known > 0) {
    return "<p class=\"clean\">Nothing new found, " + std::to_string(known) + " known</p>\n";
  }
  return "<p class=\"clean\">Nothing found</p>\n";
}

}  // namespace

std::string page_head(const std::string& title) {
  return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width\">\n<title>" +
         to_markup(title) + "</title>\n<style>" + kStyle + "</style>\n</head>\n<body>\n<h1>" +
         to_markup(title) + "</h1>\n";
}

std::string to_html(const EngineSummary::Found& found) {
  return page_head("kqtorture: " + found.finding.verdict) + finding_block(found) + kPageEnd;
}

std::string to_html(const CampaignSummary& campaign) {
  std::string out = page_head("kqtorture: " + campaign.subject);
  out += "<p class=\"dim\">seed " + std::to_string(campaign.seed) + ", budget " +
         fixed(campaign.budget_seconds, 0) + " s, took " + fixed(campaign.elapsed_seconds, 1) +
         " s, started " + to_markup(campaign.started) +
         (campaign.profile.empty() ? "" : ", profile " + to_markup(campaign.profile)) +
         ", version " + to_markup(campaign.version) + "</p>\n";
  out += verdict_line(campaign);
  for (const std::string& problem : campaign.problems) {
    out += "<p class=\"failed\">" + to_markup(problem) + "</p>\n";
  }
  for (const std::string& one : campaign.vanished) {
    out += "<p>Known, and not found any more: " + to_markup(one) + "</p>\n";
  }
  out +=
      "<table>\n<tr><th>engine</th><th>seconds</th><th>operations</th><th>deliveries</th>"
      "<th>executions</th><th>per second</th><th>result</th></tr>\n";
  for (const EngineSummary& engine : campaign.engines) out += engine_row(engine);
  out += "</table>\n";
  for (const EngineSummary& engine : campaign.engines) {
    for (const auto& found : engine.found) out += finding_block(found);
  }
  return out + kPageEnd;
}

}  // namespace kqtorture
