// A program as litmus text (docs/litmus.md). Parsing the text gives the program back.
#pragma once

#include <string>

#include "scenario/program.h"

namespace kqtorture {

std::string print(const Program& program);

// Appends instead; the fuzzer's mutator reuses its buffer.
void print_to(const Program& program, std::string* out);

// One operation, without indentation and line end: "read p.r 5". For reports and lanes.
std::string print_op(const Program& program, const Op& op);

std::string print_ref(const Program& program, const Ref& ref);
// "(p.r READ ADD|CLEAR udata=a)"
std::string print_change(const Program& program, const Change& change);

}  // namespace kqtorture
