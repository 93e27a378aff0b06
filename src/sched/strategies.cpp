// Names, bounds and counts.
#include "sched/strategies.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <iterator>
#include <unordered_set>

namespace kqtorture::sched {

std::unique_ptr<Strategy> strategy_named(std::string_view name, std::string* error) {
  const auto number = [&](std::string_view prefix, unsigned least) -> int {
    if (name.size() != prefix.size() + 1 || name.substr(0, prefix.size()) != prefix) return -1;
    const int digit = name.back() - '0';
    return digit >= static_cast<int>(least) && digit <= 9 ? digit : -1;
  };
  if (name == "random") return make_random_walk();
  if (name == "pos") return make_pos();
  if (const int depth = number("pct:", 2); depth >= 0) {
    return make_pct(static_cast<unsigned>(depth));
  }
  if (const int bound = number("dfs:", 0); bound >= 0) {
    return make_depth_first(static_cast<unsigned>(bound));
  }
  *error = "no strategy is called \"" + std::string(name) +
           "\"; there are random, pos, pct:2 to pct:9, dfs:0 to dfs:9";
  return nullptr;
}

const char* word_of(Step step) {
  constexpr const char* kWords[] = {"begins",
                                    "loads an atomic",
                                    "stores an atomic",
                                    "updates an atomic",
                                    "takes a lock",
                                    "lets go of a lock",
                                    "waits",
                                    "waits or notifies",
                                    "asks a descriptor",
                                    "changes a descriptor",
                                    "begins a call",
                                    "returns from a call",
                                    "yields"};
  const auto index = static_cast<size_t>(step);
  return index < std::size(kWords) ? kWords[index] : "does what this program does not know";
}

std::vector<std::string> rotation() { return {"random", "pos", "pct:2", "pct:3", "pct:4"}; }

double pct_miss_bound(uint64_t schedules, uint64_t threads, uint64_t choices, unsigned depth) {
  if (schedules == 0) return 1;
  const double chances = static_cast<double>(std::max<uint64_t>(threads, 1)) *
                         std::pow(static_cast<double>(std::max<uint64_t>(choices, 1)), depth - 1);
  if (chances <= 1) return 0;
  return std::exp(static_cast<double>(schedules) * std::log1p(-1 / chances));
}

// Beyond the exact set: HyperLogLog (Flajolet et al. 2007). Its standard error is 1.04 over the
// root of the number of registers, here 0.41 %: 2 % are almost five of those.
struct DistinctCounter::State {
  static constexpr size_t kExact = size_t{1} << 20;
  static constexpr unsigned kBits = 16;
  std::unordered_set<uint64_t> seen;
  std::vector<uint8_t> registers = std::vector<uint8_t>(size_t{1} << kBits);
  bool exact = true;
};

DistinctCounter::DistinctCounter() : state_(std::make_unique<State>()) {}
DistinctCounter::~DistinctCounter() = default;

bool DistinctCounter::add(uint64_t hash) {
  uint64_t mixed = hash;
  mixed = (mixed ^ (mixed >> 33)) * 0xff51afd7ed558ccd;
  mixed = (mixed ^ (mixed >> 33)) * 0xc4ceb9fe1a85ec53;
  mixed ^= mixed >> 33;
  uint8_t& entry = state_->registers[mixed >> (64 - State::kBits)];
  const auto rank = static_cast<uint8_t>(
      1 + std::countl_zero((mixed << State::kBits) | (uint64_t{1} << (State::kBits - 1))));
  const bool larger = rank > entry;
  entry = std::max(entry, rank);
  if (!state_->exact) return larger;
  const bool fresh = state_->seen.insert(hash).second;
  if (state_->seen.size() > State::kExact) {
    state_->exact = false;
    state_->seen = {};
  }
  return fresh;
}

uint64_t DistinctCounter::count() const {
  if (state_->exact) return state_->seen.size();
  const auto m = static_cast<double>(state_->registers.size());
  double sum = 0;
  for (const uint8_t entry : state_->registers) sum += std::ldexp(1.0, -entry);
  const auto estimate = static_cast<uint64_t>(0.7213 / (1 + 1.079 / m) * m * m / sum);
  return std::max<uint64_t>(estimate, State::kExact + 1);
}

bool DistinctCounter::exact() const { return state_->exact; }

}  // namespace kqtorture::sched
