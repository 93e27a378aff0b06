// What do knotes hear of their objects, and what of their end? (2.7, 2.8)
#include "world.h"

namespace kqtorture::contract {
namespace {

TEST(ObjectEvents, CoalesceUntilAScan) {
  World world;
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.change(kq, {ev(READ, pipe.first, ADD | CLEAR)});
  for (int i = 0; i < 5; i++) world.write(pipe.second, 1);
  EXPECT_EQ(world.poll(kq), Answered::of({ev(READ, pipe.first, CLEAR, 0, 5)}));
  EXPECT_EQ(world.poll(kq), Answered());
}

TEST(ObjectEvents, ReachEveryKqueueAndEveryDescriptorOfTheObject) {
  World world;
  const int one = world.kqueue();
  const int other = world.kqueue();
  const Pair pipe = world.pipe();
  const int dup = world.dup(pipe.first);
  world.change(one, {ev(READ, pipe.first, ADD, 0, 0, 1), ev(READ, dup, ADD, 0, 0, 2)});
  world.change(other, {ev(READ, dup, ADD, 0, 0, 3)});
  world.write(pipe.second, 4);
  EXPECT_EQ(world.poll(one).value, 2);
  EXPECT_EQ(world.poll(other), Answered::of({ev(READ, dup, 0, 0, 4, 3)}));
}

// sys_pipe.c wakes everybody who watches a pipe's buffer, whoever moves the bytes (pipe_read(),
// pipe_write()): with EV_CLEAR the end that moved them is told of its own transfer, or is not,
// since the buffer may be no longer what it was by then.
TEST(BsdPipe, AWriteMayTellTheWriterAgain) {
  World world("freebsd13", "bsd");
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.change(kq, {ev(WRITE, pipe.second, ADD | CLEAR)});
  EXPECT_EQ(world.poll(kq).value, 1);
  const std::vector<Event> again = {ev(WRITE, pipe.second, CLEAR, 0, 16384 - 100)};
  EXPECT_EQ(world.verdict(kq, 1, again), "duplicate");
  world.write(pipe.second, 100);
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered::of(again)));
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered()));
}

TEST(BsdPipe, AReadMayTellTheReaderAgainOfTheRest) {
  World world("freebsd13", "bsd");
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.write(pipe.second, 100);
  world.change(kq, {ev(READ, pipe.first, ADD | CLEAR)});
  EXPECT_EQ(world.poll(kq), Answered::of({ev(READ, pipe.first, CLEAR, 0, 100)}));
  EXPECT_EQ(world.verdict(kq, 1, {ev(READ, pipe.first, CLEAR, 0, 100)}), "duplicate");
  world.read(pipe.first, 40);
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered::of({ev(READ, pipe.first, CLEAR, 0, 60)})));
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered()));
  world.read(pipe.first, 60);
  EXPECT_FALSE(world.accepts(kq, {}, 1, Answered::of({ev(READ, pipe.first, CLEAR, 0, 0)})))
      << "there is nothing to tell of";
}

TEST(BsdPipe, LinuxTellsTheOtherEndOnly) {
  World world("freebsd13", "linux-at-once");
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.write(pipe.second, 100);
  world.change(kq, {ev(READ, pipe.first, ADD | CLEAR), ev(WRITE, pipe.second, ADD | CLEAR)});
  EXPECT_EQ(world.poll(kq).value, 2);
  world.read(pipe.first, 40);
  EXPECT_EQ(world.verdict(kq, 1, {ev(READ, pipe.first, CLEAR, 0, 60)}), "duplicate");
  world.write(pipe.second, 1);
  EXPECT_EQ(world.poll(kq), Answered::of({ev(READ, pipe.first, CLEAR, 0, 61)}));
}

TEST(Death, OfAPipesReaderMakesItsWriteKnotesEofAndOneshot) {
  for (const char* name : {"strict-2006", "freebsd13", "freebsd", "openbsd"}) {
    World world(name);
    const int kq = world.kqueue();
    const Pair pipe = world.pipe();
    world.change(kq, {ev(WRITE, pipe.second, ADD | CLEAR, 0, 0, 5)});
    EXPECT_EQ(world.poll(kq).value, 1);
    world.close(pipe.first);
    const Answered answered = world.poll(kq);
    ASSERT_EQ(answered.value, 1) << name;
    EXPECT_EQ(answered.events[0].flags & ~flag::kActions, CLEAR | END | ONESHOT);
    EXPECT_EQ(world.call(kq, {ev(WRITE, pipe.second, DELETE)}), Answered::failed(ENOENT));
  }
}

TEST(Death, OfAPipesReaderMustBeTold) {
  World world;
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.change(kq, {ev(WRITE, pipe.second, ADD | CLEAR)});
  world.poll(kq);
  world.close(pipe.first);
  EXPECT_EQ(world.refusal(kq, {}, 1, Answered()).verdict, Verdict::kLost);
  EXPECT_EQ(world.verdict(kq, 1, {ev(WRITE, pipe.second, CLEAR | END, 0, 0)}), "wrong-answer")
      << "without ONESHOT";
}

TEST(Death, BeforeItsDeliveryTheKnoteIsStillThere) {
  World world;
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.change(kq, {ev(WRITE, pipe.second, ADD)});
  world.close(pipe.first);
  world.change(kq, {ev(WRITE, pipe.second, ADD, 0, 0, 6)});  // no EPIPE: it exists
  world.change(kq, {ev(WRITE, pipe.second, DELETE)});
  EXPECT_EQ(world.poll(kq), Answered());
}

TEST(Death, OfAPipesReaderReachesADisabledKnoteOnEnable) {
  World world;
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.change(kq, {ev(WRITE, pipe.second, ADD | DISABLE)});
  world.close(pipe.first);
  EXPECT_EQ(world.poll(kq), Answered());
  world.change(kq, {ev(WRITE, pipe.second, ENABLE)});
  EXPECT_EQ(world.poll(kq).events[0].flags, END | ONESHOT);
}

TEST(Death, DoesNotConvertOnMacos) {
  World world("macos");
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.change(kq, {ev(WRITE, pipe.second, ADD)});
  world.close(pipe.first);
  EXPECT_EQ(world.poll(kq).events[0].flags & (END | ONESHOT), END);
  EXPECT_EQ(world.poll(kq).value, 1);
}

TEST(Death, OfAPipesWriterIsEofForItsReaderAndNoConversion) {
  World world;
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.change(kq, {ev(READ, pipe.first, ADD)});
  world.write(pipe.second, 2);
  world.close(pipe.second);
  EXPECT_EQ(world.poll(kq), Answered::of({ev(READ, pipe.first, END, 0, 2)}));
  world.read(pipe.first, 2);
  EXPECT_EQ(world.poll(kq), Answered::of({ev(READ, pipe.first, END, 0, 0)}));
  EXPECT_EQ(world.read(pipe.first, 1), Answered());
}

TEST(Death, OfOneOfTwoDescriptorsOfAnEndIsNone) {
  World world;
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  const int dup = world.dup(pipe.second);
  world.change(kq, {ev(READ, pipe.first, ADD)});
  world.close(pipe.second);
  EXPECT_EQ(world.poll(kq), Answered());
  world.close(dup);
  EXPECT_EQ(world.poll(kq).events[0].flags, END);
}

// FreeBSD's sorflush() clears SB_KNOTE with the rest of the buffer: after SHUT_RD no knote that was
// there hears of another reason for the end, or of bytes that come all the same.
TEST(StreamEnd, ThatReadsNoMoreTellsItsKnotesOrNotOnTheBsds) {
  for (const int step : {0, 1, 2}) {
    World world("freebsd13", "bsd");
    const int kq = world.kqueue();
    const Pair pair = world.stream();
    world.change(kq, {ev(READ, pair.first, ADD | CLEAR)});
    world.shutdown(pair.first, 0);
    EXPECT_EQ(world.refusal(kq, {}, 1, Answered()).verdict, Verdict::kLost) << "the first time";
    const Answered event = Answered::of({ev(READ, pair.first, CLEAR | END)});
    EXPECT_EQ(world.poll(kq), event);
    EXPECT_EQ(world.verdict(kq, 1, event.events), "duplicate");
    if (step == 0) world.shutdown(pair.first, 0);
    if (step == 1) world.shutdown(pair.second, 1);
    if (step == 2) world.close(pair.second);
    EXPECT_TRUE(world.accepts(kq, {}, 1, event)) << step;
    EXPECT_TRUE(world.accepts(kq, {}, 1, Answered())) << step;
  }
}

TEST(StreamEnd, ThatReadsNoMoreMayLeaveAOneshotsCountAsItWas) {
  World world("freebsd13", "bsd");
  const int kq = world.kqueue();
  const Pair pair = world.stream();
  world.change(kq, {ev(READ, pair.first, ADD | ONESHOT)});
  world.shutdown(pair.first, 0);
  world.object_saw(OpKind::kWrite, pair.second, 1, 1);
  for (const int64_t data : {0, 1}) {
    const Event event = ev(READ, pair.first, ONESHOT | END, 0, data);
    EXPECT_TRUE(world.accepts(kq, {}, 1, Answered::of({event}))) << data;
  }
}

TEST(Close, RemovesTheKnotesOfTheNumberOnEveryKqueue) {  // I2
  World world;
  const int one = world.kqueue();
  const int other = world.kqueue();
  const Pair pipe = world.pipe();
  world.write(pipe.second, 1);
  world.change(one, {ev(READ, pipe.first, ADD)});
  world.change(other, {ev(READ, pipe.first, ADD), ev(WRITE, pipe.first, ADD)});
  world.close(pipe.first);
  EXPECT_EQ(world.poll(one), Answered());
  EXPECT_EQ(world.poll(other), Answered());
  EXPECT_EQ(world.verdict(one, 1, {ev(READ, pipe.first, 0, 0, 1)}), "after-delete");
  EXPECT_EQ(world.rule(one, 1, {ev(READ, pipe.first, 0, 0, 1)}), "I2");
  EXPECT_EQ(world.call(one, {ev(READ, pipe.first, DELETE)}), Answered::failed(EBADF));
}

TEST(Close, OfOneOfTwoDescriptorsRemovesItsOwnKnotesOnly) {
  World world;
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  const int dup = world.dup(pipe.first);
  world.change(kq, {ev(READ, pipe.first, ADD), ev(READ, dup, ADD)});
  world.close(pipe.first);
  world.write(pipe.second, 3);
  EXPECT_EQ(world.poll(kq), Answered::of({ev(READ, dup, 0, 0, 3)}));
}

TEST(Close, LeavesUserAndTimerKnotesWithTheSameNumber) {
  World world;
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.change(kq, {ev(USER, pipe.first, ADD), ev(READ, pipe.first, ADD)});
  world.close(pipe.first);
  EXPECT_EQ(world.state().knotes, 1);
  world.change(kq, {ev(USER, pipe.first, 0, TRIGGER)});
  EXPECT_EQ(world.poll(kq).value, 1);
}

TEST(Close, AReusedNumberInheritsNothing) {
  World world;
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  const Pair fresh = world.pipe();
  world.write(pipe.second, 1);
  world.change(kq, {ev(READ, pipe.first, ADD, 0, 0, 5)});
  world.dup2(fresh.first, pipe.first);
  EXPECT_EQ(world.call(kq, {ev(READ, pipe.first, ENABLE)}), Answered::failed(ENOENT));
  world.change(kq, {ev(READ, pipe.first, ADD, 0, 0, 6)});
  EXPECT_EQ(world.poll(kq), Answered());
  EXPECT_EQ(world.verdict(kq, 1, {ev(READ, pipe.first, 0, 0, 1, 5)}), "stale-generation");
  world.write(fresh.second, 1);
  EXPECT_EQ(world.verdict(kq, 1, {ev(READ, pipe.first, 0, 0, 1, 5)}), "stale-generation");
  EXPECT_EQ(world.poll(kq), Answered::of({ev(READ, pipe.first, 0, 0, 1, 6)}));
}

TEST(Close, Dup2OntoAWatchedDescriptorIsAClose) {
  World world;
  const int kq = world.kqueue();
  const Pair one = world.pipe();
  const Pair two = world.pipe();
  world.write(one.second, 1);
  world.change(kq, {ev(READ, one.first, ADD)});
  world.dup2(two.first, one.first);
  EXPECT_EQ(world.poll(kq), Answered());
  EXPECT_EQ(world.write(one.second, 1), Answered::failed(EPIPE)) << "the reader is gone";
}

TEST(Close, Dup2OntoItselfIsNothing) {
  World world;
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.write(pipe.second, 1);
  world.change(kq, {ev(READ, pipe.first, ADD)});
  world.dup2(pipe.first, pipe.first);
  EXPECT_EQ(world.poll(kq).value, 1);
}

TEST(Close, OfTheKqueueEndsItWithItsLastDescriptor) {  // I20
  World world;
  const int kq = world.kqueue();
  const int dup = world.dup(kq);
  world.change(kq, {ev(USER, 1, ADD)});
  world.close(kq);
  EXPECT_EQ(world.call(kq, {}), Answered::failed(EBADF));
  world.change(dup, {ev(USER, 1, 0, TRIGGER)});
  EXPECT_EQ(world.poll(dup).value, 1);
  world.close(dup);
  EXPECT_EQ(world.state().knotes, 0);
  EXPECT_EQ(world.call(dup, {}, 1), Answered::failed(EBADF));
}

TEST(Close, IsNotNoticedByLibkqueue) {
  World world("libkqueue");
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.change(kq, {ev(READ, pipe.first, ADD)});
  Op op;
  op.kind = OpKind::kClose;
  op.fd = pipe.first;
  EXPECT_EQ(world.model().check(&world.states(), op, Outcome(), nullptr), Answer::kUndecided);
}

// The host "linux": an emulation that looks at its objects when it scans.
TEST(LateObserver, MayHaveMissedWhatCameAndWentBetweenTwoScans) {
  World world("strict-2006", "linux");
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.change(kq, {ev(READ, pipe.first, ADD | ONESHOT)});
  world.write(pipe.second, 4);
  world.read(pipe.first, 4);
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered()));
  for (const int64_t data : {0, 4}) {
    EXPECT_TRUE(world.accepts(kq, {}, 1, Answered::of({ev(READ, pipe.first, ONESHOT, 0, data)})));
  }
  World kernel("strict-2006", "linux-at-once");
  const int other = kernel.kqueue();
  const Pair same = kernel.pipe();
  kernel.change(other, {ev(READ, same.first, ADD | ONESHOT)});
  kernel.write(same.second, 4);
  kernel.read(same.first, 4);
  EXPECT_EQ(kernel.refusal(other, {}, 1, Answered()).verdict, Verdict::kLost);
}

TEST(LateObserver, MustNoticeWhatIsStillThere) {
  World world("strict-2006", "linux");
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.change(kq, {ev(READ, pipe.first, ADD | CLEAR)});
  world.write(pipe.second, 4);
  EXPECT_EQ(world.refusal(kq, {}, 1, Answered()).verdict, Verdict::kLost);
}

TEST(LateObserver, GivesObjectsTheirPlaceAsLateAsTheNextScan) {
  World world("strict-2006", "linux");
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.change(kq, {ev(USER, 1, ADD), ev(USER, 2, ADD), ev(READ, pipe.first, ADD)});
  world.poll(kq);
  world.write(pipe.second, 1);
  world.change(kq, {ev(USER, 1, 0, TRIGGER)});
  world.change(kq, {ev(USER, 2, 0, TRIGGER)});
  const Event read = ev(READ, pipe.first, 0, 0, 1);
  const Event one = ev(USER, 1, 0);
  const Event two = ev(USER, 2, 0);
  EXPECT_TRUE(world.accepts(kq, {}, 3, Answered::of({one, two, read})));
  EXPECT_TRUE(world.accepts(kq, {}, 3, Answered::of({read, one, two})));
  EXPECT_FALSE(world.accepts(kq, {}, 3, Answered::of({two, one, read})));
  // Once a scan has seen it its place is fixed: behind what it could not overtake.
  world.saw(kq, {}, 2, Answered::of({one, two}));
  EXPECT_EQ(world.rule(kq, 1, {one}), "I16");
  EXPECT_EQ(world.poll(kq, 1).events[0].filter, READ);
}

}  // namespace
}  // namespace kqtorture::contract
