// The scheduler itself: who can go on, who waits for what, and what time it is.
//
// Everything here runs on one thread at a time, so nothing is locked. It is entered from the
// functions that take the place of the real ones (interpose_*.cpp, tsan_*.cpp), each of which is a
// few lines: say what the thread is about to do (step()), do it, and block() or wake() accordingly.
#pragma once

#include <poll.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <memory>
#include <string>
#include <vector>

#include "sched/arena.h"
#include "sched/descriptors.h"
#include "sched/fiber.h"
#include "sched/image.h"
#include "sched/interleaving.h"
#include "sched/race_detector.h"
#include "sched/runtime.h"
#include "sched/stack_depot.h"

namespace kqtorture::sched {

// Threads of a program, the subject's own included. One number more stands for the clock, which is
// a candidate where time may pass: choosing it makes the next deadline come.
inline constexpr uint32_t kMostThreads = RaceDetector::kThreads - 1;
inline constexpr uint32_t kClockThread = kMostThreads;
inline constexpr uint64_t kNever = UINT64_MAX;
// What all descriptor calls are done to: which of them are about the same file only the kernel
// knows.
inline constexpr uint64_t kKernelObject = uint64_t{4} << 60;
// Sites in this program, and not in the subject: another build of it has others.
inline constexpr uint64_t kInProgram = 5;
constexpr bool is_in_program(uint64_t site) { return site >> 60 == kInProgram; }

enum class Why : uint8_t {
  kNothing,
  kMutex,
  kRwlock,
  kCondition,
  kFutex,
  kSemaphore,
  kBarrier,
  kOnce,
  kThread,      // a join
  kDescriptor,  // until one of `fds` is ready
  kSleep,
  kProgram  // thread 0, for the threads of the program
};

enum class Wake : uint8_t { kWoken, kTimedOut, kInterrupted };

struct Thread {
  enum class State : uint8_t { kUnused, kReady, kBlocked, kFinished };

  uint32_t index = 0;
  State state = State::kUnused;
  bool of_program = false;  // started by spawn(), or thread 0
  uint32_t in_subject = 0;  // depth
  Candidate next{};         // what it does when it goes on

  Why why = Why::kNothing;
  uintptr_t key = 0;  // what it waits for, by address
  uint64_t deadline = kNever;
  Wake wake = Wake::kWoken;
  bool interrupted = false;  // a signal came; the next wait returns at once
  // Of kDescriptor. What is closed meanwhile is replaced by another descriptor of the same file, as
  // the kernel holds the file of a call that waits.
  static constexpr unsigned kMostFds = 16;
  std::array<pollfd, kMostFds> fds{};
  unsigned count = 0;
  uint32_t replaced = 0;  // bits, by place in fds
  uint64_t tested = 0;    // state of the descriptors when they were found not ready

  std::function<void()> body;  // of spawn()
  void* (*routine)(void*) = nullptr;
  void* argument = nullptr;
  void* result = nullptr;
  bool detached = false;
  bool joined = false;
  bool cancelled = false;
  int cancel_state = 0;
  int cancel_type = 0;
  std::jmp_buf* bottom = nullptr;  // where an exit in the middle of calls unwinds to
  sigset_t mask{};

  // The calls that led here, as the instrumentation tells them.
  static constexpr uint32_t kDepth = 256;
  struct Frame {
    uint32_t stack;
    uint64_t context;
  };
  uint32_t depth = 0;
  std::array<Frame, kDepth> frames{};

  uint32_t stack() const { return depth == 0 ? 0 : frames[std::min(depth, kDepth) - 1].stack; }
  uint64_t context() const { return depth == 0 ? 0 : frames[std::min(depth, kDepth) - 1].context; }
};

// The thread of the runtime that this is; null on all others.
extern thread_local Thread* t_self __attribute__((tls_model("initial-exec")));
inline Thread* self() { return t_self; }

// While it lives the calling thread is not in the subject: what it allocates is not the subject's.
class OutOfSubject {
 public:
  OutOfSubject() : thread_(t_self), depth_(thread_ == nullptr ? 0 : thread_->in_subject) {
    if (thread_ != nullptr) thread_->in_subject = 0;
  }
  ~OutOfSubject() {
    if (thread_ != nullptr) thread_->in_subject = depth_;
  }
  OutOfSubject(const OutOfSubject&) = delete;
  OutOfSubject& operator=(const OutOfSubject&) = delete;

 private:
  Thread* const thread_;
  const uint32_t depth_;
};

// While it lives the calling thread is not the runtime's: what it calls is real.
class Uncontrolled {
 public:
  Uncontrolled() : thread_(t_self) { t_self = nullptr; }
  ~Uncontrolled() { t_self = thread_; }
  Uncontrolled(const Uncontrolled&) = delete;
  Uncontrolled& operator=(const Uncontrolled&) = delete;

 private:
  Thread* const thread_;
};

class Core {
 public:
  static Core& get() { return instance_ == nullptr ? make() : *instance_; }

  bool start(Engine engine, std::string* why_not);
  bool adopt(const void* address, std::string* why_not);
  bool instrumented() const { return image_.instrumented(); }
  Schedule run(const std::function<void()>& program, Strategy* strategy, const Options& options);
  std::span<const Taken> taken() const { return taken_; }

  // --- what threads do; all on a thread of the runtime

  // The thread is about to do this. Others may go first.
  void step(Step what, uint64_t object, uintptr_t site);
  // Waits; `what` is what it does when it goes on again. Returns why it does.
  Wake block(Why why, uintptr_t key, uint64_t deadline, Step what, uint64_t object, uintptr_t site);
  // Waits until poll(2) would return something; at once when it does. What to ask then is
  // self()->fds; done_waiting() follows.
  Wake await_descriptors(const pollfd* fds, unsigned count, uint64_t deadline, uintptr_t site);
  void done_waiting();
  // A descriptor is about to stop referring to its file.
  void closing(int fd);
  // Those that wait for it go on: all, or as many as given, chosen by the strategy. Returns how
  // many.
  unsigned wake(Why why, uintptr_t key, unsigned most = UINT32_MAX);
  unsigned waiting_for(Why why, uintptr_t key) const;
  void wake_thread(Thread* thread, Wake how);
  size_t pick(size_t count);
  // It cannot go on in earnest before another does something.
  void yield(uintptr_t site);
  // Something was written, closed, ...: descriptors may be ready.
  void descriptors_changed() { changes_++; }

  // Mutexes: who has it is known here, so that nobody is offered a lock that it will not get.
  // Returns when the calling thread may take it.
  void before_lock(uintptr_t mutex, uintptr_t site);
  bool held_by_another(uintptr_t mutex) const;
  void taken(uintptr_t mutex);
  void given_back(uintptr_t mutex);

  Thread* spawn();  // null when there are too many
  // Ends the calling thread in the middle of its calls.
  [[noreturn]] void exit_thread(void* result);
  void test_cancel();
  Thread* thread_of(pthread_t handle);
  Thread& thread(uint32_t index) { return threads_[index]; }
  pthread_t handle(uint32_t index) const { return carrier_->handle(index); }
  uint32_t thread_count() const { return used_; }

  // Ends the schedule. Does not return.
  [[noreturn]] void fault(Fault fault);
  [[noreturn]] void unsupported(const char* what);
  [[noreturn]] void end(Schedule::Ending ending, bool dirty);

  uint64_t now_ns() const { return now_; }
  uint64_t tick() { return ++now_; }
  uint64_t steps() const { return schedule_.steps; }
  const Options& options() const { return options_; }

  // A number for the address that is the same in every run; 0 when there is none.
  uint64_t object_of(uintptr_t address) const;
  uint64_t site_of(uintptr_t pc) const;
  std::string describe(uint64_t site) const;
  void note(uint64_t value);  // into the trace: a result that depends on the order of things

  // --- memory

  void access(uintptr_t address, size_t size, bool write, bool atomic, uintptr_t pc);
  void enter(uintptr_t pc);
  void leave();
  uint32_t stack_here(uintptr_t pc);
  [[noreturn]] void bad_access(uintptr_t address, size_t size, bool write, uint32_t stack);

  Arena& arena() { return arena_; }
  void acquire(uintptr_t object) {
    if (orders_matter()) races_.acquire(current_, object);
  }
  void release(uintptr_t object) {
    if (!orders_matter()) return;
    const OutOfSubject out;
    races_.release(current_, object);
  }
  void release_store(uintptr_t object) {
    if (!orders_matter()) return;
    const OutOfSubject out;
    races_.release_store(current_, object);
  }
  void all_joined();  // thread 0 has waited for all threads of the program
  void joined(uint32_t thread) { races_.join(current_, thread); }
  Descriptors& descriptors() { return descriptors_; }
  std::vector<std::string> stack_lines(const char* title, uint32_t stack) const;

 private:
  Core();
  static Core& make();
  bool orders_matter() const { return options_.races && !alone_; }
  void begin(const std::function<void()>& program, Strategy* strategy, const Options& options);
  void clean_up();
  static void entry(uint32_t thread);
  void live(Thread* thread);
  void reschedule(bool finished);
  Thread* choose();
  bool expire();
  uint64_t next_deadline() const;
  void retest();
  size_t collect(Candidate* candidates, size_t* current);
  void go_to(Thread* next, bool finished);
  void stuck();
  void record(size_t answer);
  void take(const Candidate& chosen);
  [[noreturn]] void report_race(const RaceDetector::Race& race);

  static Core* instance_;

  std::unique_ptr<Carrier> carrier_;
  std::array<Thread, kMostThreads> threads_;
  uint32_t used_ = 0;
  uint32_t current_ = 0;  // the thread that runs
  // Thread 0 sets up, or is done waiting for the others: nothing can race with what it does.
  bool alone_ = true;
  bool running_ = false;
  Strategy* strategy_ = nullptr;
  Options options_;
  Schedule schedule_;
  std::vector<Taken> taken_;
  const std::function<void()>* program_ = nullptr;

  uint64_t now_ = 0;
  uint64_t changes_ = 1;
  // Threads in a wait with an end, and in one for descriptors: nobody else need be looked at.
  uint32_t timed_ = 0;
  uint32_t polling_ = 0;
  uint32_t early_ = 0;  // times that the clock was chosen though others could go on

  struct Held {
    uintptr_t mutex;
    uint32_t thread;
    uint32_t times;
  };
  std::vector<Held> held_;

  Arena arena_;
  Image image_;
  RaceDetector races_;
  StackDepot depot_;
  Descriptors descriptors_;
  Interleaving interleaving_;
};

}  // namespace kqtorture::sched
