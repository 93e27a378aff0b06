// A campaign as the summary of a CI job: Markdown in GitHub's dialect, short above, everything
// folded below. What a subject printed stands in <pre>, where no character of it is Markdown.
#include "report/summary.h"
#include "report/text.h"

namespace kqtorture {
namespace {

// GitHub refuses a job's summary above a mebibyte, and several steps share it.
constexpr size_t kMostFindingBytes = 20'000;
constexpr size_t kMostFindings = 20;

// For a cell of a table: one line, no '|', no markup, and no '`' or '*' that would start some.
std::string to_cell(const std::string& text) {
  std::string cell;
  for (const char c : to_markup(to_line(text))) {
    if (c == '|' || c == '`' || c == '*' || c == '_' || c == '[' || c == '\\') cell += '\\';
    cell += c;
  }
  return cell;
}

std::string markdown_row(const EngineSummary& engine) {
  std::string result = result_of(engine);
  if (!engine.note.empty()) result += ": " + engine.note;
  return "| " + to_cell(engine.name) + " | " + with_commas(engine.work.operations) + " | " +
         with_commas(engine.work.executions) + " | " +
         std::to_string(static_cast<long long>(engine.seconds)) + " | " + to_cell(result) + " |\n";
}

std::string folded(const EngineSummary::Found& found) {
  const Finding& finding = found.finding;
  const std::string title = title_of(found);
  std::string text = to_text(finding);
  if (text.size() > kMostFindingBytes) text = text.substr(0, kMostFindingBytes) + "\n...";
  std::string out = "<details><summary>" + to_markup(to_line(title)) + "</summary>\n<pre>\n" +
                    to_markup(text) + "</pre>\n";
  if (!found.known.empty()) out += "Known: " + to_markup(to_line(found.known)) + "\n";
  return out + "</details>\n";
}

}  // namespace

std::string to_markdown(const CampaignSummary& campaign) {
  const size_t fresh = campaign.new_findings(), known = campaign.findings() - fresh;
  std::string out = "## kqtorture: " + to_cell(campaign.subject) + "\n\n";
  out += fresh > 0                    ? "**" + std::to_string(fresh) + " found**"
         : !campaign.problems.empty() ? std::string("**No pass**: the campaign did not do its work")
                                      : std::string("Nothing found");
  if (known > 0) out += ", " + std::to_string(known) + " known";
  out += " (seed " + std::to_string(campaign.seed) + ")\n\n";
  for (const std::string& problem : campaign.problems) out += "- " + to_cell(problem) + "\n";
  for (const std::string& one : campaign.vanished) {
    out += "- known, and not found any more: " + to_cell(one) + "\n";
  }
  if (!campaign.problems.empty() || !campaign.vanished.empty()) out += "\n";
  out +=
      "| engine | operations | executions | seconds | result |\n| --- | --: | --: | --: | --- |\n";
  for (const EngineSummary& engine : campaign.engines) out += markdown_row(engine);
  out += "\n";
  size_t shown = 0;
  for (const EngineSummary& engine : campaign.engines) {
    for (const auto& found : engine.found) {
      if (++shown <= kMostFindings) out += folded(found);
    }
  }
  if (shown > kMostFindings) {
    out += "\n" + std::to_string(shown - kMostFindings) + " more are in the artifacts.\n";
  }
  return out;
}

}  // namespace kqtorture
