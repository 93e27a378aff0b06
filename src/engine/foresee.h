// What does the contract say that each operation of a program returns?
//
// The model takes the place of the kqueue: the program runs on real pipes and sockets, and every
// call of kevent() is answered by what the contract literally says, with each part of the answer
// marked that no accepted answer has otherwise. So a program that speaks of nothing but calls gets
// its expectations without a kqueue that is known to be right.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "contract/host.h"
#include "contract/profile.h"
#include "scenario/c_program.h"
#include "scenario/program.h"

namespace kqtorture {

// By thread and operation, as in the program. Nothing is asked of what comes after the first call
// that the contract leaves a choice which changes the rest. False with the reason when the objects
// of a program of one thread cannot be had here.
bool foresee(const Program& program, const contract::Profile& profile, const contract::Host& host,
             std::vector<std::vector<Foreseen>>* foreseen, std::string* why_not);

// "kevent k room=1 => (u USER ONESHOT)", a line of a finding, as the answer to an operation of this
// program; nothing when it is not that operation, or says nothing.
std::optional<Expectation> answer_in(const Program& program, const Op& op, std::string_view line);

}  // namespace kqtorture
