// What does a kqueue say about a kqueue? (2.14, I17)
#include "world.h"

namespace kqtorture::contract {
namespace {

struct Nest {
  World world;
  int inner;
  int outer;
  explicit Nest(const char* profile = "strict-2006", const char* host = "linux-at-once",
                int flags = 0)
      : world(profile, host), inner(world.kqueue()), outer(world.kqueue()) {
    world.change(inner, {ev(USER, 1, ADD), ev(USER, 2, ADD)});
    world.change(outer, {ev(READ, inner, ADD | flags)});
  }
  void trigger(int64_t ident) { world.change(inner, {ev(USER, ident, 0, TRIGGER)}); }
};

TEST(Nested, TakesReadOnly) {
  for (const char* name : kAllProfiles) {
    if (std::string(name) == "libkqueue") continue;
    World world(name);
    const int inner = world.kqueue();
    const int outer = world.kqueue();
    const int error = std::string(name) == "dragonfly" ? EOPNOTSUPP : EINVAL;
    EXPECT_EQ(world.call(outer, {ev(WRITE, inner, ADD)}), Answered::failed(error)) << name;
    world.change(outer, {ev(READ, inner, ADD)});
  }
}

TEST(Nested, IsUnsupportedByLibkqueue) {
  World world("libkqueue");
  const int inner = world.kqueue();
  const int outer = world.kqueue();
  const std::vector<Event> add = {ev(READ, inner, ADD)};
  EXPECT_EQ(world.check_copy(World::kevent_op(outer, add, 0), Answered()), Answer::kUndecided);
}

TEST(Nested, IsReadyWhileTheInnerOneHasSomethingQueued) {
  Nest nest;
  World& world = nest.world;
  EXPECT_EQ(world.poll(nest.outer), Answered());
  nest.trigger(1);
  EXPECT_EQ(world.poll(nest.outer), Answered::of({ev(READ, nest.inner, 0, 0, 1)}));
  EXPECT_EQ(world.poll(nest.inner).value, 1);
  EXPECT_EQ(world.poll(nest.outer).value, 1) << "the inner knote is level";
  world.change(nest.inner, {ev(USER, 1, CLEAR)});  // withdraws the trigger
  world.poll(nest.inner);
  EXPECT_EQ(world.poll(nest.outer), Answered());
}

TEST(Nested, MustBeReadyWhenSomethingIsDeliverable) {
  Nest nest;
  nest.trigger(1);
  EXPECT_EQ(nest.world.refusal(nest.outer, {}, 1, Answered()).verdict, Verdict::kLost);
}

TEST(Nested, CountsAtMostWhatIsQueued) {
  Nest nest;
  nest.trigger(1);
  nest.trigger(2);
  World& world = nest.world;
  for (const int64_t data : {1, 2}) {
    EXPECT_TRUE(world.accepts(nest.outer, {}, 1, Answered::of({ev(READ, nest.inner, 0, 0, data)})));
  }
  EXPECT_EQ(world.verdict(nest.outer, 1, {ev(READ, nest.inner, 0, 0, 3)}), "wrong-answer");
  EXPECT_EQ(world.verdict(nest.outer, 1, {ev(READ, nest.inner, 0, 0, 0)}), "wrong-answer");
}

TEST(Nested, CountsExactlyOnFreebsdsOwnHost) {
  Nest nest("freebsd", "bsd");
  nest.trigger(1);
  nest.trigger(2);
  EXPECT_EQ(nest.world.poll(nest.outer).events[0].data, 2);
  EXPECT_FALSE(
      nest.world.accepts(nest.outer, {}, 1, Answered::of({ev(READ, nest.inner, 0, 0, 1)})));
}

TEST(Nested, MayBeReadyWithNothingDeliverable) {
  Nest nest;
  World& world = nest.world;
  nest.trigger(1);
  world.change(nest.inner, {ev(USER, 1, DISABLE)});  // still queued, lazily
  EXPECT_TRUE(world.accepts(nest.outer, {}, 1, Answered::of({ev(READ, nest.inner, 0, 0, 1)})));
  EXPECT_TRUE(world.accepts(nest.outer, {}, 1, Answered()));
  world.poll(nest.inner);
  EXPECT_EQ(world.verdict(nest.outer, 1, {ev(READ, nest.inner, 0, 0, 1)}), "phantom");
}

TEST(Nested, IsAHintWhereUnreadyKnotesMayBeQueued) {
  World world("strict-2006", "linux");
  const int inner = world.kqueue();
  const int outer = world.kqueue();
  const Pair pipe = world.pipe();
  world.change(outer, {ev(READ, inner, ADD)});
  EXPECT_FALSE(world.accepts(outer, {}, 1, Answered::of({ev(READ, inner, 0, 0, 1)})));
  world.change(inner, {ev(READ, pipe.first, ADD)});
  EXPECT_TRUE(world.accepts(outer, {}, 1, Answered::of({ev(READ, inner, 0, 0, 1)})));
  EXPECT_TRUE(world.accepts(outer, {}, 1, Answered()));
  EXPECT_FALSE(world.accepts(outer, {}, 1, Answered::of({ev(READ, inner, 0, 0, 2)})));
  world.change(inner, {ev(READ, pipe.first, DELETE)});
  world.poll(inner);
  EXPECT_TRUE(world.accepts(outer, {}, 1, Answered::of({ev(READ, inner, 0, 0, 1)})))
      << "a watch may outlast its knote";
  EXPECT_FALSE(world.accepts(outer, {}, 1, Answered::of({ev(READ, inner, 0, 0, 2)})));
}

TEST(Nested, AClearKnoteFiresWhenTheInnerOneWasEmpty) {
  Nest nest("strict-2006", "linux-at-once", CLEAR);
  World& world = nest.world;
  nest.trigger(1);
  EXPECT_EQ(world.poll(nest.outer).value, 1);
  EXPECT_EQ(world.poll(nest.outer), Answered());
  nest.trigger(2);  // it was not empty: platforms differ
  EXPECT_TRUE(world.accepts(nest.outer, {}, 1, Answered()));
  EXPECT_TRUE(world.accepts(nest.outer, {}, 1, Answered::of({ev(READ, nest.inner, CLEAR, 0, 2)})));
}

TEST(Nested, AHintThatNothingMarksMayHaveComeLongBeforeTheScan) {
  Nest nest("strict-2006", "linux", CLEAR);
  World& world = nest.world;
  const Pair pipe = world.pipe();
  world.change(nest.inner, {ev(READ, pipe.first, ADD)});
  world.write(pipe.second, 1);
  world.change(nest.outer, {ev(USER, 4, ADD)});
  EXPECT_EQ(world.poll(nest.outer).value, 1);
  world.change(nest.outer, {ev(USER, 4, 0, TRIGGER)});
  const Event inner = ev(READ, nest.inner, CLEAR, 0, 1), user = ev(USER, 4, 0);
  EXPECT_TRUE(world.accepts(nest.outer, {}, 8, Answered::of({inner, user})));
  EXPECT_TRUE(world.accepts(nest.outer, {}, 8, Answered::of({user, inner})));
  EXPECT_TRUE(world.accepts(nest.outer, {}, 8, Answered::of({user})));
  // Nor does a change, which has it looked at again, say where it stood by then.
  EXPECT_TRUE(world.accepts(nest.outer, {ev(READ, nest.inner, 0)}, 1, Answered::of({inner})));
}

TEST(Nested, WithoutADrainThePropagationMayBeLate) {
  for (const char* name : {"freebsd13", "openbsd"}) {
    Nest nest(name);
    nest.world.change(nest.inner, {ev(USER, 1, 0, TRIGGER)});
    EXPECT_TRUE(nest.world.accepts(nest.outer, {}, 1, Answered())) << name;
    nest.world.await();
    EXPECT_EQ(nest.world.refusal(nest.outer, {}, 1, Answered()).verdict, Verdict::kLost) << name;
  }
}

// A poll that found nothing does not mean that nothing was on its way: the task that tells the
// outer kqueue may run between any two scans.
TEST(Nested, WithoutADrainTheNextScanMayFindWhatThisOneDidNot) {
  for (const char* name : {"freebsd13", "openbsd"}) {
    for (const int flags : {0, CLEAR, DISPATCH}) {
      Nest nest(name, "bsd", flags);
      World& world = nest.world;
      nest.trigger(1);
      for (int scan = 0; scan < 3; scan++) world.saw(nest.outer, {}, 1, Answered());
      const Answered event = Answered::of({ev(READ, nest.inner, flags, 0, 1)});
      EXPECT_TRUE(world.accepts(nest.outer, {}, 1, event)) << name << ' ' << flags;
      EXPECT_TRUE(world.accepts(nest.outer, {}, 1, Answered())) << name << ' ' << flags;
    }
  }
}

// And a task that was late for one trigger may tell of it after a delivery that told of another.
TEST(Nested, ATaskMayTellOfTheSameTriggerBehindTheDelivery) {
  for (const char* name : {"freebsd13", "freebsd", "openbsd"}) {
    Nest nest(name, "bsd", CLEAR);
    World& world = nest.world;
    nest.trigger(1);
    nest.trigger(2);
    const Answered event = Answered::of({ev(READ, nest.inner, CLEAR, 0, 2)});
    world.saw(nest.outer, {}, 1, event);
    EXPECT_TRUE(world.accepts(nest.outer, {}, 1, event)) << name;
    EXPECT_TRUE(world.accepts(nest.outer, {}, 1, Answered())) << name;
  }
  Nest sync("netbsd", "bsd", CLEAR);
  sync.trigger(1);
  sync.world.saw(sync.outer, {}, 1, Answered::of({ev(READ, sync.inner, CLEAR, 0, 1)}));
  EXPECT_EQ(sync.world.verdict(sync.outer, 1, {ev(READ, sync.inner, CLEAR, 0, 1)}), "duplicate");
}

TEST(Nested, ItselfIsRefusedOrTakenAsTheTableSays) {
  for (const char* name : {"strict-2006", "freebsd13", "freebsd", "macos"}) {
    World world(name);
    const int kq = world.kqueue();
    EXPECT_EQ(world.call(kq, {ev(READ, kq, ADD)}), Answered::failed(EINVAL)) << name;
  }
  for (const char* name : {"netbsd", "openbsd", "dragonfly"}) {
    World world(name);
    const int kq = world.kqueue();
    world.change(kq, {ev(READ, kq, ADD)});
    EXPECT_EQ(world.pending(kq), Tri::kNo) << name;
  }
}

TEST(Nested, CyclesAndDeepChainsAreRefusedByMacosOnly) {
  World macos("macos");
  const int a = macos.kqueue();
  const int b = macos.kqueue();
  macos.change(a, {ev(READ, b, ADD)});
  EXPECT_EQ(macos.call(b, {ev(READ, a, ADD)}), Answered::failed(EINVAL));
  World freebsd;
  const int c = freebsd.kqueue();
  const int d = freebsd.kqueue();
  freebsd.change(c, {ev(READ, d, ADD)});
  freebsd.change(d, {ev(READ, c, ADD)});
  freebsd.change(c, {ev(USER, 1, ADD)});
  freebsd.change(c, {ev(USER, 1, 0, TRIGGER)});
  EXPECT_EQ(freebsd.pending(d), Tri::kYes);
  EXPECT_NE(freebsd.pending(c), Tri::kNo);

  World deep("macos");
  int below = deep.kqueue();
  for (int depth = 0; depth < 10; depth++) {
    const int above = deep.kqueue();
    deep.change(above, {ev(READ, below, ADD)});
    below = above;
  }
  EXPECT_EQ(deep.call(deep.kqueue(), {ev(READ, below, ADD)}), Answered::failed(EINVAL));
}

// Each of two kqueues watches the other: what activates the ONESHOT knote makes its own kqueue
// readable, which puts another knote into the queue that it watches and counts.
TEST(Nested, AOneshotInACircleMayCountWhatItBroughtAboutItself) {
  World world("freebsd13", "bsd");
  const int inner = world.kqueue();
  const int outer = world.kqueue();
  const Pair pipe = world.pipe();
  world.change(inner, {ev(READ, outer, ADD)});
  world.write(pipe.second, 1);
  world.change(outer, {ev(READ, inner, ADD | ONESHOT)});
  world.change(inner, {ev(READ, pipe.first, ADD)});
  for (const int64_t data : {1, 2}) {
    EXPECT_TRUE(world.accepts(outer, {}, 1, Answered::of({ev(READ, inner, ONESHOT, 0, data)})));
  }
  EXPECT_EQ(world.verdict(outer, 1, {ev(READ, inner, ONESHOT, 0, 3)}), "wrong-answer");
}

// FORCEONESHOT puts the knote into the queue before DISABLE is looked at.
TEST(Nested, AForcedKnoteThatEndsDisabledIsQueuedAllTheSame) {
  for (const int flags : {0, ONESHOT}) {
    World world("freebsd13", "bsd");
    const int inner = world.kqueue();
    const int outer = world.kqueue();
    world.change(outer, {ev(READ, inner, ADD | flags)});
    world.change(inner, {ev(USER, 1, ADD)});
    world.change(inner, {ev(USER, 1, FORCE | DISABLE)});
    EXPECT_TRUE(world.accepts(outer, {}, 1, Answered::of({ev(READ, inner, flags, 0, 1)})));
    EXPECT_TRUE(world.accepts(outer, {}, 1, Answered()));
    EXPECT_EQ(world.poll(inner), Answered());
  }
}

TEST(Nested, WithoutADrainTheTaskGivesThePlace) {
  for (const char* name : {"freebsd13", "openbsd"}) {
    Nest nest(name, "bsd");
    World& world = nest.world;
    world.change(nest.outer, {ev(USER, 7, ADD)});
    nest.trigger(1);
    world.change(nest.outer, {ev(USER, 7, 0, TRIGGER)});
    const Event user = ev(USER, 7, 0), inner = ev(READ, nest.inner, 0, 0, 1);
    EXPECT_TRUE(world.accepts(nest.outer, {}, 2, Answered::of({inner, user}))) << name;
    EXPECT_TRUE(world.accepts(nest.outer, {}, 2, Answered::of({user, inner}))) << name;
    EXPECT_TRUE(world.accepts(nest.outer, {}, 1, Answered::of({user}))) << name;
  }
  Nest sync("netbsd", "bsd");
  sync.world.change(sync.outer, {ev(USER, 7, ADD)});
  sync.trigger(1);
  sync.world.change(sync.outer, {ev(USER, 7, 0, TRIGGER)});
  EXPECT_EQ(sync.world.rule(sync.outer, 1, {ev(USER, 7, 0)}), "I16");
}

// Its task has not run when it is forced, and what it then tells is what it last saw: nothing.
TEST(Nested, AForcedOneshotMayTellOfNothingQueued) {
  Nest nest("freebsd13", "bsd");
  World& world = nest.world;
  const int third = world.kqueue();
  world.change(third, {ev(READ, nest.outer, ADD)});
  nest.trigger(1);  // whether the outer one has anything is not known yet
  world.change(third, {ev(READ, nest.outer, FORCE)});
  for (const int64_t data : {0, 1}) {
    EXPECT_TRUE(
        world.accepts(third, {}, 1, Answered::of({ev(READ, nest.outer, ONESHOT, 0, data)})));
  }
  EXPECT_EQ(world.verdict(third, 1, {ev(READ, nest.outer, ONESHOT, 0, 2)}), "wrong-answer");
  world.change(third, {ev(READ, nest.inner, ADD)});
  EXPECT_FALSE(world.accepts(
      third, {}, 2,
      Answered::of({ev(READ, nest.outer, ONESHOT, 0, 1), ev(READ, nest.inner, 0, 0, 0)})));
}

TEST(Nested, ATaskThatIsLateMayFindTheQueueEmptyAgain) {
  World world("freebsd13", "bsd");
  const int inner = world.kqueue();
  const int outer = world.kqueue();
  world.change(inner, {ev(USER, 1, ADD | CLEAR), ev(USER, 2, ADD | CLEAR)});
  world.change(inner, {ev(USER, 1, 0, TRIGGER)});
  world.change(outer, {ev(READ, inner, ADD | ONESHOT)});
  world.change(inner, {ev(USER, 2, 0, TRIGGER)});
  EXPECT_EQ(world.poll(inner).value, 2);
  for (const int64_t data : {0, 1, 2}) {
    EXPECT_TRUE(world.accepts(outer, {}, 1, Answered::of({ev(READ, inner, ONESHOT, 0, data)})));
  }
  EXPECT_EQ(world.refusal(outer, {}, 1, Answered()).verdict, Verdict::kLost)
      << "it was found when it was added";
}

// The event that would have told of the circle was delivered before the task looked.
TEST(Nested, WhatWasGoneBeforeTheTaskLookedIsNotToldOfLater) {
  World world("freebsd13", "bsd");
  const int one = world.kqueue();
  const int two = world.kqueue();
  world.change(two, {ev(READ, one, ADD)});
  world.change(one, {ev(READ, two, ADD), ev(USER, 1, ADD | CLEAR)});
  world.change(one, {ev(USER, 1, 0, TRIGGER)});
  world.saw(one, {}, 2, Answered::of({ev(USER, 1, CLEAR)}));
  world.await();
  world.change(one, {ev(USER, 1, 0, TRIGGER)});
  EXPECT_TRUE(world.accepts(one, {}, 2, Answered::of({ev(USER, 1, CLEAR)})));
  world.await();
  EXPECT_EQ(world.refusal(two, {}, 1, Answered()).verdict, Verdict::kLost);
}

TEST(Nested, BeyondTheHostsLimitIsUndecided) {
  World world("strict-2006", "linux");
  const int a = world.kqueue();
  const int b = world.kqueue();
  world.change(a, {ev(READ, b, ADD)});
  const std::vector<Event> back = {ev(READ, a, ADD)};
  EXPECT_EQ(world.check_copy(World::kevent_op(b, back, 0), Answered()), Answer::kUndecided);
}

TEST(Nested, TwoLevelsPropagate) {
  World world;
  const int a = world.kqueue();
  const int b = world.kqueue();
  const int c = world.kqueue();
  const Pair pipe = world.pipe();
  world.change(c, {ev(READ, b, ADD)});
  world.change(b, {ev(READ, a, ADD)});
  world.change(a, {ev(READ, pipe.first, ADD)});
  world.write(pipe.second, 1);
  EXPECT_EQ(world.poll(c).value, 1);
  world.close(a);
  EXPECT_EQ(world.poll(b), Answered());
  EXPECT_EQ(world.state().nesting, 1);
}

}  // namespace
}  // namespace kqtorture::contract
