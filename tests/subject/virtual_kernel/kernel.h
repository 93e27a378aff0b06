// The whole virtual kernel: one lock, one table of descriptors, and the kqueues.
//
// It is a subject for the suite to try itself on: a kqueue written from the contract alone, with
// descriptors that mean nothing to the host, as a kernel compiled into a library has them. It is
// slow on purpose. Everything happens under one lock, a call that waits sleeps on its kqueue's (or
// pipe's) condition variable, and there is no thread: whoever comes first lets the timers expire
// that are due. What it has are pipes, local sockets, kqueues, USER, TIMER and SIGNAL; it has no
// files, no network and no processes.
#pragma once

#include <pthread.h>
#include <signal.h>

#include <condition_variable>
#include <cstdint>
#include <list>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "descriptor_table.h"

namespace vkernel {

class Kqueue;

// Held while anything is looked at.
class Lock {
 public:
  Lock();
  std::unique_lock<std::mutex>& held() { return held_; }

 private:
  std::unique_lock<std::mutex> held_;
};

inline constexpr int64_t kNever = INT64_MAX;
int64_t monotonic_ns();

enum class Wake : uint8_t { kTold, kTime, kInterrupted };

struct Sleeper {
  pthread_t thread;
  std::condition_variable* on;
  bool interrupted = false;
};

// The hook kqtorture_set_faults: how often something that may fail does.
struct Faults {
  uint32_t per_million = 0;
  uint64_t state = 1;
  bool strike();
};

struct Kernel {
  std::mutex mutex;
  DescriptorTable table;
  std::vector<Kqueue*> kqueues;
  std::set<std::pair<int64_t, Knote*>> timers;  // by the time they expire, of all kqueues
  std::list<Sleeper> sleepers;
  struct sigaction actions[65] = {};
  Faults faults;

  // Sleeps until told, or until the monotonic clock shows `until`. The lock is given up meanwhile.
  Wake sleep(Lock& lock, std::condition_variable& on, int64_t until);
  // True if a thread that sleeps was interrupted.
  bool interrupt(pthread_t thread);
  // The file did something that this filter's knotes may be waiting for.
  void activity(File& file, int filter);
  // Every timer that is due by now expires.
  void run_timers();
  // Every kqueue forgets its knotes on this number.
  void drop_knotes_of(int number);
};

// Made at the first call, and never destroyed: threads may still be inside at exit.
Kernel& kernel();

// Reads and writes the caller's memory; false where it cannot be.
bool copy_in(void* to, const void* from, size_t size);
bool copy_out(void* to, const void* from, size_t size);

}  // namespace vkernel
