// A round, step by step: start, race for a slice of time, wind down, probe at quiescence, release,
// join, check the history.
#include "round.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "lane_chart.h"
#include "report/finding.h"
#include "sanitizer.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

// How long a round lets its threads race before it winds them down. Long enough that starting and
// stopping threads costs little beside it, short enough that a second sees a dozen fresh kqueues.
constexpr milliseconds kSlice{40};
#ifdef __linux__
constexpr microseconds kBetweenLooks{500};
#else
constexpr microseconds kBetweenLooks{50000};
#endif
// Consecutive looks at which a thread was parked before it is called stuck. One is enough in
// theory (parking.h); the others cost nothing but patience and guard against our own mistakes.
constexpr int kLooksToAccuse = 6;
// A waiter that this many signals did not get out of kevent() never comes out.
constexpr int kSignalsToGiveUp = 200;
// Calls that waiters make after the last driver has ended: a race leaves at most some hundred
// events behind, each good for a few calls.
constexpr uint64_t kStepsToSettle = 200000;
// CPU time, not time: a single call that has burnt as much does not come back. The longest honest
// one, under ThreadSanitizer, takes milliseconds.
constexpr uint64_t kCpuOfAnEndlessCall = 20'000'000'000;
constexpr uint64_t kLooksBetweenCpuLooks = 512;
constexpr size_t kLastCalls = 48;
// What the checker may spend on a component before it gives it up as undecided. Beyond this a round
// of racing closes, in which every number leads to every other, took it up to ten seconds; at it,
// forty such rounds take three, and nine of ten are decided to their end.
constexpr contract::CheckOptions kBounds{256, 1u << 14};
constexpr int kReleaseSignal = SIGUSR2;

void on_release_signal(int) {}

// libkqueue's backends hand an event to one waiter.
bool level_wakes_every_waiter() {
  return environment().profile->wake_policy != contract::WakePolicy::kBackend;
}

void install_release_signal() {
  // Without SA_RESTART: a waiter that nothing else wakes returns EINTR.
  struct sigaction action = {};
  action.sa_handler = on_release_signal;
  sigaction(kReleaseSignal, &action, nullptr);
}

}  // namespace

Round::Round(const std::string& name, Race* race, std::vector<std::unique_ptr<Lane>>* lanes,
             const Recorder* recorder, Signals* signals, uint64_t spread)
    : name_(name),
      race_(*race),
      lanes_(*lanes),
      recorder_(*recorder),
      signals_(*signals),
      spread_(spread),
      self_(*lanes->back()) {
  install_release_signal();
}

void Round::start() {
  const size_t count = lanes_.size() - 1;
  parking_.watch(&self_, current_thread_id());
  states_ = std::make_unique<State[]>(count);
  for (size_t i = 0; i < count; ++i) {
    threads_.emplace_back([this, i] {
      State& state = states_[i];
      state.id.store(current_thread_id(), std::memory_order_release);
      while (!go_.load(std::memory_order_acquire)) std::this_thread::yield();
      race_.thread(*lanes_[i]);
      state.ended.store(true, std::memory_order_release);
    });
  }
  for (size_t i = 0; i < count; ++i) {
    while (states_[i].id.load(std::memory_order_acquire) == -1) std::this_thread::yield();
    parking_.watch(lanes_[i].get(), states_[i].id.load());
  }
  go_.store(true, std::memory_order_release);
}

bool Round::all_ended() const {
  for (size_t i = 0; i < threads_.size(); ++i) {
    if (!ended(i)) return false;
  }
  return true;
}

bool Round::drivers_ended() const {
  for (size_t i = 0; i < threads_.size(); ++i) {
    if (!race_.waits(static_cast<int>(i)) && !ended(i)) return false;
  }
  return true;
}

void Round::wait_for_slice() const {
  const auto until = std::chrono::steady_clock::now() + kSlice;
  bool has_drivers = false;
  for (size_t i = 0; i < threads_.size(); ++i) has_drivers |= !race_.waits(static_cast<int>(i));
  while (!signals_.guilty && !signals_.stop && std::chrono::steady_clock::now() < until) {
    if (has_drivers && drivers_ended()) return;
    std::this_thread::sleep_for(microseconds(200));
  }
}

Round::Rest Round::look() {
  // Whoever had ended before the previous look did nothing since; whoever ends now may have woken
  // somebody whom the look below still sees asleep.
  std::vector<bool> ended_before;
  for (size_t i = 0; i < threads_.size(); ++i) {
    ended_before.push_back(states_[i].ended_at_last_look);
    states_[i].ended_at_last_look = ended(i);
  }
  const std::vector<bool> parked = parking_.look();  // the first one is ourselves
  bool rest = true, everybody_parked = true;
  int patience = kLooksToAccuse;
  for (size_t i = 0; i < threads_.size(); ++i) {
    State& state = states_[i];
    if (ended_before[i]) continue;
    state.looks_parked = parked[i + 1] ? state.looks_parked + 1 : 0;
    if (!parked[i + 1]) rest = everybody_parked = false;
    if (!race_.waits(static_cast<int>(i))) rest = false;
    patience = std::min(patience, state.looks_parked);
  }
  if (++looks_ % kLooksBetweenCpuLooks == 0) look_for_endless_calls();
  if (rest) return Rest::kQuiescent;
  if (everybody_parked && patience >= kLooksToAccuse) return Rest::kDriverStuck;
  return Rest::kBusy;
}

void Round::look_for_endless_calls() {
  const std::vector<uint64_t> cpu = parking_.cpu_times();
  for (size_t i = 0; i < threads_.size(); ++i) {
    State& state = states_[i];
    const uint64_t now = lanes_[i]->steps();
    if (ended(i) || now != state.steps || state.cpu == 0) {
      state.steps = now;
      state.cpu = cpu[i + 1];
    } else if (cpu[i + 1] - state.cpu > kCpuOfAnEndlessCall) {
      accuse("hang", "I22", "a call burns CPU time and does not return");
      give_up();
    }
  }
}

uint64_t Round::steps() const {
  uint64_t sum = 0;
  for (const auto& lane : lanes_) sum += lane->steps();
  return sum;
}

std::string Round::alive() const {
  std::string names;
  for (size_t i = 0; i < threads_.size(); ++i) {
    if (!ended(i)) names += (names.empty() ? "T" : ", T") + std::to_string(i);
  }
  return "still in the race: " + names;
}

void Round::accuse(const char* verdict, const char* rule, const char* message) {
  self_.accuse({verdict, rule, message, {alive()}, 0});
}

// True when the race may be judged by what is due; false when somebody is guilty or the waiters
// do not come to rest.
bool Round::wait_for_quiescence() {
  uint64_t seen = 0, at_end_of_drivers = 0;
  while (!signals_.guilty) {
    switch (look()) {
      case Rest::kQuiescent:
        return true;
      case Rest::kDriverStuck:
        accuse("deadlock", "I8",
               "a thread sleeps in a call that may not block, and nobody is awake to help it");
        return false;
      case Rest::kBusy:
        break;
    }
    const uint64_t now = steps();
    if (now != seen) note_progress();
    seen = now;
    if (!drivers_ended() || !at_end_of_drivers) at_end_of_drivers = now;
    if (now - at_end_of_drivers > kStepsToSettle) return false;
    std::this_thread::sleep_for(kBetweenLooks);
  }
  return false;
}

void Round::reap() {
  int signals_sent = 0;
  race_.release(self_);
  while (!all_ended()) {
    std::this_thread::sleep_for(kBetweenLooks);
    const Rest rest = look();
    bool patient = false;
    for (size_t i = 0; i < threads_.size(); ++i) {
      patient |= !ended(i) && states_[i].looks_parked < kLooksToAccuse;
    }
    if (rest == Rest::kBusy || patient || all_ended()) continue;
    if (level_wakes_every_waiter() && !signals_.guilty) {
      accuse("stuck-waiter", "I8",
             "a thread stays asleep in kevent() without a timeout although a level-triggered READ "
             "knote on its kqueue is ready");
    }
    if (++signals_sent > kSignalsToGiveUp) {
      accuse("stuck-waiter", "2.11", "a thread does not leave the subject even when interrupted");
      give_up();
    }
    signals_.released = true;
    race_.release(self_);
    for (size_t i = 0; i < threads_.size(); ++i) {
      if (!ended(i)) environment().subject->interrupt(threads_[i].native_handle(), kReleaseSignal);
    }
  }
  for (std::thread& thread : threads_) thread.join();
}

// The threads cannot be ended, so neither can the process end well: report what is known and go.
void Round::give_up() {
  report();
  std::fflush(nullptr);
  announce_exit(kExitFinding);
  ::_exit(kExitFinding);
}

void Round::run() {
  const uint64_t races_before = reported_races();
  race_.setup(self_);
  start();
  wait_for_slice();
  signals_.stop = true;
  const bool quiescent = wait_for_quiescence();
  if (quiescent) race_.judge(self_);
  reap();
  parking_.clear();
  check();
  if (!signals_.guilty) race_.verify(self_);
  if (!signals_.guilty && !quiescent) {
    accuse("phantom", "I10",
           "the kqueue keeps returning events although nothing is left that could cause them");
  }
  if (!signals_.guilty && reported_races() != races_before) {
    accuse("race", "", "ThreadSanitizer reported a data race; its report is on stderr");
  }
}

void Round::check() {
  const Environment& env = environment();
  checked_ = contract::check_history(recorder_.view(), *env.profile, *env.host, kBounds);
  if (checked_.violation) signals_.guilty = true;
}

void Round::report() const {
  const Accusation* first = nullptr;
  for (const auto& lane : lanes_) {
    const auto& accusation = lane->accusation();
    if (accusation && (!first || accusation->time < first->time)) first = &*accusation;
  }
  const auto& violation = checked_.violation;
  if (!first && !violation) return;
  const Environment& env = environment();
  Finding finding;
  finding.verdict = violation ? violation->verdict : first->verdict;
  finding.rule = violation ? violation->rule : first->rule;
  finding.message = violation ? violation->message : first->message;
  finding.engine = "stress";
  finding.scenario = name_;
  finding.subject = env.subject->spec();
  finding.profile = env.subject->profile();
  finding.seed = env.settings.seed;
  finding.detail.push_back("run again: kq_stress --gtest_filter=" + name_ + " " +
                           as_flags(env.settings) + " --jitter=" + std::to_string(spread_) +
                           "   (found in round " + std::to_string(self_.round()) + ")");
  if (first) {
    if (violation) finding.detail.push_back("seen before that: " + first->message);
    finding.detail.insert(finding.detail.end(), first->facts.begin(), first->facts.end());
  }
  const contract::HistoryView history = recorder_.view();
  finding.lanes = violation ? lanes_of(history, *violation) : last_lanes(history, kLastCalls);
  count_finding();
  save_finding(finding);
}

}  // namespace kqtorture
