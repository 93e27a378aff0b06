// Operations point into the executor's memory, so a tape copies what they point to.
#include "engine/survey_tape.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <memory>
#include <thread>

#include "engine/sequential.h"
#include "engine/sleepers.h"
#include "engine/watch.h"

namespace kqtorture {
namespace {

// Two looks at a sleeper lie this far apart; between them it must not have run at all.
constexpr timespec kBetweenTwoLooks{0, 20'000'000};
// A thread that was woken needs a moment to say so. It decides when to look: one that is still on
// its way was switched between two looks, and is looked at again.
constexpr int kMostLooks = 500;

void look_again() { nanosleep(&kBetweenTwoLooks, nullptr); }

struct Waiter {
  std::atomic<pid_t> id{0};
  std::atomic<bool> back{false};
  int value = 0;
  int error = 0;

  // True when it came back; false when it sleeps.
  bool settles() const {
    ThreadPulse last = pulse_of(id);
    for (int i = 0; i < kMostLooks; i++) {
      look_again();
      if (back) return true;
      const ThreadPulse now = pulse_of(id);
      if (now.sleeping && now == last) return false;
      last = now;
    }
    return back;
  }
};

}  // namespace

void SurveyTape::before(contract::Op* op) {
  // Nobody would end a wait without limit. (Probes have none.)
  if (op->timeout == contract::Timeout::kForever) op->timeout = contract::Timeout::kZero;
  if (also_ != nullptr) also_->before(op);
}

bool SurveyTape::after(const contract::Op& op, const contract::Outcome& outcome) {
  Entry& entry = entries_.emplace_back();
  entry.op = op;
  entry.outcome = outcome;
  if (op.changes != nullptr && op.nchanges > 0) {
    int readable = op.nchanges;
    if (op.changes_readable != contract::Op::kAll) {
      readable = std::min(readable, op.changes_readable);
    }
    entry.changes.assign(op.changes, op.changes + readable);
  }
  entry.op.changes = entry.changes.data();
  if (op.kind == contract::OpKind::kKevent && outcome.value > 0 && outcome.events != nullptr) {
    int64_t writable = outcome.value;
    if (op.events_writable != contract::Op::kAll) {
      writable = std::min<int64_t>(writable, op.events_writable);
    }
    entry.events.assign(outcome.events, outcome.events + writable);
    entry.events.resize(static_cast<size_t>(outcome.value));
  }
  entry.outcome.events = entry.events.data();
  return also_ == nullptr || also_->after(op, outcome);
}

contract::Answer SurveyTape::explained_by(const contract::Model& model,
                                          contract::StateSet* states) const {
  states->reset();
  for (const Entry& entry : entries_) {
    const auto answer = model.check(states, entry.op, entry.outcome, nullptr);
    if (answer != contract::Answer::kAccepted) return answer;
  }
  return contract::Answer::kAccepted;
}

bool record_probe(const Subject& subject, const Program& program, int64_t patience_ns,
                  SurveyTape* tape, std::vector<std::string>* trace, std::string* why_not) {
  const auto world = std::make_unique<World>(subject);
  Executor executor(world.get(), tape);
  if (!world->begin(program, tape, why_not)) {
    if (why_not->empty()) *why_not = "its objects cannot be made";
    return false;
  }
  executor.set_patience(patience_ns);
  executor.prepare(program);
  for (const Op& op : program.threads[0].ops) {
    const auto done = executor.run(op);
    trace->push_back(describe(program, *world, op, executor.returned()));
    if (done == Executor::Result::kAstray) {
      *why_not = "a number that the program lost is in use elsewhere";
      return false;
    }
    if (done == Executor::Result::kStopped) break;
  }
  return true;
}

CloseSeen close_under_a_waiter(const Subject& subject, std::vector<std::string>* trace) {
  install_interrupting_handler();
  const int kq = subject.kqueue();
  if (kq < 0) return CloseSeen::kNeither;
  Waiter waiter;
  std::thread thread([&] {
    waiter.id = current_thread();
    Kevent event{};
    waiter.value = subject.kevent(kq, nullptr, 0, &event, 1, nullptr);
    waiter.error = waiter.value < 0 ? errno : 0;
    waiter.back = true;
  });
  while (waiter.id == 0 && !waiter.back) look_again();
  bool back = waiter.settles();
  CloseSeen seen = CloseSeen::kNeither;
  if (back) {
    subject.close(kq);
  } else {
    // Where close waits for the sleepers, and nobody wakes them, it would wait for the signal.
    std::atomic<bool> closed{false};
    std::thread closer([&] {
      subject.close(kq);
      closed = true;
    });
    back = waiter.settles();
    seen = back && waiter.value < 0 && waiter.error == EBADF ? CloseSeen::kWoken
           : back                                            ? CloseSeen::kNeither
                                                             : CloseSeen::kSleepsOn;
    while (!waiter.back || !closed) {
      if (!waiter.back) subject.interrupt(thread.native_handle(), interrupting_signal());
      look_again();
    }
    closer.join();
  }
  thread.join();
  std::string line = "kevent in one thread, close in another: ";
  line += seen == CloseSeen::kSleepsOn ? "it sleeps on until a signal comes"
          : waiter.value < 0           ? std::string("it fails: ") + std::strerror(waiter.error)
                                       : "it returns " + std::to_string(waiter.value);
  trace->push_back(line);
  return seen;
}

}  // namespace kqtorture
