// What does a datagram socket tell? That something is there to be received; never that it is at its
// end, however empty the datagram.
#include <netinet/in.h>
#include <sys/socket.h>

#include "objects.h"

namespace kqtorture {
namespace {

class Datagram : public KqueueTest, public ::testing::WithParamInterface<Transport> {
 protected:
  void SetUp() override {
    KqueueTest::SetUp();
    pair_ = connect_pair(GetParam());
    if (pair_.near < 0) GTEST_SKIP() << "the subject makes no such sockets";
    ident_ = static_cast<uintptr_t>(int{pair_.near});
  }
  Kevent read_ev(int flags) const {
    return ev(ident_, filter::kRead, static_cast<uint16_t>(flags));
  }
  ssize_t receive(size_t size) {
    std::vector<char> bytes(size);
    return subject().read(pair_.near, bytes.data(), size);
  }
  Pair pair_;
  uintptr_t ident_ = 0;
};

TEST_P(Datagram, WithoutDatagramsIsSilent) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  EXPECT_TRUE(silent(kq_));
}

TEST_P(Datagram, FiresUntilReceived) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  put(pair_.far, 20);
  const Kevent event = wait_event(kq_);
  EXPECT_GE(event.data, 1);
  EXPECT_EQ(flags_of(event), 0);
  EXPECT_EQ(receive(100), 20);
  EXPECT_TRUE(silent(kq_));
}

TEST_P(Datagram, FiresUntilTheLastIsReceived) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  put(pair_.far, 20);
  put(pair_.far, 30);
  ASSERT_EQ(receive(100), 20);
  EXPECT_GE(wait_event(kq_).data, 1);
  ASSERT_EQ(receive(100), 30);
  EXPECT_TRUE(silent(kq_));
}

TEST_P(Datagram, ClearFiresForEach) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kClear)), 0);
  for (int i = 0; i < 3; ++i) {
    put(pair_.far, 5);
    EXPECT_EQ(flags_of(wait_event(kq_)), flag::kClear);
    EXPECT_TRUE(silent(kq_));
  }
}

TEST_P(Datagram, AnEmptyOneIsNotTheEnd) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  ASSERT_EQ(subject().write(pair_.far, "", 0), 0);
  sleep_ms(5);
  for (const Kevent& event : poll_events(kq_)) EXPECT_EQ(flags_of(event), 0);
}

TEST_P(Datagram, AnEmptyOneDoesNotHideTheNext) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  ASSERT_EQ(subject().write(pair_.far, "", 0), 0);
  put(pair_.far, 5);
  EXPECT_EQ(flags_of(wait_event(kq_)), 0);
  EXPECT_EQ(receive(100), 0);
  EXPECT_GE(wait_event(kq_).data, 1);
}

TEST_P(Datagram, WriteFires) {
  ASSERT_EQ(submit(kq_, ev(ident_, filter::kWrite, flag::kAdd)), 0);
  const Kevent event = only_event(kq_);
  EXPECT_EQ(flags_of(event), 0);
  EXPECT_GT(event.data, 0);
}

TEST_P(Datagram, ADatagramWakesAWaiter) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  Waiter waiter(kq_);
  waiter.wait_until_parked();
  put(pair_.far, 1);
  EXPECT_EQ(waiter.join().count, 1);
}

INSTANTIATE_TEST_SUITE_P(Transports, Datagram,
                         ::testing::Values(Transport::kUnixDatagram, Transport::kUdp),
                         [](const auto& instance) { return transport_name(instance.param); });

using Udp = KqueueTest;

TEST_F(Udp, AnUnconnectedSocketCanBeWritten) {
  const Fd fd(subject().calls().socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  if (fd < 0) GTEST_SKIP() << "the subject makes no UDP sockets";
  ASSERT_EQ(submit(kq_, ev(static_cast<uintptr_t>(int{fd}), filter::kWrite, flag::kAdd)), 0);
  EXPECT_EQ(flags_of(only_event(kq_)), 0);
}

TEST_F(Udp, AnErrorFromThePeerFiresRead) {
  Pair pair = connect_pair(Transport::kUdp);
  if (pair.near < 0) GTEST_SKIP() << "the subject makes no UDP sockets";
  ASSERT_EQ(submit(kq_, ev(static_cast<uintptr_t>(int{pair.near}), filter::kRead, flag::kAdd)), 0);
  pair.far.reset();
  put(pair.near, 1);
  EXPECT_EQ(wait_event(kq_).filter, filter::kRead);
}

}  // namespace
}  // namespace kqtorture
