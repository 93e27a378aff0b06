// Which findings did this run add? The folder outlives campaigns, so it is compared before and
// after each program; a finding that is seen again is written again, and counts again.
#pragma once

#include <sys/types.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "report/summary.h"

namespace kqtorture {

// What a program printed, for findings that say too little by themselves.
class LogText {
 public:
  // The file from offset on, at most limit bytes of it.
  LogText(const std::string& path, size_t offset, size_t limit);

  // The last line that is not empty.
  std::string last_line() const;
  // A sanitizer's report if there is one, else the end.
  std::vector<std::string> interesting_part() const;

 private:
  std::vector<std::string> lines_;
};

class FindingsFolder {
 public:
  // Remembers what is there now. The folder need not exist.
  explicit FindingsFolder(std::string path);

  // The findings written since. Those that report how a process ended get the part of the log that
  // says why, and the input that libFuzzer saved; both are also written to their files.
  std::vector<EngineSummary::Found> new_ones(const LogText& log) const;

  // Their files, whatever is in them.
  std::vector<std::string> new_files() const;

  // Writes a finding of the campaign's own.
  EngineSummary::Found add(const Finding& finding) const;

 private:
  // What tells a file that was replaced from one that was not.
  struct Identity {
    ino_t inode;
    long long seconds;
    long nanoseconds;
    bool operator==(const Identity&) const = default;
  };
  std::map<std::string, Identity> list(const std::string& folder) const;
  std::vector<std::string> new_names() const;
  std::string new_input() const;

  std::string path_;
  std::map<std::string, Identity> before_;
  std::map<std::string, Identity> inputs_before_;
};

}  // namespace kqtorture
