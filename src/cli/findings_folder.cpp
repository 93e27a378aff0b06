// A file that cannot be read as a finding is reported as one: somebody meant to say something.
#include "cli/findings_folder.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/finding_file.h"
#include "report/files.h"
#include "report/text.h"

namespace kqtorture {
namespace {

// Enough for both stacks of a ThreadSanitizer report; the log has the rest.
constexpr size_t kReportLines = 80;
constexpr size_t kLastLines = 30;
constexpr const char* kReportStarts[] = {"WARNING: ThreadSanitizer", "ERROR: AddressSanitizer",
                                         "ERROR: LeakSanitizer",
                                         "runtime error:", "ERROR: libFuzzer"};

bool tells_how_it_ended(const Finding& finding) {
  return finding.verdict == "crash" || finding.verdict == "race" || finding.verdict == "hang" ||
         finding.verdict == "exit";
}

}  // namespace

LogText::LogText(const std::string& path, size_t offset, size_t limit) {
  std::ifstream file(path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(offset));
  size_t size = 0;
  for (std::string line; size < limit && std::getline(file, line);) {
    size += line.size() + 1;
    lines_.push_back(std::move(line));
  }
}

std::string LogText::last_line() const {
  for (auto line = lines_.rbegin(); line != lines_.rend(); ++line) {
    if (!line->empty()) return *line;
  }
  return "";
}

std::vector<std::string> LogText::interesting_part() const {
  for (size_t i = 0; i < lines_.size(); ++i) {
    for (const char* start : kReportStarts) {
      if (lines_[i].find(start) == std::string::npos) continue;
      const size_t end = std::min(lines_.size(), i + kReportLines);
      return {lines_.begin() + static_cast<long>(i), lines_.begin() + static_cast<long>(end)};
    }
  }
  const size_t count = std::min(lines_.size(), kLastLines);
  return {lines_.end() - static_cast<long>(count), lines_.end()};
}

FindingsFolder::FindingsFolder(std::string path)
    : path_(std::move(path)), before_(list(path_)), inputs_before_(list(path_ + "/inputs")) {}

std::map<std::string, FindingsFolder::Identity> FindingsFolder::list(
    const std::string& folder) const {
  std::map<std::string, Identity> files;
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    struct stat status;
    if (name[0] != '.' && stat(it->path().c_str(), &status) == 0 && S_ISREG(status.st_mode)) {
#if defined(__APPLE__)
      const timespec& changed = status.st_mtimespec;
#else
      const timespec& changed = status.st_mtim;
#endif
      files[name] = {status.st_ino, changed.tv_sec, changed.tv_nsec};
    }
  }
  return files;
}

std::string FindingsFolder::new_input() const {
  for (const auto& [name, identity] : list(path_ + "/inputs")) {
    const auto old = inputs_before_.find(name);
    if (old == inputs_before_.end() || !(old->second == identity)) return path_ + "/inputs/" + name;
  }
  return "";
}

std::vector<std::string> FindingsFolder::new_names() const {
  std::vector<std::string> names;
  for (const auto& [name, identity] : list(path_)) {
    const auto old = before_.find(name);
    const bool is_finding = name.size() > 5 && name.compare(name.size() - 5, 5, ".json") == 0;
    if (!is_finding || (old != before_.end() && old->second == identity)) continue;
    names.push_back(name);
  }
  return names;
}

std::vector<std::string> FindingsFolder::new_files() const {
  std::vector<std::string> files;
  for (const std::string& name : new_names()) files.push_back(path_ + "/" + name);
  return files;
}

std::vector<EngineSummary::Found> FindingsFolder::new_ones(const LogText& log) const {
  std::vector<EngineSummary::Found> result;
  for (const std::string& name : new_names()) {
    EngineSummary::Found found;
    found.file = "findings/" + name;
    std::string error;
    if (!load_finding(path_ + "/" + name, &found.finding, &error)) {
      found.finding = {};
      found.finding.verdict = "wrong-answer";
      found.finding.message = "the finding cannot be read: " + error;
    } else if (tells_how_it_ended(found.finding)) {
      if (found.finding.reproducer.empty()) found.finding.reproducer = new_input();
      found.finding.detail.push_back("output:");
      for (const std::string& line : log.interesting_part()) {
        found.finding.detail.push_back("  " + to_printable(line));
      }
      write_file(path_ + "/" + name, to_json(found.finding) + "\n", &error);
    }
    result.push_back(std::move(found));
  }
  return result;
}

EngineSummary::Found FindingsFolder::add(const Finding& finding) const {
  EngineSummary::Found found{finding, ""};
  const std::string name = finding_file_name(finding);
  std::string error;
  if (write_file(path_ + "/" + name, to_json(finding) + "\n", &error)) {
    found.file = "findings/" + name;
  }
  return found;
}

}  // namespace kqtorture
