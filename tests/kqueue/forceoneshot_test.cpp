// How does one ask for the last event? FORCEONESHOT makes the next delivery the final one: exactly
// one, marked, whatever the object says, and not before the handler that holds the event lets go.
#include "objects.h"

namespace kqtorture {
namespace {

class ForceOneshot : public PipeTest {
 protected:
  void SetUp() override {
    PipeTest::SetUp();
    GATE(knob().forceoneshot, "the profile has no FORCEONESHOT");
  }
  uintptr_t fd() const { return static_cast<uintptr_t>(int{pipe_.near}); }
  Kevent read_ev(int flags, void* udata = nullptr) const {
    return ev(fd(), filter::kRead, static_cast<uint16_t>(flags), 0, 0, udata);
  }
  void expect_final_and_gone(int behaviour = 0) {
    EXPECT_EQ(only_event(kq_).flags, final_flags(static_cast<uint16_t>(behaviour)));
    EXPECT_TRUE(silent(kq_));
    EXPECT_EQ(submit(kq_, read_ev(flag::kDelete)), ENOENT);
  }
};

TEST_F(ForceOneshot, OnAnIdleKnoteDeliversAtOnce) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kForceOneshot)), 0);
  expect_final_and_gone();
}

TEST_F(ForceOneshot, OnAReadyKnoteMakesItsNextEventTheLast) {
  put(pipe_.far, 3);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  ASSERT_EQ(poll_events(kq_).size(), 1u);
  ASSERT_EQ(submit(kq_, read_ev(flag::kForceOneshot)), 0);
  expect_final_and_gone();
}

TEST_F(ForceOneshot, OnAQueuedOneshotStillMakesOneEvent) {
  put(pipe_.far, 3);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kOneshot)), 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kForceOneshot)), 0);
  expect_final_and_gone();
}

TEST_F(ForceOneshot, DataIsThatOfTheLastEvaluation) {
  put(pipe_.far, 3);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kForceOneshot)), 0);
  EXPECT_EQ(only_event(kq_).data, 3);
}

TEST_F(ForceOneshot, KeepsTheOtherFlagsOfTheKnote) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kClear | flag::kDispatch)), 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kForceOneshot)), 0);
  expect_final_and_gone(flag::kClear | flag::kDispatch);
}

TEST_F(ForceOneshot, OnADisabledKnoteIsSilentUntilEnable) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kDisable)), 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kForceOneshot)), 0);
  EXPECT_TRUE(silent(kq_));
  put(pipe_.far, 1);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(ForceOneshot, OnADisabledKnoteIsDeliveredAfterEnableThoughIdle) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kDisable)), 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kForceOneshot)), 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kEnable)), 0);
  expect_final_and_gone();
}

TEST_F(ForceOneshot, WithEnableOnADisabledKnoteDeliversInOneStep) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kDisable)), 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kForceOneshot | flag::kEnable)), 0);
  expect_final_and_gone();
}

TEST_F(ForceOneshot, WithDisableIsSilentUntilEnable) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kForceOneshot | flag::kDisable)), 0);
  EXPECT_TRUE(silent(kq_));
  ASSERT_EQ(submit(kq_, read_ev(flag::kEnable)), 0);
  expect_final_and_gone();
}

TEST_F(ForceOneshot, ThenDisableIsSilentUntilEnable) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kForceOneshot)), 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kDisable)), 0);
  EXPECT_TRUE(silent(kq_));
  ASSERT_EQ(submit(kq_, read_ev(flag::kEnable)), 0);
  expect_final_and_gone();
}

TEST_F(ForceOneshot, WaitsForTheHandlerThatHoldsADispatchedEvent) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kDispatch)), 0);
  ASSERT_EQ(poll_events(kq_).size(), 1u);
  ASSERT_EQ(submit(kq_, read_ev(flag::kForceOneshot)), 0);
  EXPECT_TRUE(silent(kq_)) << "the handler still holds the event";
  take(pipe_.near, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kEnable)), 0);
  expect_final_and_gone(flag::kDispatch);
}

TEST_F(ForceOneshot, AReAddOfTheDisabledKnoteDoesNotReleaseTheFinalEvent) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kDisable)), 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kForceOneshot)), 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  EXPECT_TRUE(silent(kq_));
  ASSERT_EQ(submit(kq_, read_ev(flag::kEnable)), 0);
  expect_final_and_gone();
}

TEST_F(ForceOneshot, RepeatedBeforeDeliveryMakesOneEvent) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(submit(kq_, read_ev(flag::kForceOneshot)), 0);
  expect_final_and_gone();
}

TEST_F(ForceOneshot, AfterDeliveryIsEnoent) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kForceOneshot)), 0);
  ASSERT_EQ(poll_events(kq_).size(), 1u);
  EXPECT_EQ(submit(kq_, read_ev(flag::kForceOneshot)), ENOENT);
}

TEST_F(ForceOneshot, OnNothingIsEnoent) {
  EXPECT_EQ(submit(kq_, read_ev(flag::kForceOneshot)), ENOENT);
  EXPECT_EQ(submit(kq_, ev(1, filter::kUser, flag::kForceOneshot)), ENOENT);
}

TEST_F(ForceOneshot, OnAClosedDescriptorIsEbadf) {
  const Kevent change = read_ev(flag::kForceOneshot);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  pipe_.near.reset();
  EXPECT_EQ(submit(kq_, change), EBADF);
}

TEST_F(ForceOneshot, DeleteTakesTheFinalEventBack) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  ASSERT_EQ(submit(kq_, {read_ev(flag::kForceOneshot), read_ev(flag::kDelete)}), 0);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(ForceOneshot, CloseTakesTheFinalEventBack) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kForceOneshot)), 0);
  pipe_.near.reset();
  EXPECT_TRUE(silent(kq_));
}

TEST_F(ForceOneshot, ANewKnoteAfterwardsIsNotForced) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kForceOneshot)), 0);
  ASSERT_EQ(poll_events(kq_).size(), 1u);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  EXPECT_TRUE(silent(kq_));
  put(pipe_.far, 1);
  EXPECT_EQ(only_event(kq_).flags, 0);
}

TEST_F(ForceOneshot, DeletedAndAddedAgainIsNotForced) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  ASSERT_EQ(
      submit(kq_, {read_ev(flag::kForceOneshot), read_ev(flag::kDelete), read_ev(flag::kAdd)}), 0);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(ForceOneshot, OnAFullWriterDeliversAllTheSame) {
  fill(pipe_.far);
  const auto writer = static_cast<uintptr_t>(int{pipe_.far});
  ASSERT_EQ(submit(kq_, ev(writer, filter::kWrite, flag::kAdd)), 0);
  ASSERT_TRUE(silent(kq_));
  ASSERT_EQ(submit(kq_, ev(writer, filter::kWrite, flag::kForceOneshot)), 0);
  EXPECT_EQ(only_event(kq_).flags, final_flags(0));
}

TEST_F(ForceOneshot, OfReadLeavesTheWriteKnoteAlone) {
  const Pair pair = connect_pair(Transport::kUnix);
  if (pair.near < 0) GTEST_SKIP() << "the subject makes no socket pairs";
  const auto both = static_cast<uintptr_t>(int{pair.near});
  ASSERT_EQ(submit(kq_, {ev(both, filter::kRead, flag::kAdd),
                         ev(both, filter::kWrite, flag::kAdd | flag::kClear)}),
            0);
  ASSERT_EQ(only_event(kq_).filter, filter::kWrite);
  ASSERT_EQ(submit(kq_, ev(both, filter::kRead, flag::kForceOneshot)), 0);
  EXPECT_EQ(only_event(kq_).filter, filter::kRead);
  EXPECT_EQ(submit(kq_, ev(both, filter::kWrite, flag::kDelete)), 0);
}

TEST_F(ForceOneshot, OfUserNeedsNoTriggerAndCarriesNoResult) {
  ASSERT_EQ(submit(kq_, ev(1, filter::kUser, flag::kAdd, 0x3, 5)), 0);
  ASSERT_EQ(submit(kq_, ev(1, filter::kUser, flag::kForceOneshot, note::kFfCopy | 0x7, 8)), 0);
  const Kevent event = only_event(kq_);
  EXPECT_EQ(event.flags, final_flags(0));
  EXPECT_EQ(event.fflags, 0u);
  EXPECT_EQ(event.data, 0);
  EXPECT_EQ(submit(kq_, ev(1, filter::kUser, flag::kDelete)), ENOENT);
}

TEST_F(ForceOneshot, OfTimerDoesNotWaitForItsExpiry) {
  ASSERT_EQ(submit(kq_, ev(1, filter::kTimer, flag::kAdd, note::kSeconds, 3600)), 0);
  ASSERT_EQ(submit(kq_, ev(1, filter::kTimer, flag::kForceOneshot)), 0);
  EXPECT_EQ(only_event(kq_).flags, final_flags(flag::kClear));
  EXPECT_EQ(submit(kq_, ev(1, filter::kTimer, flag::kDelete)), ENOENT);
}

TEST_F(ForceOneshot, OfTimerIsWithdrawnByAReAdd) {
  ASSERT_EQ(submit(kq_, ev(1, filter::kTimer, flag::kAdd, note::kSeconds, 3600)), 0);
  ASSERT_EQ(submit(kq_, ev(1, filter::kTimer, flag::kForceOneshot)), 0);
  ASSERT_EQ(submit(kq_, ev(1, filter::kTimer, flag::kAdd, note::kSeconds, 3600)), 0);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(ForceOneshot, OfTimerWithdrawnByAReAddLeavesTheNextExpiryTheLast) {
  ASSERT_EQ(submit(kq_, ev(1, filter::kTimer, flag::kAdd, note::kSeconds, 3600)), 0);
  ASSERT_EQ(submit(kq_, ev(1, filter::kTimer, flag::kForceOneshot)), 0);
  ASSERT_EQ(submit(kq_, ev(1, filter::kTimer, flag::kAdd, note::kMseconds, 5)), 0);
  EXPECT_TRUE(wait_event(kq_).flags & flag::kOneshot);
  EXPECT_EQ(submit(kq_, ev(1, filter::kTimer, flag::kDelete)), ENOENT);
}

TEST_F(ForceOneshot, WithAddOfAnExistingTimerIsWithdrawnAtOnce) {
  ASSERT_EQ(submit(kq_, ev(1, filter::kTimer, flag::kAdd, note::kSeconds, 3600)), 0);
  ASSERT_EQ(
      submit(kq_, ev(1, filter::kTimer, flag::kAdd | flag::kForceOneshot, note::kSeconds, 3600)),
      0);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(ForceOneshot, CanHaveAReceipt) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  const Outcome outcome = call(kq_, {read_ev(flag::kForceOneshot | flag::kReceipt)}, 4);
  ASSERT_EQ(outcome.count, 1);
  EXPECT_EQ(outcome.entries[0].flags, flag::kError);
  EXPECT_EQ(outcome.entries[0].data, 0);
  expect_final_and_gone();
}

TEST_F(ForceOneshot, AndTheScanOfTheSameCall) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  const Outcome outcome = call(kq_, {read_ev(flag::kForceOneshot)}, 4, nullptr);
  ASSERT_EQ(outcome.count, 1);
  EXPECT_EQ(outcome.entries[0].flags, final_flags(0));
}

TEST_F(ForceOneshot, OnlyTheFinalEventIsMarked) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, {read_ev(flag::kAdd | flag::kOneshot), ev(1, filter::kUser, flag::kAdd)}),
            0);
  ASSERT_EQ(submit(kq_, ev(1, filter::kUser, flag::kForceOneshot)), 0);
  for (const Kevent& event : poll_events(kq_)) {
    EXPECT_EQ(event.flags,
              event.ident == 1 && event.filter == filter::kUser ? final_flags(0) : flag::kOneshot);
  }
}

}  // namespace
}  // namespace kqtorture
