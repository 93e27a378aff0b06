// One program in a process of its own, for programs that crash or hang what runs them.
#pragma once

#include <chrono>
#include <string>

#include "report/finding.h"
#include "scenario/program.h"

namespace kqtorture {

struct ApartOptions {
  bool free_running = false;
  int iterations = 200;
  uint64_t seed = 1;
  bool dangerous = false;  // also what is known to hang or panic the native kernel
};

// What `kqtorture run` finds with the program, on the subject of this process's environment. False
// when that is nothing.
bool run_apart(const Program& program, const ApartOptions& options, Finding* finding);

// The program made smaller while it still ends with the same verdict.
Program shrink_apart(const Program& program, const ApartOptions& options,
                     const std::string& verdict, std::chrono::milliseconds time);

}  // namespace kqtorture
