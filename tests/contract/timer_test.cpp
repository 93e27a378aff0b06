// EVFILT_TIMER: parameters, expiry, restart. (3.4)
//
// The tests know no clock: a timer is far, or soon and then awaited.
#include "contract/timer.h"

#include "world.h"

namespace kqtorture::contract {
namespace {

constexpr uint32_t S = note::kSeconds, MS = note::kMseconds, US = note::kUseconds,
                   NS = note::kNseconds, ABS = note::kAbstime;
constexpr int64_t kFar = 100000;         // seconds
constexpr int64_t kPast = 1000;          // seconds since the epoch
constexpr int64_t kFuture = 5000000000;  // likewise

struct ParameterRow {
  const char* profile;
  uint32_t fflags;
  int64_t data;
  int error;
};
class TimerParameters : public testing::TestWithParam<ParameterRow> {};

TEST_P(TimerParameters, AreTakenOrRefusedAsTheTableSays) {
  const ParameterRow& row = GetParam();
  World world(row.profile);
  const int kq = world.kqueue();
  const Answered answered = world.call(kq, {ev(TIMER, 1, ADD, row.fflags, row.data)});
  EXPECT_EQ(answered, row.error == 0 ? Answered() : Answered::failed(row.error));
  EXPECT_EQ(world.state().knotes, row.error == 0 ? 1 : 0);
}

INSTANTIATE_TEST_SUITE_P(
    Section34, TimerParameters,
    testing::Values(
        ParameterRow{"strict-2006", S, 1, 0}, ParameterRow{"strict-2006", 0, 1, 0},
        ParameterRow{"strict-2006", S | MS, 1, EINVAL},
        ParameterRow{"strict-2006", 0x20, 1, EINVAL}, ParameterRow{"strict-2006", 0, -1, EINVAL},
        ParameterRow{"strict-2006", 0, 0, 0}, ParameterRow{"strict-2006", S, INT64_MAX, 0},
        ParameterRow{"strict-2006", ABS | S, kPast, 0},
        ParameterRow{"strict-2006", ABS | S, -1, EINVAL},
        ParameterRow{"freebsd13", ABS | S, kPast, EINVAL},
        ParameterRow{"freebsd13", ABS | S, kFuture, 0}, ParameterRow{"freebsd", ABS | S, kPast, 0},
        ParameterRow{"netbsd", 0, 0, EINVAL}, ParameterRow{"netbsd", 0, -1, 0},
        ParameterRow{"netbsd", 0x20, 1, EINVAL}, ParameterRow{"openbsd", 0x20, 1, EINVAL},
        ParameterRow{"openbsd", 0, -1, 0}, ParameterRow{"dragonfly", 0x20, 1, 0},
        ParameterRow{"dragonfly", S | MS, -1, 0}, ParameterRow{"macos", S | MS, 1, EINVAL},
        ParameterRow{"macos", 0, -1, 0}),
    case_number<ParameterRow>);

class Timer : public FreebsdProfile {};
INSTANTIATE_TEST_SUITE_P(All, Timer, testing::ValuesIn(kFreebsdProfiles),
                         profile_case_name<const char*>);

TEST_P(Timer, FarAwayDoesNotFire) {
  World world(GetParam());
  const int kq = world.kqueue();
  world.change(kq, {ev(TIMER, 1, ADD, S, kFar)});
  world.await();
  EXPECT_EQ(world.poll(kq), Answered());
  EXPECT_EQ(world.verdict(kq, 1, {ev(TIMER, 1, CLEAR, 0, 1)}), "phantom") << "never early";
}

TEST_P(Timer, SoonMayFireAndAwaitedMust) {
  World world(GetParam());
  const int kq = world.kqueue();
  world.change(kq, {ev(TIMER, 1, ADD, US, 10)});
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered()));
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered::of({ev(TIMER, 1, CLEAR, 0, 3)})));
  world.await();
  EXPECT_EQ(world.refusal(kq, {}, 1, Answered()).verdict, Verdict::kLost);
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered::of({ev(TIMER, 1, CLEAR, 0, 70)})));
  EXPECT_EQ(world.verdict(kq, 1, {ev(TIMER, 1, CLEAR, 0, 0)}), "wrong-answer") << "data >= 1";
}

TEST_P(Timer, BetweenSoonAndFarNothingIsSure) {
  World world(GetParam());
  const int kq = world.kqueue();
  world.change(kq, {ev(TIMER, 1, ADD, MS, 50)});
  world.await();
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered()));
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered::of({ev(TIMER, 1, CLEAR, 0, 1)})));
}

// A scan without room for it may have come too early for it, too: then it is behind what that scan
// put back.
TEST_P(Timer, TakesItsPlaceWhenItExpires) {
  World world(GetParam());
  const int kq = world.kqueue();
  world.change(kq, {ev(USER, 1, ADD), ev(TIMER, 7, ADD, 0, 1)});
  world.change(kq, {ev(USER, 1, 0, TRIGGER)});
  const Event level = ev(USER, 1, 0);
  world.saw(kq, {}, 1, Answered::of({level}));
  world.await();
  const Event expired = ev(TIMER, 7, CLEAR, 0, 1);
  EXPECT_TRUE(world.accepts(kq, {}, 2, Answered::of({level, expired})));
  EXPECT_TRUE(world.accepts(kq, {}, 2, Answered::of({expired, level})));
}

TEST(TimerOfLibkqueue, ShowsTheFflagsOfItsRegistration) {
  World world("libkqueue");
  const int kq = world.kqueue();
  world.change(kq, {ev(TIMER, 1, ADD, note::kUseconds, 1)});
  world.await();
  EXPECT_EQ(world.poll(kq).events[0].fflags, note::kUseconds);
}

TEST_P(Timer, RelativeImpliesClear) {
  World world(GetParam());
  const int kq = world.kqueue();
  world.change(kq, {ev(TIMER, 1, ADD, NS, 1)});
  world.await();
  EXPECT_EQ(world.verdict(kq, 1, {ev(TIMER, 1, 0, 0, 1)}), "wrong-answer");
  EXPECT_EQ(world.poll(kq).events[0].flags, CLEAR);
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered())) << "perhaps it has not expired again";
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered::of({ev(TIMER, 1, CLEAR, 0, 1)})));
  world.await();
  EXPECT_EQ(world.poll(kq).value, 1) << "periodic";
}

TEST_P(Timer, OneshotExpiresOnce) {
  World world(GetParam());
  const int kq = world.kqueue();
  world.change(kq, {ev(TIMER, 1, ADD | ONESHOT, NS, 1)});
  world.await();
  EXPECT_EQ(world.verdict(kq, 1, {ev(TIMER, 1, ONESHOT | CLEAR, 0, 2)}), "wrong-answer");
  EXPECT_EQ(world.poll(kq), Answered::of({ev(TIMER, 1, ONESHOT | CLEAR, 0, 1)}));
  EXPECT_EQ(world.call(kq, {ev(TIMER, 1, DELETE)}), Answered::failed(ENOENT));
}

TEST_P(Timer, ZeroIsOneUnit) {
  World world(GetParam());
  const int kq = world.kqueue();
  world.change(kq, {ev(TIMER, 1, ADD, 0, 0)});
  world.await();
  EXPECT_EQ(world.poll(kq).value, 1);
}

TEST_P(Timer, TicksWhileItIsDisabledAndSaysSoOnEnable) {  // 2.6
  World world(GetParam());
  const int kq = world.kqueue();
  world.change(kq, {ev(TIMER, 1, ADD | DISPATCH, NS, 1000)});
  world.await();
  EXPECT_EQ(world.poll(kq).value, 1);
  world.await();
  EXPECT_EQ(world.poll(kq), Answered());
  EXPECT_EQ(world.rule(kq, 1, {ev(TIMER, 1, CLEAR | DISPATCH, 0, 1)}), "I5");
  world.change(kq, {ev(TIMER, 1, ENABLE)});
  EXPECT_EQ(world.refusal(kq, {}, 1, Answered()).verdict, Verdict::kLost);
  EXPECT_EQ(world.poll(kq).value, 1);
}

TEST_P(Timer, ReAddDiscardsWhatItHadCounted) {
  World world(GetParam());
  const int kq = world.kqueue();
  world.change(kq, {ev(TIMER, 1, ADD, NS, 1)});
  world.await();
  world.change(kq, {ev(TIMER, 1, ADD, S, kFar)});
  EXPECT_EQ(world.poll(kq), Answered());
  EXPECT_EQ(world.verdict(kq, 1, {ev(TIMER, 1, CLEAR, 0, 1)}), "phantom");
}

TEST_P(Timer, OnlyAnAddRestartsIt) {
  World world(GetParam());
  const int kq = world.kqueue();
  world.change(kq, {ev(TIMER, 1, ADD, NS, 1)});
  world.await();
  world.change(kq, {ev(TIMER, 1, ENABLE, S | MS, -5, 7)});
  EXPECT_EQ(world.poll(kq).events[0].udata, 7u);
}

TEST_P(Timer, ReAddWithBadParametersSucceedsAndDeliversTheErrnoLater) {
  World world(GetParam());
  const int kq = world.kqueue();
  world.change(kq, {ev(TIMER, 1, ADD, NS, 1)});
  world.await();
  world.change(kq, {ev(TIMER, 1, ADD, S | MS, 1)});
  EXPECT_EQ(world.rule(kq, 1, {ev(TIMER, 1, CLEAR, 0, 1)}), "2.3");
  EXPECT_EQ(world.poll(kq), Answered::of({ev(TIMER, 1, CLEAR | ERROR, 0, EINVAL)}));
  world.await();
  EXPECT_EQ(world.poll(kq), Answered()) << "the old timer is cancelled";
  // Whether the mark stays after a good restart is not said.
  world.change(kq, {ev(TIMER, 1, ADD, NS, 1)});
  world.await();
  for (const int flags : {CLEAR, CLEAR | ERROR}) {
    EXPECT_TRUE(world.accepts(kq, {}, 1, Answered::of({ev(TIMER, 1, flags, 0, 1)})));
  }
}

TEST_P(Timer, TwoBadReAddsAreOneError) {
  World world(GetParam());
  const int kq = world.kqueue();
  world.change(kq, {ev(TIMER, 1, ADD, S, kFar)});
  world.change(kq, {ev(TIMER, 1, ADD, 0, -1)});
  world.change(kq, {ev(TIMER, 1, ADD, NS, 1)});
  world.await();
  for (const int flags : {CLEAR, CLEAR | ERROR}) {
    EXPECT_TRUE(world.accepts(kq, {}, 1, Answered::of({ev(TIMER, 1, flags, 0, 1)})));
  }
}

TEST_P(Timer, ABadReAddOfADisabledOneWaitsForEnable) {
  World world(GetParam());
  const int kq = world.kqueue();
  world.change(kq, {ev(TIMER, 1, ADD | DISABLE, S, kFar)});
  world.change(kq, {ev(TIMER, 1, ADD, 0, -1)});
  EXPECT_EQ(world.poll(kq), Answered());
  world.change(kq, {ev(TIMER, 1, ENABLE)});
  EXPECT_EQ(world.poll(kq), Answered::of({ev(TIMER, 1, CLEAR | ERROR, 0, EINVAL)}));
}

TEST_P(Timer, AbsoluteInTheFutureIsFar) {
  World world(GetParam());
  const int kq = world.kqueue();
  world.change(kq, {ev(TIMER, 1, ADD, ABS | S, kFuture)});
  world.await();
  EXPECT_EQ(world.poll(kq), Answered());
}

TEST(TimerAbsolute, InThePastFiresAtOnceAndAgainAndAgain) {
  for (const char* name : {"strict-2006", "freebsd", "netbsd", "openbsd"}) {
    World world(name);
    const int kq = world.kqueue();
    world.change(kq, {ev(TIMER, 1, ADD, ABS | S, kPast)});
    EXPECT_TRUE(world.accepts(kq, {}, 1, Answered())) << "a moment later, perhaps";
    world.await();
    for (int i = 0; i < 3; i++) {
      const Answered answered = world.poll(kq);
      ASSERT_EQ(answered.value, 1) << name;
      EXPECT_EQ(answered.events[0].data, 1);
      EXPECT_EQ(answered.events[0].flags & CLEAR, 0);
    }
  }
}

TEST(TimerAbsolute, WithClearFiresOnce) {
  World world;
  const int kq = world.kqueue();
  world.change(kq, {ev(TIMER, 1, ADD | CLEAR, ABS | S, kPast)});
  world.saw(kq, {}, 1, Answered::of({ev(TIMER, 1, CLEAR, 0, 1)}));
  world.await();
  EXPECT_EQ(world.poll(kq), Answered());
}

TEST(TimerAbsolute, IsOneshotOnMacosAndUnknownToDragonfly) {
  World macos("macos");
  int kq = macos.kqueue();
  macos.change(kq, {ev(TIMER, 1, ADD, ABS | S, kPast)});
  macos.await();
  EXPECT_EQ(macos.poll(kq).events[0].flags & (ONESHOT | CLEAR), ONESHOT | CLEAR);
  World dragonfly("dragonfly");
  kq = dragonfly.kqueue();
  dragonfly.change(kq, {ev(TIMER, 1, ADD, ABS | S, kPast)});  // 1000 ms
  dragonfly.await();
  EXPECT_TRUE(dragonfly.accepts(kq, {}, 1, Answered()));
}

TEST(TimerAbsolute, ThatBecomesRelativeMayBecomeClear) {
  World world;
  const int kq = world.kqueue();
  world.change(kq, {ev(TIMER, 1, ADD, ABS | S, kFuture)});
  world.change(kq, {ev(TIMER, 1, ADD, NS, 1)});
  world.await();
  for (const int flags : {0, CLEAR}) {
    EXPECT_TRUE(world.accepts(kq, {}, 1, Answered::of({ev(TIMER, 1, flags, 0, 1)})));
  }
}

TEST(TimerUnits, AreMillisecondsWhenNoneIsGiven) {
  World world;
  const int kq = world.kqueue();
  world.change(kq, {ev(TIMER, 1, ADD, 0, 1), ev(TIMER, 2, ADD, 0, kFarNs / 1000000)});
  EXPECT_EQ(world.state().knote[0].timer, TimerState::kSoon);
  EXPECT_EQ(world.state().knote[1].timer, TimerState::kFar);
  World dragonfly("dragonfly");
  const int other = dragonfly.kqueue();
  dragonfly.change(other, {ev(TIMER, 1, ADD, S, 1)});
  EXPECT_EQ(dragonfly.state().knote[0].timer, TimerState::kSoon) << "units are ignored";
}

TEST(TimerReAdd, ReplacesTheFlagsOnNetbsd) {
  World world("netbsd");
  const int kq = world.kqueue();
  world.change(kq, {ev(TIMER, 1, ADD | DISPATCH, S, kFar)});
  world.change(kq, {ev(TIMER, 1, ADD | ONESHOT, NS, 1)});
  world.await();
  EXPECT_EQ(world.poll(kq).events[0].flags & (ONESHOT | DISPATCH), ONESHOT);
}

TEST(TimerReAdd, WithBadParametersIsRefusedElsewhereAndTheKnoteStays) {
  for (const char* name : {"netbsd", "openbsd"}) {
    World world(name);
    const int kq = world.kqueue();
    world.change(kq, {ev(TIMER, 1, ADD, NS, 1, 5)});
    EXPECT_EQ(world.call(kq, {ev(TIMER, 1, ADD, 0x20, 1, 6)}), Answered::failed(EINVAL)) << name;
    world.await();
    EXPECT_EQ(world.poll(kq).events[0].udata, 5u);
  }
}

TEST(TimerReAdd, IsNotNoticedBeforeTheNextExpiryOnDragonfly) {
  World world("dragonfly");
  const int kq = world.kqueue();
  world.change(kq, {ev(TIMER, 1, ADD, 0, kFar * 1000)});
  world.change(kq, {ev(TIMER, 1, ADD, 0, 1)});
  world.await();
  EXPECT_EQ(world.poll(kq), Answered());
  world.change(kq, {ev(TIMER, 2, ADD, 0, 1)});
  world.change(kq, {ev(TIMER, 2, ADD, 0, kFar * 1000)});
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered()));
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered::of({ev(TIMER, 2, CLEAR, 0, 1)})));
}

}  // namespace
}  // namespace kqtorture::contract
