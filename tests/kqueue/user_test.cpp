// What does a USER knote remember? A trigger latch, 24 bits of flags and a data word, changed by
// the rules of NOTE_FFAND, NOTE_FFOR and NOTE_FFCOPY, and delivered when the latch is set.
#include <algorithm>

#include "objects.h"

namespace kqtorture {
namespace {

class User : public KqueueTest {
 protected:
  int add(int flags = 0, uint32_t fflags = 0, intptr_t data = 0) {
    return submit(kq_,
                  ev(1, filter::kUser, static_cast<uint16_t>(flag::kAdd | flags), fflags, data));
  }
};

TEST_F(User, ANewKnoteIsSilent) {
  ASSERT_EQ(add(), 0);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(User, ATriggerFires) {
  ASSERT_EQ(add(), 0);
  ASSERT_EQ(submit(kq_, trigger(1)), 0);
  const Kevent event = only_event(kq_);
  EXPECT_EQ(event.ident, 1u);
  EXPECT_EQ(event.filter, filter::kUser);
  EXPECT_EQ(flags_of(event), 0);
}

TEST_F(User, WithoutClearTheLatchStays) {
  ASSERT_EQ(add(), 0);
  ASSERT_EQ(submit(kq_, trigger(1)), 0);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(poll_events(kq_).size(), 1u);
}

TEST_F(User, WithClearDeliveryResetsTheLatch) {
  ASSERT_EQ(add(flag::kClear), 0);
  ASSERT_EQ(submit(kq_, trigger(1)), 0);
  EXPECT_EQ(flags_of(only_event(kq_)), flag::kClear);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(User, WithClearEachTriggerAfterADeliveryFiresAgain) {
  ASSERT_EQ(add(flag::kClear), 0);
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(submit(kq_, trigger(1)), 0);
    EXPECT_EQ(poll_events(kq_).size(), 1u);
    EXPECT_TRUE(silent(kq_));
  }
}

TEST_F(User, TriggersBeforeADeliveryCoalesce) {
  ASSERT_EQ(add(flag::kClear), 0);
  for (int i = 0; i < 5; ++i) ASSERT_EQ(submit(kq_, trigger(1)), 0);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(User, ATriggerInTheCreatingAdd) {
  ASSERT_EQ(add(0, note::kTrigger), 0);
  EXPECT_EQ(poll_events(kq_).size(), knob().trigger_on_creation ? 1u : 0u);
}

TEST_F(User, ATriggerInAReAddFires) {
  ASSERT_EQ(add(), 0);
  ASSERT_EQ(add(0, note::kTrigger), 0);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
}

TEST_F(User, AChangeWithoutATriggerDoesNotFire) {
  ASSERT_EQ(add(), 0);
  ASSERT_EQ(submit(kq_, ev(1, filter::kUser, 0, note::kFfCopy | 5, 5)), 0);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(User, AReAddKeepsTheLatch) {
  ASSERT_EQ(add(), 0);
  ASSERT_EQ(submit(kq_, trigger(1)), 0);
  ASSERT_EQ(add(), 0);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
}

TEST_F(User, DeleteForgetsTheLatch) {
  ASSERT_EQ(add(), 0);
  ASSERT_EQ(submit(kq_, trigger(1)), 0);
  ASSERT_EQ(submit(kq_, ev(1, filter::kUser, flag::kDelete)), 0);
  ASSERT_EQ(add(), 0);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(User, ClearInTheTriggeringChange) {
  REQUIRE_KNOB(knob().bare_clear_is_applied);
  ASSERT_EQ(add(), 0);
  ASSERT_EQ(submit(kq_, ev(1, filter::kUser, flag::kClear, note::kTrigger)), 0);
  EXPECT_EQ(poll_events(kq_).size(), knob().clear_cancels_trigger ? 0u : 1u);
}

TEST_F(User, ClearInALaterChange) {
  ASSERT_EQ(add(), 0);
  ASSERT_EQ(submit(kq_, trigger(1)), 0);
  ASSERT_EQ(submit(kq_, ev(1, filter::kUser, flag::kClear)), 0);
  EXPECT_EQ(poll_events(kq_).size(), knob().clear_cancels_trigger ? 0u : 1u);
}

TEST_F(User, ClearInAReAddOfATriggeredClearKnote) {
  ASSERT_EQ(add(flag::kClear), 0);
  ASSERT_EQ(submit(kq_, trigger(1)), 0);
  ASSERT_EQ(add(flag::kClear), 0);
  EXPECT_EQ(poll_events(kq_).size(), knob().clear_cancels_trigger ? 0u : 1u);
}

TEST_F(User, ATriggerAfterACancellingChangeFires) {
  ASSERT_EQ(add(), 0);
  ASSERT_EQ(submit(kq_, ev(1, filter::kUser, flag::kClear, note::kTrigger)), 0);
  ASSERT_EQ(submit(kq_, trigger(1)), 0);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
}

TEST_F(User, ATriggerWhileDisabledFiresAfterEnable) {
  REQUIRE_KNOB(knob().user_trigger_while_disabled);
  ASSERT_EQ(add(flag::kDisable), 0);
  ASSERT_EQ(submit(kq_, trigger(1)), 0);
  EXPECT_TRUE(silent(kq_));
  ASSERT_EQ(submit(kq_, ev(1, filter::kUser, flag::kEnable)), 0);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
}

TEST_F(User, EnableMayTrigger) {
  ASSERT_EQ(add(flag::kDisable), 0);
  ASSERT_EQ(submit(kq_, ev(1, filter::kUser, flag::kEnable, note::kTrigger)), 0);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
}

// What one change does to the saved flags 0x0ff0f0.
struct Operation {
  const char* name;
  uint32_t fflags;
  uint32_t expected;
};

class UserOperation : public User, public ::testing::WithParamInterface<Operation> {};

TEST_P(UserOperation, OnTheSavedFlags) {
  ASSERT_EQ(add(), 0);
  ASSERT_EQ(submit(kq_, ev(1, filter::kUser, 0, note::kFfCopy | 0x0ff0f0)), 0);
  ASSERT_EQ(submit(kq_, trigger(1, GetParam().fflags)), 0);
  EXPECT_EQ(only_event(kq_).fflags, GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Operations, UserOperation,
    ::testing::Values(Operation{"Nop", note::kFfNop | 0xf0f0ff, 0x0ff0f0},
                      Operation{"And", note::kFfAnd | 0xf0f0ff, 0x00f0f0},
                      Operation{"Or", note::kFfOr | 0xf0000f, 0xfff0ff},
                      Operation{"Copy", note::kFfCopy | 0x123456, 0x123456},
                      Operation{"CopyOfNothing", note::kFfCopy, 0},
                      Operation{"AndWithNothing", note::kFfAnd, 0},
                      Operation{"CopyOfMoreThan24Bits", note::kFfCopy | 0x3e000001, 0x000001},
                      Operation{"OrOfMoreThan24Bits", note::kFfOr | 0x3e000001, 0x0ff0f1}),
    [](const auto& instance) { return instance.param.name; });

TEST_F(User, TheTriggerBitIsNotPartOfTheResult) {
  ASSERT_EQ(add(), 0);
  ASSERT_EQ(submit(kq_, trigger(1, note::kFfOr | 3)), 0);
  EXPECT_EQ(only_event(kq_).fflags, 3u);
}

TEST_F(User, FlagsOfTheCreatingAddAreSaved) {
  REQUIRE_KNOB(knob().user_add_fflags != UserAddFflags::kComputed);
  ASSERT_EQ(add(0, 0x55), 0);
  ASSERT_EQ(submit(kq_, trigger(1)), 0);
  EXPECT_EQ(only_event(kq_).fflags, 0x55u);
}

TEST_F(User, ControlBitsOfTheCreatingAddAreSavedRaw) {
  REQUIRE_KNOB(knob().user_add_fflags == UserAddFflags::kRaw);
  ASSERT_EQ(add(0, note::kFfCopy | 0x55), 0);
  ASSERT_EQ(submit(kq_, trigger(1)), 0);
  EXPECT_EQ(only_event(kq_).fflags, note::kFfCopy | 0x55u);
}

TEST_F(User, ControlBitsOfTheCreatingAddAreMaskedAway) {
  REQUIRE_KNOB(knob().user_add_fflags == UserAddFflags::kMasked);
  ASSERT_EQ(add(0, note::kFfCopy | 0x55), 0);
  ASSERT_EQ(submit(kq_, trigger(1)), 0);
  EXPECT_EQ(only_event(kq_).fflags, 0x55u);
}

TEST_F(User, DataIsOverwrittenByEachChange) {
  REQUIRE_KNOB(knob().user_data_overwritten);
  ASSERT_EQ(add(0, 0, 11), 0);
  ASSERT_EQ(submit(kq_, trigger(1, 0, -22)), 0);
  EXPECT_EQ(only_event(kq_).data, -22);
  ASSERT_EQ(submit(kq_, ev(1, filter::kUser, 0, 0, 33)), 0);
  EXPECT_EQ(only_event(kq_).data, 33);
}

TEST_F(User, EveryBitOfDataIsKept) {
  REQUIRE_KNOB(knob().user_data_overwritten);
  ASSERT_EQ(add(), 0);
  ASSERT_EQ(submit(kq_, trigger(1, 0, INTPTR_MIN)), 0);
  EXPECT_EQ(only_event(kq_).data, INTPTR_MIN);
  ASSERT_EQ(submit(kq_, trigger(1, 0, INTPTR_MAX)), 0);
  EXPECT_EQ(only_event(kq_).data, INTPTR_MAX);
}

TEST_F(User, ResultsSurviveADeliveryWithClear) {
  REQUIRE_KNOB(knob().user_result_survives_clear && knob().user_data_overwritten);
  ASSERT_EQ(add(flag::kClear), 0);
  ASSERT_EQ(submit(kq_, trigger(1, note::kFfCopy | 6, 7)), 0);
  ASSERT_EQ(only_event(kq_).fflags, 6u);
  ASSERT_EQ(submit(kq_, trigger(1, note::kFfOr | 1, 7)), 0);
  EXPECT_EQ(only_event(kq_).fflags, 7u);
}

TEST_F(User, TheResultOfAOneshot) {
  ASSERT_EQ(add(flag::kOneshot), 0);
  ASSERT_EQ(submit(kq_, trigger(1, note::kFfCopy | 6, 7)), 0);
  const Kevent event = only_event(kq_);
  EXPECT_EQ(event.fflags, knob().user_oneshot_zeroed ? 0u : 6u);
  if (knob().user_data_overwritten) {
    EXPECT_EQ(event.data, knob().user_oneshot_zeroed ? 0 : 7);
  }
}

TEST_F(User, OneshotIsGoneAfterItsDelivery) {
  ASSERT_EQ(add(flag::kOneshot), 0);
  ASSERT_EQ(submit(kq_, trigger(1)), 0);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
  EXPECT_EQ(submit(kq_, trigger(1)), ENOENT);
}

TEST_F(User, AnyNumberMayBeAnIdent) {
  for (const uintptr_t ident :
       {uintptr_t{0}, UINTPTR_MAX, uintptr_t{1} << 31, uintptr_t{1} << 32}) {
    ASSERT_EQ(submit(kq_, {ev(ident, filter::kUser, flag::kAdd | flag::kOneshot), trigger(ident)}),
              0);
    EXPECT_EQ(only_event(kq_).ident, ident);
  }
}

TEST_F(User, IdentsDoNotTouchEachOther) {
  ASSERT_EQ(submit(kq_, {ev(1, filter::kUser, flag::kAdd), ev(2, filter::kUser, flag::kAdd),
                         ev((uintptr_t{1} << 32) + 1, filter::kUser, flag::kAdd)}),
            0);
  ASSERT_EQ(submit(kq_, trigger(2)), 0);
  EXPECT_EQ(only_event(kq_).ident, 2u);
}

TEST_F(User, TheSameIdentInTwoKqueuesIsTwoKnotes) {
  const Fd other(subject().kqueue());
  ASSERT_EQ(add(), 0);
  ASSERT_EQ(submit(other, ev(1, filter::kUser, flag::kAdd)), 0);
  ASSERT_EQ(submit(other, trigger(1)), 0);
  EXPECT_TRUE(silent(kq_));
  EXPECT_EQ(poll_events(other).size(), 1u);
}

TEST_F(User, TriggerOfNothingIsEnoent) { EXPECT_EQ(submit(kq_, trigger(1)), ENOENT); }

TEST_F(User, ManyKnotesAreDeliveredEachOnce) {
  constexpr uintptr_t kCount = 1000;
  for (uintptr_t i = 0; i < kCount; ++i) {
    ASSERT_EQ(submit(kq_, ev(i, filter::kUser, flag::kAdd | flag::kClear)), 0);
  }
  for (uintptr_t i = 0; i < kCount; i += 2) ASSERT_EQ(submit(kq_, trigger(i)), 0);
  std::vector<bool> seen(kCount);
  for (const Kevent& event : poll_events(kq_, kCount)) {
    EXPECT_FALSE(seen[event.ident]);
    EXPECT_EQ(event.ident % 2, 0u);
    seen[event.ident] = true;
  }
  EXPECT_EQ(std::count(seen.begin(), seen.end(), true), kCount / 2);
  EXPECT_TRUE(silent(kq_));
}

}  // namespace
}  // namespace kqtorture
