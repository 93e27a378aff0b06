// `kqtorture replay` and `kqtorture shrink` for findings of controlled schedules, in the program
// that has the runtime in it.
#pragma once

#include <string>

#include "cli/run.h"
#include "report/finding.h"

namespace kqtorture {

struct AgainArguments {
  int argc;
  char** argv;
  std::string path;    // the finding's file
  std::string output;  // of shrink: the program goes here as well
  double budget = 60;  // seconds, of shrink
  bool dangerous = false;
};

// Runs the schedule of the finding. Exit code 1 when it is found again, and the trace says whether
// it went the same way step by step.
int replay_schedule(const AgainArguments& arguments, const Finding& finding,
                    const Scenario& scenario);
// Makes threads, operations and switches fewer while the verdict stays; saves and shows the rest.
int shrink_schedule(const AgainArguments& arguments, const Finding& finding,
                    const Scenario& scenario);

}  // namespace kqtorture
