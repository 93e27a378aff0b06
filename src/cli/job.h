// One run of one program of the suite, as a campaign sees it: told its seed and budget, its output
// in a log, its work and findings collected, and ended when it does not end.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "cli/programs.h"
#include "report/summary.h"

namespace kqtorture {

struct Job {
  std::string name;  // of the engine; also names its log
  std::string program;
  std::vector<std::string> arguments;  // without the program's name
  Variables variables;                 // beside KQ_SEED, KQ_BUDGET, KQ_STATS and KQ_OUT
  uint64_t seed = 0;
  double seconds = 0;  // its budget
  // How long it may overrun the budget before it is ended: longer than a supervisor needs to tell a
  // hang from a pause (two looks of 10 seconds). No verdict depends on it: what is ended here
  // counts as not having done its work.
  std::chrono::seconds overrun{60};
  std::string out;  // the output directory: findings go to <out>/findings
  std::string log;  // file that its output is added to
};

struct JobResult {
  enum class End { kExited, kStopped, kInterrupted, kEnough, kBroken };
  End end = End::kBroken;
  int code = 0;         // kExited: the exit code
  std::string problem;  // kBroken, kStopped: what happened; else the last line it printed
  double seconds = 0;
  bool has_work = false;  // it reported numbers
  Stats work;
  std::vector<EngineSummary::Found> found;
  bool saved_none = false;  // of what was found; all that speaks for it is the exit code
};

// Runs it to its end. watch is called several times a second meanwhile, and ends the program by
// answering false (kEnough). A program that ended with "finding" but saved none gets one written
// here: no finding may be lost on the way.
JobResult run_job(const Job& job, const std::function<bool()>& watch);

}  // namespace kqtorture
