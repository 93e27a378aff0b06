// What is delivered at most once? ONESHOT deletes the knote on delivery; once queued it no longer
// cares about its object.
#include "objects.h"

namespace kqtorture {
namespace {

class Oneshot : public PipeTest {
 protected:
  uintptr_t fd() const { return static_cast<uintptr_t>(int{pipe_.near}); }
  Kevent read_ev(int flags) const { return ev(fd(), filter::kRead, static_cast<uint16_t>(flags)); }
};

TEST_F(Oneshot, IsDeliveredOnceThoughStillReady) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kOneshot)), 0);
  EXPECT_EQ(flags_of(only_event(kq_)), flag::kOneshot);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Oneshot, IsAbsentAfterDelivery) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kOneshot)), 0);
  ASSERT_EQ(poll_events(kq_).size(), 1u);
  for (const uint16_t flags : {flag::kDelete, flag::kEnable, flag::kDisable, uint16_t{0}}) {
    EXPECT_EQ(submit(kq_, read_ev(flags)), ENOENT);
  }
}

TEST_F(Oneshot, WaitsForItsCondition) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kOneshot)), 0);
  EXPECT_TRUE(silent(kq_));
  put(pipe_.far, 6);
  EXPECT_EQ(only_event(kq_).data, 6);
}

TEST_F(Oneshot, CanBeAddedAgain) {
  put(pipe_.far, 1);
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kOneshot)), 0);
    EXPECT_EQ(poll_events(kq_).size(), 1u);
    EXPECT_TRUE(silent(kq_));
  }
}

TEST_F(Oneshot, CanComeBackAsALevelKnote) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kOneshot)), 0);
  ASSERT_EQ(poll_events(kq_).size(), 1u);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
}

TEST_F(Oneshot, OnceQueuedDoesNotCareWhetherItsConditionStillHolds) {
  REQUIRE_KNOB(knob().oneshot_evaluation == OneshotEvaluation::kStale);
  put(pipe_.far, 5);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kOneshot)), 0);
  take(pipe_.near, 5);
  const Kevent event = only_event(kq_);
  EXPECT_EQ(event.ident, fd());
  // FreeBSD's own pipe evaluates its knotes when it is read, and finds it empty. A pipe that is a
  // subject's own may do either.
  const bool evaluated_by_reading = !host_descriptors() && event.data == 0;
  if (!evaluated_by_reading) EXPECT_EQ(event.data, 5) << "as of the last evaluation";
  EXPECT_EQ(submit(kq_, read_ev(flag::kDelete)), ENOENT);
}

TEST_F(Oneshot, SurvivesWhenItsConditionIsGone) {
  REQUIRE_KNOB(knob().oneshot_evaluation == OneshotEvaluation::kAtDelivery);
  put(pipe_.far, 5);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kOneshot)), 0);
  take(pipe_.near, 5);
  EXPECT_TRUE(silent(kq_));
  EXPECT_EQ(submit(kq_, read_ev(flag::kDelete)), 0);
}

TEST_F(Oneshot, AChangeRefreshesTheDataOfAQueuedEvent) {
  REQUIRE_KNOB(knob().plain_change_reevaluates);
  put(pipe_.far, 5);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kOneshot)), 0);
  take(pipe_.near, 3);
  ASSERT_EQ(submit(kq_, read_ev(0)), 0);
  EXPECT_EQ(only_event(kq_).data, 2);
}

TEST_F(Oneshot, DisabledIsSilentAndStays) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kOneshot)), 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kDisable)), 0);
  EXPECT_TRUE(silent(kq_));
  ASSERT_EQ(submit(kq_, read_ev(flag::kEnable)), 0);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Oneshot, DeletedBeforeTheScanIsNotDelivered) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kOneshot)), 0);
  EXPECT_EQ(submit(kq_, read_ev(flag::kDelete)), 0);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Oneshot, WhatDoesNotFitTheListStaysQueued) {
  for (uintptr_t i = 1; i <= 5; ++i) {
    ASSERT_EQ(submit(kq_, {ev(i, filter::kUser, flag::kAdd | flag::kOneshot), trigger(i)}), 0);
  }
  EXPECT_EQ(poll_events(kq_, 2).size(), 2u);
  EXPECT_EQ(poll_events(kq_, 2).size(), 2u);
  EXPECT_EQ(poll_events(kq_, 2).size(), 1u);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Oneshot, OfReadLeavesTheWriteKnoteAlone) {
  const Pair pair = connect_pair(Transport::kUnix);
  if (pair.near < 0) GTEST_SKIP() << "the subject makes no socket pairs";
  const auto both = static_cast<uintptr_t>(int{pair.near});
  put(pair.far, 1);
  ASSERT_EQ(submit(kq_, {ev(both, filter::kRead, flag::kAdd | flag::kOneshot),
                         ev(both, filter::kWrite, flag::kAdd)}),
            0);
  EXPECT_EQ(poll_events(kq_).size(), 2u);
  EXPECT_EQ(only_event(kq_).filter, filter::kWrite);
}

TEST_F(Oneshot, OfEofIsDeliveredOnce) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kOneshot)), 0);
  pipe_.far.reset();
  EXPECT_EQ(flags_of(only_event(kq_)), flag::kOneshot | flag::kEof);
  EXPECT_TRUE(silent(kq_));
}

}  // namespace
}  // namespace kqtorture
