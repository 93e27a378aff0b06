// The atlas. A reader wants to see where kqueues part: rows on which all agree are folded away
// below those on which they do not.
#include <algorithm>
#include <set>

#include "report/page.h"
#include "report/survey.h"
#include "report/text.h"

namespace kqtorture {
namespace {

constexpr char kAtlasStyle[] =
    "<style>body { max-width: none; } td, th { text-align: left; vertical-align: top; }\n"
    "thead th { position: sticky; top: 0; background: Canvas; }\n"
    "td.deviates { color: var(--bad); font-weight: bold; } td.other { color: var(--dim); }\n"
    "td pre { font-weight: normal; color: CanvasText; margin: .2rem 0; }\n"
    "td details { border: 0; padding: 0; margin: 0; }</style>\n";

const SurveyRow* row_of(const SurveyReport& survey, const std::string& knob) {
  for (const SurveyRow& row : survey.rows) {
    if (row.knob == knob) return &row;
  }
  return nullptr;
}

std::string words_of(const SurveyRow& row) {
  std::string text;
  for (const std::string& word : row.seen) text += (text.empty() ? "" : " or ") + word;
  return text.empty() ? row.status : text;
}

std::string atlas_cell(const SurveyRow* row) {
  if (row == nullptr) return "<td class=\"other\">not asked</td>";
  std::string kind = row->deviates ? "deviates" : row->status == "answered" ? "" : "other";
  std::string out = "<td class=\"" + kind + "\">";
  std::string words = to_markup(words_of(*row));
  if (row->unexpectedly_can) words += " (unexpectedly can)";
  if (row->trace.empty() && row->note.empty()) return out + words + "</td>";
  out += "<details><summary>" + words + "</summary>";
  if (row->deviates) out += "the profile says " + to_markup(row->expected);
  if (!row->note.empty()) out += to_markup(row->note);
  if (!row->trace.empty()) {
    out += "<pre>";
    for (const std::string& line : row->trace) out += to_markup(line) + "\n";
    out += "</pre>";
  }
  return out + "</details></td>";
}

std::string atlas_table(const std::vector<SurveyReport>& surveys,
                        const std::vector<std::string>& knobs) {
  std::string out = "<table>\n<thead><tr><th scope=\"col\">knob</th>";
  for (const SurveyReport& survey : surveys) {
    out += "<th scope=\"col\">" + to_markup(survey.subject) + "</th>";
  }
  out += "</tr></thead>\n";
  for (const std::string& knob : knobs) {
    out += "<tr><th scope=\"row\">" + to_markup(knob) + "</th>";
    for (const SurveyReport& survey : surveys) out += atlas_cell(row_of(survey, knob));
    out += "</tr>\n";
  }
  return out + "</table>\n";
}

}  // namespace

std::string to_atlas(const std::vector<SurveyReport>& surveys) {
  std::vector<std::string> differing, agreeing, known;
  for (const SurveyReport& survey : surveys) {
    for (const SurveyRow& row : survey.rows) {
      if (std::find(known.begin(), known.end(), row.knob) == known.end()) known.push_back(row.knob);
    }
  }
  for (const std::string& knob : known) {
    std::set<std::string> answers;
    for (const SurveyReport& survey : surveys) {
      const SurveyRow* row = row_of(survey, knob);
      answers.insert(row != nullptr ? words_of(*row) : "");
    }
    (answers.size() > 1 ? differing : agreeing).push_back(knob);
  }
  std::string out = page_head("kqtorture: which kqueue does what") + kAtlasStyle;
  out += "<table>\n<tr>";
  for (const char* head :
       {"subject", "nearest profile", "compared with", "deviations", "layout", "host"}) {
    out += std::string("<th scope=\"col\">") + head + "</th>";
  }
  out += "</tr>\n";
  for (const SurveyReport& survey : surveys) {
    out += "<tr><td>" + to_markup(survey.subject) + "</td><td>" + to_markup(survey.nearest) +
           "</td><td>" + to_markup(survey.profile) + "</td><td>" +
           std::to_string(survey.deviating()) + "</td><td>" + to_markup(survey.layout) +
           "</td><td>" + to_markup(survey.host) + "</td></tr>\n";
  }
  out +=
      "</table>\n<p>Bold and red: not what the profile says that the subject was compared with. "
      "An answer opens to show the calls that gave it.</p>\n";
  if (!differing.empty()) out += "<h2>Where they differ</h2>\n" + atlas_table(surveys, differing);
  if (!agreeing.empty()) {
    out += "<details" + std::string(differing.empty() ? " open" : "") + "><summary>" +
           (surveys.size() > 1 ? "Where all agree" : "All answers") + "</summary>\n" +
           atlas_table(surveys, agreeing) + "</details>\n";
  }
  return out + kPageEnd;
}

}  // namespace kqtorture
