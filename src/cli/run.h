// Running scenarios for `kqtorture run`, `replay` and `shrink`: which engine takes a program, and
// what is said about it.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/command_line.h"
#include "engine/free_running.h"
#include "engine/sequential.h"
#include "report/finding.h"
#include "scenario/program.h"
#include "subject/subject.h"

namespace kqtorture {

struct Scenario {
  std::string path;
  std::string name;  // of the file, without its folder and ending
  Program program;
};

// Loads files, and every *.litmus below directories, sorted. False with every complaint written to
// stderr, one line each, when one cannot be read or is malformed.
bool load_scenarios(const std::vector<std::string>& paths, std::vector<Scenario>* scenarios);

struct RunOptions {
  using Clock = std::chrono::steady_clock;
  bool free_running = false;                  // also what one thread could do
  bool sequential = false;                    // programs of one thread only; the others are skipped
  int iterations = 200;                       // of programs with threads
  std::optional<Clock::time_point> deadline;  // no iteration begins later
  uint64_t seed = 1;
  // How long a finding is made smaller; zero: it is reported as it came.
  std::chrono::milliseconds shrink_time{10'000};
  bool trace = false;
  bool dangerous = false;  // also what is known to hang or panic the native kernel
};
inline constexpr char kDangerousHelp[] =
    "run also what is known to hang or panic the native kernel";

// The name of the engine that takes the program.
std::string engine_of(const Program& program, const RunOptions& options);

// Runs scenarios on one subject. Only in a worker: a program may crash or hang what it runs on.
class ScenarioRunner {
 public:
  // Null with *error set when the subject or its profile cannot be had.
  static std::unique_ptr<ScenarioRunner> open(std::string* error);

  struct Outcome {
    SequentialResult::Status status = SequentialResult::Status::kClean;
    std::string note;                // why it was skipped or not decided
    Finding finding;                 // of kFinding
    std::vector<std::string> trace;  // when asked for
    uint64_t operations = 0;         // calls on the subject
    uint64_t deliveries = 0;         // events they returned
    int iterations = 1;
    bool stuck = false;  // leave the process: it cannot run anything else
  };
  Outcome run(const Scenario& scenario, const RunOptions& options);

  const Subject& subject() const { return *subject_; }

 private:
  Outcome sequential(const Scenario& scenario, const RunOptions& options);
  Outcome free_running(const Scenario& scenario, const RunOptions& options);
  void expected_verdict(const Program& program, Outcome* outcome) const;

  std::unique_ptr<Subject> subject_;
  std::unique_ptr<SequentialEngine> sequential_;
  std::unique_ptr<FreeRunningEngine> free_running_;
};

// Why a program is not for this kernel without --dangerous; empty for every subject but `native`.
std::string danger_here(const Subject& subject, const Program& program);

// In the worker, when a thread of it sits in the subject and cannot be got out: no destructor may
// run. Does not return.
[[noreturn]] void leave_stuck(int code);

}  // namespace kqtorture
