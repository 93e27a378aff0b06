// Which clock may stamp the calls of all threads without costing what they cost?
//
// The processor's counter: a read takes some ten nanoseconds where CLOCK_MONOTONIC takes thirty. It
// is used where the processor calls it invariant and where a message passed between any two
// processors was never received before it was sent; elsewhere CLOCK_MONOTONIC serves. A stamp taken
// before a call must not drift behind what the call does, nor one taken after it in front: hence
// the fences, the second of which waits until the thread's own stores are visible to everybody.
#pragma once

#include <time.h>

#include <atomic>
#include <cstdint>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace kqtorture {

class RecorderClock {
 public:
  // KQ_CLOCK in the environment, "tsc" or "monotonic", decides instead of the measurement.
  RecorderClock();

  // Ticks. Not later than anything that follows.
  uint64_t before() const {
#if defined(__x86_64__)
    if (counter_) {
      const uint64_t ticks = __rdtsc();
      _mm_lfence();
      return ticks;
    }
#endif
    return monotonic_ns();
  }

  // Not earlier than anything that came before. `own` is written by this thread only: a locked
  // instruction on it empties the store buffer for less than a fence would take.
  uint64_t after(std::atomic<uint64_t>* own) const {
    own->fetch_add(1, std::memory_order_relaxed);
#if defined(__x86_64__)
    if (counter_) {
      _mm_lfence();
      return __rdtsc();
    }
#endif
    return monotonic_ns();
  }

  // Nanoseconds of a tick, measured from the construction until now.
  double ns_per_tick() const;
  const char* name() const { return counter_ ? "tsc" : "monotonic"; }

  static uint64_t monotonic_ns() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
  }

 private:
  bool counter_ = false;
  uint64_t start_ticks_ = 0;
  uint64_t start_ns_ = 0;
};

}  // namespace kqtorture
