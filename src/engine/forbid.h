// Which answers of a program with threads does no legal order of its calls explain?
//
// Every call of such a program has a few answers that the contract allows in one order or another.
// Of all that may come together the checker refuses some: those are what an exported program looks
// for when nobody has found anything with it yet.
#pragma once

#include <string>
#include <vector>

#include "contract/host.h"
#include "contract/profile.h"
#include "scenario/c_program.h"
#include "scenario/program.h"

namespace kqtorture {

// Answers that are refused even when any call may have run beside any of another thread's. False
// with the reason when the objects cannot be had, or when there are none.
bool forbid(const Program& program, const contract::Profile& profile, const contract::Host& host,
            std::vector<std::vector<CProgram::Answer>>* forbidden, std::string* why_not);

}  // namespace kqtorture
