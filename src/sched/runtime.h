// Threads of which one runs at a time, and every switch between them is a strategy's choice.
//
// The program that links this runtime exports the functions that a compiler inserts for
// -fsanitize=thread, and those of pthreads and libc that wait, tell the time, allocate, or touch
// descriptors. A subject that is loaded into it calls them in place of the real ones. On a thread
// of the runtime they ask the strategy; on any other they do what the real ones do.
//
// One schedule is one run(): the function given runs as thread 0, and starts the others. Time is
// virtual: it passes by a little with every step, and jumps when everybody waits for it. What the
// subject allocates lies at the same addresses in every schedule, is not given out again once it is
// freed, and is gone after it, as is all that the subject wrote to its own variables: each schedule
// begins where the first one did.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sched/strategy.h"

namespace kqtorture::sched {

// What ended a schedule early, or is wrong with it, although no call returned anything wrong.
struct Fault {
  std::string verdict;              // race, deadlock, use-after-free, crash, unsupported, endless
  std::string message;              // one sentence
  std::vector<std::string> detail;  // both stacks of a race, ...
};

// A choice that did not let the running thread go on.
struct Switch {
  uint64_t step;      // of the schedule
  uint64_t time;      // virtual, in nanoseconds, as now_ns()
  uint32_t from, to;  // threads
  bool preemption;    // `from` could have gone on
  Step at;            // what `from` was about to do,
  uint64_t site;      // and where: see describe_site()
};

struct Schedule {
  enum class Ending : uint8_t { kDone, kFault, kAbandoned };
  Ending ending = Ending::kDone;
  std::optional<Fault> fault;
  uint64_t steps = 0;
  uint64_t choices = 0;  // steps at which more than one thread could go on
  uint32_t threads = 1;
  uint64_t trace = 0;         // hash of every step of every thread, in order
  uint64_t interleaving = 0;  // hash of the order of conflicting steps: equal for schedules that
                              // differ in the order of independent steps only
  std::vector<uint8_t> decisions;  // every answer of the strategy: replays the schedule
  std::vector<Switch> switches;    // with Options::record
  bool dirty = false;              // threads were left in the middle of a call: end the process
};

// A step that was taken.
struct Taken {
  uint64_t site;
  uint32_t trace;  // bits of the trace up to it: two runs are the same as far as these are
  uint8_t thread;  // kClock: nobody's, time passed
  Step step;
};
inline constexpr uint8_t kClock = UINT8_MAX;

struct Options {
  uint64_t most_steps = 200'000;  // then the schedule is endless: a fault
  bool record = false;            // the switches
  bool races = true;              // look for data races
};

enum class Engine : uint8_t { kFibers, kThreads };

// On what a thread waits.
struct Waiting {
  uint32_t thread;
  const char* for_what;  // "a mutex", "a condition", "a descriptor", ...
  bool interruptible;    // by a signal: a system call that may return EINTR
  uint64_t site;
};

class Runtime {
 public:
  // The only one of the process.
  static Runtime& get();

  // Makes the threads that programs will run on (15, those that the subject starts included), once,
  // before anything else. False, with the reason, when this system has not what the engine needs.
  bool start(Engine engine, std::string* why_not);
  // The object file in which this address lies is (part of) the subject: its variables are put back
  // after each schedule. Once, after it was loaded.
  bool adopt(const void* address, std::string* why_not);
  // Was it compiled with -fsanitize=thread?
  bool instrumented() const;

  // One schedule: `program` runs as thread 0. The strategy's begin() was called by the caller.
  Schedule run(const std::function<void()>& program, Strategy* strategy, const Options& options);

  // The steps of the last schedule, the first kMostTaken of them. Valid until the next one.
  std::span<const Taken> taken() const;
  static constexpr size_t kMostTaken = size_t{1} << 16;

  // --- on a thread of the runtime

  // Another thread, which can go on from now on. Returns its number.
  uint32_t spawn(std::function<void()> body);
  // Waits for all threads that spawn() started. False when those left wait for something that will
  // not come by itself: no other thread can go on, and no clock is set.
  bool join();
  // Those that are left, after that.
  std::vector<Waiting> waiting() const;
  // Makes the wait of a thread return as if by a signal.
  void interrupt(uint32_t thread);
  // A call of the program begins, or has returned: others may go first. `what` goes into the trace:
  // what was called, or what came back.
  void call(bool begins, uint64_t what);
  // Something beside the subject is about to be done that descriptors may show, or has been done.
  void outside_change(bool begins);
  // syscall(2) as it was before the runtime took its place.
  using Syscall = long (*)(long, ...);
  static Syscall real_syscall();
  // Ends the schedule as it is; does not return.
  [[noreturn]] void abandon(std::optional<Fault> fault = std::nullopt);
  // Nanoseconds, growing with every step and every call.
  uint64_t now_ns();
  // The step that this is, 0 outside.
  uint64_t step() const;

  // "function file:line" or "library+0x123", for people. Slow.
  std::string describe_site(uint64_t site) const;
};

// While it lives the calling thread is in the subject: what it allocates is the subject's.
class InSubject {
 public:
  InSubject();
  ~InSubject();
  InSubject(const InSubject&) = delete;
  InSubject& operator=(const InSubject&) = delete;
};

// Interleaving pairs seen, one byte each: for libFuzzer, which takes them as coverage. Cleared by
// whoever wants to.
std::span<uint8_t> pair_counters();

}  // namespace kqtorture::sched
