// How long should a thread of a race wait between two calls?
//
// The idea of LTP's fuzzy-sync, for n threads that run free: measure how long the calls that race
// take, then draw each pause so that any point of one call can meet any point of another. Two calls
// that start at the same moment meet at every point once one of them is shifted by anything from
// the whole of itself to the whole of the other; so pauses are spread over the sum of the two
// longest. The pauses are drawn from the lane's seed, and the spread is printed with a finding: the
// two replay them.
#pragma once

#include <cstdint>
#include <vector>

#include "contract/checker/history.h"
#include "scenario/random.h"

namespace kqtorture {

// Before anything has been measured, and of threads that made no call that can race.
inline constexpr uint64_t kUnmeasuredSpread = 2048;

// The lengths, in nanoseconds, of a history's calls that may not sleep, one list per thread.
std::vector<std::vector<uint64_t>> racing_calls(const contract::HistoryView& history);

// The spread of the pauses, in nanoseconds: a power of two, so that two measurements of the same
// calls agree. A thread's calls count by their median: the long ones are those that waited for a
// lock or were preempted, and have met others already.
uint64_t calibrate(std::vector<std::vector<uint64_t>> lengths);

struct Pause {
  bool yield = false;  // let another thread in for a whole time slice
  uint64_t spin_ns = 0;
};
// The next pause. Half of all are none: the tightest races are back to back.
Pause next_pause(Random* random, uint64_t spread_ns);

// Spends it.
void rest(const Pause& pause);

}  // namespace kqtorture
