// When does a TIMER fire, and what does it count? Never early; how late is the machine's affair and
// not judged. data is the number of expiries since the last delivery.
#include <ctime>

#include "objects.h"

namespace kqtorture {
namespace {

class Timer : public KqueueTest {
 protected:
  static Kevent timer_ev(int flags, uint32_t fflags = 0, intptr_t data = 0) {
    return ev(1, filter::kTimer, static_cast<uint16_t>(flags), fflags, data);
  }
  // An hour: it does not expire while the test runs.
  static Kevent far_timer(int flags = flag::kAdd) { return timer_ev(flags, 0, 3600000); }
};

struct Unit {
  const char* name;
  uint32_t fflags;
  intptr_t data;
  int64_t ns;
};

class TimerUnit : public Timer, public ::testing::WithParamInterface<Unit> {};

TEST_P(TimerUnit, FiresNotBeforeItsTime) {
  REQUIRE_KNOB(knob().freebsd_timer_units || GetParam().fflags == 0);
  const int64_t begin = now_ns();
  ASSERT_EQ(submit(kq_, timer_ev(flag::kAdd | flag::kOneshot, GetParam().fflags, GetParam().data)),
            0);
  const Kevent event = wait_event(kq_);
  EXPECT_GE(now_ns() - begin, GetParam().ns);
  EXPECT_EQ(event.filter, filter::kTimer);
  EXPECT_GE(event.data, 1);
}

INSTANTIATE_TEST_SUITE_P(Units, TimerUnit,
                         ::testing::Values(Unit{"MillisecondsByDefault", 0, 20, 20000000},
                                           Unit{"Milliseconds", note::kMseconds, 20, 20000000},
                                           Unit{"Microseconds", note::kUseconds, 3000, 3000000},
                                           Unit{"Nanoseconds", note::kNseconds, 4000000, 4000000},
                                           Unit{"Seconds", note::kSeconds, 1, 1000000000}),
                         [](const auto& instance) { return instance.param.name; });

TEST_F(Timer, TwoUnitsAtOnceAreEinval) {
  REQUIRE_KNOB(knob().freebsd_timer_units);
  EXPECT_EQ(submit(kq_, timer_ev(flag::kAdd, note::kSeconds | note::kMseconds, 1)), EINVAL);
  EXPECT_EQ(submit(kq_, timer_ev(flag::kAdd, note::kUseconds | note::kNseconds, 1)), EINVAL);
  EXPECT_EQ(submit(kq_, timer_ev(flag::kDelete)), ENOENT);
}

TEST_F(Timer, UnknownFflagsAreEinval) {
  REQUIRE_KNOB(knob().freebsd_timer_units);
  EXPECT_EQ(submit(kq_, timer_ev(flag::kAdd, 0x20, 1)), EINVAL);
  EXPECT_EQ(submit(kq_, timer_ev(flag::kAdd, note::kMseconds | 0x80000000, 1)), EINVAL);
}

TEST_F(Timer, NegativeDataIsEinval) {
  REQUIRE_KNOB(knob().freebsd_timer_units);
  EXPECT_EQ(submit(kq_, timer_ev(flag::kAdd, 0, -1)), EINVAL);
  EXPECT_EQ(submit(kq_, timer_ev(flag::kAdd, note::kNseconds, INTPTR_MIN)), EINVAL);
}

TEST_F(Timer, DataZeroIsOneUnit) {
  REQUIRE_KNOB(knob().freebsd_timer_units);
  const int64_t begin = now_ns();
  ASSERT_EQ(submit(kq_, timer_ev(flag::kAdd, note::kMseconds, 0)), 0);
  wait_event(kq_);
  EXPECT_GE(now_ns() - begin, 1000000);
}

TEST_F(Timer, DataZeroWithOneshotFires) {
  REQUIRE_KNOB(knob().freebsd_timer_units);
  ASSERT_EQ(submit(kq_, timer_ev(flag::kAdd | flag::kOneshot, note::kSeconds, 0)), 0);
  EXPECT_EQ(flags_of(wait_event(kq_)) & flag::kOneshot, flag::kOneshot);
  EXPECT_EQ(submit(kq_, timer_ev(flag::kDelete)), ENOENT);
}

TEST_F(Timer, ARelativeTimerIsClear) {
  ASSERT_EQ(submit(kq_, timer_ev(flag::kAdd, 0, 2)), 0);
  EXPECT_EQ(flags_of(wait_event(kq_)), flag::kClear);
}

TEST_F(Timer, IsPeriodic) {
  const int64_t begin = now_ns();
  ASSERT_EQ(submit(kq_, timer_ev(flag::kAdd, 0, 3)), 0);
  intptr_t expiries = 0;
  for (int i = 0; i < 5; ++i) expiries += wait_event(kq_).data;
  EXPECT_GE(expiries, 5);
  EXPECT_LE(expiries, (now_ns() - begin) / 3000000 + 1);
  EXPECT_GE(now_ns() - begin, 5 * 3000000);
}

TEST_F(Timer, ExpiriesBeforeADeliveryAreCounted) {
  const int64_t begin = now_ns();
  ASSERT_EQ(submit(kq_, timer_ev(flag::kAdd, 0, 1)), 0);
  sleep_ms(50);
  const Kevent event = wait_event(kq_);
  EXPECT_GE(event.data, 10);
  EXPECT_LE(event.data, (now_ns() - begin) / 1000000 + 1);
}

TEST_F(Timer, ADeliveryResetsTheCount) {
  const int64_t begin = now_ns();
  ASSERT_EQ(submit(kq_, timer_ev(flag::kAdd, 0, 5)), 0);
  sleep_ms(30);
  intptr_t total = wait_event(kq_).data;
  total += wait_event(kq_).data;
  EXPECT_LE(total, (now_ns() - begin) / 5000000 + 1);
}

TEST_F(Timer, IsSilentBeforeItsTime) {
  ASSERT_EQ(submit(kq_, far_timer()), 0);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Timer, OneshotFiresOnceAndIsGone) {
  ASSERT_EQ(submit(kq_, timer_ev(flag::kAdd | flag::kOneshot, 0, 2)), 0);
  const Kevent event = wait_event(kq_);
  EXPECT_TRUE(event.flags & flag::kOneshot);
  EXPECT_EQ(event.data, 1);
  sleep_ms(6);
  EXPECT_TRUE(silent(kq_));
  EXPECT_EQ(submit(kq_, timer_ev(flag::kDelete)), ENOENT);
}

TEST_F(Timer, DeleteStopsIt) {
  ASSERT_EQ(submit(kq_, timer_ev(flag::kAdd, 0, 2)), 0);
  sleep_ms(6);
  ASSERT_EQ(submit(kq_, timer_ev(flag::kDelete)), 0);
  EXPECT_TRUE(silent(kq_));
  sleep_ms(6);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Timer, DisableSilencesItAndEnableTellsWhatItCounted) {
  REQUIRE_KNOB(knob().freebsd_objects);
  ASSERT_EQ(submit(kq_, timer_ev(flag::kAdd | flag::kDisable, 0, 2)), 0);
  sleep_ms(30);
  EXPECT_TRUE(silent(kq_));
  ASSERT_EQ(submit(kq_, timer_ev(flag::kEnable)), 0);
  EXPECT_GE(wait_event(kq_).data, 3);
}

TEST_F(Timer, DispatchLetsItRunOn) {
  REQUIRE_KNOB(knob().dispatch_limits_timers && knob().freebsd_objects);
  ASSERT_EQ(submit(kq_, timer_ev(flag::kAdd | flag::kDispatch, 0, 2)), 0);
  wait_event(kq_);
  sleep_ms(30);
  EXPECT_TRUE(silent(kq_));
  ASSERT_EQ(submit(kq_, timer_ev(flag::kEnable)), 0);
  EXPECT_GE(wait_event(kq_).data, 3);
}

TEST_F(Timer, EnableDoesNotStartItAnew) {
  ASSERT_EQ(submit(kq_, timer_ev(flag::kAdd, 0, 2)), 0);
  sleep_ms(10);
  ASSERT_EQ(submit(kq_, timer_ev(flag::kEnable)), 0);
  EXPECT_GE(only_event(kq_).data, 2);
}

TEST_F(Timer, AReAddDiscardsWhatWasNotDelivered) {
  REQUIRE_KNOB(knob().timer_readd_resets);
  ASSERT_EQ(submit(kq_, timer_ev(flag::kAdd, 0, 1)), 0);
  sleep_ms(10);
  ASSERT_EQ(submit(kq_, far_timer()), 0);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Timer, AReAddTakesTheNewTime) {
  REQUIRE_KNOB(knob().timer_readd_resets);
  ASSERT_EQ(submit(kq_, far_timer()), 0);
  const int64_t begin = now_ns();
  ASSERT_EQ(submit(kq_, timer_ev(flag::kAdd, 0, 5)), 0);
  EXPECT_GE(wait_event(kq_).data, 1);
  EXPECT_GE(now_ns() - begin, 5000000);
}

TEST_F(Timer, AReAddOfADisabledTimerLeavesItDisabled) {
  ASSERT_EQ(submit(kq_, far_timer(flag::kAdd | flag::kDisable)), 0);
  ASSERT_EQ(submit(kq_, timer_ev(flag::kAdd, 0, 1)), 0);
  sleep_ms(5);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Timer, AReAddWithBadDataSucceedsAndIsToldByALaterEvent) {
  REQUIRE_KNOB(knob().freebsd_timer_units);
  ASSERT_EQ(submit(kq_, far_timer()), 0);
  ASSERT_EQ(submit(kq_, timer_ev(flag::kAdd, note::kMseconds, -1)), 0);
  const Kevent event = only_event(kq_);
  EXPECT_TRUE(event.flags & flag::kError);
  EXPECT_EQ(event.data, EINVAL);
  EXPECT_EQ(event.ident, 1u);
}

TEST_F(Timer, ThoseThatBadDataEndedLeaveRoomForOthers) {
  REQUIRE_KNOB(knob().freebsd_timer_units);
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(submit(kq_, far_timer()), 0);
    ASSERT_EQ(submit(kq_, timer_ev(flag::kAdd, note::kMseconds, -1)), 0);
    ASSERT_EQ(submit(kq_, timer_ev(flag::kDelete)), 0);
  }
  ASSERT_EQ(submit(kq_, timer_ev(flag::kAdd | flag::kOneshot, note::kMseconds, 1)), 0);
  EXPECT_EQ(wait_event(kq_).data, 1);
}

TEST_F(Timer, AReAddWithTwoUnitsSucceedsAndIsToldByALaterEvent) {
  REQUIRE_KNOB(knob().freebsd_timer_units);
  ASSERT_EQ(submit(kq_, far_timer()), 0);
  ASSERT_EQ(submit(kq_, timer_ev(flag::kAdd, note::kMseconds | note::kSeconds, 1)), 0);
  const Kevent event = only_event(kq_);
  EXPECT_TRUE(event.flags & flag::kError);
  EXPECT_EQ(event.data, EINVAL);
}

TEST_F(Timer, AReAddWithGoodDataRepairsABrokenOne) {
  REQUIRE_KNOB(knob().freebsd_timer_units);
  ASSERT_EQ(submit(kq_, far_timer()), 0);
  ASSERT_EQ(submit(kq_, timer_ev(flag::kAdd, note::kMseconds, -1)), 0);
  ASSERT_EQ(only_event(kq_).data, EINVAL);
  ASSERT_EQ(submit(kq_, timer_ev(flag::kAdd, note::kMseconds, 2)), 0);
  EXPECT_GE(wait_event(kq_).data, 1);
}

TEST_F(Timer, HugeIntervalsAreAccepted) {
  REQUIRE_KNOB(knob().freebsd_timer_units);
  for (const uint32_t unit : {note::kSeconds, note::kMseconds, note::kUseconds, note::kNseconds}) {
    ASSERT_EQ(submit(kq_, timer_ev(flag::kAdd, unit, INTPTR_MAX)), 0) << unit;
    EXPECT_TRUE(silent(kq_)) << unit;
  }
  // Not even when there was time to notice that the sum with the time since boot is too large.
  const timespec soon{0, 20'000'000};
  EXPECT_EQ(call(kq_, {}, 1, &soon).count, 0);
}

TEST_F(Timer, AnyNumberMayBeAnIdent) {
  for (const uintptr_t ident : {uintptr_t{0}, UINTPTR_MAX, uintptr_t{1} << 32}) {
    ASSERT_EQ(submit(kq_, ev(ident, filter::kTimer, flag::kAdd | flag::kOneshot, 0, 1)), 0);
    EXPECT_EQ(wait_event(kq_).ident, ident);
  }
}

TEST_F(Timer, TheEarlierOfTwoFiresFirst) {
  ASSERT_EQ(submit(kq_, {ev(1, filter::kTimer, flag::kAdd | flag::kOneshot, 0, 40),
                         ev(2, filter::kTimer, flag::kAdd | flag::kOneshot, 0, 5)}),
            0);
  const Outcome first = call(kq_, {}, 1, nullptr);
  ASSERT_EQ(first.count, 1);
  EXPECT_EQ(first.entries[0].ident, 2u);
  EXPECT_EQ(wait_event(kq_).ident, 1u);
}

TEST_F(Timer, ManyTimersAllFire) {
  constexpr uintptr_t kCount = 100;
  for (uintptr_t i = 0; i < kCount; ++i) {
    ASSERT_EQ(submit(kq_, ev(i, filter::kTimer, flag::kAdd | flag::kOneshot, 0,
                             static_cast<intptr_t>(1 + i % 7))),
              0);
  }
  size_t fired = 0;
  while (fired < kCount) {
    const Outcome outcome = Waiter(kq_, kCount).join();
    ASSERT_GT(outcome.count, 0);
    fired += outcome.entries.size();
  }
  EXPECT_EQ(fired, kCount);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Timer, DoesNotWaitForAnotherThreadsCall) {
  ASSERT_EQ(submit(kq_, ev(9, filter::kUser, flag::kAdd)), 0);
  Waiter waiter(kq_);
  waiter.wait_until_parked();
  ASSERT_EQ(submit(kq_, timer_ev(flag::kAdd | flag::kOneshot, 0, 3)), 0);
  const Outcome outcome = waiter.join();
  ASSERT_EQ(outcome.count, 1);
  EXPECT_EQ(outcome.entries[0].filter, filter::kTimer);
}

// NOTE_ABSTIME: data is a time of the wall clock.
class AbsoluteTimer : public Timer {
 protected:
  void SetUp() override {
    Timer::SetUp();
    GATE(knob().timer_abstime, "the profile has no NOTE_ABSTIME");
  }
  static int64_t wall_ms() {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1000000;
  }
  static Kevent at(int64_t ms, int flags = flag::kAdd) {
    const uint32_t unit = knob().freebsd_timer_units ? note::kMseconds : 0;
    return timer_ev(flags, note::kAbstime | unit, ms);
  }
};

TEST_F(AbsoluteTimer, FiresNotBeforeItsTime) {
  const int64_t due = wall_ms() + 30;
  ASSERT_EQ(submit(kq_, at(due, flag::kAdd | flag::kOneshot)), 0);
  wait_event(kq_);
  EXPECT_GE(wall_ms(), due);
}

TEST_F(AbsoluteTimer, InThePastFires) {
  ASSERT_EQ(submit(kq_, at(wall_ms() - 1000, flag::kAdd | flag::kOneshot)), 0);
  EXPECT_EQ(wait_event(kq_).data, 1);
}

TEST_F(AbsoluteTimer, AtTheEpochFires) {
  REQUIRE_KNOB(knob().keepudata);  // FreeBSD main: before boot is no error
  ASSERT_EQ(submit(kq_, at(1, flag::kAdd | flag::kOneshot)), 0);
  EXPECT_EQ(wait_event(kq_).data, 1);
}

TEST_F(AbsoluteTimer, IsALevelAndCountsOne) {
  ASSERT_EQ(submit(kq_, at(wall_ms() - 1000)), 0);
  Kevent event = wait_event(kq_);
  EXPECT_EQ(flags_of(event), 0) << "an absolute timer is not CLEAR";
  EXPECT_EQ(event.data, 1);
  sleep_ms(3);
  event = only_event(kq_);
  EXPECT_EQ(event.data, 1);
}

TEST_F(AbsoluteTimer, WithClearFiresOnce) {
  ASSERT_EQ(submit(kq_, at(wall_ms() - 1000, flag::kAdd | flag::kClear)), 0);
  wait_event(kq_);
  sleep_ms(3);
  EXPECT_TRUE(silent(kq_));
  EXPECT_EQ(submit(kq_, timer_ev(flag::kDelete)), 0);
}

TEST_F(AbsoluteTimer, WithOneshotIsGone) {
  ASSERT_EQ(submit(kq_, at(wall_ms() - 1000, flag::kAdd | flag::kOneshot)), 0);
  wait_event(kq_);
  EXPECT_EQ(submit(kq_, timer_ev(flag::kDelete)), ENOENT);
}

TEST_F(AbsoluteTimer, IsSilentBeforeItsTime) {
  ASSERT_EQ(submit(kq_, at(wall_ms() + 3600000)), 0);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(AbsoluteTimer, AReAddMovesIt) {
  ASSERT_EQ(submit(kq_, at(wall_ms() - 1000)), 0);
  wait_event(kq_);
  ASSERT_EQ(submit(kq_, at(wall_ms() + 3600000)), 0);
  EXPECT_TRUE(silent(kq_));
  ASSERT_EQ(submit(kq_, at(wall_ms() - 1000)), 0);
  EXPECT_EQ(wait_event(kq_).data, 1);
}

}  // namespace
}  // namespace kqtorture
