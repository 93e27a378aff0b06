// A finding, or a litmus program, as what print_c() writes.
#pragma once

#include <string>

#include "report/finding.h"
#include "scenario/c_program.h"
#include "scenario/program.h"

namespace kqtorture {

// What is looked for in the answers of the finding's program. `finding` without a verdict is a
// program that nobody found anything with: it is held to the contract of finding.profile. False
// with one line in *error when nothing of it shows in the answers of calls.
bool to_c_program(const Finding& finding, const Program& program, CProgram* c, std::string* error);

}  // namespace kqtorture
