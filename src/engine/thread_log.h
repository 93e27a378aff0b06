// One thread's log of a run with threads: its calls for the checker, and which operation of the
// program each belongs to, for people.
//
// The log knows no clock: free threads stamp their calls with the processor's counter, controlled
// ones with the scheduler's time. It keeps its memory from run to run.
#pragma once

#include <atomic>
#include <span>
#include <string>
#include <vector>

#include "contract/checker/history.h"
#include "engine/executor.h"
#include "engine/world.h"
#include "scenario/program.h"
#include "scenario/recorder_clock.h"

namespace kqtorture {

class ThreadLog : public Observer {
 public:
  // Around one operation of the program.
  void begin_operation(const Op& op);
  void end_operation(const Returned& returned, bool done);

  void reset();
  contract::History::Thread& calls() { return calls_; }
  const contract::History::Thread& calls() const { return calls_; }

  // The kqueue that the thread waits on without limit, or -1. For whoever watches over it.
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
    bool open;          // it has not returned
    Returned returned;  // its events point into `events`
    std::vector<contract::Event> events;
  };
  std::span<const Operation> operations() const { return {operations_.data(), used_}; }
  // When the last call began.
  uint64_t begun() const { return begun_; }

 protected:
  // A call begins, or has returned, at this time.
  void began(const contract::Op& op, uint64_t time) {
    if (op.kind == contract::OpKind::kKevent && op.timeout == contract::Timeout::kForever) {
      waits_on_.store(op.fd, std::memory_order_release);
    }
    begun_ = time;
  }
  void ended(const contract::Op& op, const contract::Outcome& outcome, uint64_t time);
  // The call that began last goes into the log as one that has not returned.
  void unreturned(const contract::Op& op);

 private:
  static std::span<const contract::Event> changes_of(const contract::Op& op);

  contract::History::Thread calls_;
  std::vector<Operation> operations_;  // the first used_ of them are of this run
  size_t used_ = 0;
  uint64_t begun_ = 0;
  std::atomic<int> waits_on_{-1};
  std::atomic<uint64_t> progress_{0};
};

// The log of a thread that runs freely.
class ThreadLogger : public ThreadLog {
 public:
  explicit ThreadLogger(const RecorderClock& clock) : clock_(clock) {}

  void before(contract::Op* op) override;
  bool after(const contract::Op& op, const contract::Outcome& outcome) override;

 private:
  const RecorderClock& clock_;
  std::atomic<uint64_t> own_{0};
};

// The events that a call returned into memory that can be read.
std::span<const contract::Event> events_of(const contract::Op& op,
                                           const contract::Outcome& outcome);
// The history entry of a call.
contract::HistoryOp history_op(const contract::Op& op, const contract::Outcome& outcome);

}  // namespace kqtorture
