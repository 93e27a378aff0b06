// Is everybody asleep? Liveness is judged by quiescence, never by a clock.
//
// A thread is parked when it slept at two looks and switched contexts in neither meaning between
// them. A child process at work (ThreadSanitizer's symbolizer, for which the reporting thread waits
// asleep) counts as somebody awake. The looks go round all threads twice, so when all were parked
// there is an instant, between the two rounds, at which all of them slept: nobody was about to wake
// anybody. How far apart the looks are decides only when the question is asked.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <vector>

#include "lane.h"

namespace kqtorture {

// The calling thread's id, as the parking lot wants it.
pid_t current_thread_id();

class ParkingLot {
 public:
  ~ParkingLot();
  // Watches the thread; call it before the race starts, it opens a descriptor on Linux.
  void watch(const Lane* lane, pid_t thread);
  void clear();

  // Looks at all threads. True for those that have been parked since the previous look.
  std::vector<bool> look();
  // The CPU time that each thread has used, in nanoseconds; zeros where nobody tells.
  std::vector<uint64_t> cpu_times() const;

 private:
  struct Sample {
    bool asleep = false;
    uint64_t switches = 0;
    bool ended = false;
  };
  struct Watched {
    const Lane* lane;
    int status_file;
    int children_file;
    int schedule_file;
    pid_t thread;
    Sample last;
  };
  static Sample sample(const Watched& watched);
  bool children_at_rest();
  // Do all threads sleep that nobody watches, save the caller? A kqueue may have some of its own,
  // which hold its locks: whoever waits for one that is awake is not stuck.
  bool strangers_at_rest() const;
  std::vector<Watched> threads_;
  std::map<pid_t, uint64_t> children_;  // context switches at the last look
};

}  // namespace kqtorture
