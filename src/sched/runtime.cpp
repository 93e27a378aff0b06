// What the engine sees of the scheduler.
#include "sched/runtime.h"

#include <errno.h>

#include "sched/core.h"
#include "sched/real.h"

namespace kqtorture::sched {
namespace {

const char* word_of(Why why) {
  constexpr const char* kWords[] = {"nothing",      "a mutex",           "a rwlock",
                                    "a condition",  "a futex",           "a semaphore",
                                    "a barrier",    "an initialisation", "a thread",
                                    "a descriptor", "a while",           "the program's threads"};
  return kWords[static_cast<size_t>(why)];
}

}  // namespace

Runtime& Runtime::get() {
  static Runtime runtime;
  return runtime;
}

bool Runtime::start(Engine engine, std::string* why_not) {
  return Core::get().start(engine, why_not);
}

bool Runtime::adopt(const void* address, std::string* why_not) {
  return Core::get().adopt(address, why_not);
}

bool Runtime::instrumented() const { return Core::get().instrumented(); }

Schedule Runtime::run(const std::function<void()>& program, Strategy* strategy,
                      const Options& options) {
  return Core::get().run(program, strategy, options);
}

std::span<const Taken> Runtime::taken() const { return Core::get().taken(); }

uint32_t Runtime::spawn(std::function<void()> body) {
  Core& core = Core::get();
  Thread* thread = core.spawn();
  if (thread == nullptr) {
    core.fault({"unsupported", "the program has more threads than can be controlled", {}});
  }
  thread->of_program = true;
  thread->body = std::move(body);
  return thread->index;
}

bool Runtime::join() {
  Core& core = Core::get();
  while (true) {
    bool all = true;
    for (uint32_t i = 1; i < core.thread_count(); i++) {
      const Thread& thread = core.thread(i);
      all = all && (!thread.of_program || thread.state == Thread::State::kFinished);
    }
    if (all) {
      for (uint32_t i = 1; i < core.thread_count(); i++) {
        if (core.thread(i).of_program) core.joined(i);
      }
      core.all_joined();
      return true;
    }
    const Wake wake = core.block(Why::kProgram, 0, kNever, Step::kNotify, 0,
                                 reinterpret_cast<uintptr_t>(__builtin_return_address(0)));
    if (wake == Wake::kTimedOut) return false;
  }
}

std::vector<Waiting> Runtime::waiting() const {
  Core& core = Core::get();
  std::vector<Waiting> result;
  for (uint32_t i = 0; i < core.thread_count(); i++) {
    const Thread& thread = core.thread(i);
    if (thread.state != Thread::State::kBlocked) continue;
    result.push_back({i, word_of(thread.why),
                      thread.why == Why::kDescriptor || thread.why == Why::kSleep,
                      thread.next.site});
  }
  return result;
}

void Runtime::interrupt(uint32_t index) {
  Core& core = Core::get();
  Thread& thread = core.thread(index);
  if (thread.state != Thread::State::kBlocked) {
    thread.interrupted = true;
  } else if (thread.why == Why::kDescriptor || thread.why == Why::kSleep) {
    core.wake_thread(&thread, Wake::kInterrupted);
  }
}

void Runtime::abandon(std::optional<Fault> fault) {
  Core& core = Core::get();
  if (fault) core.fault(std::move(*fault));
  core.end(Schedule::Ending::kAbandoned, true);
}

uint64_t Runtime::now_ns() { return Core::get().tick(); }
uint64_t Runtime::step() const { return Core::get().steps(); }

void Runtime::call(bool begins, uint64_t what) {
  Core& core = Core::get();
  core.step(begins ? Step::kCall : Step::kReturn, what == 0 ? 0 : kKernelObject,
            reinterpret_cast<uintptr_t>(__builtin_return_address(0)));
  core.note(what);
}

void Runtime::outside_change(bool begins) {
  Core& core = Core::get();
  if (begins) {
    core.step(Step::kWrite, kKernelObject,
              reinterpret_cast<uintptr_t>(__builtin_return_address(0)));
  } else {
    core.descriptors_changed();
  }
}

Runtime::Syscall Runtime::real_syscall() { return real().syscall; }

std::string Runtime::describe_site(uint64_t site) const { return Core::get().describe(site); }

InSubject::InSubject() {
  if (Thread* thread = self()) thread->in_subject++;
}

InSubject::~InSubject() {
  if (Thread* thread = self()) thread->in_subject--;
}

}  // namespace kqtorture::sched
