// A survey as text and JSON. The order of the rows is the table's.
#include "report/survey.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "report/format.h"
#include "report/text.h"

namespace kqtorture {
namespace {

using nlohmann::ordered_json;

std::string joined_seen(const SurveyRow& row) {
  std::string text;
  for (const std::string& word : row.seen) text += (text.empty() ? "" : " or ") + word;
  return text.empty() ? row.status : text;
}

std::string padded(std::string text, size_t width) {
  text.resize(std::max(text.size() + 1, width), ' ');
  return text;
}

std::string row_line(const SurveyRow& row) {
  std::string line = "  " + padded(row.knob, 30) + padded(joined_seen(row), 26);
  if (row.deviates) line += "* " + row.expected;
  if (!row.note.empty()) line += row.note;
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return to_printable(line) + "\n";
}

std::string deviation_text(const SurveyRow& row) {
  std::string text = "  " + row.knob + ": " + joined_seen(row);
  if (row.status == "unknown") text = "  " + row.knob + ": no value explains it";
  text += ", not " + row.expected + "\n";
  for (const std::string& line : row.trace) text += "      " + line + "\n";
  return to_printable(text);
}

}  // namespace

size_t SurveyReport::count(const std::string& status) const {
  return static_cast<size_t>(std::count_if(
      rows.begin(), rows.end(), [&](const SurveyRow& row) { return row.status == status; }));
}

size_t SurveyReport::deviating() const {
  return static_cast<size_t>(
      std::count_if(rows.begin(), rows.end(), [](const SurveyRow& row) { return row.deviates; }));
}

std::string to_text(const SurveyReport& survey) {
  std::string text = "subject " + to_printable(survey.subject) + ", layout " + survey.layout +
                     ", host " + survey.host + "\n\n";
  for (const SurveyRow& row : survey.rows) text += row_line(row);
  text += "\ndeviations from";
  const char* comma = " ";
  for (const auto& [name, count] : survey.deviations) {
    text += comma + name + ": " + std::to_string(count);
    comma = ", ";
  }
  text += "\n";
  if (survey.profile != survey.nearest) text += "nearest profile: " + survey.nearest + "\n";
  for (const SurveyRow& row : survey.rows) {
    if (!row.unexpectedly_can) continue;
    text += "unexpectedly can: " + row.knob + ": " + joined_seen(row) + ", although " +
            survey.profile + " says " + row.expected + "\n";
  }
  text += "\n" + std::to_string(survey.rows.size()) + " knobs, " + with_commas(survey.calls) +
          " calls: " + std::to_string(survey.count("answered")) + " answered, " +
          std::to_string(survey.count("unknown")) + " unknown, " +
          std::to_string(survey.count("undecided")) + " undecided, " +
          std::to_string(survey.count("not probed")) + " not probed\n";
  const size_t deviating = survey.deviating();
  text += std::string(survey.profile == survey.nearest ? "nearest to " : "compared with ") +
          survey.profile + ", " + (deviating == 0 ? "no" : std::to_string(deviating)) +
          (deviating == 1 ? " deviation" : " deviations") + (deviating > 0 ? ":" : "") + "\n";
  for (const SurveyRow& row : survey.rows) {
    if (row.deviates) text += deviation_text(row);
  }
  return text;
}

std::string to_json(const SurveyReport& survey) {
  ordered_json object;
  object["format"] = kSurveyFormat.name;
  object["format_version"] = kSurveyFormat.version;
  object["version"] = survey.version;
  object["subject"] = to_utf8(survey.subject);
  object["layout"] = survey.layout;
  object["host"] = survey.host;
  object["profile"] = survey.profile;
  object["nearest"] = survey.nearest;
  object["deviations"] = survey.deviations;
  object["calls"] = survey.calls;
  object["knobs"] = ordered_json::array();
  for (const SurveyRow& row : survey.rows) {
    ordered_json entry = {{"knob", row.knob},         {"status", row.status},
                          {"seen", row.seen},         {"expected", row.expected},
                          {"deviates", row.deviates}, {"unexpectedly_can", row.unexpectedly_can}};
    if (!row.note.empty()) entry["note"] = to_utf8(row.note);
    if (!row.trace.empty()) entry["trace"] = row.trace;
    object["knobs"].push_back(std::move(entry));
  }
  return object.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

bool from_json(const std::string& text, SurveyReport* survey, std::string* error) {
  try {
    const auto object = nlohmann::json::parse(text);
    if (object.value("format", "") != kSurveyFormat.name) {
      *error = "not a survey";
      return false;
    }
    if (const int version = object.at("format_version"); version != kSurveyFormat.version) {
      *error = "a survey in format " + std::to_string(version) + ", which this program, at " +
               std::to_string(kSurveyFormat.version) + ", does not read";
      return false;
    }
    SurveyReport read;
    object.at("version").get_to(read.version);
    object.at("subject").get_to(read.subject);
    object.at("layout").get_to(read.layout);
    object.at("host").get_to(read.host);
    object.at("profile").get_to(read.profile);
    object.at("nearest").get_to(read.nearest);
    object.at("deviations").get_to(read.deviations);
    object.at("calls").get_to(read.calls);
    for (const auto& entry : object.at("knobs")) {
      SurveyRow& row = read.rows.emplace_back();
      entry.at("knob").get_to(row.knob);
      entry.at("status").get_to(row.status);
      entry.at("seen").get_to(row.seen);
      entry.at("expected").get_to(row.expected);
      entry.at("deviates").get_to(row.deviates);
      entry.at("unexpectedly_can").get_to(row.unexpectedly_can);
      row.note = entry.value("note", "");
      row.trace = entry.value("trace", std::vector<std::string>());
    }
    *survey = std::move(read);
  } catch (const nlohmann::json::exception& wrong) {
    *error = std::string("not a survey: ") + wrong.what();
    return false;
  }
  return true;
}

}  // namespace kqtorture
