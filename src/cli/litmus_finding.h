// The litmus program in a finding: its text, or that of the input file it names.
#pragma once

#include <string>

#include "report/finding.h"

namespace kqtorture {

// Is the finding one of an engine that runs litmus programs?
bool has_litmus(const Finding& finding);

// False with one line in *error when there is none, or it cannot be read.
bool litmus_text(const std::string& finding_path, const Finding& finding, std::string* text,
                 std::string* error);

}  // namespace kqtorture
