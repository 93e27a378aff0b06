// EV_FORCEONESHOT in full: one last event, whatever the object says. (2.5, I6)
#include "world.h"

namespace kqtorture::contract {
namespace {

class ForceOneshot : public FreebsdProfile {
 protected:
  // The flags of the final event: marked where the profile marks it.
  int last(int flags) const {
    const bool marked = std::string(GetParam()) == "strict-2006";
    return flags | ONESHOT | (marked ? FORCE : 0);
  }
};
INSTANTIATE_TEST_SUITE_P(All, ForceOneshot, testing::ValuesIn(kFreebsdProfiles),
                         profile_case_name<const char*>);

TEST_P(ForceOneshot, OnNothingIsEnoentAndOnAClosedDescriptorEbadf) {
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  EXPECT_EQ(world.call(kq, {ev(READ, pipe.first, FORCE)}), Answered::failed(ENOENT));
  EXPECT_EQ(world.call(kq, {ev(READ, 900, FORCE)}), Answered::failed(EBADF));
  EXPECT_EQ(world.call(kq, {ev(USER, 1, FORCE)}), Answered::failed(ENOENT));
}

TEST_P(ForceOneshot, OnAnIdleKnoteIsDeliveredOnceAndTheKnoteIsGone) {
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.change(kq, {ev(READ, pipe.first, ADD, 0, 0, 5)});
  world.change(kq, {ev(READ, pipe.first, FORCE, 0, 0, 6)});
  EXPECT_EQ(world.refusal(kq, {}, 1, Answered()).verdict, Verdict::kLost);
  EXPECT_EQ(world.refusal(kq, {}, 1, Answered()).rule, "I6");
  EXPECT_EQ(world.poll(kq), Answered::of({ev(READ, pipe.first, last(0), 0, 0, 6)}));
  EXPECT_EQ(world.poll(kq), Answered());
  EXPECT_EQ(world.call(kq, {ev(READ, pipe.first, DELETE)}), Answered::failed(ENOENT));
}

TEST_P(ForceOneshot, TheFinalEventMustSaySo) {
  World world(GetParam());
  const int kq = world.kqueue();
  world.change(kq, {ev(USER, 1, ADD)});
  world.change(kq, {ev(USER, 1, FORCE)});
  EXPECT_EQ(world.rule(kq, 1, {ev(USER, 1, 0)}), "I6");
  EXPECT_EQ(world.rule(kq, 1, {ev(USER, 1, last(0) ^ FORCE)}), "I6");
}

TEST_P(ForceOneshot, OnAQueuedKnoteChangesItsEventOnly) {
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.write(pipe.second, 3);
  world.change(kq, {ev(READ, pipe.first, ADD)});
  world.change(kq, {ev(USER, 1, ADD)});
  world.change(kq, {ev(USER, 1, 0, TRIGGER)});
  world.change(kq, {ev(READ, pipe.first, FORCE)});
  EXPECT_EQ(world.poll(kq), Answered::of({ev(READ, pipe.first, last(0), 0, 3), ev(USER, 1, 0)}))
      << "and it keeps its place";
  EXPECT_EQ(world.poll(kq, 4).value, 1);
}

TEST_P(ForceOneshot, OnADisabledKnoteWaitsForEnable) {
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.change(kq, {ev(READ, pipe.first, ADD | DISABLE)});
  world.change(kq, {ev(READ, pipe.first, FORCE)});
  EXPECT_EQ(world.poll(kq), Answered());
  EXPECT_EQ(world.verdict(kq, 1, {ev(READ, pipe.first, last(0))}), "phantom");
  EXPECT_EQ(world.rule(kq, 1, {ev(READ, pipe.first, last(0))}), "I6");
  world.change(kq, {ev(READ, pipe.first, ENABLE)});
  EXPECT_EQ(world.poll(kq), Answered::of({ev(READ, pipe.first, last(0))})) << "nothing is ready";
  EXPECT_EQ(world.call(kq, {ev(READ, pipe.first, ENABLE)}), Answered::failed(ENOENT));
}

TEST_P(ForceOneshot, OnAKnoteThatItsHandlerHoldsWaitsForTheHandler) {  // I6'
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.write(pipe.second, 3);
  world.change(kq, {ev(READ, pipe.first, ADD | DISPATCH)});
  world.poll(kq);
  world.change(kq, {ev(READ, pipe.first, FORCE)});
  EXPECT_EQ(world.poll(kq), Answered());
  EXPECT_EQ(world.rule(kq, 1, {ev(READ, pipe.first, last(DISPATCH), 0, 3)}), "I6'");
  world.read(pipe.first, 3);
  world.change(kq, {ev(READ, pipe.first, ENABLE)});
  const Answered answered = world.poll(kq);
  ASSERT_EQ(answered.value, 1);
  EXPECT_EQ(answered.events[0].flags, last(DISPATCH));
}

TEST_P(ForceOneshot, TogetherWithEnableWorksInOneStep) {
  World world(GetParam());
  const int kq = world.kqueue();
  world.change(kq, {ev(USER, 1, ADD | DISABLE)});
  world.change(kq, {ev(USER, 1, FORCE | ENABLE)});
  EXPECT_EQ(world.poll(kq), Answered::of({ev(USER, 1, last(0))}));
}

TEST_P(ForceOneshot, TogetherWithDisableStaysSilentUntilEnable) {
  World world(GetParam());
  const int kq = world.kqueue();
  world.change(kq, {ev(USER, 1, ADD)});
  world.change(kq, {ev(USER, 1, FORCE | DISABLE)});
  EXPECT_EQ(world.state().knote[0].queued, Tri::kYes) << "lazily, because it was enabled";
  EXPECT_EQ(world.poll(kq), Answered());
  world.change(kq, {ev(USER, 1, ENABLE)});
  EXPECT_EQ(world.poll(kq), Answered::of({ev(USER, 1, last(0))}));
}

TEST_P(ForceOneshot, TogetherWithDeleteDeletes) {
  World world(GetParam());
  const int kq = world.kqueue();
  world.change(kq, {ev(USER, 1, ADD)});
  world.change(kq, {ev(USER, 1, FORCE | DELETE)});
  EXPECT_EQ(world.poll(kq), Answered());
  EXPECT_EQ(world.state().knotes, 0);
}

TEST_P(ForceOneshot, TogetherWithAddOfNothingIsAPlainAdd) {
  World world(GetParam());
  const int kq = world.kqueue();
  world.change(kq, {ev(USER, 1, ADD | FORCE)});
  EXPECT_EQ(world.poll(kq), Answered());
  world.change(kq, {ev(USER, 1, 0, TRIGGER)});
  EXPECT_EQ(world.poll(kq), Answered::of({ev(USER, 1, 0)})) << "neither ONESHOT nor marked";
}

TEST_P(ForceOneshot, TogetherWithAddOfAKnoteForcesIt) {
  World world(GetParam());
  const int kq = world.kqueue();
  world.change(kq, {ev(USER, 1, ADD, 0, 0, 5)});
  world.change(kq, {ev(USER, 1, ADD | FORCE, 0, 0, 6)});
  EXPECT_EQ(world.poll(kq), Answered::of({ev(USER, 1, last(0), 0, 0, 6)}));
}

TEST_P(ForceOneshot, RepeatedChangesNothingButUdata) {
  World world(GetParam());
  const int kq = world.kqueue();
  world.change(kq, {ev(USER, 1, ADD)});
  world.change(kq, {ev(USER, 1, FORCE, 0, 0, 5)});
  world.change(kq, {ev(USER, 1, FORCE, 0, 0, 6)});
  EXPECT_EQ(world.poll(kq), Answered::of({ev(USER, 1, last(0), 0, 0, 6)}));
  EXPECT_EQ(world.poll(kq), Answered());
}

TEST_P(ForceOneshot, OverwritesTheInterestAndRefreshesTheData) {
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pair = world.stream();
  world.write(pair.second, 3);
  world.change(kq, {ev(READ, pair.first, ADD, LOWAT, 10)});
  world.change(kq, {ev(READ, pair.first, FORCE)});
  EXPECT_EQ(world.poll(kq), Answered::of({ev(READ, pair.first, last(0), 0, 3)}));
}

TEST_P(ForceOneshot, OfAUserKnoteDeliversNoResult) {
  World world(GetParam());
  const int kq = world.kqueue();
  world.change(kq, {ev(USER, 1, ADD)});
  world.change(kq, {ev(USER, 1, FORCE, note::kFfCopy | TRIGGER | 0x7, 44)});
  EXPECT_EQ(world.poll(kq), Answered::of({ev(USER, 1, last(0), 0, 0)}));
}

TEST_P(ForceOneshot, OfATimerSurvivesWithoutAdd) {
  World world(GetParam());
  const int kq = world.kqueue();
  world.change(kq, {ev(TIMER, 1, ADD, note::kSeconds, 100000)});
  world.change(kq, {ev(TIMER, 1, FORCE)});
  EXPECT_EQ(world.poll(kq), Answered::of({ev(TIMER, 1, last(CLEAR))}));
}

// The machine may be late with every expiration: that forces nobody to wait for one.
TEST_P(ForceOneshot, OfATimerThatIsDueMayComeBeforeItsExpiration) {
  World world(GetParam());
  const int kq = world.kqueue();
  world.change(kq, {ev(TIMER, 1, ADD, note::kNseconds, 1)});
  world.await();
  world.change(kq, {ev(TIMER, 1, FORCE)});
  world.await();
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered::of({ev(TIMER, 1, last(CLEAR), 0, 0)})));
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered::of({ev(TIMER, 1, last(CLEAR), 0, 3)})));
  EXPECT_EQ(world.verdict(kq, 1, {}), "lost");
}

TEST_P(ForceOneshot, OfATimerIsWithdrawnByAnAddAndTheNextExpiryIsTheLast) {
  World world(GetParam());
  const int kq = world.kqueue();
  world.change(kq, {ev(TIMER, 1, ADD, note::kSeconds, 100000)});
  world.change(kq, {ev(TIMER, 1, FORCE | ADD, note::kSeconds, 100000)});
  EXPECT_EQ(world.poll(kq), Answered()) << "the same change restarts the timer";
  EXPECT_EQ(world.verdict(kq, 1, {ev(TIMER, 1, last(CLEAR))}), "phantom");
  world.change(kq, {ev(TIMER, 1, ADD, note::kNseconds, 1)});
  world.await();
  EXPECT_EQ(world.poll(kq), Answered::of({ev(TIMER, 1, last(CLEAR), 0, 1)}));
  EXPECT_EQ(world.call(kq, {ev(TIMER, 1, DELETE)}), Answered::failed(ENOENT));
}

TEST_P(ForceOneshot, HandingAFinalEventBackForcesAgain) {
  World world(GetParam());
  const int kq = world.kqueue();
  world.change(kq, {ev(USER, 1, ADD)});
  world.change(kq, {ev(USER, 1, ONESHOT | FORCE)});
  EXPECT_EQ(world.poll(kq), Answered::of({ev(USER, 1, last(0))}));
  EXPECT_EQ(world.call(kq, {ev(USER, 1, ONESHOT | FORCE)}), Answered::failed(ENOENT));
}

TEST_P(ForceOneshot, TheDataOfAKnoteThatIsNotEvaluatedIsStale) {
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.change(kq, {ev(READ, pipe.first, ADD | DISPATCH)});
  world.write(pipe.second, 5);
  world.poll(kq);
  world.change(kq, {ev(READ, pipe.first, FORCE)});
  world.change(kq, {ev(READ, pipe.first, ENABLE)});
  EXPECT_EQ(world.poll(kq).events[0].data, 5) << "ENABLE evaluates";
}

TEST(ForceOneshotElsewhere, IsAnUnknownFlag) {
  for (const char* name : {"netbsd", "openbsd", "dragonfly", "libkqueue"}) {
    World world(name);
    const int kq = world.kqueue();
    world.change(kq, {ev(USER, 1, ADD | FORCE)});
    world.change(kq, {ev(USER, 1, FORCE)});
    EXPECT_EQ(world.poll(kq), Answered()) << name;
    world.change(kq, {ev(USER, 1, ENABLE, TRIGGER)});
    EXPECT_EQ(world.poll(kq).events[0].flags & 0x0F10, FORCE) << name << ": stored and echoed";
  }
}

}  // namespace
}  // namespace kqtorture::contract
