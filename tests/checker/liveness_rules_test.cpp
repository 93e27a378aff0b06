// What must come, and what must have been true: liveness, edges, conditions, timers, each with the
// history that breaks the rule and its neighbour that does not.
#include <gtest/gtest.h>

#include <cerrno>

#include "sketch.h"

namespace kqtorture::contract::testing {
namespace {

TEST(I8, AWaiterThatSleepsWhileAnEventIsDueIsStuck) {
  Sketch sketch;
  sketch.change(10, 11, read_event(kAdd, 1)).wait(12, 90, {read_event(0, 1)}).write(20, 21);
  EXPECT_EQ(sketch.probe(30, 31, {read_event(0, 1)}).verdict(), "I8 stuck-waiter");
}

TEST(I8, AWaiterMaySleepWhileNothingIsDue) {
  Sketch sketch;
  sketch.change(10, 11, read_event(kAdd, 1)).wait(12, 90, {read_event(0, 1)});
  EXPECT_EQ(sketch.probe(30, 31, {}).write(40, 41).verdict(), "accepted");
}

TEST(I8, AStuckWaiterIsNamedThoughAnotherOrderHadNothingDue) {
  // The second ADD came after the delivery, and its event was slept through; or both ADDs came
  // before it, which the probe refutes.
  Sketch sketch;
  sketch.write(8, 9).change(10, 20, read_event(kAdd | kOnce, 1));
  sketch.change(10, 20, read_event(kAdd | kOnce, 2)).wait(11, 19, {read_event(kOnce, 1)});
  Sketch awake = sketch;
  sketch.wait(12, kUnreturned, {});
  EXPECT_EQ(sketch.probe(30, 31, {read_event(kOnce, 2)}).verdict(), "I8 stuck-waiter");
  EXPECT_EQ(awake.probe(30, 31, {read_event(kOnce, 2)}).verdict(), "accepted");
  EXPECT_EQ(awake.probe(40, 41, {read_event(kOnce, 2)}).verdict(), "I4 duplicate");
}

TEST(I8, AnEventThatTheProbeDoesNotGetIsLost) {
  Sketch sketch;
  sketch.change(10, 11, read_event(kAdd, 1)).wait(12, kUnreturned, {}).write(20, 21);
  EXPECT_EQ(sketch.probe(30, 31, {}).verdict(), "I8 lost");
}

TEST(I8, TheChangesOfASleeperAreMade) {
  Sketch sketch = triggered(flag::kDisable);
  HistoryOp op;
  op.fd = Sketch::kQueue;
  op.nevents = 4;
  op.nchanges = 1;
  op.begin = 20;
  op.timeout = Timeout::kForever;
  sketch.thread(5).add(op, {{user(flag::kEnable, 1)}});
  EXPECT_EQ(sketch.probe(30, 31, {user(0, 1)}).verdict(), "I8 stuck-waiter");
}

TEST(I8, SleepersThatNobodyProbedAreUndecided) {
  EXPECT_EQ(triggered().wait(20, kUnreturned, {}).verdict(), "undecided");
}

TEST(I8, APollThatNothingOverlapsReturnsWhatIsDue) {
  EXPECT_EQ(triggered().poll(20, 21, {}).verdict(), "I8' lost");
  EXPECT_EQ(triggered().poll(20, 25, {}).poll(24, 30, {user(0, 1)}).verdict(), "accepted");
}

TEST(I8, APollReturnsWhatItsOwnChangesMadeDue) {
  Sketch sketch;
  sketch.change(10, 11, user(kAdd | kClear, 1));
  Sketch disabled = sketch, overlapped = sketch;
  sketch.changes(20, 21, {user(0, 1, note::kTrigger)}, 4, {}, 0);
  EXPECT_EQ(sketch.verdict(), "I9 lost");
  disabled.changes(20, 21, {user(flag::kDisable, 1, note::kTrigger)}, 4, {}, 0);
  EXPECT_EQ(disabled.verdict(), "accepted");
  overlapped.changes(20, 25, {user(0, 1, note::kTrigger)}, 4, {}, 0);
  overlapped.change(22, 23, user(flag::kDisable, 1));
  EXPECT_EQ(overlapped.verdict(), "accepted");
}

TEST(I9, AnEdgeIsNotLost) {
  Sketch sketch;
  sketch.change(10, 11, read_event(kAdd | kClear, 1)).write(20, 21);
  EXPECT_EQ(sketch.probe(30, 31, {}).verdict(), "I9 lost");
}

TEST(I9, OneActivationIsDeliveredOnce) {
  for (const char* host : {"linux", "linux-at-once", "bsd"}) {
    Sketch sketch;
    sketch.judged_by("strict-2006", host);
    sketch.change(10, 11, read_event(kAdd | kClear, 1)).write(20, 21);
    sketch.poll(30, 31, {read_event(kClear, 1)});
    Sketch twice = sketch;
    EXPECT_EQ(sketch.verdict(), "accepted");
    EXPECT_EQ(twice.poll(32, 33, {read_event(kClear, 1)}).verdict(), "I9 duplicate");
  }
}

TEST(I9, AChangeThatFindsTheConditionTrueAllowsOneMore) {
  Sketch sketch;
  sketch.change(10, 11, read_event(kAdd | kClear, 1)).write(20, 21);
  sketch.poll(30, 31, {read_event(kClear, 1)}).change(40, 41, read_event(0, 1));
  EXPECT_EQ(sketch.poll(42, 43, {read_event(kClear, 1)}).verdict(), "accepted");
}

TEST(I9, AnEdgeUnderWayMayComeAfterTheAddThatSawItsData) {
  // The ADD sees the byte, then the write rings: two events of one write and one change.
  Sketch sketch;
  sketch.write(10, 50).change(20, 21, read_event(kAdd | kClear, 1));
  sketch.poll(22, 23, {read_event(kClear, 1)}).poll(60, 61, {read_event(kClear, 1)});
  Sketch at_once = sketch;
  EXPECT_EQ(sketch.judged_by("strict-2006", "linux").verdict(), "accepted");
  EXPECT_EQ(at_once.verdict(), "I9 duplicate");
}

TEST(I9, LargeWritesAreOutOfItsScope) {
  Sketch sketch;
  sketch.change(10, 11, read_event(kAdd | kClear, 1));
  sketch.call(20, 21, OpKind::kWrite, Sketch::kWriter, 4096, 4096);
  sketch.poll(30, 31, {read_event(kClear, 1, 4096)}).poll(32, 33, {read_event(kClear, 1, 4096)});
  EXPECT_EQ(sketch.verdict(), "accepted");
}

TEST(I9, NoBitOfAUserKnoteIsLost) {
  Sketch sketch;
  sketch.change(10, 11, user(kAdd | kClear, 1));
  sketch.change(12, 13, user(0, 1, note::kTrigger | note::kFfOr | 1));
  sketch.change(14, 15, user(0, 1, note::kTrigger | note::kFfOr | 2));
  Sketch half = sketch;
  EXPECT_EQ(sketch.poll(20, 21, {user(kClear, 1, 3)}).verdict(), "accepted");
  EXPECT_EQ(half.poll(20, 21, {user(kClear, 1, 2)}).verdict(), "3.3 wrong-answer");
}

TEST(I10, AConditionThatNeverHeldDuringTheCallIsAPhantom) {
  Sketch sketch;
  sketch.change(10, 11, read_event(kAdd, 1)).write(20, 21).read(30, 31);
  Sketch overlapping = sketch;
  EXPECT_EQ(sketch.poll(40, 41, {read_event(0, 1)}).verdict(), "I10 phantom");
  Sketch early;
  early.change(10, 11, read_event(kAdd, 1)).write(20, 21).read(30, 36);
  EXPECT_EQ(early.poll(35, 41, {read_event(0, 1)}).verdict(), "accepted");
}

TEST(I10, AOneshotEventMayBeStale) {
  Sketch sketch;
  sketch.change(10, 11, read_event(kAdd | kOnce, 1)).write(20, 21).read(30, 31);
  sketch.poll(40, 41, {read_event(kOnce, 1)});
  EXPECT_EQ(sketch.verdict(), "accepted");
  EXPECT_EQ(sketch.judged_by("macos", "bsd").verdict(), "I10 phantom");
}

TEST(I10, ReadsThatFindNothingConvictADeliveryBeforeThem) {
  // Nobody wrote before the delivery ended, and the reader finds the pipe empty after it.
  Sketch sketch;
  sketch.change(10, 11, read_event(kAdd, 1)).write(12, 60).poll(20, 21, {read_event(0, 1)});
  sketch.call(30, 31, OpKind::kRead, Sketch::kReader, 1, -1, -1, EAGAIN);
  EXPECT_EQ(sketch.verdict(), "I10 phantom");
}

TEST(I10, AFinalEventIsNotBlamedForTheObject) {
  // The same, but the latest event on the pipe is the final one of another knote.
  const auto of_writer = [](uint16_t flags) {
    return Event{Sketch::kWriter, filter::kWrite, flags, 0, 0, 2};
  };
  Sketch sketch;
  sketch.change(8, 9, of_writer(kAdd | flag::kDisable)).change(10, 11, read_event(kAdd, 1));
  sketch.write(12, 60).poll(20, 21, {read_event(0, 1)});
  sketch.change(22, 23, of_writer(kForce | flag::kEnable)).poll(24, 25, {of_writer(kFinal)});
  sketch.call(30, 31, OpKind::kRead, Sketch::kReader, 1, -1, -1, EAGAIN);
  const CheckReport report = sketch.check();
  ASSERT_TRUE(report.violation);
  EXPECT_EQ(report.violation->rule, "I10");
  const OpRef guilty = report.violation->guilty;
  EXPECT_EQ(sketch.history().threads[guilty.thread].ops[guilty.op].begin, 20u);
}

TEST(Timers, DoNotFireBeforeTheirTime) {
  const Event add = {5, filter::kTimer, kAdd, note::kUseconds, 1000, 1};
  const Event fired = {5, filter::kTimer, kClear, 0, 1, 1};
  for (const uint64_t end : {500'000u, 1'200'000u}) {
    Sketch sketch;
    sketch.change(100, 200, add).poll(400'000, end, {fired});
    EXPECT_EQ(sketch.verdict(), end == 500'000u ? "3.4 phantom" : "accepted");
  }
}

TEST(Timers, CountNoMoreThanThereWasTimeFor) {
  const Event add = {5, filter::kTimer, kAdd, note::kUseconds, 100, 1};
  for (const int64_t count : {11, 40}) {
    Sketch sketch;
    sketch.change(100, 200, add);
    sketch.poll(1'000'000, 1'001'000, {{5, filter::kTimer, kClear, 0, count, 1}});
    EXPECT_EQ(sketch.verdict(), count == 11 ? "accepted" : "3.4 wrong-answer");
  }
}

}  // namespace
}  // namespace kqtorture::contract::testing
