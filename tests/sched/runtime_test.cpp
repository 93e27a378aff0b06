// The runtime on a subject whose every bug is known. After a fault a process is of no further use,
// so every case runs in a process of its own (ctest runs them so), and looks for one fault at most.
#include "sched/runtime.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <set>

#include "patient.h"
#include "sched/strategies.h"

namespace kqtorture::sched {
namespace {

using Ending = Schedule::Ending;

class RuntimeTest : public testing::TestWithParam<Engine> {
 protected:
  void SetUp() override {
    std::string why_not;
    if (!Runtime::get().start(GetParam(), &why_not)) GTEST_SKIP() << why_not;
    ASSERT_TRUE(Runtime::get().adopt(reinterpret_cast<void*>(&patient_counter), &why_not))
        << why_not;
  }

  // Thread 0 starts the others, waits for them, and does the rest.
  Schedule run(
      std::vector<std::function<void()>> threads, Strategy* strategy, uint64_t seed,
      std::function<void()> finally = [] {}) {
    Options options;
    options.record = true;
    strategy->begin(seed);
    return Runtime::get().run(
        [&] {
          for (auto& body : threads) {
            Runtime::get().spawn([&body] {
              const InSubject in;
              body();
            });
          }
          joined_ = Runtime::get().join();
          if (!joined_) Runtime::get().abandon();
          const InSubject in;
          finally();
        },
        strategy, options);
  }

  // Schedules until the first that is not as it should be, or all of them.
  Schedule search(const std::vector<std::function<void()>>& threads, int most) {
    auto strategy = make_random_walk();
    Schedule schedule;
    for (tried_ = 1; tried_ <= most; tried_++) {
      schedule = run(threads, strategy.get(), static_cast<uint64_t>(tried_));
      if (schedule.ending != Ending::kDone) break;
    }
    return schedule;
  }

  bool joined_ = false;
  int tried_ = 0;
};

TEST_P(RuntimeTest, IsInstrumented) { EXPECT_TRUE(Runtime::get().instrumented()); }

TEST_P(RuntimeTest, DepthFirstSeesEveryOrderOfTwoUpdates) {
  auto search = make_depth_first(9);
  std::set<int> results;
  std::set<uint64_t> traces;
  while (!search->exhausted()) {
    int result = 0;
    const Schedule schedule = run({patient_lose_update, patient_lose_update}, search.get(), 0,
                                  [&] { result = patient_counter(); });
    ASSERT_EQ(schedule.ending, Ending::kDone);
    results.insert(result);
    traces.insert(schedule.trace);
  }
  EXPECT_FALSE(search->lost_its_way());
  EXPECT_EQ(results, (std::set<int>{1, 2}));
  // Two threads that begin, load and store: six steps of which three are the one's.
  EXPECT_EQ(traces.size(), 20u);
  EXPECT_EQ(search->schedules(), 20u);
}

TEST_P(RuntimeTest, VariablesBeginAsTheyWereBeforeTheFirstSchedule) {
  auto strategy = make_random_walk();
  for (uint64_t seed = 0; seed < 50; seed++) {
    int seen = -1;
    run({patient_update, patient_update, patient_update}, strategy.get(), seed,
        [&] { seen = patient_counter(); });
    ASSERT_EQ(seen, 3);
  }
}

TEST_P(RuntimeTest, AddressesAreTheSameInEverySchedule) {
  auto strategy = make_random_walk();
  void* first = nullptr;
  for (uint64_t seed = 0; seed < 5; seed++) {
    void* address = nullptr;
    run({}, strategy.get(), seed, [&] { address = patient_address(); });
    if (first == nullptr) first = address;
    ASSERT_EQ(address, first);
  }
}

TEST_P(RuntimeTest, ReplayTakesTheSameWay) {
  auto strategy = make_random_walk();
  const std::vector<std::function<void()>> threads = {patient_lose_update, patient_write_locked,
                                                      patient_write_locked};
  std::set<uint64_t> traces;
  for (uint64_t seed = 0; seed < 100; seed++) {
    const Schedule schedule = run(threads, strategy.get(), seed);
    auto replay = make_replay(schedule.decisions);
    const Schedule again = run(threads, replay.get(), 0);
    ASSERT_EQ(schedule.trace, again.trace);
    ASSERT_FALSE(replay->misfit());
    traces.insert(schedule.trace);
  }
  EXPECT_GT(traces.size(), 20u);
}

TEST_P(RuntimeTest, FindsARaceWithBothStacks) {
  const Schedule schedule = search({patient_write_plainly, patient_write_plainly}, 1);
  ASSERT_EQ(schedule.ending, Ending::kFault);
  EXPECT_EQ(schedule.fault->verdict, "race");
  std::string text;
  for (const std::string& line : schedule.fault->detail) text += line + "\n";
  const size_t one = text.find("patient_write_plainly");
  ASSERT_NE(one, std::string::npos) << text;
  EXPECT_NE(text.find("patient_write_plainly", one + 1), std::string::npos) << text;
}

TEST_P(RuntimeTest, ALockIsNoRace) {
  EXPECT_EQ(search({patient_write_locked, patient_write_locked, patient_write_locked}, 300).ending,
            Ending::kDone);
}

TEST_P(RuntimeTest, FindsADeadlock) {
  search({[] { patient_lock_in_order(0); }, [] { patient_lock_in_order(1); }}, 300);
  EXPECT_FALSE(joined_);
  EXPECT_LE(tried_, 300);
}

TEST_P(RuntimeTest, TheSameOrderIsNoDeadlock) {
  EXPECT_EQ(
      search({[] { patient_lock_in_order(0); }, [] { patient_lock_in_order(0); }}, 300).ending,
      Ending::kDone);
}

TEST_P(RuntimeTest, FindsALostSignal) {
  search({patient_wait_blindly, patient_signal}, 300);
  EXPECT_FALSE(joined_);
}

TEST_P(RuntimeTest, ASignalThatIsLookedForIsNotLost) {
  EXPECT_EQ(search({patient_wait_for_signal, patient_signal}, 300).ending, Ending::kDone);
}

TEST_P(RuntimeTest, FindsAUseAfterFree) {
  const auto make_and_use = [] { patient_use(0); };
  auto strategy = make_random_walk();
  Schedule schedule;
  for (uint64_t seed = 0; seed < 200 && schedule.ending == Ending::kDone; seed++) {
    strategy->begin(seed);
    schedule = Runtime::get().run(
        [&] {
          {
            const InSubject in;
            patient_make();
          }
          for (const auto& body : {std::function<void()>(make_and_use), {patient_free}}) {
            Runtime::get().spawn([body] {
              const InSubject in;
              body();
            });
          }
          Runtime::get().join();
        },
        strategy.get(), Options{});
  }
  ASSERT_EQ(schedule.ending, Ending::kFault);
  EXPECT_EQ(schedule.fault->verdict, "use-after-free");
}

TEST_P(RuntimeTest, SeesAnAccessBehindABlock) {
  auto strategy = make_random_walk();
  const Schedule schedule = run({}, strategy.get(), 0, [] {
    patient_make();
    patient_use(4);
  });
  ASSERT_EQ(schedule.ending, Ending::kFault);
  EXPECT_EQ(schedule.fault->verdict, "crash");
}

TEST_P(RuntimeTest, WhatIsDoneOnceIsDoneOnce) {
  auto strategy = make_random_walk();
  for (uint64_t seed = 0; seed < 200; seed++) {
    int made = 0;
    const auto make = [] { patient_make_once(); };
    const Schedule schedule =
        run({make, make, make}, strategy.get(), seed, [&] { made = patient_make_once(); });
    ASSERT_EQ(schedule.ending, Ending::kDone);
    ASSERT_EQ(made, 2);
  }
}

TEST_P(RuntimeTest, SpinningEndsUnderEveryStrategy) {
  for (const char* name : {"random", "pos", "pct:2", "pct:3", "pct:4"}) {
    std::string error;
    auto strategy = strategy_named(name, &error);
    ASSERT_NE(strategy, nullptr) << error;
    for (uint64_t seed = 0; seed < 50; seed++) {
      const Schedule schedule = run({[] { patient_spin_until(2); }, patient_update, patient_update},
                                    strategy.get(), seed);
      ASSERT_EQ(schedule.ending, Ending::kDone) << name << " seed " << seed;
    }
  }
}

TEST_P(RuntimeTest, ThreadsOfTheSubjectAreControlled) {
  auto strategy = make_random_walk();
  for (uint64_t seed = 0; seed < 50; seed++) {
    long result = 0;
    int counted = 0;
    const Schedule schedule = run({[&] { result = patient_start_and_join(); }, patient_update},
                                  strategy.get(), seed, [&] { counted = patient_counter(); });
    ASSERT_EQ(schedule.ending, Ending::kDone);
    ASSERT_EQ(result, 42);
    ASSERT_EQ(counted, 2);
    ASSERT_EQ(schedule.threads, 4u);
  }
}

TEST_P(RuntimeTest, AReadThatWaitsIsWokenByTheWrite) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  auto strategy = make_random_walk();
  for (uint64_t seed = 0; seed < 50; seed++) {
    int got = 0;
    const Schedule schedule =
        run({[&] { got = patient_read_pipe(ends[0]); }, [&] { patient_write_pipe(ends[1]); }},
            strategy.get(), seed);
    ASSERT_EQ(schedule.ending, Ending::kDone);
    ASSERT_EQ(got, 1);
  }
}

TEST_P(RuntimeTest, AnHourCostsNothing) {
  auto strategy = make_random_walk();
  long elapsed = 0;
  unsigned long expirations = 0;
  run({[&] { elapsed = patient_sleep_on_timer(3600, &expirations); }}, strategy.get(), 1);
  EXPECT_GE(elapsed, 3600L * 1000000000);
  EXPECT_LT(elapsed, 3601L * 1000000000);
  EXPECT_EQ(expirations, 1u);
}

// A timer of a nanosecond that nobody reads does not keep time from passing.
TEST_P(RuntimeTest, ATimerThatNobodyReadsEndsNoSleep) {
  auto strategy = make_random_walk();
  for (uint64_t seed = 0; seed < 20; seed++) {
    long elapsed = 0;
    unsigned long expirations = 0;
    const Schedule schedule = run(
        {[&] { elapsed = patient_sleep_beside_timer(300, &expirations); }}, strategy.get(), seed);
    ASSERT_TRUE(joined_);
    ASSERT_EQ(schedule.ending, Ending::kDone);
    ASSERT_GE(elapsed, 300L * 1000000);
    ASSERT_GE(expirations, static_cast<unsigned long>(elapsed));
  }
}

TEST_P(RuntimeTest, ATimerHasOneEdgeUntilItIsAsked) {
  auto strategy = make_random_walk();
  int edges = 0;
  unsigned long expirations = 0;
  run({[&] { edges = patient_edges_of_a_timer(&expirations); }}, strategy.get(), 1);
  EXPECT_TRUE(joined_);
  EXPECT_EQ(edges, 3);
  EXPECT_GE(expirations, 1000000u);
}

TEST_P(RuntimeTest, FindsALostSignalBesideATimer) {
  auto strategy = make_random_walk();
  run({patient_wait_beside_timer}, strategy.get(), 1);
  EXPECT_FALSE(joined_);
}

TEST_P(RuntimeTest, ATimedWaitTimesOutInVirtualTime) {
  auto strategy = make_random_walk();
  int error = 0;
  run({[&] { error = patient_wait_a_while(60'000); }}, strategy.get(), 1);
  EXPECT_EQ(error, ETIMEDOUT);
}

TEST_P(RuntimeTest, WhatTheSubjectLeavesOpenIsClosed) {
  auto strategy = make_random_walk();
  int first = -1, second = -1;
  run({}, strategy.get(), 1, [&] { first = patient_leave_open(); });
  EXPECT_EQ(fcntl(first, F_GETFD), -1);
  run({}, strategy.get(), 1, [&] { second = patient_leave_open(); });
  EXPECT_EQ(first, second);
}

// What the handler of a raised signal did, and where.
struct Handled {
  bool begun = false, ended = false;
  pthread_t thread{};
} handled;

void handle(int) {
  handled.begun = true;
  handled.thread = pthread_self();
  sched_yield();
  handled.ended = true;
}

TEST_P(RuntimeTest, AHandlerRunsOnTheThreadThatRaisesAndOthersMayGoFirst) {
  struct sigaction act {
  }, before{};
  act.sa_handler = handle;
  ASSERT_EQ(sigaction(SIGUSR1, &act, &before), 0);
  bool met = false;
  int wrong = 0;
  const auto raiser = [&] {
    const pthread_t self = pthread_self();
    raise(SIGUSR1);
    wrong += !handled.ended || !pthread_equal(handled.thread, self);
  };
  const auto looker = [&] {
    sched_yield();
    met = met || (handled.begun && !handled.ended);
  };
  auto strategy = make_random_walk();
  for (uint64_t seed = 0; seed < 200; seed++) {
    handled = {};
    ASSERT_EQ(run({raiser, looker}, strategy.get(), seed).ending, Ending::kDone);
  }
  EXPECT_TRUE(met) << "the handler was one step";
  EXPECT_EQ(wrong, 0);
  sigaction(SIGUSR1, &before, nullptr);
}

TEST_P(RuntimeTest, ASignalThatTheThreadBlocksCannotBeRaised) {
  auto strategy = make_random_walk();
  const Schedule schedule = run({[] {
                                  sigset_t set;
                                  sigemptyset(&set);
                                  sigaddset(&set, SIGUSR1);
                                  pthread_sigmask(SIG_BLOCK, &set, nullptr);
                                  raise(SIGUSR1);
                                }},
                                strategy.get(), 1);
  ASSERT_EQ(schedule.ending, Ending::kFault);
  EXPECT_NE(schedule.fault->message.find("blocks"), std::string::npos);
}

TEST_P(RuntimeTest, NamesWhatItCannotControl) {
  auto strategy = make_random_walk();
  const Schedule schedule = run({}, strategy.get(), 1, patient_fork);
  ASSERT_EQ(schedule.ending, Ending::kFault);
  EXPECT_EQ(schedule.fault->verdict, "unsupported");
  EXPECT_NE(schedule.fault->message.find("fork()"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(, RuntimeTest, testing::Values(Engine::kFibers, Engine::kThreads),
                         [](const auto& engine) {
                           return engine.param == Engine::kFibers ? "Fibers" : "Threads";
                         });

}  // namespace
}  // namespace kqtorture::sched
