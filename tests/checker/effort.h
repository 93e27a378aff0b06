// How much of the checker's tests is run: all of it takes minutes.
//
// KQ_EFFORT is a percentage of the bounds that the tests name, 25 unless the environment says
// otherwise; KQ_SEED is the first seed. Each test prints the bound that it ran with.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace kqtorture::contract::testing {

inline uint64_t number_in(const char* variable, uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text != nullptr ? std::strtoull(text, nullptr, 0) : otherwise;
}

inline uint64_t first_seed() { return number_in("KQ_SEED", 1); }

inline uint64_t effort() { return number_in("KQ_EFFORT", 25); }

inline uint64_t rounds(uint64_t whole) { return std::max<uint64_t>(whole * effort() / 100, 20); }

}  // namespace kqtorture::contract::testing
