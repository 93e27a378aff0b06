// One thread's log of a free run: its calls for the checker, and which operation of the program
// each belongs to, for people.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "contract/checker/history.h"
#include "engine/executor.h"
#include "engine/world.h"
#include "scenario/program.h"
#include "scenario/recorder_clock.h"

namespace kqtorture {

class ThreadLogger : public Observer {
 public:
  explicit ThreadLogger(const RecorderClock& clock) : clock_(clock) {}

  void before(contract::Op* op) override;
  bool after(const contract::Op& op, const contract::Outcome& outcome) override;

  // Around one operation of the program.
  void begin_operation(const Op& op);
  void end_operation(const Returned& returned, bool done);

  void reset();
  contract::History::Thread& calls() { return calls_; }

  // The kqueue that the thread waits on without limit, or -1. For the supervisor.
  int waits_on() const { return waits_on_.load(std::memory_order_acquire); }
  // Grows with every call that returned.
  uint64_t progress() const { return progress_.load(std::memory_order_acquire); }

  struct Operation {
    const Op* op;
    uint32_t first_call;  // index into calls().ops
    uint32_t end_call;    // one past the last
    uint64_t begin;
    uint64_t end;
    bool done;
    Returned returned;  // its events point into `events`
    std::vector<contract::Event> events;
  };
  const std::vector<Operation>& operations() const { return operations_; }

 private:
  const RecorderClock& clock_;
  contract::History::Thread calls_;
  std::vector<Operation> operations_;
  uint64_t begun_ = 0;
  std::atomic<int> waits_on_{-1};
  std::atomic<uint64_t> progress_{0};
  std::atomic<uint64_t> own_{0};
};

// The history entry of a call.
contract::HistoryOp history_op(const contract::Op& op, const contract::Outcome& outcome);

}  // namespace kqtorture
