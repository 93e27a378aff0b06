// Do many knotes behave as one does? Each of a large number is delivered exactly once for what
// happened to it, in lists of any length, and what is deleted is gone; timers of every unit are
// never early, never twice, and add up. KQ_SCALE in the environment is the number of knotes; there
// is a tenth as many timers. A million is docs/libkq.md's.
#include <cinttypes>
#include <cstdlib>

#include "objects.h"

namespace kqtorture {
namespace {

uintptr_t scale() {
  const char* text = std::getenv("KQ_SCALE");
  const unsigned long long count = text == nullptr ? 0 : std::strtoull(text, nullptr, 10);
  return count == 0 ? 10000 : static_cast<uintptr_t>(count);
}

class Scale : public KqueueTest {
 protected:
  void SetUp() override {
    KqueueTest::SetUp();
    began_ = cpu_ns();
  }
  // Applies change(i) for the numbers below count that are a multiple of step, in long lists.
  template <typename Change>
  void for_each(uintptr_t count, uintptr_t step, Change change) {
    std::vector<Kevent> list;
    for (uintptr_t i = 0; i < count; i += step) {
      list.push_back(change(i));
      if (list.size() < 1000 && i + step < count) continue;
      ASSERT_EQ(submit(kq_, list), 0);
      list.clear();
    }
  }
  // Takes what is there, and counts it by ident.
  void take_all(std::vector<uint32_t>* seen) {
    for (;;) {
      const std::vector<Kevent> events = poll_events(kq_, kRoom);
      for (const Kevent& event : events) ++seen->at(event.ident);
      if (events.size() < kRoom) return;
    }
  }
  void tell(const char* what, uintptr_t count) {
    const int64_t now = cpu_ns();
    std::printf("%s: %" PRIuPTR " in %.3f s of a processor\n", what, count,
                static_cast<double>(now - began_) / 1e9);
    std::fflush(stdout);
    began_ = now;
  }
  static int64_t cpu_ns() {
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return int64_t{now.tv_sec} * 1000000000 + now.tv_nsec;
  }
  static constexpr int kRoom = 777;
  int64_t began_ = 0;
};

TEST_F(Scale, EveryKnoteIsDeliveredExactlyOnceForEachTrigger) {
  const uintptr_t count = scale();
  for_each(count, 1, [](uintptr_t i) {
    return ev(i, filter::kUser, flag::kAdd | flag::kClear, 0, 0, tag(i));
  });
  tell("added", count);
  std::vector<uint32_t> seen(count);
  for_each(count, 1, [](uintptr_t i) { return trigger(i); });
  take_all(&seen);
  tell("triggered and delivered", count);
  for (uintptr_t i = 0; i < count; ++i) ASSERT_EQ(seen[i], 1u) << i;
  // Those that are disabled wait, and those that are deleted are not there any more.
  for_each(count, 3, [](uintptr_t i) { return ev(i, filter::kUser, flag::kDisable); });
  for_each(count, 5, [](uintptr_t i) { return ev(i, filter::kUser, flag::kDelete); });
  for_each(count, 7, [](uintptr_t i) {
    return i % 5 == 0 ? ev(i, filter::kUser, flag::kAdd | flag::kClear) : trigger(i);
  });
  take_all(&seen);
  for (uintptr_t i = 0; i < count; ++i) {
    ASSERT_EQ(seen[i], i % 7 == 0 && i % 5 != 0 && i % 3 != 0 ? 2u : 1u) << i;
  }
  for_each(count, 3, [](uintptr_t i) {
    return ev(i, filter::kUser, i % 5 == 0 ? flag::kAdd | flag::kClear : flag::kEnable);
  });
  take_all(&seen);
  for (uintptr_t i = 0; i < count; ++i) {
    ASSERT_EQ(seen[i], i % 7 == 0 && i % 5 != 0 ? 2u : 1u) << i;
  }
  tell("disabled, deleted and added again in parts", count);
  for_each(count, 1, [](uintptr_t i) { return ev(i, filter::kUser, flag::kAdd); });
  for_each(count, 1, [](uintptr_t i) { return ev(i, filter::kUser, flag::kDelete); });
  tell("deleted", count);
  for (const uintptr_t i : {uintptr_t{0}, count / 2, count - 1}) {
    EXPECT_EQ(submit(kq_, ev(i, filter::kUser, flag::kDelete)), ENOENT);
  }
}

struct TimeUnit {
  uint32_t fflags;
  int64_t ns;
};
constexpr TimeUnit kUnits[] = {{note::kSeconds, 1000000000},
                               {note::kMseconds, 1000000},
                               {note::kUseconds, 1000},
                               {note::kNseconds, 1}};

// A third is due as soon as it is set, a third within fifty milliseconds, a third never.
TEST_F(Scale, EveryTimerOfEveryUnitFiresOnceAndNotEarly) {
  REQUIRE_KNOB(knob().freebsd_timer_units && knob().timer_abstime);
  const uintptr_t count = scale() / 10;
  timespec wall{};
  clock_gettime(CLOCK_REALTIME, &wall);
  const int64_t wall_ns = int64_t{wall.tv_sec} * 1000000000 + wall.tv_nsec;
  constexpr int64_t kFar = 3600 * int64_t{1000000000};
  const auto span = [](uintptr_t i) -> int64_t {
    return i % 3 == 0 ? 0 : i % 3 == 1 ? static_cast<int64_t>(i * 7919 % 50000000) : kFar;
  };
  const auto by_the_wall = [](uintptr_t i) { return i / 12 % 2 == 1; };
  const auto timer = [&](uintptr_t i, int64_t ns, bool absolute) {
    const TimeUnit& unit = kUnits[i / 3 % 4];
    const int64_t data = (ns + (absolute ? wall_ns : 0) + unit.ns - 1) / unit.ns;
    return ev(i, filter::kTimer, flag::kAdd | flag::kOneshot,
              unit.fflags | (absolute ? note::kAbstime : 0), static_cast<intptr_t>(data));
  };
  // All are set far away first, by the other clock, and then set anew.
  for (const bool other : {true, false}) {
    for_each(count, 1, [&](uintptr_t i) { return timer(i, kFar, by_the_wall(i) != other); });
  }
  std::vector<uint32_t> seen(count);
  take_all(&seen);
  for (uintptr_t i = 0; i < count; ++i) ASSERT_EQ(seen[i], 0u) << i << " is an hour early";
  tell("timers set twice", count);
  const int64_t begin = now_ns();
  for_each(count, 1, [&](uintptr_t i) { return timer(i, span(i), by_the_wall(i)); });
  // The seconds are rounded up: of those, only the ones due at once come soon.
  const auto due = [&](uintptr_t i) {
    return i % 3 == 0 || (i % 3 == 1 && kUnits[i / 3 % 4].fflags != note::kSeconds);
  };
  uintptr_t expected = 0, fired = 0;
  for (uintptr_t i = 0; i < count; ++i) expected += due(i);
  while (fired < expected) {
    const timespec limit{3600, 0};
    const Outcome outcome = call(kq_, {}, kRoom, &limit);
    ASSERT_GT(outcome.count, 0);
    const int64_t elapsed = now_ns() - begin;
    for (const Kevent& event : outcome.entries) {
      ++seen.at(event.ident);
      EXPECT_EQ(event.data, 1);
      fired += due(event.ident);
      if (by_the_wall(event.ident)) continue;
      ASSERT_GE(elapsed, span(event.ident)) << event.ident << " is early";
    }
  }
  tell("timers set anew and fired", expected);
  for (uintptr_t i = 0; i < count; ++i) {
    ASSERT_LE(seen[i], i % 3 == 2 ? 0u : 1u) << i;
    ASSERT_GE(seen[i], due(i) ? 1u : 0u) << i;
  }
}

// Periods that pass between two deliveries are one event, with their number; none is lost.
TEST_F(Scale, ThePeriodsOfManyTimersAddUp) {
  REQUIRE_KNOB(knob().freebsd_timer_units);
  const uintptr_t count = scale() / 10;
  constexpr int64_t kPeriod = 2000000;
  const int64_t before = now_ns();
  for_each(count, 1, [&](uintptr_t i) {
    return ev(i, filter::kTimer, flag::kAdd, note::kNseconds,
              static_cast<intptr_t>(kPeriod + static_cast<int64_t>(i % 1000)));
  });
  const int64_t after = now_ns();
  std::vector<int64_t> periods(count);
  int64_t looked_before = 0, looked_after = 0;
  for (int round = 0; round < 5; ++round) {
    sleep_ms(3);
    looked_before = now_ns();
    // Each comes at most once in a call; one call takes them all.
    for (const Kevent& event : poll_events(kq_, static_cast<int>(count))) {
      periods.at(event.ident) += event.data;
    }
    looked_after = now_ns();
  }
  for (uintptr_t i = 0; i < count; ++i) {
    const int64_t period = kPeriod + static_cast<int64_t>(i % 1000);
    ASSERT_GE(periods[i], (looked_before - after) / period) << i;
    ASSERT_LE(periods[i], (looked_after - before) / period) << i;
  }
  tell("periodic timers", count);
}

}  // namespace
}  // namespace kqtorture
