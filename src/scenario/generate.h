// Programs out of nothing but a seed.
#pragma once

#include <cstdint>

#include "scenario/program.h"

namespace kqtorture {

struct GenerateOptions {
  int threads = 1;        // 1: sequential. More: setup, that many threads, finally
  int min_ops = 4;        // per program of one thread; half of it per thread otherwise
  int max_ops = 14;       //
  bool inet = true;       // TCP objects: slower to make, and arrival is a hidden step
  bool processes = true;  // signals and children, which no scheduler of threads controls
  bool bad_calls = true;  // pointers that fault, negative counts, timeouts out of range
};

// The same seed and options give the same program, on every machine. The result is valid.
Program generate(uint64_t seed, const GenerateOptions& options = {});

}  // namespace kqtorture
