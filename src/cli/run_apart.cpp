// The program, its findings and what is printed go to a directory of their own.
#include "cli/run_apart.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "cli/finding_file.h"
#include "cli/programs.h"
#include "report/files.h"
#include "scenario/print.h"
#include "scenario/shrink.h"
#include "subject/child.h"
#include "subject/executable.h"

namespace kqtorture {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

// Programs tried; time is what usually ends it.
constexpr int kMostCandidatesApart = 1000;

class Directory {
 public:
  Directory() {
    path_ = (fs::temp_directory_path() / "kqtorture-XXXXXX").string();
    if (mkdtemp(path_.data()) == nullptr) path_.clear();
  }
  ~Directory() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

bool first_finding(const std::string& folder, Finding* finding) {
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::string ignored;
    if (it->path().extension() == ".json" && load_finding(it->path().string(), finding, &ignored)) {
      return true;
    }
  }
  return false;
}

}  // namespace

bool run_apart(const Program& program, const ApartOptions& options, Finding* finding) {
  const Directory directory;
  const std::string file = directory.path() + "/program.litmus";
  std::string error;
  if (directory.path().empty() || !write_file(file, print(program), &error)) return false;
  std::vector<std::string> command = {executable_path(),
                                      "run",
                                      "--no-shrink",
                                      "--engine",
                                      options.free_running ? "free" : "auto",
                                      "--iterations",
                                      std::to_string(options.iterations),
                                      "--seed",
                                      std::to_string(options.seed),
                                      file};
  if (options.dangerous) command.push_back("--dangerous");
  SpawnOptions spawn;
  spawn.environment = environment_with({{"KQ_OUT", directory.path()},
                                        {"KQ_WORKER", std::nullopt},
                                        {"KQ_STATS", std::nullopt},
                                        {"KQ_RUN_JOURNAL", std::nullopt}});
  spawn.no_input = true;
  spawn.output = open("/dev/null", O_WRONLY | O_CLOEXEC);
  Child child;
  const int failure = watch_signals() ? child.start(command[0], command, spawn) : errno;
  if (spawn.output >= 0) close(spawn.output);
  if (failure != 0) return false;
  while (!child.wait_until(Clock::now() + std::chrono::hours(1))) {
    if (const int number = pending_signal()) {
      child.end(number);
      return false;
    }
  }
  return first_finding(directory.path() + "/findings", finding);
}

Program shrink_apart(const Program& program, const ApartOptions& options,
                     const std::string& verdict, std::chrono::milliseconds time) {
  const auto end = Clock::now() + time;
  ApartOptions again = options;
  const auto same = [&](const Program& candidate) {
    if (Clock::now() > end) return false;
    again.seed++;
    Finding finding;
    return run_apart(candidate, again, &finding) && finding.verdict == verdict;
  };
  return shrink(program, same, kMostCandidatesApart);
}

}  // namespace kqtorture
