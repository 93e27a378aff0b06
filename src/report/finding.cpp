// Where findings are kept and how a person reads them. The file name carries a hash of what makes
// two findings the same, so a bug seen a thousand times is one file.
#include "report/finding.h"

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "report/files.h"
#include "report/hash.h"
#include "report/text.h"

namespace kqtorture {
namespace {

std::atomic<void (*)()> saved_observer{nullptr};

uint64_t identity(const Finding& finding) {
  uint64_t hash = fnv1a("");
  for (const std::string* part :
       {&finding.verdict, &finding.rule, &finding.engine, &finding.scenario, &finding.message}) {
    hash = fnv1a(std::string_view("", 1), fnv1a(*part, hash));
  }
  return hash;
}

std::string hex(uint64_t value) {
  char buffer[17];
  std::snprintf(buffer, sizeof buffer, "%016llx", static_cast<unsigned long long>(value));
  return buffer;
}

void append_block(std::string* out, const std::string& title, const std::string& text) {
  if (text.empty()) return;
  *out += "  " + title + ":\n";
  size_t begin = 0;
  while (begin < text.size()) {
    size_t end = text.find('\n', begin);
    if (end == std::string::npos) end = text.size();
    *out += "    " + text.substr(begin, end - begin) + "\n";
    begin = end + 1;
  }
}

}  // namespace

std::string output_directory() {
  const char* directory = std::getenv("KQ_OUT");
  return directory != nullptr && *directory != '\0' ? directory : "out";
}

std::string finding_file_name(const Finding& finding) {
  return to_file_name(finding.engine, 40) + "-" + to_file_name(finding.scenario, 80) + "-" +
         hex(identity(finding)) + ".json";
}

void observe_saved_findings(void (*observer)()) { saved_observer = observer; }

std::string save_finding(const Finding& finding) {
  std::string path = output_directory() + "/findings/" + finding_file_name(finding);
  std::string error;
  std::string text = to_text(finding);
  if (write_file(path, to_json(finding) + "\n", &error)) {
    text += "  saved: " + to_printable(path) + "\n";
    if (void (*observer)() = saved_observer) observer();
  } else {
    text += "  not saved: " + to_printable(error) + "\n";
    path.clear();
  }
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
  return path;
}

std::string to_text(const Finding& finding) {
  std::string out = "FINDING " + finding.verdict;
  if (!finding.rule.empty()) out += " (" + finding.rule + ")";
  out += " in " + finding.engine;
  if (!finding.scenario.empty()) out += ": " + finding.scenario;
  out += "\n  " + finding.message + "\n";
  out += "  subject: " + finding.subject;
  if (!finding.profile.empty()) out += ", profile " + finding.profile;
  out += "\n  seed: " + std::to_string(finding.seed) + "\n";
  append_block(&out, "reproducer", finding.reproducer);
  std::string detail;
  for (const std::string& line : finding.detail) detail += line + "\n";
  append_block(&out, "detail", detail);
  std::string lanes;
  for (const std::string& line : to_lines(finding.lanes)) lanes += line + "\n";
  append_block(&out, "history", lanes);
  if (!finding.schedule.empty()) {
    out += "  schedule: " + std::to_string(finding.schedule.decisions.size()) + " choices of " +
           finding.schedule.strategy + ", trace " + hex(finding.schedule.trace) + "\n";
  }
  return to_printable(out);
}

}  // namespace kqtorture
