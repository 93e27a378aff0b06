// How many threads share the cases of the sweep and the settings of the matrix, unless told
// otherwise: one for each of two cores.
//
// Under ThreadSanitizer it is one. The jobs have nothing in common but the numbers of descriptors,
// which one of them gets after another has closed them; a close inside the emulated kqueue is a
// system call that ThreadSanitizer does not see, so it takes the two for a race. What threads do to
// one kqueue is for the stress tests.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <numeric>
#include <optional>
#include <vector>

#include "scenario/random.h"
#include "subject/sanitizers.h"

namespace kqtorture {

inline constexpr int kDefaultJobs = kThreadSanitizer ? 1 : 2;

// Hands out 0 to count - 1, each once, to whichever job asks.
//
// With a budget, in seconds, none is handed out after it but the very first: a run that did nothing
// shows nothing. What it leaves out is then drawn with the seed and not always the end of the list.
// 0 is no budget.
class SweepTurns {
 public:
  SweepTurns(size_t count, uint64_t seed, double budget) : limited_(budget > 0), order_(count) {
    std::iota(order_.begin(), order_.end(), size_t{0});
    if (!limited_) return;
    Random random(seed);
    for (size_t i = count; i > 1; i--) std::swap(order_[i - 1], order_[random.below(i)]);
    end_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                              std::chrono::duration<double>(std::min(budget, kLongest)));
  }

  std::optional<size_t> next() {
    const size_t turn = next_++;
    if (turn >= order_.size()) return std::nullopt;
    if (limited_ && turn > 0 && Clock::now() >= end_) {
      out_of_time_ = true;
      return std::nullopt;
    }
    return order_[turn];
  }
  bool out_of_time() const { return out_of_time_; }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr double kLongest = 1e9;  // the clock counts nanoseconds in 64 bits

  const bool limited_;
  std::vector<size_t> order_;
  Clock::time_point end_;
  std::atomic<size_t> next_{0};
  std::atomic<bool> out_of_time_{false};
};

}  // namespace kqtorture
