// What do flags mean together? One case for each row of the contract's table of combinations.
#include "objects.h"

namespace kqtorture {
namespace {

class Combination : public PipeTest {
 protected:
  uintptr_t fd() const { return static_cast<uintptr_t>(int{pipe_.near}); }
  Kevent read_ev(int flags, void* udata = nullptr) const {
    return ev(fd(), filter::kRead, static_cast<uint16_t>(flags), 0, 0, udata);
  }
};

TEST_F(Combination, EnableWithDisableOnAnEnabledKnote) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  const int error = submit(kq_, read_ev(flag::kEnable | flag::kDisable));
  switch (knob().enable_disable) {
    case EnableDisable::kRefused:
      EXPECT_EQ(error, EINVAL);
      EXPECT_EQ(only_event(kq_).ident, fd());
      break;
    case EnableDisable::kEndsEnabled:
      EXPECT_EQ(error, 0);
      EXPECT_EQ(only_event(kq_).ident, fd());
      break;
    case EnableDisable::kEndsDisabled:
      EXPECT_EQ(error, 0);
      EXPECT_TRUE(silent(kq_));
      break;
  }
}

TEST_F(Combination, EnableWithDisableOnADisabledKnote) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kDisable)), 0);
  const int error = submit(kq_, read_ev(flag::kEnable | flag::kDisable));
  if (knob().enable_disable == EnableDisable::kEndsEnabled) {
    EXPECT_EQ(error, 0);
    EXPECT_EQ(only_event(kq_).ident, fd());
  } else {
    EXPECT_EQ(error, knob().enable_disable == EnableDisable::kRefused ? EINVAL : 0);
    EXPECT_TRUE(silent(kq_));
  }
}

TEST_F(Combination, RefusedEnableWithDisableLeavesTheUdata) {
  REQUIRE_KNOB(knob().enable_disable == EnableDisable::kRefused);
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd, tag(1))), 0);
  EXPECT_EQ(submit(kq_, read_ev(flag::kEnable | flag::kDisable, tag(2))), EINVAL);
  EXPECT_EQ(only_event(kq_).udata, tag(1));
}

TEST_F(Combination, RefusedAddWithEnableAndDisableCreatesNothing) {
  REQUIRE_KNOB(knob().enable_disable == EnableDisable::kRefused);
  EXPECT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kEnable | flag::kDisable)), EINVAL);
  EXPECT_EQ(submit(kq_, read_ev(flag::kDelete)), ENOENT);
}

TEST_F(Combination, AddWithDeleteOnNothing) {
  put(pipe_.far, 1);
  EXPECT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kDelete)), knob().add_delete_absent);
  if (knob().add_delete_absent == 0) {
    EXPECT_EQ(only_event(kq_).ident, fd());
  } else {
    EXPECT_TRUE(silent(kq_));
  }
}

TEST_F(Combination, AddWithDeleteOnAKnote) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd, tag(1))), 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kDelete, tag(2))), 0);
  put(pipe_.far, 1);
  if (knob().add_delete_existing == AddDelete::kDeletes) {
    EXPECT_TRUE(silent(kq_));
    EXPECT_EQ(submit(kq_, read_ev(flag::kDelete)), ENOENT);
  } else {
    EXPECT_EQ(only_event(kq_).udata, tag(2));
  }
}

class DeleteWith : public Combination, public ::testing::WithParamInterface<uint16_t> {};

TEST_P(DeleteWith, DeletesAndIgnoresTheOtherBits) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  put(pipe_.far, 1);
  EXPECT_EQ(submit(kq_, read_ev(flag::kDelete | GetParam())), 0);
  EXPECT_TRUE(silent(kq_));
  EXPECT_EQ(submit(kq_, read_ev(flag::kDelete)), ENOENT);
}

INSTANTIATE_TEST_SUITE_P(Bits, DeleteWith,
                         ::testing::Values(flag::kEnable, flag::kDisable, flag::kOneshot,
                                           flag::kClear, flag::kDispatch),
                         [](const auto& instance) {
                           switch (instance.param) {
                             case flag::kEnable:
                               return "Enable";
                             case flag::kDisable:
                               return "Disable";
                             case flag::kOneshot:
                               return "Oneshot";
                             case flag::kClear:
                               return "Clear";
                             default:
                               return "Dispatch";
                           }
                         });

TEST_F(Combination, AddWithDisableIsSilentThoughReady) {
  REQUIRE_KNOB(knob().add_disabled_is_silent);
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kDisable)), 0);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Combination, AddWithDisableThenEnableDelivers) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kDisable)), 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kEnable)), 0);
  EXPECT_EQ(only_event(kq_).ident, fd());
}

TEST_F(Combination, AddWithDisableOnAnEnabledKnoteDisablesIt) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kDisable)), 0);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Combination, AddWithEnableOnADisabledKnoteEnablesIt) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kDisable)), 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kEnable)), 0);
  EXPECT_EQ(only_event(kq_).ident, fd());
}

TEST_F(Combination, AddWithEnableOnNothingCreates) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kEnable)), 0);
  EXPECT_EQ(only_event(kq_).ident, fd());
}

TEST_F(Combination, DispatchWithOneshotDeletesOnDelivery) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kDispatch | flag::kOneshot)),
            knob().dispatch_oneshot);
  if (knob().dispatch_oneshot != 0) return;
  EXPECT_EQ(only_event(kq_).ident, fd());
  EXPECT_EQ(submit(kq_, read_ev(flag::kEnable)), ENOENT);
}

TEST_F(Combination, ClearWithOneshotDeletesOnDelivery) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kClear | flag::kOneshot)), 0);
  EXPECT_EQ(only_event(kq_).ident, fd());
  EXPECT_EQ(submit(kq_, read_ev(flag::kDelete)), ENOENT);
}

TEST_F(Combination, DispatchWithClearDisablesOnDelivery) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kDispatch | flag::kClear)), 0);
  put(pipe_.far, 1);
  EXPECT_EQ(only_event(kq_).ident, fd());
  put(pipe_.far, 1);
  if (knob().dispatch_with_clear) {
    EXPECT_TRUE(silent(kq_));
  } else {
    EXPECT_EQ(only_event(kq_).ident, fd());
  }
}

TEST_F(Combination, ForceoneshotWithAddOnNothingIsAPlainAdd) {
  REQUIRE_KNOB(knob().forceoneshot);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kForceOneshot)), 0);
  EXPECT_TRUE(silent(kq_));
  put(pipe_.far, 1);
  EXPECT_EQ(only_event(kq_).flags, 0);
  EXPECT_EQ(only_event(kq_).flags, 0) << "the knote is neither forced nor one-shot";
}

TEST_F(Combination, ForceoneshotWithAddOnAKnoteForcesIt) {
  REQUIRE_KNOB(knob().forceoneshot);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kForceOneshot)), 0);
  EXPECT_EQ(only_event(kq_).flags, final_flags(0));
  EXPECT_EQ(submit(kq_, read_ev(flag::kDelete)), ENOENT);
}

TEST_F(Combination, ForceoneshotWithDeleteDeletes) {
  REQUIRE_KNOB(knob().forceoneshot);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kDelete | flag::kForceOneshot)), 0);
  EXPECT_TRUE(silent(kq_));
  EXPECT_EQ(submit(kq_, read_ev(flag::kDelete)), ENOENT);
}

TEST_F(Combination, KeepudataWithAddOnNothingIsRefused) {
  REQUIRE_KNOB(knob().keepudata);
  EXPECT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kKeepUdata)), EINVAL);
  EXPECT_EQ(submit(kq_, read_ev(flag::kDelete)), ENOENT);
}

TEST_F(Combination, KeepudataWithAddOnAKnoteChangesNothing) {
  REQUIRE_KNOB(knob().keepudata);
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd, tag(1))), 0);
  EXPECT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kDisable | flag::kKeepUdata, tag(2))), EINVAL);
  EXPECT_EQ(only_event(kq_).udata, tag(1));
}

}  // namespace
}  // namespace kqtorture
