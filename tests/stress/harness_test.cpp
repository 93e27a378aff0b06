// The harness itself: does the runner see a thread that sleeps where it may not, one that cannot be
// woken, a race that did nothing? A judge of liveness that never accuses would pass every kqueue.
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "stress/lane.h"
#include "stress/lane_chart.h"
#include "stress/parking.h"
#include "stress/runner.h"
#include "stress/settings.h"

namespace kqtorture {
namespace {

class Harness : public testing::Test {
 protected:
  void SetUp() override {
    Environment& env = environment();
    if (!env.subject) {
      env.settings.subject = Subject::default_spec();
      ASSERT_EQ(open_subject(&env), "");
    }
    env.settings.iterations = 2;
    env.settings.seed = 7;
  }
};

// Thread 0 waits, thread 1 drives; each does what the test says.
struct Script {
  void (*waiter)(Lane&) = nullptr;
  void (*driver)(Lane&) = nullptr;
  void (*release)() = nullptr;
  uint64_t work = 1;
};
Script script;

class ScriptedRace : public Race {
 public:
  int threads() const override { return 2; }
  bool waits(int thread) const override { return thread == 0; }
  void setup(Lane&) override {}
  void thread(Lane& self) override { (waits(self.index()) ? script.waiter : script.driver)(self); }
  void judge(Lane&) override {}
  void release(Lane&) override {
    if (script.release) script.release();
  }
  void verify(Lane& self) override {
    for (uint64_t i = 0; i < script.work; ++i) self.count(0);
  }
  std::vector<const char*> work() const override { return {"pieces of work"}; }
};

void run_script() {
  run_race("Harness.Script", [] { return std::make_unique<ScriptedRace>(); });
}
void do_nothing(Lane&) {}
// Sleeps until a signal interrupts it: what a lost wake-up looks like.
void sleep_for_ever(Lane&) { ::pause(); }

std::atomic<bool> told_to_leave{false};
void wait_to_be_told(Lane&) { told_to_leave.wait(false); }
void tell() {
  told_to_leave = true;
  told_to_leave.notify_all();
}

TEST_F(Harness, RaceWhoseWaitersCanBeReleasedIsClean) {
  told_to_leave = false;
  script = {wait_to_be_told, do_nothing, tell};
  const Outcome before = outcome();
  run_script();
  EXPECT_EQ(outcome().findings, before.findings);
  EXPECT_EQ(outcome().rounds, before.rounds + 2);
}

TEST_F(Harness, WaiterThatNothingWakesIsAFindingAndIsInterrupted) {
  script = {sleep_for_ever, do_nothing, nullptr};
  const Outcome before = outcome();
  EXPECT_FATAL_FAILURE(run_script(), "broke its contract");
  EXPECT_EQ(outcome().findings, before.findings + 1);
}

TEST_F(Harness, DriverThatSleepsIsAFinding) {
  script = {do_nothing, sleep_for_ever, nullptr};
  const Outcome before = outcome();
  EXPECT_FATAL_FAILURE(run_script(), "broke its contract");
  EXPECT_EQ(outcome().findings, before.findings + 1);
}

TEST_F(Harness, SlowDriverIsNoFinding) {
  told_to_leave = false;
  // Longer than any patience of the runner, and busy: time alone is no verdict.
  script = {wait_to_be_told,
            [](Lane&) {
              const uint64_t until = now_ns() + 300'000'000;
              while (now_ns() < until) {
              }
            },
            tell};
  const Outcome before = outcome();
  run_script();
  EXPECT_EQ(outcome().findings, before.findings);
}

// Lets its driver act and end at the worst moment: after the runner has seen the waiter asleep, and
// before it looks whether the driver has ended.
class LateDriver : public Race {
 public:
  int threads() const override { return 2; }
  bool waits(int thread) const override {
    // The runner asks this throughout; sooner or later in the middle of a look.
    if (thread == 0 && ++questions_ == 300) {
      go_ = true;
      done_.wait(false);
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return thread == 0;
  }
  void setup(Lane&) override {}
  void thread(Lane& self) override {
    if (self.index() == 1) {
      while (!go_) std::this_thread::yield();  // asleep it would be called stuck
      event_ = 1;
      event_.notify_all();
      done_ = true;
      done_.notify_all();
      return;
    }
    event_.wait(0);
    const uint64_t until = now_ns() + 20'000'000;  // awake, but not done with the event
    while (now_ns() < until) {
    }
    seen_ = event_ == 1;
    event_.wait(1);
  }
  void judge(Lane& self) override {
    self.count(0);
    if (!seen_) self.accuse({"lost", "", "judged too early", {}, 0});
  }
  void release(Lane&) override {
    event_ = 2;
    event_.notify_all();
  }
  std::vector<const char*> work() const override { return {"judgements"}; }

 private:
  mutable int questions_ = 0;  // asked by the supervisor alone
  mutable std::atomic<bool> go_{false}, done_{false};
  std::atomic<int> event_{0};
  std::atomic<bool> seen_{false};
};

TEST_F(Harness, RaceIsJudgedWhenWhatTheDriverDidLastHasHappened) {
  environment().settings.iterations = 12;
  const Outcome before = outcome();
  run_race("Harness.LateDriver", [] { return std::make_unique<LateDriver>(); });
  EXPECT_EQ(outcome().findings, before.findings);
}

TEST_F(Harness, AccusationOfAThreadEndsTheRaceInItsFirstRound) {
  script = {[](Lane& self) {
              self.accuse({"duplicate", "I5", "planted", {}, 0});
            },
            do_nothing, nullptr};
  const Outcome before = outcome();
  EXPECT_FATAL_FAILURE(run_script(), "broke its contract");
  EXPECT_EQ(outcome().findings, before.findings + 1);
  EXPECT_EQ(outcome().rounds, before.rounds + 1);
}

TEST_F(Harness, RaceThatExercisedNothingFails) {
  script = {do_nothing, do_nothing, nullptr, 0};
  run_script();  // a number of rounds was asked for, and run
  environment().settings.iterations = 0;
  environment().settings.seconds = 0.001;
  const uint64_t before = outcome().rounds;
  EXPECT_NONFATAL_FAILURE(run_script(), "exercised nothing");
  EXPECT_EQ(outcome().rounds, before + 300) << "it gave the threads time to meet";
}

std::atomic<uint64_t> drawn{0};
TEST_F(Harness, SameSeedIsTheSameLuck) {
  script = {do_nothing, [](Lane& self) { drawn = self.random().next(); }, nullptr};
  run_script();
  const uint64_t first = drawn;
  run_script();
  EXPECT_EQ(drawn, first);
  environment().settings.seed = 8;
  run_script();
  EXPECT_NE(drawn, first);
}

TEST(ParkingLot, ThreadIsParkedExactlyWhileItSleeps) {
  std::atomic<int> phase{0};
  std::atomic<pid_t> id{-1};
  std::thread thread([&] {
    id = current_thread_id();
    while (phase == 0) {
    }
    phase.wait(1);
  });
  while (id == -1) std::this_thread::yield();
  ParkingLot lot;
  lot.watch(nullptr, id);
  for (int i = 0; i < 50; ++i) EXPECT_FALSE(lot.look()[0]);
  phase = 1;
  while (!lot.look()[0]) std::this_thread::yield();
  EXPECT_TRUE(lot.look()[0]);
  phase = 2;
  phase.notify_all();
  thread.join();
}

// A thread that sleeps as long as this lives.
class Sleeper {
 public:
  Sleeper()
      : thread_([this] {
          id_ = current_thread_id();
          done_.wait(false);
        }) {
    while (id_ == -1) std::this_thread::yield();
  }
  ~Sleeper() {
    done_ = true;
    done_.notify_all();
    thread_.join();
  }
  pid_t id() const { return id_; }

 private:
  std::atomic<bool> done_{false};
  std::atomic<pid_t> id_{-1};
  std::thread thread_;
};

TEST(ParkingLot, NobodyIsParkedWhileAChildProcessWorks) {
  ParkingLot lot;
  lot.watch(nullptr, current_thread_id());
  const Sleeper sleeper;
  lot.watch(nullptr, sleeper.id());
  while (!lot.look()[1]) std::this_thread::yield();
  char shell[] = "sh", option[] = "-c", loop[] = "while :; do :; done";
  char* arguments[] = {shell, option, loop, nullptr};
  pid_t child = -1;
  ASSERT_EQ(::posix_spawnp(&child, "sh", nullptr, nullptr, arguments, environ), 0);
  for (int i = 0; i < 50; ++i) EXPECT_FALSE(lot.look()[1]);
  ::kill(child, SIGKILL);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  while (!lot.look()[1]) std::this_thread::yield();
}

// A kqueue may have threads of its own; one that is awake may be about to free a lock.
TEST(ParkingLot, NobodyIsParkedWhileAThreadWorksThatIsNotWatched) {
  const Sleeper sleeper;
  ParkingLot lot;
  lot.watch(nullptr, sleeper.id());
  while (!lot.look()[0]) std::this_thread::yield();
  std::atomic<bool> worked{false};
  std::thread stranger([&] {
    while (!worked) {
    }
  });
  for (int i = 0; i < 50; ++i) EXPECT_FALSE(lot.look()[0]);
  worked = true;
  stranger.join();
  while (!lot.look()[0]) std::this_thread::yield();
}

// A kqueue that delivers what nobody has registered, to a thread that asks for it.
class LyingSubject : public Subject {
 public:
  explicit LyingSubject(std::unique_ptr<Subject> other) : honest(std::move(other)) {
    calls_ = honest->calls();
  }
  int kevent(int kq, const Kevent* changes, int nchanges, Kevent* events, int nevents,
             const timespec* timeout) const override {
    if (nevents == 0) return honest->kevent(kq, changes, nchanges, events, nevents, timeout);
    events[0] = make_change(5, filter::kUser, 0);
    return 1;
  }
  std::unique_ptr<Subject> honest;
};

class LiedTo : public ScriptedRace {
 public:
  void thread(Lane& self) override {
    if (waits(self.index())) return;
    const timespec poll{0, 0};
    Kevent event{};
    const int kq = self.kqueue();
    self.change(kq, make_change(6, filter::kUser, flag::kAdd));
    self.kevent(kq, nullptr, 0, &event, 1, &poll);
    self.close(kq);
  }
};

TEST_F(Harness, HistoryThatNoOrderExplainsIsAFindingWithItsPicture) {
  script = {do_nothing, do_nothing, nullptr};
  const Outcome before = outcome();
  auto lying = std::make_unique<LyingSubject>(std::move(environment().subject));
  LyingSubject* liar = lying.get();
  environment().subject = std::move(lying);
  testing::internal::CaptureStderr();
  EXPECT_FATAL_FAILURE(run_race("Harness.LiedTo", [] { return std::make_unique<LiedTo>(); }),
                       "broke its contract");
  const std::string report = testing::internal::GetCapturedStderr();
  std::unique_ptr<Subject> honest = std::move(liar->honest);
  environment().subject = std::move(honest);
  EXPECT_EQ(outcome().findings, before.findings + 1);
  EXPECT_NE(report.find("phantom"), std::string::npos) << report;
  EXPECT_NE(report.find("no order explains"), std::string::npos) << report;
  EXPECT_NE(report.find(">>"), std::string::npos) << report;
}

TEST(LaneChart, TellsWhoMadeTheCallsWhenAndMarksTheGuiltyOne) {
  using contract::HistoryOp;
  contract::History history;
  history.threads.resize(3);
  const auto call = [&](size_t thread, uint64_t begin, uint64_t end, int fd) {
    HistoryOp op;
    op.kind = contract::OpKind::kClose;
    op.begin = begin;
    op.end = end;
    op.fd = fd;
    history.threads[thread].add(op);
  };
  call(0, 1000, 3000, 7);
  call(1, 2000, 5000, 8);
  call(0, 4000, contract::kUnreturned, 9);
  const Lanes lanes = lanes_of(history.view(), {{0, 1}, {0, 0}, {1, 0}}, contract::OpRef{1, 0});
  EXPECT_EQ(lanes.names, (std::vector<std::string>{"T0", "T1", "S"}));
  ASSERT_EQ(lanes.calls.size(), 3u);
  EXPECT_EQ(lanes.calls[0].lane, 0u);
  EXPECT_EQ(lanes.calls[0].begin, 3.0);
  EXPECT_FALSE(lanes.calls[0].end);
  EXPECT_EQ(lanes.calls[1].begin, 0.0);
  EXPECT_EQ(lanes.calls[1].end, 2.0);
  EXPECT_EQ(lanes.calls[2].lane, 1u);
  EXPECT_NE(lanes.calls[2].text.find("close 8"), std::string::npos) << lanes.calls[2].text;
  EXPECT_TRUE(lanes.calls[2].guilty);
  EXPECT_FALSE(lanes.calls[1].guilty);
  // The guilty call is in the picture though no witness names it.
  contract::Violation violation;
  violation.guilty = {1, 0};
  violation.witnesses = {{0, 0}};
  violation.prefix = {1, 1, 0};
  const Lanes picture = lanes_of(history.view(), violation);
  EXPECT_EQ(picture.calls.size(), 2u);
  EXPECT_NE(picture.caption.find("1 of T0, 1 of T1, 0 of S"), std::string::npos) << picture.caption;
  EXPECT_EQ(last_lanes(history.view(), 2).calls.size(), 2u);
}

ParsedSettings parse(std::vector<std::string> arguments, Settings* settings,
                     std::vector<std::string>* rest) {
  arguments.insert(arguments.begin(), "kq_stress");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  return parse_settings(static_cast<int>(argv.size()), argv.data(), settings, rest);
}

TEST(Settings, FlagsReachTheRacesAndGoogleTestGetsItsOwn) {
  Settings settings;
  std::vector<std::string> rest;
  const auto parsed = parse({"--threads=6", "--objects", "3", "--seconds=0.5", "--seed=99",
                             "--gtest_filter=*", "--iterations=4", "--jitter=4096"},
                            &settings, &rest);
  EXPECT_TRUE(parsed.proceed);
  EXPECT_EQ(settings.threads, 6);
  EXPECT_EQ(settings.objects, 3);
  EXPECT_EQ(settings.seconds, 0.5);
  EXPECT_EQ(settings.seed, 99u);
  EXPECT_EQ(settings.iterations, 4u);
  EXPECT_EQ(settings.jitter, 4096u);
  EXPECT_EQ(rest, std::vector<std::string>{"--gtest_filter=*"});
  EXPECT_NE(describe(settings).find("seed=99"), std::string::npos);
}

TEST(Settings, NonsenseIsAUsageError) {
  for (const char* argument : {"--threads=2", "--threads=many", "--objects=0", "--seconds=-1",
                               "--seed=x", "--unknown", "word"}) {
    Settings settings;
    std::vector<std::string> rest;
    const auto parsed = parse({argument}, &settings, &rest);
    EXPECT_FALSE(parsed.proceed) << argument;
    EXPECT_EQ(parsed.exit_code, 2) << argument;
  }
}

TEST(Settings, WithoutASeedEveryRunHasAnother) {
  ::unsetenv("KQ_SEED");
  Settings first, second;
  std::vector<std::string> rest;
  ASSERT_TRUE(parse({}, &first, &rest).proceed);
  ASSERT_TRUE(parse({}, &second, &rest).proceed);
  EXPECT_NE(first.seed, second.seed);
}

}  // namespace
}  // namespace kqtorture
