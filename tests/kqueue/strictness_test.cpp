// What happens to bits that mean nothing? strict-2006 refuses them before anything else of the
// change takes effect; every kernel stores them at creation and echoes them. The reserved bits are
// cleared from the input everywhere, so that a returned event can be handed back.
#include "objects.h"

namespace kqtorture {
namespace {

class UnknownFlag : public PipeTest, public ::testing::WithParamInterface<uint16_t> {
 protected:
  void SetUp() override {
    PipeTest::SetUp();
    GATE(knob().unknown_flags == UnknownFlags::kRefused, "unknown flags are echoed");
  }
  Kevent read_ev(int flags, void* udata = nullptr) const {
    return ev(static_cast<uintptr_t>(int{pipe_.near}), filter::kRead, static_cast<uint16_t>(flags),
              0, 0, udata);
  }
};

TEST_P(UnknownFlag, IsRefusedOnCreation) {
  EXPECT_EQ(submit(kq_, read_ev(flag::kAdd | GetParam())), EINVAL);
  EXPECT_EQ(submit(kq_, read_ev(flag::kDelete)), ENOENT);
}

TEST_P(UnknownFlag, LeavesTheUdataAlone) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd, tag(1))), 0);
  EXPECT_EQ(submit(kq_, read_ev(flag::kAdd | GetParam(), tag(2))), EINVAL);
  EXPECT_EQ(submit(kq_, read_ev(GetParam(), tag(3))), EINVAL);
  EXPECT_EQ(only_event(kq_).udata, tag(1));
}

TEST_P(UnknownFlag, LeavesTheKnoteEnabled) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  EXPECT_EQ(submit(kq_, read_ev(flag::kDisable | GetParam())), EINVAL);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
}

TEST_P(UnknownFlag, LeavesTheKnoteDisabled) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kDisable)), 0);
  EXPECT_EQ(submit(kq_, read_ev(flag::kEnable | GetParam())), EINVAL);
  EXPECT_TRUE(silent(kq_));
}

TEST_P(UnknownFlag, DoesNotDelete) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  EXPECT_EQ(submit(kq_, read_ev(flag::kDelete | GetParam())), EINVAL);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
}

TEST_P(UnknownFlag, DoesNotForce) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  EXPECT_EQ(submit(kq_, read_ev(flag::kForceOneshot | GetParam())), EINVAL);
  EXPECT_TRUE(silent(kq_));
}

TEST_P(UnknownFlag, DoesNotTouchTheInterestOfAUserKnote) {
  ASSERT_EQ(submit(kq_, ev(1, filter::kUser, flag::kAdd, 0, 5)), 0);
  EXPECT_EQ(submit(kq_, ev(1, filter::kUser, GetParam(), note::kFfCopy | note::kTrigger | 7, 9)),
            EINVAL);
  EXPECT_TRUE(silent(kq_));
  ASSERT_EQ(submit(kq_, ev(1, filter::kUser, 0, note::kTrigger, 5)), 0);
  EXPECT_EQ(only_event(kq_).fflags, 0u);
}

TEST_P(UnknownFlag, DoesNotReevaluate) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kClear)), 0);
  ASSERT_EQ(poll_events(kq_).size(), 1u);
  EXPECT_EQ(submit(kq_, read_ev(GetParam())), EINVAL);
  EXPECT_TRUE(silent(kq_));
}

TEST_P(UnknownFlag, ComesBeforeFilterZero) {
  EXPECT_EQ(submit(kq_, ev(0, 0, flag::kAdd | GetParam())), EINVAL);
}

TEST_P(UnknownFlag, ComesBeforeTheDescriptor) {
  const auto closed = static_cast<uintptr_t>(int{pipe_.near});
  pipe_.near.reset();
  EXPECT_EQ(submit(kq_, ev(closed, filter::kRead, flag::kAdd | GetParam())), EINVAL);
  EXPECT_EQ(submit(kq_, ev(closed, filter::kRead, flag::kDelete | GetParam())), EINVAL);
}

TEST_P(UnknownFlag, ComesBeforeAnAbsentKnote) {
  EXPECT_EQ(submit(kq_, ev(1, filter::kUser, flag::kDelete | GetParam())), EINVAL);
}

TEST_P(UnknownFlag, ComesBeforeAnEmptyFilterSlot) {
  EXPECT_EQ(submit(kq_, ev(1, filter::kAio, flag::kAdd | GetParam())), EINVAL);
}

TEST_P(UnknownFlag, IsReportedInTheListAndTheOtherChangesApply) {
  const Outcome outcome =
      call(kq_, {read_ev(flag::kAdd | GetParam(), tag(1)), ev(1, filter::kUser, flag::kAdd)}, 4);
  ASSERT_EQ(outcome.count, 1);
  EXPECT_EQ(outcome.entries[0].flags, flag::kError);
  EXPECT_EQ(outcome.entries[0].data, EINVAL);
  EXPECT_EQ(outcome.entries[0].udata, tag(1));
  EXPECT_EQ(submit(kq_, ev(1, filter::kUser, flag::kDelete)), 0);
}

TEST_P(UnknownFlag, WithoutRoomEndsTheCall) {
  EXPECT_EQ(submit(kq_, {read_ev(flag::kAdd | GetParam()), ev(1, filter::kUser, flag::kAdd)}),
            EINVAL);
  EXPECT_EQ(submit(kq_, ev(1, filter::kUser, flag::kDelete)), ENOENT);
}

TEST_P(UnknownFlag, IsRefusedBesideReservedBits) {
  EXPECT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kSysflags | GetParam())), EINVAL);
}

INSTANTIATE_TEST_SUITE_P(Bits, UnknownFlag,
                         ::testing::Values(flag::kUnknown400, flag::kUnknown800,
                                           uint16_t{flag::kUnknown400 | flag::kUnknown800}),
                         [](const auto& instance) {
                           if (instance.param == flag::kUnknown400) return "Bit400";
                           return instance.param == flag::kUnknown800 ? "Bit800" : "Both";
                         });

using EchoedFlag = PipeTest;

TEST_F(EchoedFlag, UnknownBitComesBackOnEveryDelivery) {
  REQUIRE_KNOB(knob().unknown_flags == UnknownFlags::kEchoed);
  ASSERT_EQ(submit(kq_, ev(1, filter::kUser, flag::kAdd | flag::kUnknown400)), 0);
  ASSERT_EQ(submit(kq_, trigger(1)), 0);
  EXPECT_EQ(flags_of(only_event(kq_)), flag::kUnknown400);
  EXPECT_EQ(flags_of(only_event(kq_)), flag::kUnknown400);
}

class ReservedBit : public PipeTest, public ::testing::WithParamInterface<uint16_t> {
 protected:
  void SetUp() override {
    PipeTest::SetUp();
    REQUIRE_KNOB(knob().clears_reserved_bits);
  }
};

TEST_P(ReservedBit, IsClearedFromTheInput) {
  const auto fd = static_cast<uintptr_t>(int{pipe_.near});
  put(pipe_.far, 3);
  ASSERT_EQ(submit(kq_, ev(fd, filter::kRead, flag::kAdd | GetParam())), 0);
  const Kevent event = only_event(kq_);
  EXPECT_EQ(flags_of(event), 0);
  EXPECT_EQ(event.data, 3);
}

TEST_P(ReservedBit, DoesNotChangeWhatADeleteDoes) {
  const auto fd = static_cast<uintptr_t>(int{pipe_.near});
  ASSERT_EQ(submit(kq_, ev(fd, filter::kRead, flag::kAdd)), 0);
  EXPECT_EQ(submit(kq_, ev(fd, filter::kRead, flag::kDelete | GetParam())), 0);
  EXPECT_EQ(submit(kq_, ev(fd, filter::kRead, flag::kDelete)), ENOENT);
}

INSTANTIATE_TEST_SUITE_P(Bits, ReservedBit,
                         ::testing::Values(uint16_t{0x1000}, uint16_t{0x2000}, flag::kError,
                                           flag::kEof, flag::kSysflags),
                         [](const auto& instance) {
                           switch (instance.param) {
                             case 0x1000:
                               return "Drop";
                             case 0x2000:
                               return "Flag1";
                             case flag::kError:
                               return "Error";
                             case flag::kEof:
                               return "Eof";
                             default:
                               return "All";
                           }
                         });

class HandedBack : public PipeTest {
 protected:
  void SetUp() override {
    PipeTest::SetUp();
    REQUIRE_KNOB(knob().clears_reserved_bits);
  }
};

TEST_F(HandedBack, AnEofEventIsAValidChange) {
  const auto fd = static_cast<uintptr_t>(int{pipe_.near});
  ASSERT_EQ(submit(kq_, ev(fd, filter::kRead, flag::kAdd | flag::kDispatch, 0, 0, tag(4))), 0);
  pipe_.far.reset();
  Kevent event = only_event(kq_);
  ASSERT_TRUE(event.flags & flag::kEof);
  event.flags |= flag::kEnable;
  EXPECT_EQ(submit(kq_, event), 0);
  EXPECT_EQ(only_event(kq_).udata, tag(4));
}

TEST_F(HandedBack, AReceiptIsAValidChange) {
  const Outcome outcome = call(kq_, {ev(1, filter::kUser, flag::kAdd | flag::kReceipt)}, 1);
  ASSERT_EQ(outcome.count, 1);
  EXPECT_EQ(submit(kq_, outcome.entries[0]), 0);
}

TEST_F(HandedBack, AMarkedFinalEventActsAsForceoneshot) {
  REQUIRE_KNOB(knob().final_event_marked);
  ASSERT_EQ(submit(kq_, ev(1, filter::kUser, flag::kAdd)), 0);
  ASSERT_EQ(submit(kq_, ev(1, filter::kUser, flag::kForceOneshot)), 0);
  const Kevent last = only_event(kq_);
  ASSERT_EQ(last.flags, flag::kForceOneshot | flag::kOneshot);
  EXPECT_EQ(submit(kq_, last), ENOENT);
  ASSERT_EQ(submit(kq_, ev(1, filter::kUser, flag::kAdd)), 0);
  ASSERT_EQ(submit(kq_, last), 0);
  EXPECT_EQ(only_event(kq_).flags, flag::kForceOneshot | flag::kOneshot);
}

}  // namespace
}  // namespace kqtorture
