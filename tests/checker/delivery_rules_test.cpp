// Who may be delivered when, and how often: the smallest history that breaks a rule of deliveries,
// and its neighbour that does not.
#include <gtest/gtest.h>

#include <cerrno>

#include "sketch.h"

namespace kqtorture::contract::testing {
namespace {

TEST(I1, DeliveryFromACallThatBeganAfterTheDeleteIsRefused) {
  EXPECT_EQ(triggered().change(20, 21, user(flag::kDelete, 0)).poll(22, 23, {user(0, 1)}).verdict(),
            "I1 after-delete");
}

TEST(I1, DeliveryFromACallThatOverlapsTheDeleteIsAccepted) {
  EXPECT_EQ(triggered().change(20, 25, user(flag::kDelete, 0)).poll(22, 40, {user(0, 1)}).verdict(),
            "accepted");
  // Even long after the DELETE has returned.
  EXPECT_EQ(triggered().wait(19, 90, {user(0, 1)}).change(20, 21, user(flag::kDelete, 0)).verdict(),
            "accepted");
}

TEST(I1, TimesThatTouchOverlap) {
  EXPECT_EQ(triggered().change(20, 22, user(flag::kDelete, 0)).poll(22, 23, {user(0, 1)}).verdict(),
            "accepted");
}

TEST(I1, AnOverlappingAddMakesTheDeliveryLegal) {
  Sketch sketch;
  sketch.write(8, 9).change(10, 11, read_event(kAdd, 1));
  sketch.change(20, 30, read_event(flag::kDelete, 1)).change(25, 35, read_event(kAdd, 2));
  EXPECT_EQ(sketch.poll(36, 37, {read_event(0, 2)}).verdict(), "accepted");
}

TEST(I2, DeliveryFromACallThatBeganAfterTheCloseIsRefused) {
  Sketch sketch;
  sketch.write(8, 9).change(10, 11, read_event(kAdd, 1)).close(20, 21, Sketch::kReader);
  EXPECT_EQ(sketch.poll(22, 23, {read_event(0, 1)}).verdict(), "I2 after-delete");
}

TEST(I2, DeliveryFromACallThatOverlapsTheCloseIsAccepted) {
  Sketch sketch;
  sketch.write(8, 9).change(10, 11, read_event(kAdd, 1)).wait(15, 30, {read_event(0, 1)});
  EXPECT_EQ(sketch.close(20, 21, Sketch::kReader).verdict(), "accepted");
}

TEST(I2, ANewFileUnderTheOldNumberInheritsNothing) {
  Sketch sketch;
  sketch.write(8, 9).change(10, 11, read_event(kAdd, 1)).close(20, 21, Sketch::kReader);
  sketch.close(22, 23, Sketch::kWriter);
  sketch.call(24, 25, OpKind::kPipe, Sketch::kReader, 0, 0, Sketch::kWriter).write(26, 27);
  Sketch stale = sketch;
  EXPECT_EQ(stale.poll(28, 29, {read_event(0, 1)}).verdict(), "I2 after-delete");
  sketch.change(28, 29, read_event(kAdd, 2));
  Sketch wrong = sketch;
  EXPECT_EQ(sketch.poll(30, 31, {read_event(0, 2)}).verdict(), "accepted");
  EXPECT_EQ(wrong.poll(30, 31, {read_event(0, 1)}).verdict(), "I2 stale-generation");
}

TEST(I2, Dup2OntoAWatchedNumberClosesIt) {
  Sketch sketch;
  sketch.call(5, 6, OpKind::kPipe, 20, 0, 0, 21);
  sketch.write(8, 9).change(10, 11, read_event(kAdd, 1));
  sketch.call(12, 13, OpKind::kDup2, 20, 0, Sketch::kReader, Sketch::kReader);
  EXPECT_EQ(sketch.poll(14, 15, {read_event(0, 1)}).verdict(), "I2 after-delete");
}

TEST(I2, ClosingOneOfTwoNumbersLeavesTheOthersKnotes) {
  Sketch sketch;
  sketch.call(5, 6, OpKind::kDup, Sketch::kReader, 0, 20).write(8, 9);
  sketch.change(10, 11, read_event(kAdd, 1)).change(12, 13, read_event(kAdd, 2, 0, 20));
  sketch.close(14, 15, 20);
  EXPECT_EQ(sketch.poll(16, 17, {read_event(0, 1)}).verdict(), "accepted");
}

TEST(I3, DeliveryFromACallThatBeganAfterTheDisableIsRefused) {
  EXPECT_EQ(
      triggered().change(20, 21, user(flag::kDisable, 1)).poll(22, 23, {user(0, 1)}).verdict(),
      "I3 phantom");
  EXPECT_EQ(
      triggered().change(20, 25, user(flag::kDisable, 1)).poll(22, 40, {user(0, 1)}).verdict(),
      "accepted");
}

TEST(I4, OneshotIsDeliveredOnce) {
  EXPECT_EQ(triggered(kOnce).poll(20, 21, {user(kOnce, 1)}).verdict(), "accepted");
  EXPECT_EQ(
      triggered(kOnce).poll(20, 24, {user(kOnce, 1)}).poll(21, 23, {user(kOnce, 1)}).verdict(),
      "I4 duplicate");
}

TEST(I4, AfterTheOneshotEventTheKeyIsAbsent) {
  EXPECT_EQ(triggered(kOnce)
                .poll(20, 21, {user(kOnce, 1)})
                .change(22, 23, user(flag::kEnable, 1))
                .verdict(),
            "I4 after-delete");
  EXPECT_EQ(triggered(kOnce)
                .poll(20, 21, {user(kOnce, 1)})
                .change(22, 23, user(flag::kEnable, 1), ENOENT)
                .verdict(),
            "accepted");
}

TEST(I4, EnoentIsNotSilence) {
  // The DELETE finds the knote gone while the call that took its event has yet to return.
  EXPECT_EQ(triggered(kOnce)
                .wait(20, 90, {user(kOnce, 1)})
                .change(22, 23, user(flag::kDelete, 1), ENOENT)
                .verdict(),
            "accepted");
}

TEST(I5, DispatchIsDeliveredOncePerArming) {
  EXPECT_EQ(triggered(kDispatch)
                .poll(20, 24, {user(kDispatch, 1)})
                .poll(21, 23, {user(kDispatch, 1)})
                .verdict(),
            "I5 duplicate");
}

TEST(I5, RedundantEnablesExcuseNoLaterDouble) {
  Sketch sketch = triggered(kDispatch);
  for (uint64_t i = 0; i < 3; ++i) {
    sketch.change(20 + 2 * i, 21 + 2 * i, user(flag::kEnable, 1));
  }
  sketch.poll(30, 31, {user(kDispatch, 1)});
  Sketch twice = sketch;
  EXPECT_EQ(sketch.verdict(), "accepted");
  EXPECT_EQ(twice.poll(32, 33, {user(kDispatch, 1)}).verdict(), "I5 duplicate");
}

TEST(I5, AThirdPartysEnableAllowsTheNextDelivery) {
  // By the ends of the calls the second delivery comes first.
  EXPECT_EQ(triggered(kDispatch)
                .poll(20, 60, {user(kDispatch, 1)})
                .change(30, 31, user(flag::kEnable, 1))
                .poll(32, 33, {user(kDispatch, 1)})
                .verdict(),
            "accepted");
}

TEST(I6, TheFinalEventIsTheLast) {
  Sketch sketch = triggered(kDispatch);
  sketch.change(20, 21, user(kForce, 1)).poll(22, 23, {user(kDispatch | kFinal, 1)});
  Sketch again = sketch, there = sketch;
  EXPECT_EQ(sketch.change(24, 25, user(flag::kEnable, 1), ENOENT).verdict(), "accepted");
  EXPECT_EQ(again.poll(24, 25, {user(kDispatch | kFinal, 1)}).verdict(), "I6 duplicate");
  EXPECT_EQ(there.change(24, 25, user(flag::kEnable, 1)).verdict(), "I6 after-delete");
}

TEST(I6, AnOrdinaryEventDoesNotComeFromACallThatBeganAfterTheForce) {
  EXPECT_EQ(triggered().change(20, 21, user(kForce, 1)).poll(22, 23, {user(0, 1)}).verdict(),
            "I6 wrong-answer");
  EXPECT_EQ(triggered().change(20, 25, user(kForce, 1)).poll(22, 40, {user(0, 1)}).verdict(),
            "accepted");
}

TEST(I6, AForceIsRefusedOnlyWhenTheKnoteMayBeGone) {
  EXPECT_EQ(triggered().change(20, 21, user(kForce, 1), ENOENT).verdict(), "I6 wrong-errno");
  EXPECT_EQ(triggered()
                .change(19, 22, user(flag::kDelete, 1))
                .change(20, 21, user(kForce, 1), ENOENT)
                .verdict(),
            "accepted");
}

TEST(I6, TheFinalEventComesThoughTheObjectIsIdle) {
  Sketch sketch;
  sketch.change(10, 11, read_event(kAdd, 1)).change(20, 21, read_event(kForce, 1));
  EXPECT_EQ(sketch.poll(22, 23, {read_event(kFinal, 1, 0)}).verdict(), "accepted");
}

// Whatever else is true of the knote: it needs no condition, no activation and no arming, so it is
// not blamed for the want of them.
TEST(I6, AFinalEventIsBlamedAsOne) {
  Sketch idle;
  idle.change(10, 11, read_event(kAdd, 1));
  Sketch unmarked = idle, ordinary = idle;
  EXPECT_EQ(idle.poll(22, 23, {read_event(kFinal, 1, 0)}).verdict(), "I6 phantom");
  unmarked.judged_by("freebsd", "linux-at-once");
  EXPECT_EQ(unmarked.poll(22, 23, {read_event(kOnce, 1, 0)}).verdict(), "I6 phantom");
  EXPECT_EQ(ordinary.poll(22, 23, {read_event(0, 1, 0)}).verdict(), "I10 phantom");

  Sketch told;
  told.change(10, 11, read_event(kAdd | kClear, 1)).write(12, 13);
  told.poll(14, 15, {read_event(kClear, 1)});
  Sketch again = told;
  EXPECT_EQ(told.poll(22, 23, {read_event(kClear | kFinal, 1)}).verdict(), "I6 phantom");
  EXPECT_EQ(again.poll(22, 23, {read_event(kClear, 1)}).verdict(), "I9 duplicate");

  Sketch disabled = triggered().change(20, 21, user(flag::kDisable, 1));
  Sketch never_forced = disabled;
  EXPECT_EQ(disabled.change(22, 23, user(kForce, 1)).poll(24, 25, {user(kFinal, 1)}).verdict(),
            "I6 phantom");
  EXPECT_EQ(never_forced.poll(24, 25, {user(kFinal, 1)}).verdict(), "I6 phantom");
  EXPECT_EQ(triggered(kOnce)
                .change(20, 21, user(flag::kDisable, 1))
                .poll(22, 23, {user(kOnce, 1)})
                .verdict(),
            "I3 phantom")
      << "a ONESHOT knote's own event is no final one";
}

TEST(I6Prime, AFinalEventWaitsForTheHandlerToEnable) {
  Sketch held = triggered(kDispatch).poll(14, 15, {user(kDispatch, 1)});
  constexpr uint16_t kLast = kDispatch | kFinal;
  // Whether the call that forces has returned or not.
  for (const uint64_t end : {21, 90}) {
    Sketch early = held, enabled = held, ordinary = held, unmarked = held;
    EXPECT_EQ(early.change(20, end, user(kForce, 1)).poll(22, 23, {user(kLast, 1)}).verdict(),
              "I6' duplicate");
    enabled.change(20, end, user(kForce | flag::kEnable, 1));
    EXPECT_EQ(enabled.poll(22, 23, {user(kLast, 1)}).verdict(), "accepted");
    ordinary.change(20, end, user(kForce, 1));
    EXPECT_EQ(ordinary.poll(22, 23, {user(kDispatch, 1)}).verdict(), "I5 duplicate");
    unmarked.judged_by("freebsd", "linux-at-once").change(20, end, user(kForce, 1));
    EXPECT_EQ(unmarked.poll(22, 23, {user(kDispatch | kOnce, 1)}).verdict(), "I6' duplicate");
  }
}

TEST(I6, AFinalEventWithTheUdataOfAnEarlierArmingIsNoEventOfThatArming) {
  Sketch held = triggered(kDispatch).poll(14, 15, {user(kDispatch, 1)});
  held.change(20, 21, user(kForce | flag::kEnable, 2));
  EXPECT_EQ(held.poll(22, 23, {user(kDispatch | kFinal, 1)}).verdict(), "I12 wrong-udata");
}

TEST(I6, AFinalEventThatNeverComesIsLost) {
  Sketch sketch;
  sketch.change(10, 11, read_event(kAdd, 1)).change(20, 21, read_event(kForce, 1));
  EXPECT_EQ(sketch.probe(30, 31, {}).verdict(), "I6 lost");
}

TEST(I7, ACallReturnsAKnoteOnce) {
  EXPECT_EQ(triggered().poll(20, 21, {user(0, 1), user(0, 1)}).verdict(), "I7 duplicate");
}

TEST(I7, TwoLivesOfAKeyMayMeetInOneCall) {
  EXPECT_EQ(triggered(kOnce)
                .wait(20, 40, {user(kOnce, 1), user(kOnce, 2)})
                .change(22, 23, user(kAdd | kOnce, 2))
                .change(24, 25, user(0, 2, note::kTrigger))
                .verdict(),
            "accepted");
}

TEST(I12, AUdataThatIsOverIsRefused) {
  Sketch sketch;
  sketch.change(10, 11, user(kAdd, 1)).change(12, 13, user(0, 2, note::kTrigger));
  Sketch old = sketch, foreign = sketch, racing = sketch;
  EXPECT_EQ(sketch.poll(20, 21, {user(0, 2)}).verdict(), "accepted");
  EXPECT_EQ(foreign.poll(20, 21, {user(0, 77)}).verdict(), "I12 wrong-udata");
  racing.change(19, 30, user(0, 3)).poll(20, 21, {user(0, 3)});
  EXPECT_EQ(racing.verdict(), "accepted");
}

TEST(I23, ConcurrentAddsLeaveOneKnote) {
  Sketch sketch;
  sketch.change(10, 20, user(kAdd, 1)).change(11, 19, user(kAdd, 2));
  sketch.change(30, 31, user(flag::kDelete, 0));
  Sketch two = sketch;
  EXPECT_EQ(sketch.change(40, 41, user(flag::kDelete, 0), ENOENT).verdict(), "accepted");
  EXPECT_EQ(two.change(40, 41, user(flag::kDelete, 0)).verdict(), "I1 after-delete");
  EXPECT_EQ(Sketch().change(10, 11, user(kAdd, 1), ENOENT).verdict(), "I23 wrong-errno");
}

}  // namespace
}  // namespace kqtorture::contract::testing
