// Who is next, and what time it is. What a thread calls ends in reschedule(), which asks the
// strategy and switches; it returns when the thread goes on.
#include <algorithm>

#include "sched/core.h"
#include "sched/real.h"

namespace kqtorture::sched {
namespace {

// A step takes as long as this: time passes, and no two steps have the same.
constexpr uint64_t kStepNs = 20;
// How often the clock may be chosen though others could go on: a periodic timer would expire for
// ever.
constexpr uint32_t kMostEarly = 24;

}  // namespace

// --- time

uint64_t Core::next_deadline() const {
  uint64_t next = descriptors_.next_deadline();
  if (timed_ == 0) return next;
  for (uint32_t i = 0; i < used_; i++) {
    if (threads_[i].state == Thread::State::kBlocked) next = std::min(next, threads_[i].deadline);
  }
  return next;
}

// True when anything came of it.
bool Core::expire() {
  bool any = descriptors_.expire(now_);
  if (any) changes_++;
  if (timed_ == 0) return any;
  for (uint32_t i = 0; i < used_; i++) {
    Thread& thread = threads_[i];
    if (thread.state != Thread::State::kBlocked || thread.deadline > now_) continue;
    wake_thread(&thread, Wake::kTimedOut);
    any = true;
  }
  return any;
}

// Those that wait for descriptors, if anything happened to any since they were looked at.
void Core::retest() {
  if (polling_ == 0) return;
  for (uint32_t i = 0; i < used_; i++) {
    Thread& thread = threads_[i];
    if (thread.state != Thread::State::kBlocked || thread.why != Why::kDescriptor) continue;
    if (thread.tested == changes_) continue;
    thread.tested = changes_;
    timespec zero{0, 0};
    const auto count = static_cast<unsigned long>(thread.count);
    if (real().syscall(SYS_ppoll, thread.fds.data(), count, &zero, nullptr, 8ul) > 0) {
      wake_thread(&thread, Wake::kWoken);
    }
  }
}

// --- choices

void Core::record(size_t answer) { schedule_.decisions.push_back(static_cast<uint8_t>(answer)); }

// All that can go on, the clock included. Returns how many.
size_t Core::collect(Candidate* candidates, size_t* current) {
  size_t count = 0;
  *current = kNobody;
  for (uint32_t i = 0; i < used_; i++) {
    if (threads_[i].state != Thread::State::kReady) continue;
    if (i == current_) *current = count;
    candidates[count++] = threads_[i].next;
  }
  if (count == 0 || early_ >= kMostEarly) return count;
  // Time may pass between any two steps, but which two matters only where the kernel is asked or
  // the program sees.
  const Step at = threads_[current_].next.step;
  const bool visible = at == Step::kRead || at == Step::kWrite || at == Step::kCall ||
                       at == Step::kReturn || threads_[current_].state != Thread::State::kReady;
  if (visible && next_deadline() != kNever) {
    candidates[count++] = {kClockThread, Step::kWrite, kKernelObject, 0};
  }
  return count;
}

// Into the trace. So many are told apart that two runs can be compared step by step.
void Core::take(const Candidate& chosen) {
  const uint64_t site = is_in_program(chosen.site) ? 0 : chosen.site;
  schedule_.trace = mix(schedule_.trace, mix(site, (uint64_t{chosen.thread} << 32) |
                                                       static_cast<uint64_t>(chosen.step)));
  schedule_.trace = mix(schedule_.trace, chosen.object);
  if (taken_.size() == Runtime::kMostTaken) return;
  const bool time = chosen.thread == kClockThread;
  taken_.push_back({chosen.site, static_cast<uint32_t>(schedule_.trace),
                    time ? kClock : static_cast<uint8_t>(chosen.thread), chosen.step});
}

// Null when nobody can ever go on.
Thread* Core::choose() {
  while (true) {
    expire();
    retest();
    Candidate candidates[kMostThreads + 1];
    size_t current;
    const size_t count = collect(candidates, &current);
    if (count == 0) {
      // This ends: a timer that nobody asks has one deadline, and a thread that has one goes on.
      const uint64_t next = next_deadline();
      if (next == kNever) return nullptr;
      now_ = std::max(now_, next);
      continue;
    }
    size_t answer = 0;
    if (count > 1) {
      const Choice choice{{candidates, count}, current, schedule_.steps};
      answer = strategy_->choose(choice);
      if (answer >= count) answer = current == kNobody ? 0 : current;
      record(answer);
      schedule_.choices++;
    }
    const Candidate& chosen = candidates[answer];
    take(chosen);
    if (chosen.thread != kClockThread) {
      if (!alone_) interleaving_.add(chosen, threads_[chosen.thread].context());
      return &threads_[chosen.thread];
    }
    early_++;
    now_ = std::max(now_, next_deadline());
  }
}

// Everybody waits. Thread 0, if it waits for the others, is told.
void Core::stuck() {
  Thread& main = threads_[0];
  if (main.state == Thread::State::kBlocked && main.why == Why::kProgram) {
    wake_thread(&main, Wake::kTimedOut);
    return;
  }
  Fault fault{"deadlock", "every thread waits for another", {}};
  for (const Waiting& waiting : Runtime::get().waiting()) {
    fault.detail.push_back("thread " + std::to_string(waiting.thread) + " waits for " +
                           waiting.for_what + " in " + describe(waiting.site));
  }
  schedule_.fault = std::move(fault);
  schedule_.ending = Schedule::Ending::kFault;
  schedule_.dirty = true;
}

void Core::reschedule(bool finished) {
  const OutOfSubject out;
  now_ += kStepNs;
  if (++schedule_.steps > options_.most_steps) {
    Fault endless{"endless",
                  "the schedule did not end in " + std::to_string(options_.most_steps) + " steps",
                  {}};
    schedule_.fault = std::move(endless);
    schedule_.ending = Schedule::Ending::kFault;
    schedule_.dirty = true;
    carrier_->switch_to(current_, Carrier::kOutside);
  }
  Thread* next = choose();
  if (next == nullptr) {
    stuck();
    if (schedule_.dirty) carrier_->switch_to(current_, Carrier::kOutside);
    next = choose();
  }
  go_to(next, finished);
}

void Core::go_to(Thread* next, bool finished) {
  const uint32_t from = current_;
  if (next->index == from) return;
  if (options_.record) {
    schedule_.switches.push_back({schedule_.steps, now_, from, next->index,
                                  threads_[from].state == Thread::State::kReady,
                                  threads_[from].next.step, threads_[from].next.site});
  }
  current_ = next->index;
  if (finished) {
    carrier_->finish(from, next->index);
  } else {
    carrier_->switch_to(from, next->index);
  }
}

}  // namespace kqtorture::sched
