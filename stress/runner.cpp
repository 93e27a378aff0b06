// The runner. Waiting for quiescence, releasing waiters and naming those that will not be woken is
// the same for every race and lives here; what a race knows lives in the race.
#include "runner.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <thread>

#include "lane_chart.h"
#include "parking.h"
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
constexpr size_t kChartLines = 48;
constexpr int kReleaseSignal = SIGUSR2;

Outcome total;

void on_release_signal(int) {}

void install_release_signal() {
  // Without SA_RESTART: a waiter that nothing else wakes returns EINTR.
  struct sigaction action = {};
  action.sa_handler = on_release_signal;
  sigaction(kReleaseSignal, &action, nullptr);
}

uint64_t mix(uint64_t a, uint64_t b) { return Random(a ^ (b * 0x9e3779b97f4a7c15)).next(); }

uint64_t hash_of(const std::string& text) {
  uint64_t hash = 1469598103934665603u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return hash;
}

class Round {
 public:
  Round(const std::string& name, Race* race, std::vector<std::unique_ptr<Lane>>* lanes,
        Signals* signals)
      : name_(name), race_(*race), lanes_(*lanes), signals_(*signals), self_(*lanes->back()) {}

  void run();
  void report(uint64_t round_number) const;

 private:
  enum class Rest { kBusy, kQuiescent, kDriverStuck };

  void start();
  void wait_for_slice() const;
  bool wait_for_quiescence();
  Rest look();
  void reap();
  void give_up();
  bool ended(size_t thread) const { return states_[thread].ended.load(std::memory_order_acquire); }
  bool all_ended() const;
  bool drivers_ended() const;
  std::vector<const Lane*> lanes() const;
  std::string name_of_sleepers() const;

  struct State {
    std::atomic<bool> ended{false};
    std::atomic<pid_t> id{-1};
    int looks_parked = 0;
  };

  const std::string& name_;
  Race& race_;
  std::vector<std::unique_ptr<Lane>>& lanes_;  // the last one is the supervisor's
  Signals& signals_;
  Lane& self_;
  std::vector<std::thread> threads_;
  std::unique_ptr<State[]> states_;
  std::atomic<bool> go_{false};
  ParkingLot parking_;
};

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

std::vector<const Lane*> Round::lanes() const {
  std::vector<const Lane*> all;
  for (const auto& lane : lanes_) all.push_back(lane.get());
  return all;
}

void Round::wait_for_slice() const {
  const auto until = std::chrono::steady_clock::now() + kSlice;
  bool has_drivers = false;
  for (size_t i = 0; i < threads_.size(); ++i) has_drivers |= !race_.waits(static_cast<int>(i));
  while (!signals_.guilty && std::chrono::steady_clock::now() < until) {
    if (has_drivers && drivers_ended()) return;
    std::this_thread::sleep_for(microseconds(200));
  }
}

Round::Rest Round::look() {
  const std::vector<bool> parked = parking_.look();  // the first one is ourselves
  bool rest = true, everybody_parked = true;
  int patience = kLooksToAccuse;
  for (size_t i = 0; i < threads_.size(); ++i) {
    State& state = states_[i];
    if (ended(i)) continue;
    state.looks_parked = parked[i + 1] ? state.looks_parked + 1 : 0;
    if (!parked[i + 1]) rest = everybody_parked = false;
    if (!race_.waits(static_cast<int>(i))) rest = false;
    patience = std::min(patience, state.looks_parked);
  }
  if (rest) return Rest::kQuiescent;
  if (everybody_parked && patience >= kLooksToAccuse) return Rest::kDriverStuck;
  return Rest::kBusy;
}

std::string Round::name_of_sleepers() const {
  std::string names;
  for (size_t i = 0; i < threads_.size(); ++i) {
    if (!ended(i)) names += (names.empty() ? "T" : ", T") + std::to_string(i);
  }
  return names;
}

// True when the race may be judged; false when somebody is guilty.
bool Round::wait_for_quiescence() {
  uint64_t steps = 0;
  while (!signals_.guilty) {
    switch (look()) {
      case Rest::kQuiescent:
        return true;
      case Rest::kDriverStuck:
        self_.accuse(
            {"deadlock",
             "I8",
             "a thread sleeps in a call that may not block, and nobody is awake to help it",
             {"asleep: " + name_of_sleepers()},
             0,
             0,
             0});
        return false;
      case Rest::kBusy:
        break;
    }
    uint64_t now = 0;
    for (const auto& lane : lanes_) now += lane->steps();
    if (now != steps) note_progress();
    steps = now;
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
    if (environment().traits.level_wakes_every_waiter && !signals_.guilty) {
      self_.accuse(
          {"stuck-waiter",
           "I8",
           "a thread stays asleep in kevent() without a timeout although a level-triggered "
           "READ knote on its kqueue is ready",
           {"asleep: " + name_of_sleepers()},
           0,
           0,
           0});
    }
    if (++signals_sent > kSignalsToGiveUp) give_up();
    signals_.released = true;
    race_.release(self_);
    for (size_t i = 0; i < threads_.size(); ++i) {
      if (!ended(i)) pthread_kill(threads_[i].native_handle(), kReleaseSignal);
    }
  }
  for (std::thread& thread : threads_) thread.join();
}

// The threads cannot be ended, so neither can the process end well: report what is known and go.
void Round::give_up() {
  self_.accuse({"stuck-waiter",
                "2.11",
                "a thread does not leave the subject even when interrupted",
                {"asleep: " + name_of_sleepers()},
                0,
                0,
                0});
  report(self_.round());
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
  if (wait_for_quiescence()) race_.judge(self_);
  reap();
  parking_.clear();
  if (!signals_.guilty) race_.verify(self_, lanes());
  if (!signals_.guilty && reported_races() != races_before) {
    self_.accuse(
        {"race", "", "ThreadSanitizer reported a data race; its report is on stderr", {}, 0, 0, 0});
  }
}

void Round::report(uint64_t round_number) const {
  const Accusation* first = nullptr;
  for (const auto& lane : lanes_) {
    const auto& accusation = lane->accusation();
    if (accusation && (!first || accusation->time < first->time)) first = &*accusation;
  }
  if (!first) return;
  const Environment& env = environment();
  Finding finding;
  finding.verdict = first->verdict;
  finding.rule = first->rule;
  finding.engine = "stress";
  finding.scenario = name_;
  finding.subject = env.subject->spec();
  finding.profile = env.subject->profile();
  finding.seed = env.settings.seed;
  finding.message = first->message;
  finding.detail.push_back("run again: kq_stress --gtest_filter=" + name_ + " " +
                           as_flags(env.settings) + "   (found in round " +
                           std::to_string(round_number) + ")");
  finding.detail.insert(finding.detail.end(), first->facts.begin(), first->facts.end());
  const auto chart = draw_lanes(lanes(), first->ident, first->filter, kChartLines);
  finding.detail.insert(finding.detail.end(), chart.begin(), chart.end());
  ++total.findings;
  save_finding(finding);
}

std::string describe_work(const std::string& name, uint64_t rounds, uint64_t operations,
                          const std::map<std::string, uint64_t>& tallies) {
  std::string text = "[ work     ] " + name + ": " + std::to_string(rounds) + " rounds, " +
                     std::to_string(operations) + " operations";
  for (const auto& [what, count] : tallies) text += ", " + std::to_string(count) + " " + what;
  return text;
}

}  // namespace

Environment& environment() {
  static Environment instance;
  return instance;
}

const Outcome& outcome() { return total; }

std::string current_case() {
  const testing::TestInfo* info = testing::UnitTest::GetInstance()->current_test_info();
  return std::string(info->test_suite_name()) + "." + info->name();
}

void run_race(const std::string& name, const RaceFactory& make) {
  const Environment& env = environment();
  const uint64_t seed = mix(env.settings.seed, hash_of(name));
  const std::string activity = name + " seed " + std::to_string(env.settings.seed);
  note_activity(activity.c_str());
  install_release_signal();

  const int threads = make()->threads();
  Signals signals;
  std::vector<std::unique_ptr<Lane>> lanes;
  for (int i = 0; i <= threads; ++i) {
    lanes.push_back(std::make_unique<Lane>(i, *env.subject, &signals));
  }
  std::map<std::string, uint64_t> tallies;
  const auto until =
      std::chrono::steady_clock::now() + std::chrono::duration_cast<std::chrono::nanoseconds>(
                                             std::chrono::duration<double>(env.settings.seconds));
  uint64_t rounds = 0;
  while (!signals.guilty) {
    if (env.settings.iterations ? rounds >= env.settings.iterations
                                : rounds && std::chrono::steady_clock::now() >= until) {
      break;
    }
    ++rounds;
    signals.stop = signals.released = false;
    for (size_t i = 0; i < lanes.size(); ++i) {
      lanes[i]->begin_round(rounds, mix(seed, rounds * 256 + i));
    }
    try {
      const auto race = make();
      Round round(name, race.get(), &lanes, &signals);
      round.run();
      for (const auto& [what, count] : race->tallies()) tallies[what] += count;
      if (signals.guilty) round.report(rounds);
    } catch (const EnvironmentError& error) {
      std::fprintf(stderr, "kq_stress: %s: %s\n", name.c_str(), error.what());
      total.environment_trouble = true;
      FAIL() << error.what();
    }
    note_progress();
  }
  uint64_t operations = 0;
  for (const auto& lane : lanes) {
    operations += lane->operations();
    total.deliveries += lane->deliveries();
  }
  total.operations += operations;
  total.rounds += rounds;
  ++total.cases;
  std::printf("%s\n", describe_work(name, rounds, operations, tallies).c_str());
  std::fflush(stdout);
  if (signals.guilty) FAIL() << "the subject broke its contract: the finding is on stderr";
  for (const auto& [what, count] : tallies) {
    EXPECT_GT(count, 0u) << name << " exercised nothing: no " << what;
  }
}

}  // namespace kqtorture
