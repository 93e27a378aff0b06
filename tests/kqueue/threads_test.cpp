// What do threads in one kqueue see of each other? A waiter is woken by whatever another thread
// does, holds up nobody, and single-consumer events go to one thread only.
#include <atomic>

#include "objects.h"

namespace kqtorture {
namespace {

class Threads : public PipeTest {
 protected:
  uintptr_t fd() const { return static_cast<uintptr_t>(int{pipe_.near}); }
  Kevent read_ev(int flags) const { return ev(fd(), filter::kRead, static_cast<uint16_t>(flags)); }
  // Waiters that are asleep in the kqueue.
  std::vector<Waiter> park(int count) {
    std::vector<Waiter> waiters;
    for (int i = 0; i < count; ++i) waiters.emplace_back(kq_);
    for (const Waiter& waiter : waiters) waiter.wait_until_parked();
    return waiters;
  }
  static int returned(const std::vector<Waiter>& waiters) {
    int count = 0;
    for (const Waiter& waiter : waiters) count += waiter.returned() ? 1 : 0;
    return count;
  }
  // Waits for the first to return, and until the others sleep again.
  static void settle(const std::vector<Waiter>& waiters) {
    constexpr int kLooks = 20000;
    for (int look = 0; look < kLooks && returned(waiters) == 0; ++look) sleep_ms(1);
    for (const Waiter& waiter : waiters) waiter.wait_until_parked();
  }
  // It is not woken by what has just happened, and by USER event 1 it is.
  void must_sleep_until_triggered(Waiter* waiter) {
    waiter->wait_until_parked();
    EXPECT_FALSE(waiter->returned());
    ASSERT_EQ(submit(kq_, trigger(1)), 0);
    const Outcome outcome = waiter->join();
    ASSERT_EQ(outcome.count, 1);
    EXPECT_EQ(outcome.entries[0].ident, 1u);
  }
  // Lets everybody who still waits go, with a level event.
  void release_all(std::vector<Waiter>& waiters) {
    ASSERT_EQ(submit(kq_, {ev(777, filter::kUser, flag::kAdd), trigger(777)}), 0);
    for (Waiter& waiter : waiters) waiter.join();
  }
};

TEST_F(Threads, ATriggerWakesAWaiter) {
  ASSERT_EQ(submit(kq_, ev(1, filter::kUser, flag::kAdd | flag::kClear)), 0);
  Waiter waiter(kq_);
  waiter.wait_until_parked();
  ASSERT_EQ(submit(kq_, trigger(1)), 0);
  const Outcome outcome = waiter.join();
  ASSERT_EQ(outcome.count, 1);
  EXPECT_EQ(outcome.entries[0].ident, 1u);
}

TEST_F(Threads, DataWakesAWaiter) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  Waiter waiter(kq_);
  waiter.wait_until_parked();
  put(pipe_.far, 1);
  EXPECT_EQ(waiter.join().count, 1);
}

TEST_F(Threads, AddOfAReadyDescriptorWakesAWaiter) {
  put(pipe_.far, 1);
  Waiter waiter(kq_);
  waiter.wait_until_parked();
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  EXPECT_EQ(waiter.join().count, 1);
}

TEST_F(Threads, EnableWakesAWaiter) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kDispatch)), 0);
  ASSERT_EQ(poll_events(kq_).size(), 1u);
  Waiter waiter(kq_);
  waiter.wait_until_parked();
  ASSERT_EQ(submit(kq_, read_ev(flag::kEnable)), 0);
  EXPECT_EQ(waiter.join().count, 1);
}

TEST_F(Threads, APlainChangeOfAReadyClearKnoteWakesAWaiter) {
  REQUIRE_KNOB(knob().plain_change_reevaluates);
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kClear)), 0);
  ASSERT_EQ(poll_events(kq_).size(), 1u);
  Waiter waiter(kq_);
  waiter.wait_until_parked();
  ASSERT_EQ(submit(kq_, read_ev(0)), 0);
  EXPECT_EQ(waiter.join().count, 1);
}

TEST_F(Threads, ForceoneshotWakesAWaiter) {
  REQUIRE_KNOB(knob().forceoneshot);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  Waiter waiter(kq_);
  waiter.wait_until_parked();
  ASSERT_EQ(submit(kq_, read_ev(flag::kForceOneshot)), 0);
  const Outcome outcome = waiter.join();
  ASSERT_EQ(outcome.count, 1);
  EXPECT_EQ(outcome.entries[0].flags, final_flags(0));
}

TEST_F(Threads, EofWakesAWaiter) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  Waiter waiter(kq_);
  waiter.wait_until_parked();
  pipe_.far.reset();
  const Outcome outcome = waiter.join();
  ASSERT_EQ(outcome.count, 1);
  EXPECT_TRUE(outcome.entries[0].flags & flag::kEof);
}

TEST_F(Threads, NewRoomWakesAWaiter) {
  fill(pipe_.far);
  ASSERT_EQ(submit(kq_, ev(static_cast<uintptr_t>(int{pipe_.far}), filter::kWrite, flag::kAdd)), 0);
  Waiter waiter(kq_);
  waiter.wait_until_parked();
  EXPECT_FALSE(waiter.returned());
  drain(pipe_.near);
  EXPECT_EQ(waiter.join().count, 1);
}

TEST_F(Threads, NothingWakesAWaiterWithoutAnEvent) {
  ASSERT_EQ(submit(kq_, {read_ev(flag::kAdd | flag::kDisable), ev(1, filter::kUser, flag::kAdd)}),
            0);
  Waiter waiter(kq_);
  waiter.wait_until_parked();
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, {ev(2, filter::kUser, flag::kAdd), ev(2, filter::kUser, flag::kDelete)}),
            0);
  must_sleep_until_triggered(&waiter);
}

TEST_F(Threads, AWaiterHoldsNobodyUp) {
  std::vector<Waiter> waiters = park(3);
  for (uintptr_t i = 0; i < 500; ++i) {
    ASSERT_EQ(submit(kq_, {read_ev(flag::kAdd), read_ev(flag::kDisable), read_ev(flag::kDelete),
                           ev(i, filter::kUser, flag::kAdd)}),
              0);
    ASSERT_TRUE(silent(kq_));
  }
  EXPECT_EQ(returned(waiters), 0);
  release_all(waiters);
}

TEST_F(Threads, EveryWaiterIsToldOfALevelEvent) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  std::vector<Waiter> waiters = park(4);
  put(pipe_.far, 1);
  for (Waiter& waiter : waiters) {
    const Outcome outcome = waiter.join();
    ASSERT_EQ(outcome.count, 1);
    EXPECT_EQ(outcome.entries[0].ident, fd());
  }
}

class SingleConsumer : public Threads, public ::testing::WithParamInterface<uint16_t> {};

TEST_P(SingleConsumer, OneWaiterGetsADescriptorsEvent) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | GetParam())), 0);
  std::vector<Waiter> waiters = park(4);
  put(pipe_.far, 1);
  settle(waiters);
  EXPECT_EQ(returned(waiters), 1);
  release_all(waiters);
}

TEST_P(SingleConsumer, OneWaiterGetsATrigger) {
  ASSERT_EQ(submit(kq_, ev(1, filter::kUser, flag::kAdd | GetParam())), 0);
  std::vector<Waiter> waiters = park(4);
  ASSERT_EQ(submit(kq_, trigger(1)), 0);
  settle(waiters);
  EXPECT_EQ(returned(waiters), 1);
  release_all(waiters);
}

TEST_P(SingleConsumer, TwoEventsReachTwoCallsOrOneButEachOnce) {
  ASSERT_EQ(submit(kq_, {ev(1, filter::kUser, flag::kAdd | GetParam()),
                         ev(2, filter::kUser, flag::kAdd | GetParam())}),
            0);
  std::vector<Waiter> waiters = park(3);
  ASSERT_EQ(submit(kq_, {trigger(1), trigger(2)}), 0);
  settle(waiters);
  ASSERT_EQ(submit(kq_, {ev(777, filter::kUser, flag::kAdd), trigger(777)}), 0);
  int seen[3] = {};
  for (Waiter& waiter : waiters) {
    for (const Kevent& event : waiter.join().entries) {
      if (event.ident <= 2) ++seen[event.ident];
    }
  }
  EXPECT_EQ(seen[1], 1);
  EXPECT_EQ(seen[2], 1);
}

INSTANTIATE_TEST_SUITE_P(Flags, SingleConsumer,
                         ::testing::Values(flag::kOneshot, flag::kClear, flag::kDispatch),
                         [](const auto& instance) {
                           if (instance.param == flag::kOneshot) return "Oneshot";
                           return instance.param == flag::kClear ? "Clear" : "Dispatch";
                         });

TEST_F(Threads, AsManyWaitersAreServedAsThereAreEvents) {
  constexpr int kCount = 4;
  for (uintptr_t i = 0; i < kCount; ++i) {
    ASSERT_EQ(submit(kq_, ev(i, filter::kUser, flag::kAdd | flag::kOneshot)), 0);
  }
  std::vector<Waiter> waiters;
  for (int i = 0; i < kCount; ++i) waiters.emplace_back(kq_, 1);
  for (const Waiter& waiter : waiters) waiter.wait_until_parked();
  for (uintptr_t i = 0; i < kCount; ++i) ASSERT_EQ(submit(kq_, trigger(i)), 0);
  unsigned seen = 0;
  for (Waiter& waiter : waiters) {
    const Outcome outcome = waiter.join();
    ASSERT_EQ(outcome.count, 1);
    seen |= 1u << outcome.entries[0].ident;
  }
  EXPECT_EQ(seen, 0xfu);
}

TEST_F(Threads, EventsOfOneCallServeSeveralWaiters) {
  constexpr int kCount = 4;
  std::vector<Kevent> triggers;
  for (uintptr_t i = 0; i < kCount; ++i) {
    ASSERT_EQ(submit(kq_, ev(i, filter::kUser, flag::kAdd | flag::kOneshot)), 0);
    triggers.push_back(trigger(i));
  }
  std::vector<Waiter> waiters;
  for (int i = 0; i < kCount; ++i) waiters.emplace_back(kq_, 1);
  for (const Waiter& waiter : waiters) waiter.wait_until_parked();
  ASSERT_EQ(submit(kq_, triggers), 0);
  for (Waiter& waiter : waiters) EXPECT_EQ(waiter.join().count, 1);
}

TEST_F(Threads, DeleteUnderAWaiter) {
  ASSERT_EQ(submit(kq_, {read_ev(flag::kAdd), ev(1, filter::kUser, flag::kAdd)}), 0);
  Waiter waiter(kq_);
  waiter.wait_until_parked();
  ASSERT_EQ(submit(kq_, read_ev(flag::kDelete)), 0);
  put(pipe_.far, 1);
  must_sleep_until_triggered(&waiter);
}

TEST_F(Threads, CloseOfAWatchedDescriptorUnderAWaiterDoesNotWakeIt) {
  REQUIRE_KNOB(knob().close_removes_knotes);
  ASSERT_EQ(submit(kq_, {read_ev(flag::kAdd), ev(1, filter::kUser, flag::kAdd)}), 0);
  Waiter waiter(kq_);
  waiter.wait_until_parked();
  pipe_.near.reset();
  must_sleep_until_triggered(&waiter);
}

// Whatever wakes the waiters, or frees what they wait in, must not go by the number.
TEST_F(Threads, WhoTakesTheNumberOfAClosedKqueueIsLeftAlone) {
  for (int round = 0; round < 20; ++round) {
    const Fd number(subject().kqueue());
    const timespec limit{0, 20000000};
    std::vector<Waiter> waiters;
    for (int i = 0; i < 3; ++i) waiters.emplace_back(number, 1, &limit);
    for (const Waiter& waiter : waiters) waiter.wait_until_parked();
    const Pair fresh = open_pipe();
    const auto near = static_cast<uintptr_t>(int{fresh.near});
    ASSERT_EQ(submit(kq_, ev(near, filter::kRead, flag::kAdd)), 0);
    ASSERT_EQ(subject().calls().dup2(fresh.far, number), int{number});
    for (Waiter& waiter : waiters) EXPECT_LE(waiter.join().count, 0);
    sleep_ms(1);
    ASSERT_TRUE(silent(kq_)) << "in round " << round;
    ASSERT_EQ(submit(kq_, ev(near, filter::kRead, flag::kDelete)), 0);
  }
}

TEST_F(Threads, ClosingTheKqueueDoesNotWakeItsWaiterWhichStillReceives) {
  REQUIRE_KNOB(knob().close_under_waiter == CloseUnderWaiter::kNotWoken);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  Waiter waiter(kq_);
  waiter.wait_until_parked();
  const int number = kq_;
  kq_.reset();
  waiter.wait_until_parked();
  EXPECT_FALSE(waiter.returned());
  EXPECT_EQ(call(number, {}, 1).error, knob().closed_kqueue);
  put(pipe_.far, 1);
  const Outcome outcome = waiter.join();
  ASSERT_EQ(outcome.count, 1);
  EXPECT_EQ(outcome.entries[0].ident, fd());
}

TEST_F(Threads, ClosingTheKqueueWakesItsWaiterWithEbadf) {
  REQUIRE_KNOB(knob().close_under_waiter == CloseUnderWaiter::kWoken);
  Waiter waiter(kq_);
  waiter.wait_until_parked();
  kq_.reset();
  EXPECT_EQ(waiter.join().error, EBADF);
}

TEST_F(Threads, AWaiterOfAClosedKqueueStillReceivesATimer) {
  REQUIRE_KNOB(knob().close_under_waiter == CloseUnderWaiter::kNotWoken);
  ASSERT_EQ(submit(kq_, ev(1, filter::kTimer, flag::kAdd | flag::kOneshot, 0, 60)), 0);
  Waiter waiter(kq_);
  waiter.wait_until_parked();
  kq_.reset();
  const Outcome outcome = waiter.join();
  ASSERT_EQ(outcome.count, 1);
  EXPECT_EQ(outcome.entries[0].filter, filter::kTimer);
}

TEST_F(Threads, ManyWaitersOfAClosedKqueueAllReceive) {
  REQUIRE_KNOB(knob().close_under_waiter == CloseUnderWaiter::kNotWoken);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  std::vector<Waiter> waiters = park(8);
  kq_.reset();
  EXPECT_EQ(returned(waiters), 0);
  put(pipe_.far, 1);
  for (Waiter& waiter : waiters) EXPECT_EQ(waiter.join().count, 1);
}

TEST_F(Threads, ALimitedWaiterOfAClosedKqueueTimesOut) {
  REQUIRE_KNOB(knob().close_under_waiter == CloseUnderWaiter::kNotWoken);
  const timespec limit{0, 80000000};
  Waiter waiter(kq_, 8, &limit);
  waiter.wait_until_parked();
  kq_.reset();
  EXPECT_EQ(waiter.join().count, 0);
}

TEST_F(Threads, TheNumberOfAClosedKqueueBelongsToItsNextOwner) {
  REQUIRE_KNOB(knob().close_under_waiter == CloseUnderWaiter::kNotWoken);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  Waiter waiter(kq_);
  waiter.wait_until_parked();
  const int number = kq_;
  kq_.reset();
  const Fd fresh(subject().kqueue());
  if (fresh == number) {
    ASSERT_EQ(submit(fresh, {ev(1, filter::kUser, flag::kAdd), trigger(1)}), 0);
    waiter.wait_until_parked();
    EXPECT_FALSE(waiter.returned()) << "the old waiter is not in the new kqueue";
  }
  put(pipe_.far, 1);
  const Outcome outcome = waiter.join();
  ASSERT_EQ(outcome.count, 1);
  EXPECT_EQ(outcome.entries[0].filter, filter::kRead);
}

TEST_F(Threads, APollSeesWhatAnotherThreadFinishedBefore) {
  ASSERT_EQ(submit(kq_, ev(1, filter::kUser, flag::kAdd | flag::kClear)), 0);
  for (int i = 0; i < 50; ++i) {
    std::thread([this] { EXPECT_EQ(submit(kq_, trigger(1)), 0); }).join();
    EXPECT_EQ(poll_events(kq_).size(), 1u);
    std::thread([this] { put(pipe_.far, 1); }).join();
    ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kOneshot)), 0);
    EXPECT_EQ(poll_events(kq_).size(), 1u);
  }
}

TEST_F(Threads, AWaiterDoesNotHideAnEventFromALaterPoll) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  std::vector<Waiter> waiters = park(2);
  put(pipe_.far, 1);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
  for (Waiter& waiter : waiters) EXPECT_EQ(waiter.join().count, 1);
}

TEST_F(Threads, ConcurrentAddsOfOneKeyMakeOneKnote) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 100;
  for (int round = 0; round < kRounds; ++round) {
    std::atomic<int> ready{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        ++ready;
        while (ready < kThreads) std::this_thread::yield();
        EXPECT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(submit(kq_, read_ev(flag::kDelete)), 0);
    EXPECT_EQ(submit(kq_, read_ev(flag::kDelete)), ENOENT);
  }
}

TEST_F(Threads, ConcurrentDeletesOfOneKeySucceedOnce) {
  constexpr int kThreads = 3;
  for (int round = 0; round < 100; ++round) {
    ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
    std::atomic<int> ready{0};
    std::atomic<int> succeeded{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        ++ready;
        while (ready < kThreads) std::this_thread::yield();
        const int error = submit(kq_, read_ev(flag::kDelete));
        EXPECT_TRUE(error == 0 || error == ENOENT) << error;
        if (error == 0) ++succeeded;
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(succeeded, 1);
  }
}

}  // namespace
}  // namespace kqtorture
