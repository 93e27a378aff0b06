// How is a level or CLEAR knote delivered? A level knote as long as its condition holds at the
// moment of the scan; a CLEAR knote once for each activation, whatever is left unread.
#include "objects.h"

namespace kqtorture {
namespace {

class Level : public PipeTest {
 protected:
  uintptr_t fd() const { return static_cast<uintptr_t>(int{pipe_.near}); }
  Kevent read_ev(int flags) const {
    return ev(fd(), filter::kRead, static_cast<uint16_t>(flags), 0, 0, tag(7));
  }
};

TEST_F(Level, IsDeliveredAgainAndAgain) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(poll_events(kq_).size(), 1u);
}

TEST_F(Level, NamesItsKnote) {
  put(pipe_.far, 3);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  const Kevent event = only_event(kq_);
  EXPECT_EQ(event.ident, fd());
  EXPECT_EQ(event.filter, filter::kRead);
  EXPECT_EQ(flags_of(event), 0);
  EXPECT_EQ(event.fflags, 0u);
  EXPECT_EQ(event.data, 3);
  EXPECT_EQ(event.udata, tag(7));
}

TEST_F(Level, ActionsAreEchoedOnlyWhereTheProfileSaysSo) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  EXPECT_EQ(only_event(kq_).flags, knob().echoes_actions ? flag::kAdd : 0);
}

TEST_F(Level, EnableGivenAtCreationIsNotEchoed) {
  REQUIRE_KNOB(!knob().echoes_actions);
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kEnable | flag::kDelete)), 0);
  EXPECT_EQ(only_event(kq_).flags, 0);
}

TEST_F(Level, DataIsThatOfTheScanNotOfTheActivation) {
  put(pipe_.far, 2);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  put(pipe_.far, 3);
  EXPECT_EQ(only_event(kq_).data, 5);
  take(pipe_.near, 4);
  EXPECT_EQ(only_event(kq_).data, 1);
}

TEST_F(Level, IsSilentOnceDrained) {
  put(pipe_.far, 2);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  ASSERT_EQ(poll_events(kq_).size(), 1u);
  take(pipe_.near, 2);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Level, IsSilentWhenDrainedBeforeTheFirstScan) {
  put(pipe_.far, 2);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  take(pipe_.near, 2);
  EXPECT_TRUE(silent(kq_));
  put(pipe_.far, 1);
  EXPECT_EQ(only_event(kq_).data, 1);
}

TEST_F(Level, IsReturnedOncePerCall) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  EXPECT_EQ(poll_events(kq_, 10).size(), 1u);
}

TEST_F(Level, CallWithoutRoomDeliversNothing) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  EXPECT_EQ(call(kq_, {}, 0).count, 0);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
}

TEST_F(Level, ReadAndWriteOfOneDescriptorAreTwoEvents) {
  const Pair pair = connect_pair(Transport::kUnix);
  if (pair.near < 0) GTEST_SKIP() << "the subject makes no socket pairs";
  const auto both = static_cast<uintptr_t>(int{pair.near});
  put(pair.far, 4);
  ASSERT_EQ(
      submit(kq_, {ev(both, filter::kRead, flag::kAdd), ev(both, filter::kWrite, flag::kAdd)}), 0);
  EXPECT_EQ(poll_events(kq_).size(), 2u);
  ASSERT_EQ(submit(kq_, ev(both, filter::kRead, flag::kDelete)), 0);
  EXPECT_EQ(only_event(kq_).filter, filter::kWrite);
}

TEST_F(Level, BothDirectionsFitThroughAListOfOne) {
  const Pair pair = connect_pair(Transport::kUnix);
  if (pair.near < 0) GTEST_SKIP() << "the subject makes no socket pairs";
  const auto both = static_cast<uintptr_t>(int{pair.near});
  put(pair.far, 4);
  ASSERT_EQ(submit(kq_, {ev(both, filter::kRead, flag::kAdd | flag::kOneshot),
                         ev(both, filter::kWrite, flag::kAdd | flag::kOneshot)}),
            0);
  const std::vector<Kevent> first = poll_events(kq_, 1);
  const std::vector<Kevent> second = poll_events(kq_, 1);
  ASSERT_EQ(first.size(), 1u);
  ASSERT_EQ(second.size(), 1u);
  EXPECT_NE(first[0].filter, second[0].filter);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Level, DeleteOfOneKnoteLeavesTheOthers) {
  ASSERT_EQ(submit(kq_, {ev(1, filter::kUser, flag::kAdd), ev(2, filter::kUser, flag::kAdd),
                         trigger(1), trigger(2)}),
            0);
  ASSERT_EQ(submit(kq_, ev(1, filter::kUser, flag::kDelete)), 0);
  EXPECT_EQ(only_event(kq_).ident, 2u);
}

class Clear : public Level {};

TEST_F(Clear, IsDeliveredOncePerActivation) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kClear)), 0);
  put(pipe_.far, 1);
  EXPECT_EQ(flags_of(only_event(kq_)), flag::kClear);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Clear, FiresAgainOnNewDataThoughOldDataIsUnread) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kClear)), 0);
  put(pipe_.far, 1);
  ASSERT_EQ(poll_events(kq_).size(), 1u);
  put(pipe_.far, 2);
  EXPECT_EQ(only_event(kq_).data, 3);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Clear, ActivationsBeforeAScanCoalesce) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kClear)), 0);
  put(pipe_.far, 1);
  put(pipe_.far, 1);
  put(pipe_.far, 1);
  EXPECT_EQ(only_event(kq_).data, 3);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Clear, FiresAtCreationWhenTheConditionHolds) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kClear)), 0);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Clear, APartialReadDoesNotFire) {
  // FreeBSD's pipe tells all its knotes, those of READ too, that there is room again.
  if (knob().freebsd_objects && !host_descriptors()) GTEST_SKIP() << "reading activates READ too";
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kClear)), 0);
  put(pipe_.far, 4);
  ASSERT_EQ(poll_events(kq_).size(), 1u);
  take(pipe_.near, 2);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Clear, AnActivationThatIsReadBeforeTheScanIsDropped) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kClear)), 0);
  put(pipe_.far, 4);
  take(pipe_.near, 4);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Clear, EofFiresOnceMore) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kClear)), 0);
  put(pipe_.far, 4);
  ASSERT_EQ(poll_events(kq_).size(), 1u);
  pipe_.far.reset();
  const Kevent event = only_event(kq_);
  EXPECT_TRUE(event.flags & flag::kEof);
  EXPECT_EQ(event.data, 4);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Clear, EachKqueueIsToldOfAnActivation) {
  const Fd other(subject().kqueue());
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kClear)), 0);
  ASSERT_EQ(submit(other, read_ev(flag::kAdd | flag::kClear)), 0);
  put(pipe_.far, 1);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
  EXPECT_EQ(poll_events(other).size(), 1u);
  EXPECT_TRUE(silent(kq_));
  EXPECT_TRUE(silent(other));
}

TEST_F(Clear, LeavesALevelKnoteOfAnotherKqueueAlone) {
  const Fd other(subject().kqueue());
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kClear)), 0);
  ASSERT_EQ(submit(other, read_ev(flag::kAdd)), 0);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
  EXPECT_EQ(poll_events(other).size(), 1u);
  EXPECT_TRUE(silent(kq_));
  EXPECT_EQ(poll_events(other).size(), 1u);
}

TEST_F(Clear, WriteFiresAgainOnceThereIsRoomAgain) {
  const auto writer = static_cast<uintptr_t>(int{pipe_.far});
  ASSERT_EQ(submit(kq_, ev(writer, filter::kWrite, flag::kAdd | flag::kClear)), 0);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
  fill(pipe_.far);
  EXPECT_TRUE(silent(kq_));
  drain(pipe_.near);
  EXPECT_EQ(only_event(kq_).ident, writer);
  EXPECT_TRUE(silent(kq_));
}

// One readiness slot of the host serves both directions of a descriptor; the knotes do not share.
class ClearBoth : public UnixStreamTest {
 protected:
  void SetUp() override {
    UnixStreamTest::SetUp();
    if (IsSkipped()) return;
    fd_ = static_cast<uintptr_t>(int{pair_.near});
    ASSERT_EQ(submit(kq_, {ev(fd_, filter::kRead, flag::kAdd | flag::kClear),
                           ev(fd_, filter::kWrite, flag::kAdd | flag::kClear)}),
              0);
    ASSERT_EQ(only_event(kq_).filter, filter::kWrite);
    ASSERT_TRUE(silent(kq_));
  }
  uintptr_t fd_ = 0;
};

TEST_F(ClearBoth, IncomingDataFiresReadOnly) {
  for (int i = 1; i <= 3; ++i) {
    put(pair_.far, 1);
    const Kevent event = only_event(kq_);
    EXPECT_EQ(event.filter, filter::kRead);
    EXPECT_EQ(event.data, i);
    EXPECT_TRUE(silent(kq_));
  }
}

TEST_F(ClearBoth, NewRoomFiresWriteOnly) {
  put(pair_.far, 1);
  ASSERT_EQ(only_event(kq_).filter, filter::kRead);
  fill(pair_.near);
  ASSERT_TRUE(silent(kq_));
  drain(pair_.far);
  EXPECT_EQ(only_event(kq_).filter, filter::kWrite);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(ClearBoth, ReAddOfOneFiresOnlyThatOne) {
  REQUIRE_KNOB(knob().readd_reevaluates);
  put(pair_.far, 1);
  ASSERT_EQ(only_event(kq_).filter, filter::kRead);
  ASSERT_EQ(submit(kq_, ev(fd_, filter::kWrite, flag::kAdd)), 0);
  EXPECT_EQ(only_event(kq_).filter, filter::kWrite);
  ASSERT_EQ(submit(kq_, ev(fd_, filter::kRead, flag::kAdd)), 0);
  EXPECT_EQ(only_event(kq_).filter, filter::kRead);
}

TEST_F(ClearBoth, DeleteOfOneDoesNotFireTheOther) {
  put(pair_.far, 1);
  ASSERT_EQ(only_event(kq_).filter, filter::kRead);
  ASSERT_EQ(submit(kq_, ev(fd_, filter::kWrite, flag::kDelete)), 0);
  EXPECT_TRUE(silent(kq_));
  put(pair_.far, 1);
  EXPECT_EQ(only_event(kq_).filter, filter::kRead);
}

TEST_F(ClearBoth, DisableAndEnableOfOneDoesNotFireTheOther) {
  put(pair_.far, 1);
  ASSERT_EQ(only_event(kq_).filter, filter::kRead);
  ASSERT_EQ(submit(kq_, ev(fd_, filter::kWrite, flag::kDisable)), 0);
  EXPECT_TRUE(silent(kq_));
  ASSERT_EQ(submit(kq_, ev(fd_, filter::kWrite, flag::kEnable)), 0);
  EXPECT_EQ(only_event(kq_).filter, filter::kWrite);
}

}  // namespace
}  // namespace kqtorture
