// The log of a thread whose every step is chosen: it asks the runtime for the time, and tells it
// where calls begin.
//
// One thread runs at a time, so all logs of a run share one fingerprint: of what was called, what
// came back, and which calls overlapped. Two runs with the same one are the same history to the
// checker; whether two calls that begin one after the other did so in this order or in the other
// makes no difference to it.
#pragma once

#include <cstdint>

#include "engine/thread_log.h"

namespace kqtorture {

class Fingerprint {
 public:
  // With times, what happened at another time is another history: for programs with timers.
  void reset(bool with_times) {
    hash_ = kSeed;
    run_ = 0;
    ending_ = false;
    with_times_ = with_times;
  }
  void begins(uint64_t what, uint64_t time) { add(what, time, false); }
  void ends(uint64_t what, uint64_t time) { add(what, time, true); }
  // Something that is not a call, in order with the calls.
  void note(uint64_t what) { hash_ = mixed(hash_ ^ mixed(what + run_)); }
  uint64_t value() const { return mixed(hash_ ^ run_); }

  static uint64_t mixed(uint64_t value) {
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
  }
  static uint64_t mixed(uint64_t hash, uint64_t value) {
    return mixed(hash * 0x9e3779b97f4a7c15 + value);
  }

 private:
  static constexpr uint64_t kSeed = 0x6b71746f72747572;

  // A sum over neighbours of one kind: their order is not kept.
  void add(uint64_t what, uint64_t time, bool ending) {
    if (ending != ending_) {
      hash_ = mixed(hash_, run_);
      run_ = 0;
      ending_ = ending;
    }
    run_ += mixed(with_times_ ? mixed(what, time) : what);
  }

  uint64_t hash_ = kSeed;
  uint64_t run_ = 0;
  bool ending_ = false;
  bool with_times_ = false;
};

class ControlledLog : public ThreadLog {
 public:
  // `lane` tells the threads apart. steps: is the beginning of a call a step of its own? Calls on a
  // subject that is not instrumented have no other. The main thread never waits without limit:
  // nobody would end the wait.
  ControlledLog(uint32_t lane, bool steps, const World* world, Fingerprint* fingerprint)
      : lane_(lane), steps_(steps), world_(*world), fingerprint_(*fingerprint) {}

  void before(contract::Op* op) override;
  bool after(const contract::Op& op, const contract::Outcome& outcome) override;

  // The call that has not returned goes into the log as one that never did.
  void give_up();
  bool in_a_call() const { return current_ != nullptr; }

 private:
  uint64_t hash_of(const contract::Op& op) const;
  uint64_t hash_of(uint64_t hash, const contract::Event& event) const;
  uint64_t same_in_every_run(contract::OpKind kind, int64_t number) const;

  const uint32_t lane_;
  const bool steps_;
  const World& world_;
  Fingerprint& fingerprint_;
  const contract::Op* current_ = nullptr;  // on the thread's stack
};

}  // namespace kqtorture
