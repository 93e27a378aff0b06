// What does a connected stream socket tell? READ the exact number of buffered bytes, above the low
// water mark; WRITE a number of bytes that one write accepts whole; both the end of the other side.
#include <sys/socket.h>

#include "objects.h"

namespace kqtorture {
namespace {

class Stream : public KqueueTest, public ::testing::WithParamInterface<Transport> {
 protected:
  void SetUp() override {
    KqueueTest::SetUp();
    pair_ = connect_pair(GetParam());
    if (pair_.near < 0 || pair_.far < 0) GTEST_SKIP() << "the subject makes no such sockets";
    ident_ = static_cast<uintptr_t>(int{pair_.near});
  }
  Kevent read_ev(int flags, uint32_t fflags = 0, intptr_t data = 0) const {
    return ev(ident_, filter::kRead, static_cast<uint16_t>(flags), fflags, data);
  }
  Kevent write_ev(int flags, uint32_t fflags = 0, intptr_t data = 0) const {
    return ev(ident_, filter::kWrite, static_cast<uint16_t>(flags), fflags, data);
  }
  Pair pair_;
  uintptr_t ident_ = 0;
};

TEST_P(Stream, ReadDataIsTheNumberOfBufferedBytes) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  put(pair_.far, 10);
  EXPECT_EQ(wait_event(kq_).data, 10);
  take(pair_.near, 4);
  EXPECT_EQ(wait_event(kq_).data, 6);
  take(pair_.near, 6);
  EXPECT_TRUE(silent(kq_));
}

TEST_P(Stream, ReadIsSilentWithoutData) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  EXPECT_TRUE(silent(kq_));
}

TEST_P(Stream, EofOfThePeerCarriesTheBytesThatAreLeft) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kClear)), 0);
  put(pair_.far, 7);
  pair_.far.reset();
  Kevent event = wait_event(kq_);
  while (!(event.flags & flag::kEof)) event = wait_event(kq_);
  EXPECT_EQ(event.data, 7);
  EXPECT_EQ(event.fflags, 0u);
}

TEST_P(Stream, EofIsStickyAndTheKnoteStays) {
  REQUIRE_KNOB(knob().freebsd_objects);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  pair_.far.reset();
  EXPECT_EQ(flags_of(wait_event(kq_)), flag::kEof);
  EXPECT_EQ(flags_of(only_event(kq_)), flag::kEof);
  EXPECT_EQ(only_event(kq_).data, 0);
  EXPECT_EQ(submit(kq_, read_ev(flag::kDelete)), 0);
}

TEST_P(Stream, ShutdownOfThePeersSendingSideIsEofForRead) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  ASSERT_EQ(subject().calls().shutdown(pair_.far, SHUT_WR), 0);
  EXPECT_EQ(flags_of(wait_event(kq_)), flag::kEof);
}

TEST_P(Stream, ShutdownOfThePeersSendingSideIsNoEofForWrite) {
  ASSERT_EQ(
      submit(kq_, {read_ev(flag::kAdd | flag::kOneshot), write_ev(flag::kAdd | flag::kDisable)}),
      0);
  ASSERT_EQ(subject().calls().shutdown(pair_.far, SHUT_WR), 0);
  ASSERT_EQ(wait_event(kq_).filter, filter::kRead);
  ASSERT_EQ(submit(kq_, write_ev(flag::kEnable)), 0);
  EXPECT_EQ(flags_of(only_event(kq_)), 0);
}

TEST_P(Stream, OwnShutdownOfReceivingIsEofForRead) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  ASSERT_EQ(subject().calls().shutdown(pair_.near, SHUT_RD), 0);
  EXPECT_EQ(flags_of(wait_event(kq_)), flag::kEof);
}

TEST_P(Stream, OwnShutdownOfSendingIsEofForWrite) {
  ASSERT_EQ(submit(kq_, write_ev(flag::kAdd)), 0);
  ASSERT_EQ(subject().calls().shutdown(pair_.near, SHUT_WR), 0);
  EXPECT_EQ(flags_of(wait_event(kq_)), flag::kEof);
}

TEST_P(Stream, OwnShutdownOfSendingIsNoEofForRead) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  ASSERT_EQ(subject().calls().shutdown(pair_.near, SHUT_WR), 0);
  EXPECT_TRUE(silent(kq_));
  put(pair_.far, 3);
  const Kevent event = wait_event(kq_);
  EXPECT_EQ(event.data, 3);
  EXPECT_EQ(flags_of(event), 0);
}

TEST_P(Stream, LowWaterMarkHoldsReadBack) {
  REQUIRE_KNOB(knob().local_low_water || GetParam() != Transport::kUnix);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd, note::kLowat, 8)), 0);
  put(pair_.far, 7);
  EXPECT_TRUE(silent(kq_));
  put(pair_.far, 1);
  EXPECT_EQ(wait_event(kq_).data, 8);
  take(pair_.near, 1);
  EXPECT_TRUE(silent(kq_));
}

TEST_P(Stream, LowWaterMarkDoesNotHoldEofBack) {
  REQUIRE_KNOB(knob().local_low_water || GetParam() != Transport::kUnix);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd, note::kLowat, 100)), 0);
  put(pair_.far, 7);
  ASSERT_TRUE(silent(kq_));
  pair_.far.reset();
  const Kevent event = wait_event(kq_);
  EXPECT_EQ(flags_of(event), flag::kEof);
  EXPECT_EQ(event.data, 7);
}

TEST_P(Stream, LowWaterMarkWakesAWaiterWhenItIsReached) {
  REQUIRE_KNOB(knob().local_low_water || GetParam() != Transport::kUnix);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd, note::kLowat, 8)), 0);
  Waiter waiter(kq_);
  waiter.wait_until_parked();
  put(pair_.far, 5);
  waiter.wait_until_parked();
  EXPECT_FALSE(waiter.returned());
  put(pair_.far, 5);
  const Outcome outcome = waiter.join();
  ASSERT_EQ(outcome.count, 1);
  EXPECT_EQ(outcome.entries[0].data, 10);
}

TEST_P(Stream, LowWaterMarkOfNothingIsAlwaysReached) {
  REQUIRE_KNOB(knob().freebsd_objects);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd, note::kLowat, 0)), 0);
  EXPECT_EQ(only_event(kq_).data, 0);
  put(pair_.far, 3);
  Kevent event = wait_event(kq_);
  while (event.data == 0) event = wait_event(kq_);
  EXPECT_EQ(event.data, 3);
}

// The changes of one list are evaluated one by one, each with the interest it leaves.
TEST_P(Stream, LowWaterMarkOfNothingSetByTheLastOfThreeChangesIsReached) {
  REQUIRE_KNOB(knob().freebsd_objects);
  ASSERT_EQ(submit(kq_, {read_ev(flag::kAdd), read_ev(0), read_ev(0, note::kLowat, 0)}), 0);
  EXPECT_EQ(only_event(kq_).data, 0);
}

// A socket's own low water mark, where the host has one for this transport and this use.
class ReceiveMark : public Stream {
 protected:
  void SetUp() override {
    Stream::SetUp();
    if (IsSkipped()) return;
    const int bytes = 6;
    if (subject().calls().setsockopt(pair_.near, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes)) {
      GTEST_SKIP() << "no SO_RCVLOWAT";
    }
  }
  // Linux does not look at the mark of a local socket, and wakes nobody below that of a TCP one.
  static bool linux_host() {
#ifdef __linux__
    return host_descriptors();
#else
    return false;
#endif
  }
};

TEST_P(ReceiveMark, HoldsReadBack) {
  if (linux_host() && GetParam() == Transport::kUnix) GTEST_SKIP() << "the host has no such mark";
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  put(pair_.far, 5);
  EXPECT_TRUE(silent(kq_));
  put(pair_.far, 1);
  EXPECT_EQ(wait_event(kq_).data, 6);
}

TEST_P(ReceiveMark, IsOverriddenByThatOfTheKnote) {
  REQUIRE_KNOB(knob().freebsd_objects);
  if (linux_host() && GetParam() == Transport::kTcp) GTEST_SKIP() << "the host sees nothing below";
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd, note::kLowat, 2)), 0);
  put(pair_.far, 3);
  EXPECT_EQ(wait_event(kq_).data, 3);
}

TEST_P(Stream, WriteFiresOnAConnectedSocket) {
  ASSERT_EQ(submit(kq_, write_ev(flag::kAdd)), 0);
  const Kevent event = only_event(kq_);
  EXPECT_EQ(flags_of(event), 0);
  EXPECT_GT(event.data, 0);
}

TEST_P(Stream, WriteIsSilentWhenFullAndFiresWhenDrained) {
  fill(pair_.near);
  // What the peer's side still takes in may make room for a moment longer.
  for (int i = 0; i < 20; ++i) {
    sleep_ms(1);
    fill(pair_.near);
  }
  ASSERT_EQ(submit(kq_, write_ev(flag::kAdd)), 0);
  EXPECT_TRUE(silent(kq_));
  Waiter waiter(kq_);
  waiter.wait_until_parked();
  std::vector<char> bytes(1 << 16);
  while (!waiter.returned()) {
    // The far end of TCP blocks, so it is not read beyond what is surely there.
    if (subject().read(pair_.far, bytes.data(), bytes.size()) <= 0) break;
    sleep_ms(1);
  }
  EXPECT_GT(waiter.join().count, 0);
}

TEST_P(Stream, AWriteOfThatSizeIsAcceptedWhole) {
  ASSERT_EQ(submit(kq_, write_ev(flag::kAdd)), 0);
  for (int round = 0; round < 50; ++round) {
    const std::vector<Kevent> events = poll_events(kq_);
    if (events.empty()) return;
    ASSERT_GT(events[0].data, 0);
    const std::vector<char> bytes(static_cast<size_t>(events[0].data), 'x');
    ASSERT_EQ(subject().write(pair_.near, bytes.data(), bytes.size()), events[0].data)
        << "in round " << round;
  }
}

TEST_P(Stream, AWriteOfThatSizeIsAcceptedWholeAfterSmallWrites) {
  ASSERT_EQ(submit(kq_, write_ev(flag::kAdd)), 0);
  for (int round = 0; round < 40; ++round) {
    for (int i = 0; i < 16; ++i) {
      if (subject().write(pair_.near, "x", 1) != 1) return;
    }
    const std::vector<Kevent> events = poll_events(kq_);
    if (events.empty()) return;
    const std::vector<char> bytes(static_cast<size_t>(events[0].data), 'x');
    if (round % 8 == 7) {
      ASSERT_EQ(subject().write(pair_.near, bytes.data(), bytes.size()), events[0].data);
      return;
    }
  }
}

TEST_P(Stream, BothDirectionsReportIndependently) {
  ASSERT_EQ(submit(kq_, {read_ev(flag::kAdd), write_ev(flag::kAdd)}), 0);
  EXPECT_EQ(only_event(kq_).filter, filter::kWrite);
  fill(pair_.near);
  put(pair_.far, 2);
  Kevent event = wait_event(kq_);
  while (event.filter != filter::kRead) {
    fill(pair_.near);
    event = wait_event(kq_);
  }
  EXPECT_EQ(event.data, 2);
}

TEST_P(Stream, APeerThatWritesWakesAWaiter) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  Waiter waiter(kq_);
  waiter.wait_until_parked();
  put(pair_.far, 1);
  EXPECT_EQ(waiter.join().count, 1);
}

TEST_P(Stream, WriteLowWaterMarkOfNothingFiresOnAFullSocket) {
  REQUIRE_KNOB(knob().freebsd_objects);
  fill(pair_.near);
  ASSERT_EQ(submit(kq_, write_ev(flag::kAdd, note::kLowat, 0)), 0);
  EXPECT_GE(only_event(kq_).data, 0);
  ASSERT_EQ(subject().calls().shutdown(pair_.near, SHUT_WR), 0);
  EXPECT_TRUE(only_event(kq_).flags & flag::kEof) << "nothing is sent any more, full or not";
}

INSTANTIATE_TEST_SUITE_P(Transports, Stream, ::testing::Values(Transport::kUnix, Transport::kTcp),
                         [](const auto& instance) { return transport_name(instance.param); });
INSTANTIATE_TEST_SUITE_P(Transports, ReceiveMark,
                         ::testing::Values(Transport::kUnix, Transport::kTcp),
                         [](const auto& instance) { return transport_name(instance.param); });

using UnixStream = UnixStreamTest;

TEST_F(UnixStream, CloseOfThePeerIsEofForWriteToo) {
  const auto fd = static_cast<uintptr_t>(int{pair_.near});
  ASSERT_EQ(submit(kq_, ev(fd, filter::kWrite, flag::kAdd)), 0);
  pair_.far.reset();
  EXPECT_TRUE(only_event(kq_).flags & flag::kEof);
}

}  // namespace
}  // namespace kqtorture
