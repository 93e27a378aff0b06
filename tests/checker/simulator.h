// Histories of a kqueue that is correct by construction.
//
// Threads make random calls on a tiny world (tiny_world.h), one instant after the other in an order
// drawn from one seed; what they saw, with begin and end around it, is a history that has a legal
// order because it was made in one. Waits, signals, faults, descriptors that are reused, calls that
// never return and a supervisor that probes when everybody sleeps are all in it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "contract/checker/history.h"
#include "scenario/random.h"
#include "tiny_world.h"

namespace kqtorture::contract::testing {

struct SimulatorOptions {
  int threads = 4;
  uint64_t calls = 1000;  // about
  int users = 2;          // USER idents
  int pipes = 1;
  bool late = false;           // tiny_world.h
  bool reuse = true;           // descriptors are closed, reopened and duplicated
  bool receipts = true;        // and calls with several changes
  bool faults = true;          // EFAULT while events are copied out
  bool unfinished = true;      // the recording ends while calls are in flight
  bool probes = true;          // a supervisor, the last thread
  bool signals = true;         // EINTR
  bool parked_waiter = false;  // thread 0 waits for a knote that fires once, at the end
  bool fresh_udata = true;     // else a handful of values
  int ties = 4;                // one in so many times is the time before
};

class Simulator {
 public:
  Simulator(const SimulatorOptions& options, uint64_t seed);
  ~Simulator();
  History run();

  // The kqueue's number; pipe i has the numbers kFirstFd + 2i (reads) and kFirstFd + 2i + 1.
  static constexpr int kKqueue = 3;
  static constexpr int kFirstFd = 10;

 private:
  struct Thread;
  uint64_t tick();
  void set_up();
  void step(Thread* thread);
  void choose(Thread* thread);
  void choose_kevent(Thread* thread);
  Event choose_change();
  void choose_object_call(Thread* thread);
  void step_kevent(Thread* thread);
  void step_scan(Thread* thread);
  bool step_object_call(Thread* thread);
  bool step_close(Thread* thread, int closed);
  bool open_some_pipe(HistoryOp* op);
  void finish(Thread* thread, int64_t value, int error);
  bool everybody_rests() const;
  void probe();
  bool anything_deliverable() const;
  void deliver_into(Thread* thread, const TinyWorld::Key& key);
  uint64_t udata();

  const SimulatorOptions options_;
  Random random_;
  TinyWorld world_;
  History history_;
  std::vector<std::unique_ptr<Thread>> threads_;
  std::map<int, const Thread*> closing_;  // numbers whose knotes a close has begun to take
  uint64_t time_ = 1;
  uint64_t calls_ = 0;
  uint64_t last_udata_ = 0;
};

}  // namespace kqtorture::contract::testing
