// Is a thread asleep? Asked of the system, not of a clock.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace kqtorture {

// What tells that a thread neither runs nor ran between two looks.
struct ThreadPulse {
  bool sleeping = false;
  uint64_t switches = 0;  // context switches so far, both kinds
  friend bool operator==(const ThreadPulse&, const ThreadPulse&) = default;
};

pid_t current_thread();
// Where the system does not say (only Linux does), `sleeping` is true and `switches` 0: two looks
// that are far apart must do.
ThreadPulse pulse_of(pid_t thread);

}  // namespace kqtorture
