// Carries out the operations of one thread on the subject, each as the calls it stands for.
//
// Used by every engine: what is judged, recorded or scheduled around the calls is the observer's
// business. The lists handed to kevent() end at a page that faults, so a subject that reads or
// writes one entry too many does not get away with it.
#pragma once

#include <cerrno>
#include <cstdint>
#include <vector>

#include "contract/operation.h"
#include "engine/world.h"
#include "scenario/program.h"
#include "subject/caller_memory.h"

namespace kqtorture {

// What an operation came to: of several calls (fill, drain) the sum, or the first error that is not
// the one that ends them.
struct Returned {
  int64_t value = 0;
  int error = 0;
  const contract::Event* events = nullptr;  // of kevent, valid until the next operation
};

class Executor {
 public:
  Executor(World* world, Observer* observer);

  enum class Result : uint8_t {
    kDone,
    kSkipped,  // not done: its descriptor stands for nothing it could be done to
    kStopped,  // the observer said so
    kAstray    // a number it lost belongs to the process around it now; the program cannot go on
  };
  // Before a program's first operation.
  void prepare(const Program& program);
  // How long an await waits on top of the longest timer: for its expiry to be noticed, and for
  // traffic over the loopback. It decides when to look, nothing else.
  static constexpr int64_t kPatienceNs = 100'000;
  void set_patience(int64_t ns) { patience_ns_ = ns; }
  // Are those who watch a kqueue told by a task of the subject's? An await gives it the time.
  void set_tasks(bool tasks) { tasks_ = tasks; }
  Result run(const Op& op);
  const Returned& returned() const { return returned_; }

 private:
  template <typename Call>
  Result call(contract::Op* op, Call make_call);

  Result kevent(const Op& op);
  Result trigger(const Op& op);
  void note_timers(const Op& op);
  bool astray(const Change& change) const;
  Result issue(contract::Op* op, const Op& from, const Kevent* changes, Kevent* events);
  Result transfer(const Op& op, bool reading);
  Result transfer_all(const Op& op, bool reading);
  Result move_bytes(int fd, int64_t amount, bool reading);
  Result close(int fd);
  Result shutdown(const Op& op);
  Result duplicate(const Op& op);
  Result duplicate_onto(int from, int to);
  Result reopen(const Op& op);
  Result connection(const Op& op);
  Result file(const Op& op);
  Result entry(const Op& op);
  Result post(const Op& op);
  Result end_child(const Op& op);
  Result reap(const Op& op);
  Result await();

  World& world_;
  Observer& observer_;
  const Subject& subject_;
  GuardedMemory change_memory_;
  GuardedMemory event_memory_;
  Kevent* const changes_end_;  // the first entry that faults
  Kevent* const events_end_;
  std::vector<Kevent> copy_;  // of the changes of an aliased call
  std::vector<char> buffer_;
  Returned returned_;
  // For await: the longest of the timers started so far that are due soon, when the last of them
  // expires at the latest, and whether the program has traffic under way without them.
  int64_t longest_timer_ns_ = 0;
  int64_t due_at_ns_ = 0;
  bool has_tasks_ = false;  // of the network, or the subject's
  bool tasks_ = false;
  int64_t patience_ns_ = kPatienceNs;
  bool alone_ = true;
};

template <typename Call>
Executor::Result Executor::call(contract::Op* op, Call make_call) {
  observer_.before(op);
  contract::Outcome outcome;
  errno = 0;
  outcome.value = make_call(&outcome);
  if (outcome.value < 0) outcome.error = errno;
  returned_ = {outcome.value, outcome.error, outcome.events};
  return observer_.after(*op, outcome) ? Result::kDone : Result::kStopped;
}

}  // namespace kqtorture
