// What does a scan deliver, in which order, and what becomes of the knote? (2.3, 2.4, 2.6, I4, I7,
// I16)
#include "world.h"

namespace kqtorture::contract {
namespace {

// A scan that is full may have come to a knote that it did not deliver, and dropped it, wherever
// the places of the two may overlap.
TEST(Order, AKnoteThatAFullScanMayHaveDroppedStandsBehindWhenItComesBack) {
  World world("strict-2006", "linux");
  const int kq = world.kqueue();
  const Pair one = world.pipe();
  const Pair two = world.pipe();
  world.change(kq, {ev(READ, one.first, ADD), ev(READ, two.first, ADD)});
  world.write(one.second, 1);
  world.write(two.second, 1);
  world.read(two.first, 1);
  const Event first = ev(READ, one.first, 0, 0, 1);
  const Event second = ev(READ, two.first, 0, 0, 1);
  world.saw(kq, {}, 1, Answered::of({first}));
  world.write(two.second, 1);
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered::of({first})));
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered::of({second})));
}

// And one that was ready when it was added, but not at the scan that would have seen it.
TEST(Order, AKnoteThatWasReadyBetweenTwoScansMayHaveTakenNoPlace) {
  World world("strict-2006", "linux");
  const int kq = world.kqueue();
  const Pair one = world.pipe();
  const Pair two = world.pipe();
  world.write(one.second, 1);
  const Event first = ev(READ, one.first, 0, 0, 1);
  const Event second = ev(READ, two.first, 0, 0, 1);
  world.saw(kq, {ev(READ, one.first, ADD)}, 1, Answered::of({first}));
  world.write(two.second, 1);
  world.change(kq, {ev(READ, two.first, ADD)});
  world.read(two.first, 1);
  world.saw(kq, {}, 1, Answered::of({first}));
  world.write(two.second, 1);
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered::of({first})));
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered::of({second})));
}

// So does one that a change may have put into the queue though its object was not ready.
TEST(Order, AKnoteQueuedByAChangeWithoutReasonMayStandAnywhereBehind) {
  World world("strict-2006", "linux");
  const int kq = world.kqueue();
  const Pair one = world.pipe();
  const Pair two = world.pipe();
  world.write(one.second, 1);
  world.change(kq, {ev(READ, two.first, ADD), ev(READ, one.first, ADD)});
  const Event first = ev(READ, one.first, 0, 0, 1);
  const Event second = ev(READ, two.first, 0, 0, 1);
  world.saw(kq, {}, 1, Answered::of({first}));
  world.saw(kq, {ev(READ, two.first, 0)}, 1, Answered::of({first}));
  world.write(two.second, 1);
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered::of({first})));
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered::of({second})));
}

class Delivery : public FreebsdProfile {};
INSTANTIATE_TEST_SUITE_P(All, Delivery, testing::ValuesIn(kFreebsdProfiles),
                         profile_case_name<const char*>);

TEST_P(Delivery, ALevelKnoteComesAgainAsLongAsItsConditionHolds) {
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.change(kq, {ev(READ, pipe.first, ADD, 0, 0, 5)});
  EXPECT_EQ(world.poll(kq), Answered());
  world.write(pipe.second, 3);
  for (int i = 0; i < 3; i++) {
    EXPECT_EQ(world.poll(kq), Answered::of({ev(READ, pipe.first, 0, 0, 3, 5)}));
  }
  world.read(pipe.first, 3);
  EXPECT_EQ(world.poll(kq), Answered());
}

TEST_P(Delivery, AnEventThatIsDueMayNotBeMissing) {  // I8
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.change(kq, {ev(READ, pipe.first, ADD)});
  world.write(pipe.second, 3);
  EXPECT_EQ(world.refusal(kq, {}, 1, Answered()).verdict, Verdict::kLost);
  EXPECT_EQ(world.refusal(kq, {}, 1, Answered()).rule, "I8");
}

TEST_P(Delivery, AClearKnoteComesOncePerActivation) {  // I9
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.change(kq, {ev(READ, pipe.first, ADD | CLEAR)});
  world.write(pipe.second, 3);
  world.write(pipe.second, 3);  // coalesces
  EXPECT_EQ(world.refusal(kq, {}, 1, Answered()).rule, "I9");
  EXPECT_EQ(world.poll(kq), Answered::of({ev(READ, pipe.first, CLEAR, 0, 6)}));
  EXPECT_EQ(world.poll(kq), Answered());
  EXPECT_EQ(world.rule(kq, 1, {ev(READ, pipe.first, CLEAR, 0, 6)}), "I9");
  world.write(pipe.second, 1);
  EXPECT_EQ(world.poll(kq), Answered::of({ev(READ, pipe.first, CLEAR, 0, 7)}));
}

TEST_P(Delivery, TakingBytesOutIsNoActivationOfRead) {
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pair = world.stream();
  world.change(kq, {ev(READ, pair.first, ADD | CLEAR)});
  world.write(pair.second, 8);
  world.poll(kq);
  world.read(pair.first, 3);
  EXPECT_EQ(world.verdict(kq, 1, {ev(READ, pair.first, CLEAR, 0, 5)}), "duplicate");
}

TEST_P(Delivery, AOneshotKnoteComesOnceAndIsGone) {  // I4
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.change(kq, {ev(READ, pipe.first, ADD | ONESHOT, 0, 0, 5)});
  world.write(pipe.second, 3);
  EXPECT_EQ(world.poll(kq), Answered::of({ev(READ, pipe.first, ONESHOT, 0, 3, 5)}));
  EXPECT_EQ(world.verdict(kq, 1, {ev(READ, pipe.first, ONESHOT, 0, 3, 5)}), "duplicate");
  EXPECT_EQ(world.rule(kq, 1, {ev(READ, pipe.first, ONESHOT, 0, 3, 5)}), "I4");
  EXPECT_EQ(world.call(kq, {ev(READ, pipe.first, DELETE)}), Answered::failed(ENOENT));
}

TEST_P(Delivery, AOneshotKnoteIsNotLookedAtAgain) {
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.write(pipe.second, 3);
  world.change(kq, {ev(READ, pipe.first, ADD | ONESHOT)});
  world.read(pipe.first, 3);
  EXPECT_EQ(world.refusal(kq, {}, 1, Answered()).verdict, Verdict::kLost);
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered::of({ev(READ, pipe.first, ONESHOT, 0, 3)})));
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered::of({ev(READ, pipe.first, ONESHOT, 0, 0)})));
  EXPECT_EQ(world.verdict(kq, 1, {ev(READ, pipe.first, ONESHOT, 0, 4)}), "wrong-answer");
}

TEST_P(Delivery, ADispatchKnoteIsDisabledByItsDelivery) {  // I5
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.change(kq, {ev(READ, pipe.first, ADD | DISPATCH)});
  world.write(pipe.second, 3);
  EXPECT_EQ(world.poll(kq), Answered::of({ev(READ, pipe.first, DISPATCH, 0, 3)}));
  EXPECT_EQ(world.verdict(kq, 1, {ev(READ, pipe.first, DISPATCH, 0, 3)}), "duplicate");
  EXPECT_EQ(world.rule(kq, 1, {ev(READ, pipe.first, DISPATCH, 0, 3)}), "I5");
  world.write(pipe.second, 1);
  EXPECT_EQ(world.verdict(kq, 1, {ev(READ, pipe.first, DISPATCH, 0, 4)}), "duplicate")
      << "activity does not arm it";
  world.change(kq, {ev(READ, pipe.first, ENABLE)});
  EXPECT_EQ(world.poll(kq), Answered::of({ev(READ, pipe.first, DISPATCH, 0, 4)}));
}

TEST_P(Delivery, NothingIsLostWhileADispatchKnoteIsDisabled) {  // 2.6
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.change(kq, {ev(READ, pipe.first, ADD | DISPATCH)});
  world.write(pipe.second, 3);
  world.poll(kq);
  world.read(pipe.first, 3);
  world.write(pipe.second, 2);
  world.change(kq, {ev(READ, pipe.first, ENABLE)});
  EXPECT_EQ(world.refusal(kq, {}, 1, Answered()).verdict, Verdict::kLost);
  EXPECT_EQ(world.poll(kq).events[0].data, 2);
}

TEST_P(Delivery, DispatchWithClearLooksAtTheLevelOnEnable) {  // 2.6
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.change(kq, {ev(READ, pipe.first, ADD | DISPATCH | CLEAR)});
  world.write(pipe.second, 3);
  world.poll(kq);
  world.change(kq, {ev(READ, pipe.first, ENABLE)});
  EXPECT_EQ(world.poll(kq).value, 1) << "unread data fires again";
}

TEST_P(Delivery, OnePerCall) {  // I7
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.change(kq, {ev(READ, pipe.first, ADD)});
  world.write(pipe.second, 3);
  const Event event = ev(READ, pipe.first, 0, 0, 3);
  EXPECT_EQ(world.verdict(kq, 4, {event, event}), "duplicate");
  EXPECT_EQ(world.rule(kq, 4, {event, event}), "I7");
}

TEST_P(Delivery, LevelKnotesRotateWhenThereIsNotRoomForAll) {  // I16
  World world(GetParam());
  const int kq = world.kqueue();
  for (int i = 0; i < 3; i++) {
    world.change(kq, {ev(USER, i, ADD)});
    world.change(kq, {ev(USER, i, 0, TRIGGER)});
  }
  const auto two = [](int64_t a, int64_t b) {
    return Answered::of({ev(USER, a, 0), ev(USER, b, 0)});
  };
  EXPECT_EQ(world.poll(kq, 2), two(0, 1));
  EXPECT_EQ(world.refusal(kq, {}, 2, two(0, 1)).rule, "I16");
  EXPECT_EQ(world.refusal(kq, {}, 2, two(0, 2)).rule, "I16");
  EXPECT_EQ(world.poll(kq, 2), two(2, 0));
  EXPECT_EQ(world.poll(kq, 2), two(1, 2));
}

TEST_P(Delivery, FirstActivatedIsFirstDelivered) {  // I16
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.change(kq, {ev(USER, 1, ADD), ev(READ, pipe.first, ADD), ev(USER, 2, ADD)});
  world.change(kq, {ev(USER, 2, 0, TRIGGER)});
  world.write(pipe.second, 1);
  world.change(kq, {ev(USER, 1, 0, TRIGGER)});
  const Event first = ev(USER, 2, 0);
  const Event second = ev(READ, pipe.first, 0, 0, 1);
  const Event third = ev(USER, 1, 0);
  EXPECT_EQ(world.rule(kq, 3, {second, first, third}), "I16");
  EXPECT_EQ(world.rule(kq, 3, {first, third, second}), "I16");
  EXPECT_EQ(world.rule(kq, 1, {second}), "I16");
  EXPECT_EQ(world.poll(kq), Answered::of({first, second, third}));
}

TEST_P(Delivery, OneActionThatActivatesTwoGivesThemNoOrder) {
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  const int dup = world.dup(pipe.first);
  world.change(kq, {ev(READ, pipe.first, ADD)});
  world.change(kq, {ev(READ, dup, ADD)});
  world.write(pipe.second, 1);
  const Event one = ev(READ, pipe.first, 0, 0, 1);
  const Event other = ev(READ, dup, 0, 0, 1);
  EXPECT_TRUE(world.accepts(kq, {}, 2, Answered::of({one, other})));
  EXPECT_TRUE(world.accepts(kq, {}, 2, Answered::of({other, one})));
}

TEST_P(Delivery, AKnoteThatAFullListDidNotReachKeepsItsPlace) {
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.change(kq, {ev(USER, 1, ADD), ev(READ, pipe.first, ADD | CLEAR), ev(USER, 2, ADD)});
  world.change(kq, {ev(USER, 1, 0, TRIGGER)});
  world.write(pipe.second, 1);
  world.change(kq, {ev(USER, 2, 0, TRIGGER)});
  EXPECT_EQ(world.poll(kq, 1).events[0].ident, 1u);
  EXPECT_EQ(world.poll(kq, 1).events[0].filter, READ);
  EXPECT_EQ(world.poll(kq, 1).events[0].ident, 2u);
  EXPECT_EQ(world.poll(kq, 1).events[0].ident, 1u);
}

TEST_P(Delivery, AKnoteThatIsNoLongerReadyIsDroppedAndLosesItsPlace) {
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.change(kq, {ev(READ, pipe.first, ADD), ev(USER, 1, ADD)});
  world.write(pipe.second, 1);
  world.change(kq, {ev(USER, 1, 0, TRIGGER)});
  world.read(pipe.first, 1);
  EXPECT_EQ(world.poll(kq).value, 1);
  world.write(pipe.second, 1);
  EXPECT_EQ(world.poll(kq), Answered::of({ev(USER, 1, 0), ev(READ, pipe.first, 0, 0, 1)}));
}

TEST_P(Delivery, WhatAFullListMayHavePassedIsNotKnown) {
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  const int dup = world.dup(pipe.first);
  world.change(kq, {ev(READ, pipe.first, ADD | CLEAR), ev(READ, dup, ADD | DISABLE)});
  world.write(pipe.second, 1);  // activates both, in no order
  world.change(kq, {ev(READ, dup, ENABLE)});
  world.change(kq, {ev(READ, dup, DISABLE)});
  EXPECT_EQ(world.poll(kq, 1).value, 1);
  EXPECT_NE(world.state().knote[1].queued, Tri::kNo);
}

TEST_P(Delivery, EveryFieldIsLookedAt) {
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.change(kq, {ev(READ, pipe.first, ADD, 0, 0, 5)});
  world.write(pipe.second, 3);
  const auto verdict = [&](auto change) {
    Event wrong = ev(READ, pipe.first, 0, 0, 3, 5);
    change(&wrong);
    return world.verdict(kq, 1, {wrong});
  };
  EXPECT_EQ(verdict([](Event* e) { e->ident += 100; }), "phantom");
  EXPECT_EQ(verdict([](Event* e) { e->filter = WRITE; }), "phantom");
  EXPECT_EQ(verdict([](Event* e) { e->flags = ONESHOT; }), "wrong-answer");
  EXPECT_EQ(verdict([](Event* e) { e->flags = END; }), "wrong-answer");
  EXPECT_EQ(verdict([](Event* e) { e->fflags = 1; }), "wrong-answer");
  EXPECT_EQ(verdict([](Event* e) { e->data = 2; }), "wrong-answer");
  EXPECT_EQ(verdict([](Event* e) { e->data = 4; }), "wrong-answer");
  EXPECT_EQ(verdict([](Event* e) { e->udata = 0; }), "wrong-udata");
}

TEST_P(Delivery, AConditionThatDoesNotHoldIsAPhantom) {  // I10
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.change(kq, {ev(READ, pipe.first, ADD), ev(USER, 1, ADD)});
  EXPECT_EQ(world.rule(kq, 1, {ev(READ, pipe.first, 0, 0, 1)}), "I10");
  EXPECT_EQ(world.rule(kq, 1, {ev(USER, 1, 0)}), "I10");
  EXPECT_EQ(world.rule(kq, 1, {ev(WRITE, pipe.second, 0, 0, 1)}), "2.1");
}

// 2.4
TEST(OneshotElsewhere, IsLookedAtAgainOnMacosAndSurvives) {
  World world("macos");
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.write(pipe.second, 3);
  world.change(kq, {ev(READ, pipe.first, ADD | ONESHOT)});
  world.read(pipe.first, 3);
  EXPECT_EQ(world.poll(kq), Answered());
  EXPECT_EQ(world.verdict(kq, 1, {ev(READ, pipe.first, ONESHOT, 0, 3)}), "phantom");
  world.write(pipe.second, 2);
  EXPECT_EQ(world.poll(kq).events[0].data, 2);
}

TEST(OneshotElsewhere, IsLookedAtAgainOnOpenbsdForUserOnly) {
  World world("openbsd");
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.write(pipe.second, 3);
  world.change(kq, {ev(READ, pipe.first, ADD | ONESHOT), ev(USER, 1, ADD | ONESHOT, TRIGGER)});
  world.read(pipe.first, 3);
  world.change(kq, {ev(USER, 1, CLEAR)});  // withdraws the trigger
  const Answered answered = world.poll(kq);
  ASSERT_EQ(answered.value, 1);
  EXPECT_EQ(answered.events[0].filter, READ);
}

}  // namespace
}  // namespace kqtorture::contract
