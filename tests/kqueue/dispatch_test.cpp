// Who may hold an event? DISPATCH disables the knote on delivery, so that it is active in one place
// at a time; only ENABLE arms it again, and nothing that happened in between is lost.
#include "objects.h"

namespace kqtorture {
namespace {

class Dispatch : public PipeTest {
 protected:
  uintptr_t fd() const { return static_cast<uintptr_t>(int{pipe_.near}); }
  Kevent read_ev(int flags) const { return ev(fd(), filter::kRead, static_cast<uint16_t>(flags)); }
  // A ready knote, delivered once.
  void deliver_once() {
    put(pipe_.far, 1);
    ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kDispatch)), 0);
    ASSERT_EQ(only_event(kq_).ident, fd());
  }
};

TEST_F(Dispatch, IsDeliveredOnceThoughStillReady) {
  deliver_once();
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Dispatch, ShowsInTheFlags) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kDispatch)), 0);
  EXPECT_EQ(flags_of(only_event(kq_)), flag::kDispatch);
}

TEST_F(Dispatch, NewDataDoesNotFireItWhileDisabled) {
  deliver_once();
  put(pipe_.far, 1);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Dispatch, EnableDeliversWhatIsStillUnread) {
  deliver_once();
  ASSERT_EQ(submit(kq_, read_ev(flag::kEnable)), 0);
  EXPECT_EQ(only_event(kq_).data, 1);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Dispatch, EnableDeliversWhatArrivedMeanwhile) {
  deliver_once();
  take(pipe_.near, 1);
  put(pipe_.far, 4);
  ASSERT_EQ(submit(kq_, read_ev(flag::kEnable)), 0);
  EXPECT_EQ(only_event(kq_).data, 4);
}

TEST_F(Dispatch, EnableOfADrainedObjectIsSilentUntilThereIsData) {
  deliver_once();
  take(pipe_.near, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kEnable)), 0);
  EXPECT_TRUE(silent(kq_));
  put(pipe_.far, 2);
  EXPECT_EQ(only_event(kq_).data, 2);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Dispatch, EachEnableGrantsOneDelivery) {
  deliver_once();
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(submit(kq_, read_ev(flag::kEnable)), 0);
    EXPECT_EQ(poll_events(kq_).size(), 1u);
    EXPECT_TRUE(silent(kq_));
  }
}

TEST_F(Dispatch, EnableOfAnEnabledKnoteGrantsNothingMore) {
  deliver_once();
  ASSERT_EQ(submit(kq_, {read_ev(flag::kEnable), read_ev(flag::kEnable), read_ev(flag::kEnable)}),
            0);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Dispatch, APlainChangeDoesNotArm) {
  deliver_once();
  ASSERT_EQ(submit(kq_, read_ev(0)), 0);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Dispatch, AReAddDoesNotArm) {
  deliver_once();
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kDispatch)), 0);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Dispatch, AReAddWithEnableArms) {
  deliver_once();
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kEnable | flag::kDispatch)), 0);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Dispatch, EnableAndScanInOneCall) {
  deliver_once();
  const Outcome outcome = call(kq_, {read_ev(flag::kEnable)}, 4);
  EXPECT_EQ(outcome.count, 1);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Dispatch, IsStillThereWhileDisabled) {
  deliver_once();
  EXPECT_EQ(submit(kq_, read_ev(flag::kDelete)), 0);
  EXPECT_EQ(submit(kq_, read_ev(flag::kEnable)), ENOENT);
}

TEST_F(Dispatch, DisableWhileDisabledChangesNothing) {
  deliver_once();
  ASSERT_EQ(submit(kq_, read_ev(flag::kDisable)), 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kEnable)), 0);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
}

TEST_F(Dispatch, EofWhileDisabledIsDeliveredAfterEnable) {
  deliver_once();
  take(pipe_.near, 1);
  pipe_.far.reset();
  EXPECT_TRUE(silent(kq_));
  ASSERT_EQ(submit(kq_, read_ev(flag::kEnable)), 0);
  EXPECT_TRUE(only_event(kq_).flags & flag::kEof);
}

TEST_F(Dispatch, CreatedDisabledIsSilentUntilEnable) {
  REQUIRE_KNOB(knob().add_disabled_is_silent);
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kDispatch | flag::kDisable)), 0);
  EXPECT_TRUE(silent(kq_));
  ASSERT_EQ(submit(kq_, read_ev(flag::kEnable)), 0);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
}

TEST_F(Dispatch, OfReadDoesNotSilenceWrite) {
  const Pair pair = connect_pair(Transport::kUnix);
  if (pair.near < 0) GTEST_SKIP() << "the subject makes no socket pairs";
  const auto both = static_cast<uintptr_t>(int{pair.near});
  put(pair.far, 1);
  ASSERT_EQ(submit(kq_, {ev(both, filter::kRead, flag::kAdd | flag::kDispatch),
                         ev(both, filter::kWrite, flag::kAdd)}),
            0);
  ASSERT_EQ(poll_events(kq_).size(), 2u);
  EXPECT_EQ(only_event(kq_).filter, filter::kWrite);
}

TEST_F(Dispatch, OfWriteIsDeliveredOnceUntilEnable) {
  const auto writer = static_cast<uintptr_t>(int{pipe_.far});
  ASSERT_EQ(submit(kq_, ev(writer, filter::kWrite, flag::kAdd | flag::kDispatch)), 0);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
  EXPECT_TRUE(silent(kq_));
  ASSERT_EQ(submit(kq_, ev(writer, filter::kWrite, flag::kEnable)), 0);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
}

TEST_F(Dispatch, InOneKqueueDoesNotDisableInAnother) {
  const Fd other(subject().kqueue());
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kDispatch)), 0);
  ASSERT_EQ(submit(other, read_ev(flag::kAdd | flag::kDispatch)), 0);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
  EXPECT_EQ(poll_events(other).size(), 1u);
}

TEST_F(Dispatch, WithClearEnableLooksAtTheLevel) {
  REQUIRE_KNOB(knob().dispatch_with_clear);
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kDispatch | flag::kClear)), 0);
  ASSERT_EQ(poll_events(kq_).size(), 1u);
  ASSERT_EQ(submit(kq_, read_ev(flag::kEnable)), 0);
  EXPECT_EQ(only_event(kq_).data, 1) << "unread data fires again";
}

TEST_F(Dispatch, OfUserKeepsItsTriggerLatch) {
  REQUIRE_KNOB(knob().user_latch_survives_dispatch);
  ASSERT_EQ(submit(kq_, {ev(1, filter::kUser, flag::kAdd | flag::kDispatch), trigger(1)}), 0);
  ASSERT_EQ(poll_events(kq_).size(), 1u);
  EXPECT_TRUE(silent(kq_));
  ASSERT_EQ(submit(kq_, ev(1, filter::kUser, flag::kEnable)), 0);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
}

TEST_F(Dispatch, OfUserWithClearNeedsANewTrigger) {
  REQUIRE_KNOB(knob().dispatch_with_clear);
  ASSERT_EQ(
      submit(kq_, {ev(1, filter::kUser, flag::kAdd | flag::kDispatch | flag::kClear), trigger(1)}),
      0);
  ASSERT_EQ(poll_events(kq_).size(), 1u);
  ASSERT_EQ(submit(kq_, ev(1, filter::kUser, flag::kEnable)), 0);
  EXPECT_TRUE(silent(kq_));
  ASSERT_EQ(submit(kq_, trigger(1)), 0);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
}

TEST_F(Dispatch, OfUserRemembersATriggerWhileDisabled) {
  REQUIRE_KNOB(knob().dispatch_with_clear && knob().user_trigger_while_disabled);
  ASSERT_EQ(
      submit(kq_, {ev(1, filter::kUser, flag::kAdd | flag::kDispatch | flag::kClear), trigger(1)}),
      0);
  ASSERT_EQ(poll_events(kq_).size(), 1u);
  ASSERT_EQ(submit(kq_, trigger(1)), 0);
  EXPECT_TRUE(silent(kq_));
  ASSERT_EQ(submit(kq_, ev(1, filter::kUser, flag::kEnable)), 0);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
}

}  // namespace
}  // namespace kqtorture
