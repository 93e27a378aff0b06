// What is known about a fact, and about a number?
//
// The contract leaves some things open (a ONESHOT event's data may be stale, an arrival over the
// loopback may be late), and the host hides others. Instead of multiplying states, a fact is yes,
// no or maybe, and a number is an interval. Both over-approximate, so the model never accuses
// wrongly; every observation narrows them again.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

namespace kqtorture::contract {

enum class Tri : uint8_t { kNo, kMaybe, kYes };

constexpr Tri tri(bool fact) { return fact ? Tri::kYes : Tri::kNo; }
constexpr Tri tri_and(Tri a, Tri b) { return std::min(a, b); }
constexpr Tri tri_or(Tri a, Tri b) { return std::max(a, b); }
// What is known when either a or b may be the truth.
constexpr Tri tri_join(Tri a, Tri b) { return a == b ? a : Tri::kMaybe; }
constexpr bool possible(Tri fact) { return fact != Tri::kNo; }
constexpr bool certain(Tri fact) { return fact == Tri::kYes; }

struct Range {
  int64_t lo = 0;
  int64_t hi = 0;

  static constexpr Range exactly(int64_t value) { return {value, value}; }
  static constexpr Range at_least(int64_t value) {
    return {value, std::numeric_limits<int64_t>::max()};
  }
  constexpr bool holds(int64_t value) const { return lo <= value && value <= hi; }
  constexpr bool exact() const { return lo == hi; }
  constexpr Range join(Range other) const {
    return {std::min(lo, other.lo), std::max(hi, other.hi)};
  }
  friend constexpr bool operator==(const Range&, const Range&) = default;
};

}  // namespace kqtorture::contract
