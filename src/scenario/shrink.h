// A smaller program with the same fault.
//
// Delta debugging over what a reader has to read: threads, operations, changes, objects, then flags
// and values. Nothing is known about the fault but the answer of the predicate, so anything that
// can be run can be shrunk.
#pragma once

#include <functional>

#include "scenario/program.h"

namespace kqtorture {

// True when the program still shows the fault. Called with valid programs only.
using StillFails = std::function<bool(const Program&)>;

struct ShrinkStats {
  int tried = 0;   // calls of the predicate
  int better = 0;  // of them, those that were kept
};

// Returns the smallest variant found for which `fails` is true. `program` must fail. Deterministic
// when `fails` is; at most `budget` calls of it. 3000 is what 60 operations with all their flags
// and values have needed at most.
Program shrink(const Program& program, const StillFails& fails, int budget = 3000,
               ShrinkStats* stats = nullptr);

}  // namespace kqtorture
