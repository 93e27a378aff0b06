// When does a call look at its timeout, and what does it wait for? An invalid timeout is noticed
// late on FreeBSD: after the changes took effect, and only by a call that is about to scan.
#include <csignal>
#include <ctime>

#include "objects.h"

namespace kqtorture {
namespace {

constexpr timespec kHour{3600, 0};

class InvalidTimeout : public KqueueTest, public ::testing::WithParamInterface<timespec> {};

TEST_P(InvalidTimeout, IsEinvalAfterTheChangesTookEffect) {
  REQUIRE_KNOB(knob().timeout_check == TimeoutCheck::kLate);
  EXPECT_EQ(call(kq_, {ev(1, filter::kUser, flag::kAdd)}, 1, &GetParam()).error, EINVAL);
  EXPECT_EQ(submit(kq_, ev(1, filter::kUser, flag::kDelete)), 0);
}

TEST_P(InvalidTimeout, IsEinvalBeforeAnyChange) {
  REQUIRE_KNOB(knob().timeout_check == TimeoutCheck::kEarly);
  EXPECT_EQ(call(kq_, {ev(1, filter::kUser, flag::kAdd)}, 1, &GetParam()).error, EINVAL);
  EXPECT_EQ(submit(kq_, ev(1, filter::kUser, flag::kDelete)), ENOENT);
}

TEST_P(InvalidTimeout, WithoutRoomForEvents) {
  REQUIRE_KNOB(knob().timeout_check != TimeoutCheck::kUntold);
  const int expected = knob().timeout_check == TimeoutCheck::kEarly ? EINVAL : 0;
  EXPECT_EQ(call(kq_, {}, 0, &GetParam()).error, expected);
}

TEST_P(InvalidTimeout, IsNotLookedAtWhenAnEntryEndsTheCall) {
  REQUIRE_KNOB(knob().timeout_check == TimeoutCheck::kLate);
  EXPECT_EQ(call(kq_, {ev(1, filter::kUser, flag::kAdd | flag::kReceipt)}, 1, &GetParam()).count,
            1);
}

TEST_P(InvalidTimeout, ConsumesNothing) {
  REQUIRE_KNOB(knob().timeout_check != TimeoutCheck::kUntold);
  ASSERT_EQ(submit(kq_, {ev(1, filter::kUser, flag::kAdd | flag::kOneshot), trigger(1)}), 0);
  EXPECT_EQ(call(kq_, {}, 1, &GetParam()).error, EINVAL);
  EXPECT_EQ(only_event(kq_).ident, 1u);
}

INSTANTIATE_TEST_SUITE_P(Timeouts, InvalidTimeout,
                         ::testing::Values(timespec{-1, 0}, timespec{0, -1},
                                           timespec{0, 1000000000}),
                         [](const auto& instance) {
                           if (instance.param.tv_sec < 0) return "NegativeSeconds";
                           return instance.param.tv_nsec < 0 ? "NegativeNanoseconds"
                                                             : "NanosecondsTooLarge";
                         });

using Timeout = KqueueTest;

TEST_F(Timeout, ZeroPolls) { EXPECT_EQ(call(kq_, {}, 4, &kNoWait).count, 0); }

TEST_F(Timeout, WithoutRoomReturnsAtOnceEvenWithoutALimit) {
  EXPECT_EQ(call(kq_, {}, 0, nullptr).count, 0);
}

TEST_F(Timeout, WithoutRoomNothingIsConsumed) {
  ASSERT_EQ(submit(kq_, {ev(1, filter::kUser, flag::kAdd | flag::kOneshot), trigger(1)}), 0);
  EXPECT_EQ(call(kq_, {}, 0, nullptr).count, 0);
  EXPECT_EQ(only_event(kq_).ident, 1u);
}

TEST_F(Timeout, ReturnsZeroOnlyAfterTheWholeTimeout) {
  const timespec limit{0, 30000000};
  const int64_t begin = now_ns();
  EXPECT_EQ(call(kq_, {}, 4, &limit).count, 0);
  EXPECT_GE(now_ns() - begin, 30000000);
}

TEST_F(Timeout, ShortTimeoutIsNotCutToZero) {
  const timespec limit{0, 1500000};
  const int64_t begin = now_ns();
  EXPECT_EQ(call(kq_, {}, 4, &limit).count, 0);
  EXPECT_GE(now_ns() - begin, 1500000);
}

TEST_F(Timeout, LargestNanosecondsAreValid) {
  const timespec limit{0, 999999999};
  ASSERT_EQ(submit(kq_, {ev(1, filter::kUser, flag::kAdd), trigger(1)}), 0);
  EXPECT_EQ(call(kq_, {}, 4, &limit).count, 1);
}

TEST_F(Timeout, HugeTimeoutIsNoLimit) {
  const timespec limit{INT64_MAX, 999999999};
  ASSERT_EQ(submit(kq_, ev(1, filter::kUser, flag::kAdd)), 0);
  Waiter waiter(kq_, 4, &limit);
  waiter.wait_until_parked();
  EXPECT_FALSE(waiter.returned());
  ASSERT_EQ(submit(kq_, trigger(1)), 0);
  EXPECT_EQ(waiter.join().count, 1);
}

TEST_F(Timeout, AnEventEndsALimitedWait) {
  ASSERT_EQ(submit(kq_, ev(1, filter::kUser, flag::kAdd)), 0);
  Waiter waiter(kq_, 4, &kHour);
  waiter.wait_until_parked();
  ASSERT_EQ(submit(kq_, trigger(1)), 0);
  EXPECT_EQ(waiter.join().count, 1);
}

TEST_F(Timeout, ChangesOfTheCallCountForItsOwnScan) {
  const Outcome outcome = call(kq_, {ev(1, filter::kUser, flag::kAdd), trigger(1)}, 4, &kHour);
  ASSERT_EQ(outcome.count, 1);
  EXPECT_EQ(outcome.entries[0].ident, 1u);
}

TEST_F(Timeout, NothingIsReturnedBeyondTheRoom) {
  for (uintptr_t i = 1; i <= 3; ++i) {
    ASSERT_EQ(submit(kq_, {ev(i, filter::kUser, flag::kAdd | flag::kOneshot), trigger(i)}), 0);
  }
  EXPECT_EQ(poll_events(kq_, 2).size(), 2u);
  EXPECT_EQ(poll_events(kq_, 2).size(), 1u);
}

TEST_F(Timeout, IsNotShortenedByWakeUpsThatBringNothing) {
  ASSERT_EQ(submit(kq_, ev(1, filter::kUser, flag::kAdd)), 0);
  const timespec limit{0, 60000000};
  const int64_t begin = now_ns();
  Waiter waiter(kq_, 4, &limit);
  waiter.wait_until_parked();
  // Triggered and taken back before anyone can be handed it, most of the time.
  for (int i = 0; i < 20 && !waiter.returned(); ++i) {
    ASSERT_EQ(submit(kq_, {ev(2, filter::kUser, flag::kAdd | flag::kDisable), trigger(2),
                           ev(2, filter::kUser, flag::kDelete)}),
              0);
    sleep_ms(1);
  }
  const Outcome outcome = waiter.join();
  EXPECT_EQ(outcome.count, 0);
  EXPECT_GE(now_ns() - begin, 60000000);
}

// Signals: the call ends with EINTR, is never restarted, and its changes have been applied.
class Interrupted : public KqueueTest {
 protected:
  void SetUp() override {
    KqueueTest::SetUp();
    struct sigaction action {};
    action.sa_handler = [](int) {};
    action.sa_flags = SA_RESTART;
    sigaction(SIGUSR1, &action, &before_);
  }
  void TearDown() override { sigaction(SIGUSR1, &before_, nullptr); }

  // A signal that arrives before the thread sleeps is spent, so it is sent until one interrupts.
  static Outcome interrupt(Waiter& waiter) {
    waiter.wait_until_parked();
    while (!waiter.returned()) {
      subject().interrupt(waiter.native_handle(), SIGUSR1);
      sleep_ms(5);
    }
    return waiter.join();
  }

  struct sigaction before_ {};
};

TEST_F(Interrupted, AnUnlimitedWaitEndsWithEintr) {
  Waiter waiter(kq_);
  EXPECT_EQ(interrupt(waiter).error, EINTR);
}

TEST_F(Interrupted, ALimitedWaitEndsWithEintr) {
  Waiter waiter(kq_, 8, &kHour);
  EXPECT_EQ(interrupt(waiter).error, EINTR);
}

TEST_F(Interrupted, TheChangesHaveBeenApplied) {
  Waiter waiter(kq_, 8, nullptr, {ev(1, filter::kUser, flag::kAdd)});
  EXPECT_EQ(interrupt(waiter).error, EINTR);
  EXPECT_EQ(submit(kq_, ev(1, filter::kUser, flag::kDelete)), 0);
}

}  // namespace
}  // namespace kqtorture
