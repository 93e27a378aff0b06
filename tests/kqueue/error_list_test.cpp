// How are errors and receipts reported? Entries stand in the event list in the order of the
// changes, no event is mixed in, and what happens when there is no room left is a rule of its own.
#include <gmock/gmock.h>

#include "guarded.h"
#include "objects.h"

namespace kqtorture {
namespace {

using ::testing::ElementsAre;

using ErrorList = PipeTest;

const Kevent kAbsent = ev(99, filter::kUser, flag::kDelete, 0, 0, tag(9));

Kevent user_add(uintptr_t ident, int flags = 0) {
  return ev(ident, filter::kUser, static_cast<uint16_t>(flag::kAdd | flags), 0, 0, tag(ident));
}

TEST_F(ErrorList, AFailedChangeIsAnEntryWithItsErrno) {
  const Outcome outcome = call(kq_, {kAbsent}, 1);
  ASSERT_EQ(outcome.count, 1);
  EXPECT_EQ(outcome.entries[0].data, ENOENT);
  EXPECT_TRUE(outcome.entries[0].flags & flag::kError);
}

TEST_F(ErrorList, AnEntryNamesItsChange) {
  const Outcome outcome = call(kq_, {kAbsent}, 1);
  ASSERT_EQ(outcome.count, 1);
  EXPECT_EQ(outcome.entries[0].ident, 99u);
  EXPECT_EQ(outcome.entries[0].filter, filter::kUser);
  EXPECT_EQ(outcome.entries[0].udata, tag(9));
}

TEST_F(ErrorList, TheFlagsOfAnErrorEntry) {
  const Outcome outcome = call(kq_, {kAbsent}, 1);
  ASSERT_EQ(outcome.count, 1);
  const int expected = knob().bare_error_entries ? flag::kError : flag::kError | flag::kDelete;
  EXPECT_EQ(outcome.entries[0].flags, expected);
}

TEST_F(ErrorList, AReceiptIsAnEntryWithDataZero) {
  const Outcome outcome = call(kq_, {user_add(1, flag::kReceipt)}, 1);
  ASSERT_EQ(outcome.count, 1);
  EXPECT_EQ(outcome.entries[0].data, 0);
  EXPECT_EQ(outcome.entries[0].ident, 1u);
  EXPECT_EQ(outcome.entries[0].udata, tag(1));
}

TEST_F(ErrorList, TheFlagsOfAReceipt) {
  const Outcome outcome = call(kq_, {user_add(1, flag::kReceipt)}, 1);
  ASSERT_EQ(outcome.count, 1);
  const int input = flag::kAdd | flag::kReceipt;
  EXPECT_EQ(outcome.entries[0].flags,
            knob().bare_error_entries ? flag::kError : flag::kError | input);
}

TEST_F(ErrorList, AReceiptOfAFailedChangeTellsTheErrorOnce) {
  Kevent change = kAbsent;
  change.flags |= flag::kReceipt;
  const Outcome outcome = call(kq_, {change}, 4);
  ASSERT_EQ(outcome.count, 1);
  EXPECT_EQ(outcome.entries[0].data, ENOENT);
}

TEST_F(ErrorList, TheFflagsOfACreatingReceipt) {
  const Kevent add = ev(1, filter::kUser, flag::kAdd | flag::kReceipt, 0x5, 7);
  const Outcome outcome = call(kq_, {add}, 1);
  ASSERT_EQ(outcome.count, 1);
  EXPECT_EQ(outcome.entries[0].fflags, knob().bare_error_entries ? 0u : 0x5u);
}

TEST_F(ErrorList, ADeleteCanHaveAReceipt) {
  ASSERT_EQ(submit(kq_, user_add(1)), 0);
  const Outcome outcome = call(kq_, {ev(1, filter::kUser, flag::kDelete | flag::kReceipt)}, 1);
  ASSERT_EQ(outcome.count, 1);
  EXPECT_EQ(outcome.entries[0].data, 0);
  EXPECT_EQ(submit(kq_, ev(1, filter::kUser, flag::kDelete)), ENOENT);
}

TEST_F(ErrorList, EntriesStandInTheOrderOfTheChanges) {
  const Outcome outcome = call(kq_,
                               {user_add(3, flag::kReceipt), kAbsent, user_add(1, flag::kReceipt),
                                user_add(2), ev(98, filter::kUser, flag::kEnable)},
                               8);
  EXPECT_THAT(idents(outcome.entries), ElementsAre(3, 99, 1, 98));
}

TEST_F(ErrorList, ProcessingGoesOnAfterAnErrorThatHasRoom) {
  EXPECT_EQ(call(kq_, {kAbsent, user_add(1)}, 1).count, 1);
  EXPECT_EQ(submit(kq_, ev(1, filter::kUser, flag::kDelete)), 0);
}

TEST_F(ErrorList, ErrorsMayFillTheListExactly) {
  const Outcome outcome = call(kq_, {kAbsent, kAbsent, user_add(1)}, 2);
  EXPECT_EQ(outcome.count, 2);
  EXPECT_EQ(submit(kq_, ev(1, filter::kUser, flag::kDelete)), 0);
}

TEST_F(ErrorList, AnErrorWithoutRoomFailsTheCall) {
  EXPECT_EQ(call(kq_, {kAbsent}, 0).error, ENOENT);
}

TEST_F(ErrorList, AnErrorWithoutRoomStopsTheChanges) {
  EXPECT_EQ(submit(kq_, {user_add(1), kAbsent, user_add(2)}), ENOENT);
  EXPECT_EQ(submit(kq_, ev(1, filter::kUser, flag::kDelete)), 0) << "before the error: applied";
  EXPECT_EQ(submit(kq_, ev(2, filter::kUser, flag::kDelete)), ENOENT) << "after it: not";
}

TEST_F(ErrorList, AnErrorBeyondTheRoomFailsTheCallDespiteEarlierEntries) {
  const Outcome outcome = call(kq_, {kAbsent, kAbsent, user_add(1)}, 1);
  EXPECT_EQ(outcome.count, -1);
  EXPECT_EQ(outcome.error, ENOENT);
  EXPECT_EQ(submit(kq_, ev(1, filter::kUser, flag::kDelete)), ENOENT);
}

TEST_F(ErrorList, AReceiptWithoutRoomStopsTheChangesAndReturnsZero) {
  REQUIRE_KNOB(knob().receipt_without_room == ReceiptWithoutRoom::kStops);
  const Outcome outcome = call(kq_, {user_add(1, flag::kReceipt), user_add(2)}, 0);
  EXPECT_EQ(outcome.count, 0);
  EXPECT_EQ(submit(kq_, ev(1, filter::kUser, flag::kDelete)), 0) << "its own change is applied";
  EXPECT_EQ(submit(kq_, ev(2, filter::kUser, flag::kDelete)), ENOENT);
}

TEST_F(ErrorList, AReceiptBeyondTheRoomReturnsZeroDespiteEarlierEntries) {
  REQUIRE_KNOB(knob().receipt_without_room == ReceiptWithoutRoom::kStops);
  const Outcome outcome =
      call(kq_, {user_add(1, flag::kReceipt), user_add(2, flag::kReceipt), user_add(3)}, 1);
  EXPECT_EQ(outcome.count, 0);
  EXPECT_EQ(submit(kq_, ev(2, filter::kUser, flag::kDelete)), 0);
  EXPECT_EQ(submit(kq_, ev(3, filter::kUser, flag::kDelete)), ENOENT);
}

TEST_F(ErrorList, AReceiptWithoutRoomLeavesPendingEventsAlone) {
  REQUIRE_KNOB(knob().receipt_without_room == ReceiptWithoutRoom::kStops);
  ASSERT_EQ(submit(kq_, {user_add(1, flag::kOneshot), trigger(1)}), 0);
  EXPECT_EQ(call(kq_, {user_add(2, flag::kReceipt), user_add(3, flag::kReceipt)}, 1).count, 0);
  EXPECT_EQ(only_event(kq_).ident, 1u);
}

TEST_F(ErrorList, AReceiptWithoutRoomIsDroppedSilently) {
  REQUIRE_KNOB(knob().receipt_without_room == ReceiptWithoutRoom::kContinues);
  EXPECT_EQ(call(kq_, {user_add(1, flag::kReceipt), user_add(2)}, 0).count, 0);
  EXPECT_EQ(submit(kq_, ev(2, filter::kUser, flag::kDelete)), 0);
}

TEST_F(ErrorList, AReceiptWithoutRoomFailsTheCall) {
  REQUIRE_KNOB(knob().receipt_without_room == ReceiptWithoutRoom::kFails);
  EXPECT_EQ(call(kq_, {user_add(1, flag::kReceipt)}, 0).error, EFAULT);
}

TEST_F(ErrorList, AnEntryMeansNoScan) {
  REQUIRE_KNOB(knob().entries_end_the_call);
  ASSERT_EQ(submit(kq_, {user_add(1), trigger(1)}), 0);
  const Outcome outcome = call(kq_, {user_add(2, flag::kReceipt)}, 8);
  ASSERT_EQ(outcome.count, 1);
  EXPECT_EQ(outcome.entries[0].ident, 2u);
}

TEST_F(ErrorList, AnEntryMeansNoWait) {
  REQUIRE_KNOB(knob().entries_end_the_call);
  EXPECT_EQ(Waiter(kq_, 8, nullptr, {user_add(2, flag::kReceipt)}).join().count, 1);
  EXPECT_EQ(Waiter(kq_, 8, nullptr, {kAbsent}).join().count, 1);
}

TEST_F(ErrorList, PendingEventsSurviveACallThatOnlyReports) {
  ASSERT_EQ(submit(kq_, {user_add(1, flag::kOneshot), user_add(2, flag::kDispatch),
                         user_add(3, flag::kClear), trigger(1), trigger(2), trigger(3)}),
            0);
  EXPECT_EQ(call(kq_, {kAbsent, user_add(4, flag::kReceipt)}, 2).count, 2);
  EXPECT_EQ(poll_events(kq_).size(), 3u);
}

TEST_F(ErrorList, AnAppliedChangeOfAReportingCallIsSeenByTheNext) {
  ASSERT_EQ(call(kq_, {user_add(1), trigger(1), kAbsent}, 1).count, 1);
  EXPECT_EQ(only_event(kq_).ident, 1u);
}

TEST_F(ErrorList, OneArrayMayBeChangesAndEvents) {
  constexpr int kCount = 20;
  std::vector<Kevent> list;
  for (uintptr_t i = 0; i < kCount; ++i) {
    list.push_back(i % 3 == 0 ? ev(i, filter::kUser, flag::kDelete) : user_add(i, flag::kReceipt));
  }
  ASSERT_EQ(subject().kevent(kq_, list.data(), kCount, list.data(), kCount, nullptr), kCount);
  for (uintptr_t i = 0; i < kCount; ++i) {
    EXPECT_EQ(list[i].ident, i);
    EXPECT_EQ(list[i].data, i % 3 == 0 ? ENOENT : 0);
  }
}

TEST_F(ErrorList, OneArrayMayBeBothThoughOnlySomeChangesAreReported) {
  REQUIRE_KNOB(knob().entries_end_the_call);
  constexpr int kCount = 20;
  std::vector<Kevent> list;
  for (uintptr_t i = 0; i < kCount; ++i) {
    list.push_back(i % 4 == 3 ? ev(i, filter::kUser, flag::kEnable) : user_add(i));
  }
  ASSERT_EQ(subject().kevent(kq_, list.data(), kCount, list.data(), kCount, nullptr), 5);
  EXPECT_EQ(list[0].ident, 3u);
  EXPECT_EQ(list[4].ident, 19u);
  for (uintptr_t i = 0; i < kCount; ++i) {
    EXPECT_EQ(submit(kq_, ev(i, filter::kUser, flag::kDelete)), i % 4 == 3 ? ENOENT : 0) << i;
  }
}

TEST_F(ErrorList, ReceiptSticksToTheKnoteAndShowsOnDeliveries) {
  ASSERT_EQ(call(kq_, {user_add(1, flag::kReceipt)}, 1).count, 1);
  ASSERT_EQ(submit(kq_, trigger(1)), 0);
  EXPECT_EQ(flags_of(only_event(kq_)), flag::kReceipt);
}

TEST_F(ErrorList, ReceiptOfALaterChangeDoesNotStick) {
  REQUIRE_KNOB(knob().readd_keeps_behaviour);
  ASSERT_EQ(submit(kq_, user_add(1)), 0);
  ASSERT_EQ(call(kq_, {ev(1, filter::kUser, flag::kReceipt, note::kTrigger)}, 1).count, 1);
  EXPECT_EQ(flags_of(only_event(kq_)), 0);
}

TEST_F(ErrorList, AStickyReceiptReportsNothingForLaterChanges) {
  ASSERT_EQ(call(kq_, {user_add(1, flag::kReceipt)}, 1).count, 1);
  EXPECT_EQ(call(kq_, {ev(1, filter::kUser, flag::kDelete)}, 1).count, 0);
}

TEST_F(ErrorList, AnEntryThatCannotBeCopiedOutIsStillCounted) {
  REQUIRE_RAW_POINTERS();
  REQUIRE_KNOB(knob().lost_entry_is_counted);
  GuardedList memory(1);
  const Kevent changes[] = {user_add(1, flag::kReceipt), kAbsent};
  EXPECT_EQ(subject().kevent(kq_, changes, 2, memory.forbidden<Kevent>(), 2, &kNoWait), 2);
  EXPECT_EQ(submit(kq_, ev(1, filter::kUser, flag::kDelete)), 0);
}

TEST_F(ErrorList, AnUnwatchableIdentDoesNotSpoilItsNeighbours) {
  REQUIRE_KNOB(knob().entries_end_the_call);
  const auto fd = static_cast<uintptr_t>(int{pipe_.near});
  put(pipe_.far, 1);
  const Outcome outcome = call(
      kq_, {ev(uintptr_t{1} << 40, filter::kRead, flag::kAdd), ev(fd, filter::kRead, flag::kAdd)},
      4);
  ASSERT_EQ(outcome.count, 1);
  EXPECT_EQ(outcome.entries[0].data, EBADF);
  EXPECT_EQ(only_event(kq_).ident, fd);
}

}  // namespace
}  // namespace kqtorture
