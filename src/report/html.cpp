// The page a person opens after a campaign. Self-contained: no script, no font, no image, nothing
// fetched; it reads the same from a CI artifact, an attachment or a file system, in light and dark.
#include <cstdio>
#include <filesystem>

#include "report/files.h"
#include "report/page.h"
#include "report/summary.h"
#include "report/text.h"
#include "report/trace.h"
#include "report/uri.h"

namespace kqtorture {
namespace {

constexpr char kStyle[] = R"(
:root { color-scheme: light dark; --line: #8885; --bad: #c22; --good: #272; --dim: #666;
  --ours: #47a; --other: #999; }
@media (prefers-color-scheme: dark) { :root { --bad: #f77; --good: #7c7; --dim: #aaa;
  --ours: #7ad; --other: #777; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin-bottom: 0; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
table { border-collapse: collapse; margin: 1rem 0; width: 100%; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .6rem; text-align: right; }
th:first-child, td:first-child, th:last-child, td:last-child { text-align: left; }
tbody th { font-weight: normal; } td:last-child { overflow-wrap: anywhere; }
.found { color: var(--bad); font-weight: bold; } .failed { color: var(--bad); }
.clean { color: var(--good); } .skipped, .dim { color: var(--dim); }
details { border: 1px solid var(--line); border-radius: .3rem; margin: 1rem 0; }
details { padding: .5rem 1rem; }
summary { cursor: pointer; font-weight: bold; }
.wide, .history, pre { overflow-x: auto; }
pre { font: 13px/1.4 ui-monospace, monospace; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(30rem, 100%), 1fr)); }
figure { margin: .5rem .5rem 1rem 0; } figcaption { font-weight: bold; font-size: .9rem; }
.chart { width: 100%; height: auto; font: 12px system-ui, sans-serif; }
.chart text { fill: currentColor; } .chart .name { text-anchor: end; }
.chart .ours { fill: var(--ours); } .chart .other { fill: var(--other); }
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
  return "<tr><th scope=\"row\">" + to_markup(engine.name) + "</th>" +
         cell(fixed(engine.seconds, 1)) + cell(std::to_string(engine.work.operations)) +
         cell(std::to_string(engine.work.deliveries)) +
         cell(std::to_string(engine.work.executions)) +
         cell(fixed(engine.executions_per_second(), 0)) + "<td class=\"" + to_word(engine.status) +
         "\">" + to_markup(result) + "</td></tr>\n";
}

constexpr char kPages[] = "pages/";

// What the pages of a finding are called, without what they end in.
std::string page_name(const EngineSummary::Found& found) {
  return std::filesystem::path(found.file).stem().string();
}

std::string link_to(const std::string& path, const std::string& text) {
  return "<a href=\"" + to_uri(path) + "\">" + to_markup(text) + "</a>";
}

std::string finding_text(const EngineSummary::Found& found) {
  const Finding& finding = found.finding;
  std::string out = "<p>" + to_markup(finding.message) + "</p>\n<p class=\"dim\">subject " +
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
    out +=
        "<div class=\"history\" role=\"region\" tabindex=\"0\" aria-label=\"The calls of each "
        "thread\">" +
        to_svg(finding.lanes) + "</div>\n";
  }
  return out;
}

std::string finding_block(const EngineSummary::Found& found) {
  std::string out = std::string(found.known.empty() ? "<details open>" : "<details>") +
                    "<summary>" + to_markup(title_of(found)) + "</summary>\n";
  if (!found.file.empty()) {
    out += "<p>" + link_to(kPages + page_name(found) + ".html", "its own page") + "</p>\n";
  }
  return out + finding_text(found) + "</details>\n";
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
         to_markup(title) + "</title>\n<style>" + kStyle +
         "</style>\n</head>\n<body>\n<main>\n<h1>" + to_markup(title) + "</h1>\n";
}

std::string wide_table(const std::string& label, const std::string& rows) {
  return "<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"" + to_markup(label) +
         "\">\n<table>\n" + rows + "</table>\n</div>\n";
}

std::string to_html(const EngineSummary::Found& found) {
  return page_head("kqtorture: " + title_of(found)) + finding_text(found) + kPageEnd;
}

bool write_finding_pages(const CampaignSummary& campaign, const std::string& directory,
                         std::string* error) {
  for (const EngineSummary& engine : campaign.engines) {
    for (const auto& found : engine.found) {
      if (found.file.empty()) continue;
      const std::string name = page_name(found), path = directory + "/" + kPages + name;
      std::string page = page_head("kqtorture: " + title_of(found)) + "<p>" +
                         link_to("../index.html", "The campaign") + " · " +
                         link_to("../" + found.file, "the finding as JSON");
      if (const std::string trace = to_trace(found.finding); !trace.empty()) {
        if (!write_file(path + ".trace.json", trace, error)) return false;
        page += " · " + link_to(name + ".trace.json", "its history, for Perfetto");
      }
      page += "</p>\n" + finding_text(found) + kPageEnd;
      if (!write_file(path + ".html", page, error)) return false;
    }
  }
  return true;
}

std::string to_html(const CampaignSummary& campaign, const std::string& bench,
                    const std::string& score) {
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
  std::string rows =
      "<thead><tr><th scope=\"col\">engine</th><th scope=\"col\">seconds</th><th scope=\"col\">"
      "operations</th><th scope=\"col\">deliveries</th><th scope=\"col\">executions</th><th "
      "scope=\"col\">per second</th><th scope=\"col\">result</th></tr></thead>\n<tbody>\n";
  for (const EngineSummary& engine : campaign.engines) rows += engine_row(engine);
  out += "<section>\n<h2>What ran</h2>\n" + wide_table("What ran", rows + "</tbody>\n") +
         "</section>\n";
  if (campaign.findings() > 0) out += "<section>\n<h2>What was found</h2>\n";
  for (const EngineSummary& engine : campaign.engines) {
    for (const auto& found : engine.found) out += finding_block(found);
  }
  if (campaign.findings() > 0) out += "</section>\n";
  return out + score_section(score) + bench_section(bench) + kPageEnd;
}

}  // namespace kqtorture
