// The life of a schedule and of its threads; how they wait and are woken. Who is next is decided in
// choices.cpp.
#include "sched/core.h"

#include <fcntl.h>
#include <sched.h>

#include <algorithm>
#include <cstdio>

#include "sched/real.h"

namespace kqtorture::sched {
namespace {

// Virtual time at which every schedule begins. Not 0: deadlines in the past are possible.
constexpr uint64_t kBeginning = 1'000'000'000'000;

}  // namespace

thread_local Thread* t_self __attribute__((tls_model("initial-exec"))) = nullptr;

Core* Core::instance_ = nullptr;

// Never destroyed: threads of the subject may end after everything else.
Core& Core::make() {
  instance_ = new Core;
  return *instance_;
}

Core::Core() = default;

bool Core::start(Engine engine, std::string* why_not) {
  real();
  carrier_ = engine == Engine::kFibers ? make_fibers(why_not) : make_token_threads();
  if (carrier_ == nullptr) return false;
  if (!arena_.reserve()) {
    *why_not = "the addresses that the subject's memory is to have are taken";
    return false;
  }
  for (uint32_t i = 0; i < kMostThreads; i++) threads_[i].index = i;
  held_.reserve(64);
  schedule_.decisions.reserve(4096);
  taken_.reserve(Runtime::kMostTaken);
  return carrier_->start(kMostThreads, &Core::entry, why_not);
}

bool Core::adopt(const void* address, std::string* why_not) {
  if (!image_.find(address, why_not)) return false;
  // Every thread says where its thread-local variables of the subject lie.
  const auto look = [this](uint32_t i) {
    threads_[i].body = [this] { image_.add_thread_locals(); };
    threads_[i].state = Thread::State::kReady;
    carrier_->rewind(i);
    carrier_->switch_to(Carrier::kOutside, i);
  };
  for (uint32_t i = 0; i < kMostThreads; i++) look(i);
  image_.keep();
  arena_.keep();
  return true;
}

// --- one schedule

Schedule Core::run(const std::function<void()>& program, Strategy* strategy,
                   const Options& options) {
  begin(program, strategy, options);
  carrier_->switch_to(Carrier::kOutside, 0);
  running_ = false;
  schedule_.threads = used_;
  schedule_.interleaving = interleaving_.hash();
  strategy->end(schedule_.choices, used_);
  if (!schedule_.dirty) clean_up();
  return schedule_;
}

void Core::begin(const std::function<void()>& program, Strategy* strategy, const Options& options) {
  program_ = &program;
  strategy_ = strategy;
  options_ = options;
  schedule_.ending = Schedule::Ending::kDone;
  schedule_.fault.reset();
  schedule_.steps = schedule_.choices = schedule_.trace = 0;
  schedule_.decisions.clear();
  schedule_.switches.clear();
  taken_.clear();
  schedule_.dirty = false;
  now_ = kBeginning;
  changes_ = 1;
  timed_ = polling_ = 0;
  early_ = 0;
  held_.clear();
  interleaving_.reset();
  descriptors_.begin();
  races_.reset();
  used_ = 0;
  current_ = 0;
  alone_ = true;
  spawn()->of_program = true;
  running_ = true;
}

void Core::clean_up() {
  descriptors_.close_leftovers();
  image_.restore();
  arena_.reset();
}

Thread* Core::spawn() {
  const OutOfSubject out;
  if (used_ == kMostThreads || !carrier_->rewind(used_)) return nullptr;
  Thread& thread = threads_[used_];
  thread.state = Thread::State::kReady;
  thread.of_program = false;
  thread.in_subject = 0;
  thread.next = {used_, Step::kBegin, 0, 0};
  thread.why = Why::kNothing;
  thread.deadline = kNever;
  thread.interrupted = thread.detached = thread.joined = thread.cancelled = false;
  thread.cancel_state = thread.cancel_type = 0;
  sigemptyset(&thread.mask);
  thread.body = nullptr;
  thread.routine = nullptr;
  thread.depth = 0;
  thread.bottom = nullptr;
  if (used_ > 0) {
    races_.fork(current_, used_);
    alone_ = false;
  }
  used_++;
  return &thread;
}

void Core::entry(uint32_t index) {
  Core& core = get();
  t_self = &core.threads_[index];
  core.live(t_self);
}

// What a thread does from its first switch to its last.
void Core::live(Thread* thread) {
  if (!running_) {  // adopt()
    thread->body();
    thread->body = nullptr;
    carrier_->finish(thread->index, Carrier::kOutside);
    return;
  }
  std::jmp_buf bottom;
  thread->bottom = &bottom;
  if (setjmp(bottom) == 0) {
    if (thread->index == 0) {
      (*program_)();
    } else if (thread->routine != nullptr) {
      thread->result = thread->routine(thread->argument);
    } else {
      thread->body();
    }
  }
  thread->body = nullptr;
  if (thread->index == 0) {
    carrier_->finish(0, Carrier::kOutside);
    return;
  }
  thread->state = Thread::State::kFinished;
  thread->in_subject = 0;
  wake(Why::kThread, reinterpret_cast<uintptr_t>(thread));
  const bool others =
      std::any_of(threads_.begin(), threads_.begin() + used_, [](const Thread& one) {
        return one.index != 0 && one.of_program && one.state != Thread::State::kFinished;
      });
  if (!others) wake(Why::kProgram, 0);
  reschedule(true);
}

void Core::end(Schedule::Ending ending, bool dirty) {
  schedule_.ending = ending;
  schedule_.dirty = dirty;
  carrier_->switch_to(current_, Carrier::kOutside);
  __builtin_trap();
}

void Core::fault(Fault fault) {
  const OutOfSubject out;
  schedule_.fault = std::move(fault);
  end(Schedule::Ending::kFault, true);
}

void Core::unsupported(const char* what) {
  const OutOfSubject out;
  const Thread* thread = self();
  fault({"unsupported", std::string("the subject calls ") + what + ", which cannot be controlled",
         stack_lines("called", thread->stack())});
}

// --- steps

void Core::step(Step what, uint64_t object, uintptr_t site) {
  Thread& thread = threads_[current_];
  thread.next = {current_, what, object, site_of(site)};
  reschedule(false);
}

Wake Core::block(Why why, uintptr_t key, uint64_t deadline, Step what, uint64_t object,
                 uintptr_t site) {
  Thread& thread = threads_[current_];
  thread.state = Thread::State::kBlocked;
  thread.why = why;
  thread.key = key;
  thread.deadline = deadline;
  thread.next = {current_, what, object, site_of(site)};
  timed_ += deadline != kNever;
  polling_ += why == Why::kDescriptor;
  reschedule(false);
  timed_ -= deadline != kNever;
  polling_ -= why == Why::kDescriptor;
  thread.why = Why::kNothing;
  thread.deadline = kNever;
  return thread.wake;
}

Wake Core::await_descriptors(const pollfd* fds, unsigned count, uint64_t deadline, uintptr_t site) {
  Thread& thread = threads_[current_];
  if (count > Thread::kMostFds) unsupported("poll() of more than 16 descriptors");
  thread.count = count;
  thread.replaced = 0;
  std::copy(fds, fds + count, thread.fds.begin());
  thread.tested = 0;
  if (thread.interrupted) {
    thread.interrupted = false;
    return Wake::kInterrupted;
  }
  return block(Why::kDescriptor, 0, deadline, Step::kRead, kKernelObject, site);
}

void Core::done_waiting() {
  Thread& thread = threads_[current_];
  for (unsigned i = 0; thread.replaced != 0 && i < thread.count; i++) {
    if (thread.replaced >> i & 1) real().syscall(SYS_close, thread.fds[i].fd);
  }
  thread.replaced = 0;
}

void Core::closing(int fd) {
  constexpr int kOutOfTheWay = 900;
  for (uint32_t i = 0; i < used_; i++) {
    Thread& thread = threads_[i];
    if (thread.why != Why::kDescriptor || i == current_) continue;
    for (unsigned k = 0; k < thread.count; k++) {
      if (thread.fds[k].fd != fd || thread.replaced >> k & 1) continue;
      const long copy = real().syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, kOutOfTheWay);
      if (copy < 0) continue;
      thread.fds[k].fd = static_cast<int>(copy);
      thread.replaced |= 1u << k;
    }
  }
}

void Core::wake_thread(Thread* thread, Wake how) {
  thread->state = Thread::State::kReady;
  thread->wake = how;
  thread->deadline = kNever;
}

unsigned Core::waiting_for(Why why, uintptr_t key) const {
  unsigned count = 0;
  for (uint32_t i = 0; i < used_; i++) {
    const Thread& thread = threads_[i];
    count += thread.state == Thread::State::kBlocked && thread.why == why && thread.key == key;
  }
  return count;
}

unsigned Core::wake(Why why, uintptr_t key, unsigned most) {
  Thread* waiters[kMostThreads];
  size_t count = 0;
  for (uint32_t i = 0; i < used_; i++) {
    Thread& thread = threads_[i];
    if (thread.state != Thread::State::kBlocked || thread.why != why || thread.key != key) continue;
    waiters[count++] = &thread;
  }
  unsigned woken = 0;
  for (; count > 0 && woken < most; woken++) {
    const size_t which = most < count + woken && count > 1 ? pick(count) : 0;
    wake_thread(waiters[which], Wake::kWoken);
    std::copy(waiters + which + 1, waiters + count, waiters + which);
    count--;
  }
  return woken;
}

size_t Core::pick(size_t count) {
  if (count < 2) return 0;
  const OutOfSubject out;
  const size_t answer = strategy_->pick(count);
  record(answer);
  return answer;
}

void Core::yield(uintptr_t site) {
  strategy_->yielded(current_);
  step(Step::kYield, 0, site);
}

void Core::before_lock(uintptr_t mutex, uintptr_t site) {
  Thread& thread = threads_[current_];
  if (held_by_another(mutex)) {
    block(Why::kMutex, mutex, kNever, Step::kLock, object_of(mutex), site);
    return;
  }
  thread.why = Why::kMutex;
  thread.key = mutex;
  step(Step::kLock, object_of(mutex), site);
  thread.why = Why::kNothing;
}

bool Core::held_by_another(uintptr_t mutex) const {
  return std::any_of(held_.begin(), held_.end(), [&](const Held& held) {
    return held.mutex == mutex && held.thread != current_;
  });
}

void Core::taken(uintptr_t mutex) {
  for (Held& held : held_) {
    if (held.mutex == mutex) {
      held.times++;
      return;
    }
  }
  held_.push_back({mutex, current_, 1});
  // Nobody else will get it: those that were about to take it wait.
  const uint64_t object = object_of(mutex);
  for (uint32_t i = 0; i < used_; i++) {
    Thread& thread = threads_[i];
    if (i == current_ || thread.state != Thread::State::kReady) continue;
    if (thread.why != Why::kMutex || thread.key != mutex) continue;
    if (thread.next.step == Step::kLock && thread.next.object == object) {
      thread.state = Thread::State::kBlocked;
    }
  }
}

void Core::given_back(uintptr_t mutex) {
  for (size_t i = 0; i < held_.size(); i++) {
    if (held_[i].mutex != mutex) continue;
    if (--held_[i].times > 0) return;
    held_[i] = held_.back();
    held_.pop_back();
    wake(Why::kMutex, mutex);
    return;
  }
}

void Core::all_joined() {
  bool own = false;
  for (uint32_t i = 1; i < used_; i++) own = own || !threads_[i].of_program;
  alone_ = !own;
}

void Core::note(uint64_t value) { schedule_.trace = mix(schedule_.trace, value); }

Thread* Core::thread_of(pthread_t handle) {
  for (uint32_t i = 0; i < used_; i++) {
    if (pthread_equal(carrier_->handle(i), handle)) return &threads_[i];
  }
  return nullptr;
}

}  // namespace kqtorture::sched
