// What a survey found out, in the formats that people and machines read: a table on the terminal,
// JSON to keep, and an atlas, one page that lays several kept surveys side by side.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace kqtorture {

struct SurveyRow {
  std::string knob;
  // "answered", "unknown" (no value of the knob explains it), "undecided" (the model says nothing
  // of it) or "not probed".
  std::string status;
  std::vector<std::string> seen;  // the answer; several where they cannot be told apart
  std::string expected;           // what the profile says that it is compared with
  bool deviates = false;          // the profile says otherwise
  bool unexpectedly_can = false;  // it says that the platform cannot, and it can
  std::string note;               // why it was not probed
  std::vector<std::string> trace;
};

struct SurveyReport {
  std::string version;  // of kqtorture
  std::string subject;
  std::string layout;
  std::string host;
  std::string profile;                    // compared with
  std::string nearest;                    // which of all profiles has the fewest deviations
  std::map<std::string, int> deviations;  // from every profile, by its name
  uint64_t calls = 0;
  std::vector<SurveyRow> rows;

  size_t count(const std::string& status) const;
  size_t deviating() const;
};

std::string to_text(const SurveyReport& survey);
std::string to_json(const SurveyReport& survey);
// False with *error set to one line on anything malformed, or of another version (format.h).
bool from_json(const std::string& text, SurveyReport* survey, std::string* error);
// Knobs are rows, surveys columns; knobs on which they differ come first.
std::string to_atlas(const std::vector<SurveyReport>& surveys);

}  // namespace kqtorture
