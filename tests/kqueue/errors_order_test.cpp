// Which error does a call with several faults report? The checks of one kevent() call run in a
// fixed order, and each case has two faults, or one fault and a change that must (not) have been
// applied.
#include <climits>

#include "guarded.h"
#include "objects.h"

namespace kqtorture {
namespace {

using ErrorOrder = KqueueTest;

// A number that no open descriptor has.
int closed_number() {
  Fd fd(subject().kqueue());
  const int number = fd;
  fd.reset();
  return number;
}

TEST_F(ErrorOrder, ClosedKqueueIsRefused) {
  EXPECT_EQ(call(closed_number(), {}, 1).error, knob().closed_kqueue);
}

TEST_F(ErrorOrder, NegativeKqueueIsRefused) {
  EXPECT_EQ(call(-1, {}, 1).error, knob().closed_kqueue);
}

TEST_F(ErrorOrder, ClosedKqueueIsRefusedEvenWhenNothingIsAsked) {
  EXPECT_EQ(call(closed_number(), {}, 0).error, knob().closed_kqueue);
}

TEST_F(ErrorOrder, DescriptorThatIsNoKqueueIsRefused) {
  const Pair pipe = open_pipe();
  if (pipe.near < 0) GTEST_SKIP() << "the subject makes no pipes";
  EXPECT_EQ(call(pipe.near, {}, 1).error, knob().not_a_kqueue);
}

TEST_F(ErrorOrder, UnreadableTimeoutAndClosedKqueue) {
  REQUIRE_RAW_POINTERS();
  REQUIRE_KNOB(knob().bad_timeout_on_closed_kqueue != kUnstated);
  GuardedList memory(1);
  EXPECT_EQ(call(closed_number(), {}, 1, memory.forbidden<timespec>()).error,
            knob().bad_timeout_on_closed_kqueue);
}

TEST_F(ErrorOrder, UnreadableTimeoutAppliesNoChange) {
  REQUIRE_RAW_POINTERS();
  GuardedList memory(1);
  const Kevent add = ev(1, filter::kUser, flag::kAdd);
  EXPECT_EQ(call(kq_, {add}, 1, memory.forbidden<timespec>()).error, EFAULT);
  EXPECT_EQ(submit(kq_, ev(1, filter::kUser, flag::kDelete)), ENOENT);
}

TEST_F(ErrorOrder, NullChangelistWithChangesIsEfault) {
  REQUIRE_RAW_POINTERS();
  errno = 0;
  EXPECT_EQ(subject().kevent(kq_, nullptr, 1, nullptr, 0, nullptr), -1);
  EXPECT_EQ(errno, EFAULT);
}

TEST_F(ErrorOrder, UnreadableChangelistIsEfault) {
  REQUIRE_RAW_POINTERS();
  GuardedList memory(1);
  EXPECT_EQ(subject().kevent(kq_, memory.forbidden<Kevent>(), 1, nullptr, 0, nullptr), -1);
  EXPECT_EQ(errno, EFAULT);
}

TEST_F(ErrorOrder, ClosedKqueueComesBeforeAnUnreadableChangelist) {
  REQUIRE_RAW_POINTERS();
  GuardedList memory(1);
  EXPECT_EQ(subject().kevent(closed_number(), memory.forbidden<Kevent>(), 1, nullptr, 0, nullptr),
            -1);
  EXPECT_EQ(errno, knob().closed_kqueue);
}

TEST_F(ErrorOrder, NegativeChangeCountIsRefused) {
  REQUIRE_KNOB(knob().negative_changes == CountCheck::kRefused);
  const Kevent change = ev(1, filter::kUser, flag::kAdd);
  EXPECT_EQ(subject().kevent(kq_, &change, -1, nullptr, 0, nullptr), -1);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(submit(kq_, ev(1, filter::kUser, flag::kDelete)), ENOENT);
}

TEST_F(ErrorOrder, NegativeChangeCountIsTakenAsZero) {
  REQUIRE_KNOB(knob().negative_changes == CountCheck::kAsZero);
  const Kevent change = ev(1, filter::kUser, flag::kAdd);
  EXPECT_EQ(subject().kevent(kq_, &change, -1, nullptr, 0, nullptr), 0);
  EXPECT_EQ(submit(kq_, ev(1, filter::kUser, flag::kDelete)), ENOENT);
}

TEST_F(ErrorOrder, SmallestChangeCountIsRefused) {
  REQUIRE_KNOB(knob().negative_changes == CountCheck::kRefused);
  const Kevent change = ev(1, filter::kUser, flag::kAdd);
  EXPECT_EQ(subject().kevent(kq_, &change, INT_MIN, nullptr, 0, nullptr), -1);
  EXPECT_EQ(errno, EINVAL);
}

TEST_F(ErrorOrder, ClosedKqueueComesBeforeANegativeChangeCount) {
  REQUIRE_KNOB(knob().negative_changes == CountCheck::kRefused && knob().closed_kqueue == EBADF);
  EXPECT_EQ(subject().kevent(closed_number(), nullptr, -1, nullptr, 0, nullptr), -1);
  EXPECT_EQ(errno, EBADF);
}

TEST_F(ErrorOrder, NegativeEventCountIsRefused) {
  REQUIRE_KNOB(knob().negative_events == CountCheck::kRefused);
  Kevent room;
  EXPECT_EQ(subject().kevent(kq_, nullptr, 0, &room, -1, &kNoWait), -1);
  EXPECT_EQ(errno, EINVAL);
}

TEST_F(ErrorOrder, NegativeEventCountIsTakenAsZero) {
  REQUIRE_KNOB(knob().negative_events == CountCheck::kAsZero);
  Kevent room;
  EXPECT_EQ(subject().kevent(kq_, nullptr, 0, &room, -1, &kNoWait), 0);
}

TEST_F(ErrorOrder, FilterZero) {
  REQUIRE_KNOB(knob().filter_zero != kUnstated);
  EXPECT_EQ(submit(kq_, ev(0, 0, flag::kAdd)), knob().filter_zero);
}

TEST_F(ErrorOrder, FilterZeroIsSkippedWithoutAReceipt) {
  REQUIRE_KNOB(knob().filter_zero == 0);
  EXPECT_EQ(call(kq_, {ev(0, 0, flag::kAdd | flag::kReceipt)}, 4).count, 0);
}

TEST_F(ErrorOrder, FilterZeroIsSkippedWhateverElseIsWrong) {
  REQUIRE_KNOB(knob().filter_zero == 0);
  EXPECT_EQ(submit(kq_, ev(UINTPTR_MAX, 0, flag::kEnable | flag::kDisable)), 0);
}

TEST_F(ErrorOrder, PositiveFilterIsEinval) { EXPECT_EQ(submit(kq_, ev(1, 5, flag::kAdd)), EINVAL); }

TEST_F(ErrorOrder, FilterBelowTheTableIsEinval) {
  EXPECT_EQ(submit(kq_, ev(1, -100, flag::kAdd)), EINVAL);
  EXPECT_EQ(submit(kq_, ev(1, INT16_MIN, flag::kAdd)), EINVAL);
}

TEST_F(ErrorOrder, FilterIsCheckedEvenForADelete) {
  EXPECT_EQ(submit(kq_, ev(1, -100, flag::kDelete)), EINVAL);
}

TEST_F(ErrorOrder, EmptyFilterSlotIsRefused) {
  REQUIRE_KNOB(knob().empty_filter_slot != kUnstated);
  for (const int16_t empty : {filter::kAio, filter::kLio, filter::kSendfile}) {
    EXPECT_EQ(submit(kq_, ev(1, empty, flag::kAdd)), knob().empty_filter_slot) << empty;
  }
}

TEST_F(ErrorOrder, EmptyFilterSlotIsNoticedOnlyWhenAKnoteWouldBeCreated) {
  REQUIRE_KNOB(knob().empty_filter_slot == ENXIO);
  EXPECT_EQ(submit(kq_, ev(1, filter::kLio, flag::kEnable)), ENOENT);
}

TEST_F(ErrorOrder, EnableWithDisableComesBeforeTheDescriptor) {
  REQUIRE_KNOB(knob().enable_disable == EnableDisable::kRefused);
  const auto closed = static_cast<uintptr_t>(closed_number());
  EXPECT_EQ(submit(kq_, ev(closed, filter::kRead, flag::kEnable | flag::kDisable)), EINVAL);
}

TEST_F(ErrorOrder, EnableWithDisableComesBeforeAnEmptyFilterSlot) {
  REQUIRE_KNOB(knob().enable_disable == EnableDisable::kRefused &&
               knob().empty_filter_slot == ENXIO);
  EXPECT_EQ(submit(kq_, ev(1, filter::kAio, flag::kAdd | flag::kEnable | flag::kDisable)), EINVAL);
}

TEST_F(ErrorOrder, KeepudataWithAddComesBeforeTheDescriptor) {
  REQUIRE_KNOB(knob().keepudata);
  const auto closed = static_cast<uintptr_t>(closed_number());
  EXPECT_EQ(submit(kq_, ev(closed, filter::kRead, flag::kAdd | flag::kKeepUdata)), EINVAL);
}

TEST_F(ErrorOrder, FilterComesBeforeTheDescriptor) {
  EXPECT_EQ(submit(kq_, ev(static_cast<uintptr_t>(closed_number()), 7, flag::kAdd)), EINVAL);
}

TEST_F(ErrorOrder, AddOnAClosedDescriptorIsEbadf) {
  const auto closed = static_cast<uintptr_t>(closed_number());
  EXPECT_EQ(submit(kq_, ev(closed, filter::kRead, flag::kAdd)), EBADF);
  EXPECT_EQ(submit(kq_, ev(closed, filter::kWrite, flag::kAdd)), EBADF);
}

TEST_F(ErrorOrder, AnyOtherChangeOnAClosedDescriptor) {
  REQUIRE_KNOB(knob().change_on_closed_descriptor != kUnstated);
  const auto closed = static_cast<uintptr_t>(closed_number());
  for (const uint16_t flags : {flag::kDelete, flag::kEnable, flag::kDisable, uint16_t{0}}) {
    EXPECT_EQ(submit(kq_, ev(closed, filter::kRead, flags)), knob().change_on_closed_descriptor)
        << flags;
  }
}

TEST_F(ErrorOrder, IdentAboveIntMaxIsEbadf) {
  EXPECT_EQ(submit(kq_, ev(uintptr_t{INT_MAX} + 1, filter::kRead, flag::kAdd)), EBADF);
  EXPECT_EQ(submit(kq_, ev(UINTPTR_MAX, filter::kWrite, flag::kAdd)), EBADF);
}

TEST_F(ErrorOrder, IdentIsNotCutToAnInt) {
  const Pair pipe = open_pipe();
  if (pipe.near < 0) GTEST_SKIP() << "the subject makes no pipes";
  const uintptr_t beyond = (uintptr_t{1} << 32) + static_cast<uintptr_t>(int{pipe.near});
  EXPECT_EQ(submit(kq_, ev(beyond, filter::kRead, flag::kAdd)), EBADF);
}

class NonAddChange : public PipeTest, public ::testing::WithParamInterface<uint16_t> {};

TEST_P(NonAddChange, OnAnAbsentKnoteIsEnoent) {
  const auto fd = static_cast<uintptr_t>(int{pipe_.near});
  EXPECT_EQ(submit(kq_, ev(fd, filter::kRead, GetParam())), ENOENT);
  EXPECT_EQ(submit(kq_, ev(fd, filter::kUser, GetParam())), ENOENT);
  EXPECT_EQ(submit(kq_, ev(fd, filter::kTimer, GetParam())), ENOENT);
}

TEST_P(NonAddChange, OnTheOtherFiltersKnoteIsEnoent) {
  const auto fd = static_cast<uintptr_t>(int{pipe_.near});
  ASSERT_EQ(submit(kq_, ev(fd, filter::kRead, flag::kAdd)), 0);
  EXPECT_EQ(submit(kq_, ev(fd, filter::kWrite, GetParam())), ENOENT);
}

INSTANTIATE_TEST_SUITE_P(Changes, NonAddChange,
                         ::testing::Values(uint16_t{0}, flag::kDelete, flag::kEnable,
                                           flag::kDisable, flag::kReceipt),
                         [](const auto& instance) {
                           switch (instance.param) {
                             case flag::kDelete:
                               return "Delete";
                             case flag::kEnable:
                               return "Enable";
                             case flag::kDisable:
                               return "Disable";
                             case flag::kReceipt:
                               return "Receipt";
                             default:
                               return "Plain";
                           }
                         });

}  // namespace
}  // namespace kqtorture
