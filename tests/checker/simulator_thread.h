// One thread of the simulator: where it is in its call.
#pragma once

#include <vector>

#include "simulator.h"

namespace kqtorture::contract::testing {

enum class Phase { kIdle, kChanges, kScan, kParked, kObject, kRing, kReturn };

struct Simulator::Thread {
  Phase phase = Phase::kIdle;
  HistoryOp op;
  std::vector<Event> changes, seen;
  size_t next_change = 0;
  std::vector<TinyWorld::Key> to_scan;
  bool faults = false;
  int rings = -1;  // the pipe that a write or a close has yet to ring
  bool released = false;
  int64_t value = 0;
  int error = 0;
};

}  // namespace kqtorture::contract::testing
