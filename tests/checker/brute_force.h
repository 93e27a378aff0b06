// Is there a legal order? Asked by trying all of them.
//
// The checker is clever, so it may be wrong: it partitions, memoises, places lazily and prunes.
// This does nothing of the kind. It lists the points of a history on one component (all pipes and
// numbers together, or one USER ident), and tries every order that the intervals, the order within
// a call and the order within a thread allow, in a tiny world of its own. Only small histories end
// in time.
#pragma once

#include <cstdint>
#include <string>

#include "contract/checker/history.h"

namespace kqtorture::contract::testing {

struct BruteForce {
  bool explainable = false;
  bool too_large = false;  // more points or orders than it was given patience for
  uint64_t orders = 0;     // partial orders visited
};

// late: tiny_world.h. The history uses one kqueue, the changes of which all find it open; its calls
// are those that a tiny world has.
BruteForce brute_force(const HistoryView& history, bool late);

}  // namespace kqtorture::contract::testing
