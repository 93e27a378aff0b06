// Rules about a call or a kqueue as a whole, what is unknown, and what a finding names.
#include <gtest/gtest.h>

#include <cerrno>

#include "sketch.h"

namespace kqtorture::contract::testing {
namespace {

TEST(I13, EveryReceiptIsThereAndInOrder) {
  const Event one = user(kAdd | flag::kReceipt, 1);
  const Event two = read_event(kAdd | flag::kReceipt, 2, 0);
  const auto entry = [](Event change, int error) {
    change.flags = flag::kError;
    change.data = error;
    return change;
  };
  EXPECT_EQ(Sketch().changes(10, 11, {one, two}, 4, {entry(one, 0), entry(two, 0)}, 2).verdict(),
            "accepted");
  EXPECT_EQ(Sketch().changes(10, 11, {one, two}, 4, {entry(two, 0), entry(one, 0)}, 2).verdict(),
            "I13 wrong-answer");
  EXPECT_EQ(Sketch().changes(10, 11, {one, two}, 4, {entry(two, 0)}, 1).verdict(),
            "I13 wrong-answer");
  EXPECT_EQ(Sketch().changes(10, 11, {one}, 4, {}, 0).verdict(), "I13 wrong-answer");
}

TEST(I13, AnErrorWithRoomIsAnEntryAndNoErrno) {
  EXPECT_EQ(Sketch().changes(10, 11, {user(flag::kDelete, 1)}, 4, {}, -1, ENOENT).verdict(),
            "I13 wrong-errno");
}

TEST(I13, EventsAndEntriesDoNotMix) {
  Event entry = user(flag::kError, 5, 0, ENOENT);
  entry.ident = 7;
  Event change = entry;
  change.flags = flag::kDelete;
  change.data = 0;
  EXPECT_EQ(triggered().changes(20, 21, {change}, 4, {entry, user(0, 1)}, 2).verdict(),
            "I13 wrong-answer");
}

TEST(I13, AReceiptWithoutRoomEndsTheCall) {
  const Event one = user(kAdd | flag::kReceipt, 1);
  Event two = user(kAdd | flag::kReceipt, 2);
  two.ident = 7;
  Sketch sketch;
  sketch.changes(10, 11, {one, two}, 0, {}, 0);
  Sketch wrong = sketch;
  EXPECT_EQ(sketch.change(20, 21, {7, filter::kUser, flag::kDelete, 0, 0, 0}, ENOENT).verdict(),
            "accepted");
  EXPECT_EQ(wrong.change(20, 21, {7, filter::kUser, flag::kDelete, 0, 0, 0}).verdict(),
            "1.3 wrong-errno");
}

TEST(I13, AReceiptForWhichAFailureLeftNoRoomEndsTheCallToo) {
  Event failing = user(flag::kDelete, 1);
  failing.ident = 7;
  Event receipted = user(kAdd | flag::kReceipt, 2);
  receipted.ident = 8;
  // An event is due, and the call did not come to look for it.
  EXPECT_EQ(triggered().changes(20, 21, {failing, receipted}, 1, {}, 0).verdict(), "accepted");
  EXPECT_EQ(triggered().changes(20, 21, {failing, receipted}, 4, {}, 0).verdict(),
            "I13 wrong-answer");
}

TEST(I14, AWaitWithoutATimeoutReturnsSomething) {
  EXPECT_EQ(Sketch().wait(10, 20, {}).verdict(), "I14 wrong-answer");
}

TEST(I14, AWaitIsNotOverBeforeItsTime) {
  for (const int64_t timeout : {1'000'000, 10}) {
    HistoryOp op;
    op.fd = Sketch::kQueue;
    op.nevents = 1;
    op.timeout = Timeout::kFinite;
    op.amount = timeout;
    op.begin = 1000;
    op.end = 500'000;
    Sketch sketch;
    sketch.thread(1).add(op);
    EXPECT_EQ(sketch.verdict(), timeout == 10 ? "accepted" : "I14 wrong-answer");
  }
}

TEST(I18, ARefusedChangeChangesNothing) {
  Sketch sketch = triggered();
  sketch.change(20, 21, user(flag::kEnable | flag::kDisable, 9), EINVAL);
  Sketch wrong = sketch;
  EXPECT_EQ(sketch.poll(22, 23, {user(0, 1)}).verdict(), "accepted");
  EXPECT_EQ(wrong.poll(22, 23, {user(0, 9)}).verdict(), "I2 stale-generation");
}

TEST(I18, AnUnknownFlagIsRefusedWhereTheProfileSaysSo) {
  Sketch sketch;
  sketch.change(10, 11, user(kAdd | flag::kUnknown400, 1));
  EXPECT_EQ(sketch.verdict(), "1.4 wrong-errno");
  EXPECT_EQ(sketch.judged_by("freebsd", "bsd").verdict(), "accepted");
}

TEST(I20, NothingComesFromACallThatBeganAfterTheKqueueWasClosed) {
  EXPECT_EQ(triggered().close(20, 21, Sketch::kQueue).poll(22, 23, {user(0, 1)}).verdict(),
            "I20 after-delete");
  EXPECT_EQ(triggered().close(20, 21, Sketch::kQueue).change(22, 23, user(0, 1)).verdict(),
            "I20 wrong-errno");
}

TEST(I20, AWaiterOfAClosedKqueueMayStillReturnEvents) {
  EXPECT_EQ(triggered().wait(15, 60, {user(0, 1)}).close(20, 21, Sketch::kQueue).verdict(),
            "accepted");
}

TEST(I20, ADuplicateKeepsTheKqueueOpen) {
  Sketch sketch = triggered();
  sketch.call(20, 21, OpKind::kDup, Sketch::kQueue, 0, 4).close(22, 23, Sketch::kQueue);
  HistoryOp op;
  op.fd = 4;
  op.nevents = 4;
  op.begin = 30;
  op.end = 31;
  op.value = 1;
  sketch.thread(7).add(op, {}, {{user(0, 1)}});
  EXPECT_EQ(sketch.verdict(), "accepted");
}

TEST(I20, ANumberThatAnotherCallGotIsNoKqueuesHoweverLongTheCloseGoesOn) {
  const Event add = user(kAdd, 1);
  const auto closing = [] {
    return Sketch().close(20, 60, Sketch::kQueue).call(30, 32, OpKind::kDup, Sketch::kReader, 0, 3);
  };
  EXPECT_EQ(closing().change(40, 41, add).verdict(), "I20 wrong-errno");
  EXPECT_EQ(closing().change(40, 41, add, EINVAL).verdict(), "accepted");
  EXPECT_EQ(closing().change(31, 41, add).verdict(), "accepted")
      << "it may have been made before the number went";
  EXPECT_EQ(Sketch().close(20, 60, Sketch::kQueue).change(40, 41, add).verdict(), "accepted");
}

TEST(I20, ADuplicateOfWhatMayHaveBeenAKqueueMayBeOne) {
  // A dup2() onto the number of a new kqueue is under way while that is duplicated.
  const auto moved = [](uint64_t dup2_begins) {
    Sketch sketch;
    sketch.call(20, 21, OpKind::kKqueue, -1, 0, 12);
    sketch.call(dup2_begins, 60, OpKind::kDup2, Sketch::kReader, 0, 12, 12);
    return sketch.call(30, 31, OpKind::kDup2, 12, 0, Sketch::kQueue, Sketch::kQueue);
  };
  EXPECT_EQ(moved(15).change(70, 71, user(kAdd, 1)).verdict(), "accepted");
  EXPECT_EQ(moved(25).change(70, 71, user(kAdd, 1)).verdict(), "accepted");
  EXPECT_EQ(moved(25).change(70, 71, user(kAdd, 1), EINVAL).verdict(), "accepted");
  EXPECT_EQ(moved(40).change(70, 71, user(kAdd, 1)).verdict(), "accepted");
  EXPECT_EQ(moved(40).change(70, 71, user(kAdd, 1), EINVAL).verdict(), "I23 wrong-errno");
}

TEST(I20, ANewKqueueUnderTheOldNumberIsEmpty) {
  Sketch sketch = triggered();
  sketch.close(20, 21, Sketch::kQueue).call(22, 23, OpKind::kKqueue, -1, 0, Sketch::kQueue);
  Sketch wrong = sketch;
  EXPECT_EQ(sketch.change(24, 25, user(flag::kDelete, 1), ENOENT).verdict(), "accepted");
  EXPECT_EQ(wrong.poll(24, 25, {user(0, 1)}).verdict(), "I20 after-delete");
}

TEST(Unknown, AFaultingCallMayHaveTakenTheEvent) {
  Sketch sketch = triggered(kOnce);
  sketch.failed_wait(20, 21, EFAULT);
  Sketch there = sketch;
  EXPECT_EQ(sketch.change(22, 23, user(flag::kDelete, 1), ENOENT).verdict(), "accepted");
  EXPECT_EQ(there.poll(22, 23, {user(kOnce, 1)}).verdict(), "accepted");
  EXPECT_EQ(triggered(kOnce)
                .failed_wait(20, 21, EINTR)
                .change(22, 23, user(flag::kDelete, 1), ENOENT)
                .verdict(),
            "1.3 wrong-errno");
}

TEST(Unknown, WhichOfSeveralChangesFailedIsTriedEitherWay) {
  Event other = user(flag::kDelete, 0);
  other.ident = 9;
  Sketch sketch;
  sketch.changes(10, 11, {user(kAdd, 1), other}, 0, {}, -1, ENOENT);
  Sketch made = sketch;
  EXPECT_EQ(sketch.change(20, 21, user(flag::kDelete, 1), ENOENT).verdict(), "accepted");
  EXPECT_EQ(made.change(20, 21, user(flag::kDelete, 1)).verdict(), "accepted");
}

TEST(Unknown, AnUnknownDeleteForbidsNothing) {
  Event other = user(flag::kDelete, 0);
  other.ident = 9;
  Sketch sketch = triggered();
  sketch.changes(20, 21, {other, user(flag::kDelete, 1)}, 0, {}, -1, ENOENT);
  EXPECT_EQ(sketch.poll(22, 23, {user(0, 1)}).verdict(), "accepted");
}

TEST(Truncated, NothingIsJudgedAfterTheEndOfALog) {
  Sketch sketch = triggered();
  sketch.change(20, 21, user(flag::kDelete, 0)).poll(30, 31, {user(0, 1)});
  Sketch late = sketch;
  sketch.thread(6).truncated = 25;
  EXPECT_EQ(sketch.verdict(), "undecided");
  late.thread(6).truncated = 100;
  EXPECT_EQ(late.verdict(), "I1 after-delete");
}

TEST(Bounds, WhatTheSearchCannotDecideIsCountedAndAccusesNobody) {
  Sketch sketch = triggered(kDispatch);
  for (size_t i = 0; i < 8; ++i) {
    sketch.change(20 + i, 90 + i, user(i % 2 == 0 ? flag::kEnable : flag::kDisable, 10 + i));
  }
  sketch.poll(100, 101, {user(0, 99)});  // wrong, but nobody gets that far
  CheckOptions options;
  options.most_steps = 50;
  const CheckReport report = check_history(sketch.history().view(), *find_profile("strict-2006"),
                                           *find_host("linux-at-once"), options);
  EXPECT_FALSE(report.violation);
  EXPECT_EQ(report.undecided[static_cast<size_t>(Undecided::kTooManyWays)], 1u);
  EXPECT_STREQ(report.verdict(), "undecided");
}

TEST(Findings, NameTheCallThePrefixAndTheWitnesses) {
  Sketch sketch = triggered();
  sketch.change(20, 21, user(flag::kDelete, 0)).poll(22, 23, {user(0, 1)}).poll(30, 31, {});
  const CheckReport report = sketch.check();
  ASSERT_TRUE(report.violation);
  const Violation& violation = *report.violation;
  const HistoryOp& guilty =
      sketch.history().threads[violation.guilty.thread].ops[violation.guilty.op];
  EXPECT_EQ(guilty.begin, 22u);
  EXPECT_EQ(violation.entry, 0);
  EXPECT_EQ(violation.time, 23u);
  // Kqueue, pipe, ADD, trigger, DELETE, the guilty poll; not the poll after it.
  ASSERT_EQ(violation.prefix.size(), 1u);
  EXPECT_EQ(violation.prefix[0], 6u);
  // ADD, trigger, DELETE and the poll are on the component; kqueue and pipe are not.
  EXPECT_EQ(violation.witnesses.size(), 4u);
}

}  // namespace
}  // namespace kqtorture::contract::testing
