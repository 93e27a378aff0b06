// Who runs next? The one question of controlled scheduling, and what an answer may depend on.
//
// The runtime (runtime.h) stops a thread before each operation that another thread could notice: an
// atomic access, a lock, a descriptor call. It then asks the strategy which of the threads that can
// go on does so. A strategy sees what each of them is about to do, and nothing else: the same
// strategy with the same seed makes the same choices on the same program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace kqtorture::sched {

// What a thread is about to do.
enum class Step : uint8_t {
  kBegin,       // its first operation
  kAtomicLoad,  // of an atomic object
  kAtomicStore,
  kAtomicUpdate,  // read-modify-write, or a compare-exchange
  kLock,          // of a mutex, rwlock or semaphore, which it will get
  kUnlock,
  kWait,    // begins to wait: for a condition, a futex, an event
  kNotify,  // a condition, a futex, a join
  kRead,    // a descriptor call that changes nothing others see
  kWrite,   // a descriptor call that may
  kCall,    // a call of the program on the subject begins
  kReturn,  // and returned
  kYield    // has nothing better to do: sched_yield, a spin, a sleep that is over
};

// "takes a lock", ...
const char* word_of(Step step);

// True when the two do not commute on the same object.
constexpr bool writes(Step step) { return step != Step::kAtomicLoad && step != Step::kRead; }

struct Candidate {
  uint32_t thread;  // 0 is the program's main thread, the others are numbered as they were started
  Step step;
  // What the step is done to: the same number in every run of the program. 0: nothing in
  // particular.
  uint64_t object;
  uint64_t site;  // where in the program it is done: likewise
};

constexpr bool conflict(const Candidate& a, const Candidate& b) {
  return a.object == b.object && a.object != 0 && (writes(a.step) || writes(b.step));
}

// A thread that was chosen so often in a row, others waiting, is taken for one that spins without
// saying so: a loop around a poll() that is always ready, for one. Programs that end do so sooner.
inline constexpr uint32_t kLongestRun = 1000;

inline constexpr size_t kNobody = SIZE_MAX;

struct Choice {
  std::span<const Candidate> candidates;  // that can go on, by ascending thread; two at least
  size_t current = kNobody;               // index of the thread that was running, if it can go on
  uint64_t step = 0;                      // of the schedule, from 0
};

class Strategy {
 public:
  virtual ~Strategy() = default;
  virtual std::string name() const = 0;  // "random", "pct:3", ...

  // A schedule begins. The seed is not used by strategies that do not draw.
  virtual void begin(uint64_t seed) = 0;
  // An index into choice.candidates.
  virtual size_t choose(const Choice& choice) = 0;
  // A choice that is not about threads, of `count` (two at least): which waiter a signal wakes.
  virtual size_t pick(size_t count) = 0;
  // The thread spins or yields: it cannot go on in earnest before another one does something.
  virtual void yielded(uint32_t /*thread*/) {}
  // The schedule ended after so many choices between threads, of so many threads at most.
  virtual void end(uint64_t /*choices*/, uint32_t /*threads*/) {}
  // Every schedule that it has to offer was run.
  virtual bool exhausted() const { return false; }
};

}  // namespace kqtorture::sched
