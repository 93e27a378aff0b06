// Whose udata does a delivery carry? The value of the last change that writes it; which changes do
// is a matter of the profile, and KEEPUDATA is the way to make one that does not.
#include "objects.h"

namespace kqtorture {
namespace {

class Udata : public PipeTest {
 protected:
  void SetUp() override {
    PipeTest::SetUp();
    if (IsSkipped()) return;
    put(pipe_.far, 1);
    ASSERT_EQ(submit(kq_, read_ev(flag::kAdd, tag(1))), 0);
  }
  Kevent read_ev(int flags, void* udata) const {
    return ev(static_cast<uintptr_t>(int{pipe_.near}), filter::kRead, static_cast<uint16_t>(flags),
              0, 0, udata);
  }
};

TEST_F(Udata, ComesBackAsGivenAtCreation) { EXPECT_EQ(only_event(kq_).udata, tag(1)); }

TEST_F(Udata, EveryBitComesBack) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd, tag(UINTPTR_MAX - 1))), 0);
  EXPECT_EQ(only_event(kq_).udata, tag(UINTPTR_MAX - 1));
}

TEST_F(Udata, IsOverwrittenByAReAdd) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd, tag(2))), 0);
  EXPECT_EQ(only_event(kq_).udata, tag(2));
}

TEST_F(Udata, IsOverwrittenWithNullToo) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd, nullptr)), 0);
  EXPECT_EQ(only_event(kq_).udata, nullptr);
}

TEST_F(Udata, Enable) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kEnable, tag(2))), 0);
  EXPECT_EQ(only_event(kq_).udata, knob().enable_writes_udata ? tag(2) : tag(1));
}

TEST_F(Udata, Disable) {
  REQUIRE_KNOB(!knob().enable_writes_udata || knob().keepudata);
  ASSERT_EQ(submit(kq_, read_ev(flag::kDisable, tag(2))), 0);
  const int keep = knob().keepudata ? flag::kKeepUdata : 0;
  ASSERT_EQ(submit(kq_, read_ev(flag::kEnable | keep, tag(3))), 0);
  EXPECT_EQ(only_event(kq_).udata, knob().disable_writes_udata ? tag(2) : tag(1));
}

TEST_F(Udata, PlainChange) {
  ASSERT_EQ(submit(kq_, read_ev(0, tag(2))), 0);
  EXPECT_EQ(only_event(kq_).udata, knob().plain_change_writes_udata ? tag(2) : tag(1));
}

TEST_F(Udata, IsOverwrittenByForceoneshot) {
  REQUIRE_KNOB(knob().forceoneshot);
  ASSERT_EQ(submit(kq_, read_ev(flag::kForceOneshot, tag(2))), 0);
  EXPECT_EQ(only_event(kq_).udata, tag(2));
}

TEST_F(Udata, OfATriggeringChange) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kDelete, nullptr)), 0);
  ASSERT_EQ(submit(kq_, ev(1, filter::kUser, flag::kAdd, 0, 0, tag(1))), 0);
  ASSERT_EQ(submit(kq_, trigger(1, 0, 0, tag(2))), 0);
  EXPECT_EQ(only_event(kq_).udata, knob().user_change_writes_udata ? tag(2) : tag(1));
}

TEST_F(Udata, IsNotTouchedByAChangeThatFails) {
  EXPECT_EQ(submit(kq_, ev(1, filter::kUser, flag::kEnable, 0, 0, tag(2))), ENOENT);
  EXPECT_EQ(only_event(kq_).udata, tag(1));
}

TEST_F(Udata, OfReadAndWriteOnOneDescriptorAreSeparate) {
  const Pair pair = connect_pair(Transport::kUnix);
  if (pair.near < 0) GTEST_SKIP() << "the subject makes no socket pairs";
  const auto fd = static_cast<uintptr_t>(int{pair.near});
  ASSERT_EQ(submit(kq_, read_ev(flag::kDelete, nullptr)), 0);
  put(pair.far, 1);
  ASSERT_EQ(submit(kq_, {ev(fd, filter::kRead, flag::kAdd, 0, 0, tag(11)),
                         ev(fd, filter::kWrite, flag::kAdd, 0, 0, tag(12))}),
            0);
  const std::vector<Kevent> events = poll_events(kq_);
  ASSERT_EQ(events.size(), 2u);
  for (const Kevent& event : events) {
    EXPECT_EQ(event.udata, event.filter == filter::kRead ? tag(11) : tag(12));
  }
}

TEST_F(Udata, OfTwoKqueuesIsSeparate) {
  const Fd other(subject().kqueue());
  ASSERT_EQ(submit(other, read_ev(flag::kAdd, tag(2))), 0);
  EXPECT_EQ(only_event(kq_).udata, tag(1));
  EXPECT_EQ(only_event(other).udata, tag(2));
}

TEST_F(Udata, OfADeletedKnoteDoesNotComeBack) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kDelete, nullptr)), 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd, tag(2))), 0);
  EXPECT_EQ(only_event(kq_).udata, tag(2));
}

TEST_F(Udata, TheLastOfSeveralChangesInOneCallWins) {
  ASSERT_EQ(submit(kq_, {read_ev(flag::kAdd, tag(2)), read_ev(flag::kAdd, tag(3)),
                         read_ev(flag::kAdd, tag(4))}),
            0);
  EXPECT_EQ(only_event(kq_).udata, tag(4));
}

class KeepUdata : public Udata {
 protected:
  void SetUp() override {
    Udata::SetUp();
    GATE(knob().keepudata, "the profile has no KEEPUDATA");
  }
};

TEST_F(KeepUdata, WithEnable) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kEnable | flag::kKeepUdata, tag(2))), 0);
  EXPECT_EQ(only_event(kq_).udata, tag(1));
}

TEST_F(KeepUdata, Alone) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kKeepUdata, tag(2))), 0);
  EXPECT_EQ(only_event(kq_).udata, tag(1));
}

TEST_F(KeepUdata, WithDisableDisablesAllTheSame) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kDisable | flag::kKeepUdata, tag(2))), 0);
  EXPECT_TRUE(silent(kq_));
  ASSERT_EQ(submit(kq_, read_ev(flag::kEnable | flag::kKeepUdata, tag(3))), 0);
  EXPECT_EQ(only_event(kq_).udata, tag(1));
}

TEST_F(KeepUdata, WithForceoneshotForcesAllTheSame) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kForceOneshot | flag::kKeepUdata, tag(2))), 0);
  const Kevent event = only_event(kq_);
  EXPECT_EQ(event.udata, tag(1));
  EXPECT_EQ(event.flags, final_flags(0));
}

TEST_F(KeepUdata, WithDeleteDeletes) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kDelete | flag::kKeepUdata, tag(2))), 0);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(KeepUdata, OnNothingIsEnoent) {
  EXPECT_EQ(submit(kq_, ev(1, filter::kUser, flag::kKeepUdata)), ENOENT);
}

TEST_F(KeepUdata, StillOverwritesTheRestOfAUserKnote) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kDelete, nullptr)), 0);
  ASSERT_EQ(submit(kq_, ev(1, filter::kUser, flag::kAdd, 0, 0, tag(1))), 0);
  ASSERT_EQ(submit(kq_, ev(1, filter::kUser, flag::kKeepUdata,
                           note::kFfCopy | note::kTrigger | 0x12, 34, tag(2))),
            0);
  const Kevent event = only_event(kq_);
  EXPECT_EQ(event.udata, tag(1));
  EXPECT_EQ(event.fflags, 0x12u);
  EXPECT_EQ(event.data, 34);
}

TEST_F(KeepUdata, IsNotSeenOnDeliveries) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kEnable | flag::kKeepUdata, tag(2))), 0);
  EXPECT_EQ(only_event(kq_).flags, 0);
}

}  // namespace
}  // namespace kqtorture
