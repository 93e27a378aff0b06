// What does a change do to a knote that exists? It never enables by accident, never changes how the
// knote is delivered, may overwrite the interest, and looks at the object anew.
#include "objects.h"

namespace kqtorture {
namespace {

class Modify : public PipeTest {
 protected:
  Kevent read_ev(int flags) const {
    return ev(static_cast<uintptr_t>(int{pipe_.near}), filter::kRead, static_cast<uint16_t>(flags));
  }
};

TEST_F(Modify, OneshotOfAReAddIsIgnored) {
  REQUIRE_KNOB(knob().readd_keeps_behaviour);
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kOneshot)), 0);
  EXPECT_EQ(flags_of(only_event(kq_)), 0);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
}

TEST_F(Modify, ClearOfAReAddIsIgnored) {
  REQUIRE_KNOB(knob().readd_keeps_behaviour);
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kClear)), 0);
  EXPECT_EQ(flags_of(only_event(kq_)), 0);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
}

TEST_F(Modify, DispatchOfAReAddIsIgnored) {
  REQUIRE_KNOB(knob().readd_keeps_behaviour);
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kDispatch)), 0);
  EXPECT_EQ(flags_of(only_event(kq_)), 0);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
}

TEST_F(Modify, AReAddWithoutThemDropsNoFlags) {
  REQUIRE_KNOB(knob().readd_keeps_behaviour);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kOneshot)), 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  put(pipe_.far, 1);
  EXPECT_EQ(flags_of(only_event(kq_)), flag::kOneshot);
  EXPECT_EQ(submit(kq_, read_ev(flag::kDelete)), ENOENT);
}

TEST_F(Modify, AReAddWithoutClearStaysClear) {
  REQUIRE_KNOB(knob().readd_keeps_behaviour);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kClear)), 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  put(pipe_.far, 1);
  EXPECT_EQ(flags_of(only_event(kq_)), flag::kClear);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Modify, AReAddDoesNotEnable) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kDisable)), 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  put(pipe_.far, 1);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Modify, APlainChangeDoesNotEnable) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kDisable)), 0);
  ASSERT_EQ(submit(kq_, read_ev(0)), 0);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Modify, DisableTwiceIsAccepted) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  EXPECT_EQ(submit(kq_, read_ev(flag::kDisable)), 0);
  EXPECT_EQ(submit(kq_, read_ev(flag::kDisable)), 0);
}

TEST_F(Modify, OneEnableUndoesAnyNumberOfDisables) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  ASSERT_EQ(submit(kq_, {read_ev(flag::kDisable), read_ev(flag::kDisable), read_ev(flag::kEnable)}),
            0);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
}

TEST_F(Modify, EnableOfAnEnabledKnoteIsAccepted) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  EXPECT_EQ(submit(kq_, read_ev(flag::kEnable)), 0);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Modify, DeleteTwiceIsEnoent) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  EXPECT_EQ(submit(kq_, read_ev(flag::kDelete)), 0);
  EXPECT_EQ(submit(kq_, read_ev(flag::kDelete)), ENOENT);
}

TEST_F(Modify, AnAddAfterADeleteIsANewKnote) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kOneshot | flag::kDisable)), 0);
  ASSERT_EQ(submit(kq_, {read_ev(flag::kDelete), read_ev(flag::kAdd | flag::kClear)}), 0);
  put(pipe_.far, 1);
  EXPECT_EQ(flags_of(only_event(kq_)), flag::kClear);
}

TEST_F(Modify, APlainChangeFiresAClearKnoteWhoseConditionHolds) {
  REQUIRE_KNOB(knob().plain_change_reevaluates);
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kClear)), 0);
  ASSERT_EQ(poll_events(kq_).size(), 1u);
  ASSERT_TRUE(silent(kq_));
  ASSERT_EQ(submit(kq_, read_ev(0)), 0);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Modify, AReAddFiresAClearKnoteWhoseConditionHolds) {
  REQUIRE_KNOB(knob().readd_reevaluates);
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kClear)), 0);
  ASSERT_EQ(poll_events(kq_).size(), 1u);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
}

TEST_F(Modify, EnableOfAnEnabledClearKnote) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kClear)), 0);
  ASSERT_EQ(poll_events(kq_).size(), 1u);
  ASSERT_EQ(submit(kq_, read_ev(flag::kEnable)), 0);
  EXPECT_EQ(poll_events(kq_).size(), knob().plain_change_reevaluates ? 1u : 0u);
}

TEST_F(Modify, EnableOfADisabledClearKnoteFiresWhatIsStillThere) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kClear)), 0);
  ASSERT_EQ(poll_events(kq_).size(), 1u);
  ASSERT_EQ(submit(kq_, {read_ev(flag::kDisable), read_ev(flag::kEnable)}), 0);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
}

TEST_F(Modify, AChangeFiresNothingWhenTheConditionDoesNotHold) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kClear)), 0);
  ASSERT_EQ(poll_events(kq_).size(), 1u);
  take(pipe_.near, 1);
  ASSERT_EQ(submit(kq_, {read_ev(0), read_ev(flag::kEnable), read_ev(flag::kAdd)}), 0);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Modify, ManyChangesOfAReadyKnoteMakeOneDelivery) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, {read_ev(flag::kAdd | flag::kClear), read_ev(0), read_ev(flag::kEnable),
                         read_ev(flag::kAdd)}),
            0);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Modify, DisableTakesBackAnEventThatWaits) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kDisable)), 0);
  EXPECT_TRUE(silent(kq_));
  ASSERT_EQ(submit(kq_, read_ev(flag::kEnable)), 0);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
}

TEST_F(Modify, ALevelKnoteDrainedWhileDisabledIsSilentAfterEnable) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kDisable)), 0);
  take(pipe_.near, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kEnable)), 0);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Modify, ActivityWhileDisabledIsDeliveredAfterEnable) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kClear)), 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kDisable)), 0);
  put(pipe_.far, 2);
  ASSERT_TRUE(silent(kq_));
  ASSERT_EQ(submit(kq_, read_ev(flag::kEnable)), 0);
  EXPECT_EQ(only_event(kq_).data, 2);
}

TEST_F(Modify, AnOneshotEventQueuedBeforeDisableIsDeliveredStaleAfterEnable) {
  REQUIRE_KNOB(knob().oneshot_evaluation == OneshotEvaluation::kStale);
  REQUIRE_KNOB(knob().stale_activity_survives_disable);
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kOneshot)), 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kDisable)), 0);
  take(pipe_.near, 1);
  ASSERT_TRUE(silent(kq_));
  ASSERT_EQ(submit(kq_, read_ev(flag::kEnable)), 0);
  EXPECT_EQ(flags_of(only_event(kq_)), flag::kOneshot);
}

// The interest: NOTE_LOWAT of a socket, because its effect can be seen.
class Interest : public UnixStreamTest {
 protected:
  Kevent read_ev(int flags, uint32_t fflags = 0, intptr_t data = 0) const {
    return ev(static_cast<uintptr_t>(int{pair_.near}), filter::kRead, static_cast<uint16_t>(flags),
              fflags, data);
  }
  void SetUp() override {
    UnixStreamTest::SetUp();
    if (IsSkipped()) return;
    REQUIRE_KNOB(knob().local_low_water);
    ASSERT_EQ(submit(kq_, read_ev(flag::kAdd, note::kLowat, 10)), 0);
    put(pair_.far, 5);
    ASSERT_TRUE(silent(kq_));
  }
};

TEST_F(Interest, IsOverwrittenByAReAdd) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd, note::kLowat, 5)), 0);
  EXPECT_EQ(only_event(kq_).data, 5);
}

TEST_F(Interest, IsErasedByAReAddWithoutIt) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  EXPECT_EQ(only_event(kq_).data, 5);
}

TEST_F(Interest, IsKeptByAReAddThatRepeatsIt) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd, note::kLowat, 10)), 0);
  EXPECT_TRUE(silent(kq_));
  put(pair_.far, 5);
  EXPECT_EQ(only_event(kq_).data, 10);
}

TEST_F(Interest, AfterABareEnable) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kEnable)), 0);
  EXPECT_EQ(poll_events(kq_).size(), knob().enable_overwrites_interest ? 1u : 0u);
}

TEST_F(Interest, AfterABareDisableAndEnable) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kDisable)), 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kEnable, note::kLowat, 10)), 0);
  EXPECT_TRUE(silent(kq_));
  put(pair_.far, 5);
  EXPECT_EQ(only_event(kq_).data, 10);
}

}  // namespace
}  // namespace kqtorture
