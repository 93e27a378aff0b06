// The litmus program of a finding: in the finding, or in the input file that it names.
#pragma once

#include <string>

#include "cli/run.h"
#include "report/finding.h"

namespace kqtorture {

// Is the finding one of an engine that runs litmus programs?
bool has_litmus(const Finding& finding);

// The finding's program, named as its scenario. False with one line in *error when there is none,
// or it cannot be read.
bool litmus_of(const std::string& finding_path, const Finding& finding, Scenario* scenario,
               std::string* error);

}  // namespace kqtorture
