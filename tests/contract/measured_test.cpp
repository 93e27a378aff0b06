// What FreeBSD 13.0's own kqueue code was measured to do, row by row. (section 9)
#include "world.h"

namespace kqtorture::contract {
namespace {

class Measured : public testing::Test {
 protected:
  World world{"freebsd13", "bsd"};
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
};

TEST_F(Measured, UnknownBitsAreAcceptedStoredAndEchoed) {
  world.change(kq,
               {ev(USER, 1, ADD | 0x0200), ev(USER, 2, ADD | 0x0400), ev(USER, 3, ADD | 0x0800)});
  world.change(kq, {ev(USER, 1, 0, TRIGGER), ev(USER, 2, 0, TRIGGER), ev(USER, 3, 0, TRIGGER)});
  const Answered answered = world.poll(kq);
  ASSERT_EQ(answered.value, 3);
  EXPECT_EQ(answered.events[0].flags, 0x0200);
  EXPECT_EQ(answered.events[1].flags, 0x0400);
  EXPECT_EQ(answered.events[2].flags, 0x0800);
}

TEST_F(Measured, SystemFlagsAreSilentlyStripped) {
  world.change(kq, {ev(USER, 1, ADD | 0xF000)});
  world.change(kq, {ev(USER, 1, 0, TRIGGER)});
  EXPECT_EQ(world.poll(kq), Answered::of({ev(USER, 1, 0)}));
}

TEST_F(Measured, UdataIsOverwrittenByEnableAndDisableToo) {
  world.change(kq, {ev(USER, 1, ADD, 0, 0, 1)});
  world.change(kq, {ev(USER, 1, DISABLE, TRIGGER, 0, 2)});
  world.change(kq, {ev(USER, 1, ENABLE, 0, 0, 3)});
  EXPECT_EQ(world.poll(kq).events[0].udata, 3u);
}

TEST_F(Measured, EnableDisableIsEinvalAndTouchesNothing) {
  world.change(kq, {ev(USER, 1, ADD, 0, 0, 1)});
  EXPECT_EQ(world.call(kq, {ev(USER, 1, ENABLE | DISABLE, TRIGGER, 0, 2)}),
            Answered::failed(EINVAL));
  EXPECT_EQ(world.poll(kq), Answered());
  EXPECT_EQ(world.state().knote[0].udata, 1u);
}

TEST_F(Measured, FilterZeroOutOfRangeAndEmptySlots) {
  EXPECT_EQ(world.call(kq, {ev(0, 1, ADD)}), Answered());
  EXPECT_EQ(world.call(kq, {ev(5, 1, ADD)}), Answered::failed(EINVAL));
  for (const int16_t empty : {filter::kAio, filter::kLio, filter::kSendfile}) {
    EXPECT_EQ(world.call(kq, {ev(empty, 1, ADD)}), Answered::failed(ENXIO));
  }
}

TEST_F(Measured, NoKnoteIsEnoentAndNoDescriptorEbadf) {
  EXPECT_EQ(world.call(kq, {ev(READ, pipe.first, DELETE)}), Answered::failed(ENOENT));
  EXPECT_EQ(world.call(kq, {ev(READ, 900, DELETE)}), Answered::failed(EBADF));
  EXPECT_EQ(world.call(kq, {ev(READ, 1LL << 40, ADD)}), Answered::failed(EBADF));
}

TEST_F(Measured, ForceOneshotOnNothingAndWithAddOnNothing) {
  EXPECT_EQ(world.call(kq, {ev(USER, 1, FORCE)}), Answered::failed(ENOENT));
  EXPECT_EQ(world.call(kq, {ev(USER, 1, FORCE | ADD)}), Answered());
  EXPECT_EQ(world.poll(kq), Answered());
}

TEST_F(Measured, ForceOneshotEnabledIsOneEventThenGone) {
  world.change(kq, {ev(READ, pipe.first, ADD)});
  world.change(kq, {ev(READ, pipe.first, FORCE)});
  EXPECT_EQ(world.poll(kq), Answered::of({ev(READ, pipe.first, ONESHOT)})) << "no mark on 13";
  EXPECT_EQ(world.call(kq, {ev(READ, pipe.first, DELETE)}), Answered::failed(ENOENT));
}

TEST_F(Measured, ForceOneshotDisabledIsSilentUntilEnable) {
  world.change(kq, {ev(READ, pipe.first, ADD)});
  world.change(kq, {ev(READ, pipe.first, FORCE | DISABLE)});
  EXPECT_EQ(world.poll(kq), Answered());
  world.change(kq, {ev(READ, pipe.first, ENABLE)});
  EXPECT_EQ(world.poll(kq).value, 1);
}

TEST_F(Measured, ReAddedBehaviourIsIgnoredAndADisabledKnoteStaysDisabled) {
  world.change(kq, {ev(USER, 1, ADD | DISABLE)});
  world.change(kq, {ev(USER, 1, ADD | CLEAR | ONESHOT | DISPATCH, 0, 0, 6)});
  world.change(kq, {ev(USER, 1, 0, TRIGGER, 0, 6)});
  EXPECT_EQ(world.poll(kq), Answered());
  world.change(kq, {ev(USER, 1, ENABLE, 0, 0, 6)});
  EXPECT_EQ(world.poll(kq), Answered::of({ev(USER, 1, 0, 0, 0, 6)}));
}

TEST_F(Measured, AReceiptWithNoRoomReturnsZeroAndDropsTheRest) {
  EXPECT_EQ(
      world.call(kq, {ev(USER, 1, ADD | RECEIPT), ev(USER, 2, ADD | RECEIPT), ev(USER, 3, ADD)}, 1),
      Answered());
  EXPECT_EQ(world.state().knotes, 2);
}

TEST_F(Measured, ErrorsWithNoRoomLoseTheEntriesThatWereWritten) {
  EXPECT_EQ(world.call(kq, {ev(USER, 8, DELETE), ev(USER, 9, DELETE)}, 1),
            Answered::failed(ENOENT));
}

TEST_F(Measured, AReceiptEntryIsExactlyErrorAndReceiptSticks) {
  EXPECT_EQ(world.call(kq, {ev(USER, 1, ADD | RECEIPT)}, 1), Answered::of({ev(USER, 1, ERROR)}));
  world.call(kq, {ev(USER, 1, RECEIPT, TRIGGER)}, 1);
  EXPECT_EQ(world.poll(kq).events[0].flags, RECEIPT);
}

TEST_F(Measured, AUserTriggerInTheAddIsIgnoredAndItsControlBitsComeBack) {
  world.change(kq, {ev(USER, 1, ADD, TRIGGER | note::kFfOr | 0x5)});
  EXPECT_EQ(world.poll(kq), Answered());
  world.change(kq, {ev(USER, 1, 0, TRIGGER)});
  EXPECT_EQ(world.poll(kq).events[0].fflags, TRIGGER | note::kFfOr | 0x5);
}

TEST_F(Measured, AUserOneshotIsDeliveredWithoutItsResult) {
  world.change(kq, {ev(USER, 1, ADD | ONESHOT, 0x7, 44)});
  world.change(kq, {ev(USER, 1, 0, TRIGGER, 44)});
  EXPECT_EQ(world.poll(kq), Answered::of({ev(USER, 1, ONESHOT, 0, 0)}));
}

TEST_F(Measured, ATimersBadRestartIsAnEventLater) {
  world.change(kq, {ev(TIMER, 1, ADD, note::kSeconds, 100000)});
  EXPECT_EQ(world.call(kq, {ev(TIMER, 1, ADD, 0, -1)}), Answered());
  EXPECT_EQ(world.poll(kq), Answered::of({ev(TIMER, 1, CLEAR | ERROR, 0, EINVAL)}));
}

TEST_F(Measured, EfaultWhileCopyingOutLosesAOneshotEvent) {
  world.change(kq, {ev(USER, 1, ADD | ONESHOT)});
  world.change(kq, {ev(USER, 1, 0, TRIGGER)});
  Op op = World::kevent_op(kq, 1);
  op.events_writable = 0;
  EXPECT_EQ(world.call(op), Answered::failed(EFAULT));
  EXPECT_EQ(world.poll(kq), Answered());
}

TEST_F(Measured, CloseWhileADupLivesTakesTheKnote) {
  const int dup = world.dup(pipe.first);
  world.write(pipe.second, 1);
  world.change(kq, {ev(READ, pipe.first, ADD, 0, 0, 5)});
  world.close(pipe.first);
  EXPECT_EQ(world.poll(kq), Answered());
  world.dup2(dup, pipe.first);
  world.change(kq, {ev(READ, pipe.first, ADD, 0, 0, 6)});
  EXPECT_EQ(world.poll(kq).events[0].udata, 6u);
}

TEST_F(Measured, ThreeLevelEventsInRoomForTwoRotate) {
  for (int i = 0; i < 3; i++) {
    world.change(kq, {ev(USER, i, ADD)});
    world.change(kq, {ev(USER, i, 0, TRIGGER)});
  }
  std::string seen;
  for (int i = 0; i < 3; i++) {
    for (const Event& event : world.poll(kq, 2).events) seen += std::to_string(event.ident);
    seen += ' ';
  }
  EXPECT_EQ(seen, "01 20 12 ");
}

}  // namespace
}  // namespace kqtorture::contract
