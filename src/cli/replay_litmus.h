// Running the litmus program of a finding again.
#pragma once

#include "cli/command_line.h"
#include "cli/run.h"
#include "report/finding.h"

namespace kqtorture {

// On the subject of this process's environment, for at most the budget. The exit code: 1 when the
// program is found guilty again, of the same or of something else.
int replay_litmus(const CommandLine& line, const Scenario& scenario, const Finding& finding,
                  uint64_t seed, bool dangerous);

}  // namespace kqtorture
