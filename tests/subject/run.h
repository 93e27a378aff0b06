// Runs a program to its end and says what it printed and how it ended, for tests of whole programs.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace kqtorture::testing {

struct Ran {
  int code = -1;       // exit code; 128 + number when a signal ended it; -1 when it did not start
  std::string output;  // stdout and stderr, in the order of writing
};

using Variables = std::map<std::string, std::optional<std::string>>;

// The environment is this process's, with these changes; no value removes a variable. KQ_SUBJECT,
// KQ_PROFILE, KQ_LAYOUT, KQ_SEED and the like are removed first.
Ran run(const std::vector<std::string>& command, const Variables& variables = {});

// A directory of its own for each test, removed at its end.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string read_text(const std::string& path);
void write_text(const std::string& path, const std::string& text, bool executable = false);
// The names of the files in a folder; none when it does not exist.
std::vector<std::string> files_in(const std::string& folder);

}  // namespace kqtorture::testing
