// What do sockets tell before and after they are connected? Nothing while there is no connection;
// the error, once there is one, in fflags, which does not use it up: SO_ERROR still tells it.
#include <netinet/in.h>
#include <sys/socket.h>

#include "objects.h"

namespace kqtorture {
namespace {

class Connection : public KqueueTest {
 protected:
  void SetUp() override {
    KqueueTest::SetUp();
    listener_ = open_listener(Transport::kTcp);
    if (listener_ < 0) GTEST_SKIP() << "the subject makes no TCP sockets";
  }
  static int pending_error(int fd) {
    int error = -1;
    socklen_t size = sizeof error;
    EXPECT_EQ(subject().calls().getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size), 0);
    return error;
  }
  // A socket that was refused by a port nobody listens on.
  Fd refused() {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(subject().calls().getsockname(listener_, generic, &size), 0);
    Fd fd(subject().calls().socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    listener_.reset();
    EXPECT_EQ(subject().calls().connect(fd, generic, size), -1);
    return fd;
  }
  Fd listener_;
};

TEST_F(Connection, AnUnconnectedSocketIsSilent) {
  const Fd fd(subject().calls().socket(AF_INET, SOCK_STREAM, 0));
  const auto ident = static_cast<uintptr_t>(int{fd});
  ASSERT_EQ(
      submit(kq_, {ev(ident, filter::kWrite, flag::kAdd), ev(ident, filter::kRead, flag::kAdd)}),
      0);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Connection, AnUnconnectedSocketDoesNotWakeAWaiter) {
  const Fd fd(subject().calls().socket(AF_INET, SOCK_STREAM, 0));
  const auto ident = static_cast<uintptr_t>(int{fd});
  ASSERT_EQ(submit(kq_, {ev(ident, filter::kWrite, flag::kAdd), ev(1, filter::kUser, flag::kAdd)}),
            0);
  Waiter waiter(kq_);
  waiter.wait_until_parked();
  EXPECT_FALSE(waiter.returned());
  ASSERT_EQ(submit(kq_, trigger(1)), 0);
  const Outcome outcome = waiter.join();
  ASSERT_EQ(outcome.count, 1);
  EXPECT_EQ(outcome.entries[0].filter, filter::kUser);
}

TEST_F(Connection, ALowWaterMarkOfNothingIsNotReachedByAListener) {
  REQUIRE_KNOB(knob().freebsd_objects);
  const auto ident = static_cast<uintptr_t>(int{listener_});
  ASSERT_EQ(submit(kq_, ev(ident, filter::kWrite, flag::kAdd, note::kLowat, 0)), 0);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Connection, WriteFiresWhenItIsEstablished) {
  const Fd fd = start_connect(listener_, Transport::kTcp);
  ASSERT_GE(fd, 0);
  ASSERT_EQ(submit(kq_, ev(static_cast<uintptr_t>(int{fd}), filter::kWrite, flag::kAdd)), 0);
  const Kevent event = wait_event(kq_);
  EXPECT_EQ(event.filter, filter::kWrite);
  EXPECT_EQ(flags_of(event), 0);
  EXPECT_EQ(pending_error(fd), 0);
}

TEST_F(Connection, AKnoteAddedBeforeConnectFiresWhenItIsEstablished) {
  const Fd fd(subject().calls().socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  ASSERT_EQ(submit(kq_, ev(static_cast<uintptr_t>(int{fd}), filter::kWrite, flag::kAdd)), 0);
  ASSERT_TRUE(silent(kq_));
  sockaddr_in address{};
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(subject().calls().getsockname(listener_, generic, &size), 0);
  Waiter waiter(kq_);
  waiter.wait_until_parked();
  subject().calls().connect(fd, generic, size);
  const Outcome outcome = waiter.join();
  ASSERT_EQ(outcome.count, 1);
  EXPECT_EQ(flags_of(outcome.entries[0]), 0);
}

TEST_F(Connection, RefusalIsEofWithTheErrorForWrite) {
  const Fd fd = refused();
  ASSERT_EQ(submit(kq_, ev(static_cast<uintptr_t>(int{fd}), filter::kWrite, flag::kAdd)), 0);
  const Kevent event = wait_event(kq_);
  EXPECT_TRUE(event.flags & flag::kEof);
  EXPECT_EQ(event.fflags, static_cast<uint32_t>(ECONNREFUSED));
}

TEST_F(Connection, RefusalIsEofWithTheErrorForRead) {
  const Fd fd = refused();
  ASSERT_EQ(submit(kq_, ev(static_cast<uintptr_t>(int{fd}), filter::kRead, flag::kAdd)), 0);
  const Kevent event = wait_event(kq_);
  EXPECT_TRUE(event.flags & flag::kEof);
  EXPECT_EQ(event.fflags, static_cast<uint32_t>(ECONNREFUSED));
}

TEST_F(Connection, AnErrorInFflagsIsStillToldBySoError) {
  const Fd fd = refused();
  ASSERT_EQ(submit(kq_, ev(static_cast<uintptr_t>(int{fd}), filter::kWrite, flag::kAdd)), 0);
  ASSERT_EQ(wait_event(kq_).fflags, static_cast<uint32_t>(ECONNREFUSED));
  EXPECT_EQ(pending_error(fd), ECONNREFUSED);
  EXPECT_EQ(pending_error(fd), 0) << "and is used up by that";
}

TEST_F(Connection, AnErrorIsToldByEveryKnoteOfTheSocket) {
  const Fd fd = refused();
  const auto ident = static_cast<uintptr_t>(int{fd});
  ASSERT_EQ(submit(kq_, ev(ident, filter::kWrite, flag::kAdd)), 0);
  ASSERT_EQ(wait_event(kq_).fflags, static_cast<uint32_t>(ECONNREFUSED));
  ASSERT_EQ(submit(kq_, ev(ident, filter::kRead, flag::kAdd)), 0);
  const std::vector<Kevent> events = poll_events(kq_);
  EXPECT_EQ(events.size(), 2u);
  for (const Kevent& event : events) {
    EXPECT_EQ(event.fflags, static_cast<uint32_t>(ECONNREFUSED)) << event.filter;
  }
}

TEST_F(Connection, AnErrorReadBySoErrorBeforeTheScanIsGone) {
  const Fd fd = refused();
  const auto ident = static_cast<uintptr_t>(int{fd});
  // A poll that is not the kqueue's: the error must have arrived before it is asked for.
  const Fd other(subject().kqueue());
  ASSERT_EQ(submit(other, ev(ident, filter::kWrite, flag::kAdd)), 0);
  ASSERT_EQ(wait_event(other).fflags, static_cast<uint32_t>(ECONNREFUSED));
  ASSERT_EQ(pending_error(fd), ECONNREFUSED);
  ASSERT_EQ(submit(kq_, ev(ident, filter::kRead, flag::kAdd)), 0);
  EXPECT_EQ(only_event(kq_).fflags, 0u);
}

TEST_F(Connection, AResetIsEofWithTheError) {
  Fd near = start_connect(listener_, Transport::kTcp);
  Fd far = accept_one(listener_);
  ASSERT_GE(far, 0);
  const linger abort{1, 0};
  ASSERT_EQ(subject().calls().setsockopt(far, SOL_SOCKET, SO_LINGER, &abort, sizeof abort), 0);
  ASSERT_EQ(submit(kq_, ev(static_cast<uintptr_t>(int{near}), filter::kRead, flag::kAdd)), 0);
  far.reset();
  const Kevent event = wait_event(kq_);
  EXPECT_TRUE(event.flags & flag::kEof);
  EXPECT_EQ(event.fflags, static_cast<uint32_t>(ECONNRESET));
  EXPECT_EQ(pending_error(near), ECONNRESET);
}

// The bytes in front of urgent ones are all that one read takes; those behind are there all the
// same, though no more come.
TEST_F(Connection, BytesBehindUrgentOnesAreTold) {
  const Fd near = start_connect(listener_, Transport::kTcp);
  const Fd far = accept_one(listener_);
  ASSERT_GE(far, 0);
  if (subject().has_own_descriptors()) GTEST_SKIP() << "the subject sends nothing urgent";
  ASSERT_EQ(::send(far, "abc!", 4, MSG_OOB), 4);
  ASSERT_EQ(::send(far, "defgh", 5, 0), 5);
  const auto ident = static_cast<uintptr_t>(int{near});
  ASSERT_EQ(submit(kq_, ev(ident, filter::kRead, flag::kAdd)), 0);
  EXPECT_GE(wait_event(kq_).data, 3);
  take(near, 3);
  EXPECT_EQ(wait_event(kq_).data, 5);
  take(near, 5);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Connection, AnErrorDoesNotPassToTheNextSocketOfThatNumber) {
  const Pair fresh = connect_pair(Transport::kUnix);
  Fd fd = refused();
  const int number = fd;
  ASSERT_EQ(submit(kq_, ev(static_cast<uintptr_t>(number), filter::kWrite, flag::kAdd)), 0);
  ASSERT_EQ(wait_event(kq_).fflags, static_cast<uint32_t>(ECONNREFUSED));
  fd.reset();
  const Fd reused = reuse_number(number, fresh.near);
  EXPECT_EQ(pending_error(reused), 0);
}

class Listening : public KqueueTest, public ::testing::WithParamInterface<Transport> {
 protected:
  void SetUp() override {
    KqueueTest::SetUp();
    listener_ = open_listener(GetParam());
    if (listener_ < 0) GTEST_SKIP() << "the subject makes no such sockets";
    ident_ = static_cast<uintptr_t>(int{listener_});
  }
  // A connection that is complete on both sides, so that the backlog holds it.
  Fd connect_fully() {
    Fd fd = start_connect(listener_, GetParam());
    const Fd done(subject().kqueue());
    EXPECT_EQ(submit(done, ev(static_cast<uintptr_t>(int{fd}), filter::kWrite, flag::kAdd)), 0);
    wait_event(done);
    return fd;
  }
  // The exact backlog is told for TCP, where it is; for other sockets it is a bound.
  void expect_backlog(intptr_t data, intptr_t expected) {
    if (GetParam() == Transport::kTcp && knob().counts_connections) {
      EXPECT_EQ(data, expected);
    } else {
      EXPECT_GE(data, 1);
    }
  }
  Fd listener_;
  uintptr_t ident_ = 0;
};

TEST_P(Listening, WithoutConnectionsIsSilent) {
  ASSERT_EQ(submit(kq_, ev(ident_, filter::kRead, flag::kAdd)), 0);
  EXPECT_TRUE(silent(kq_));
}

TEST_P(Listening, DataIsTheNumberOfCompleteConnections) {
  ASSERT_EQ(submit(kq_, ev(ident_, filter::kRead, flag::kAdd)), 0);
  std::vector<Fd> clients;
  for (int i = 1; i <= 3; ++i) {
    clients.push_back(connect_fully());
    const Kevent event = wait_event(kq_);
    expect_backlog(event.data, i);
    EXPECT_EQ(flags_of(event), 0);
  }
  const Fd accepted = accept_one(listener_);
  expect_backlog(only_event(kq_).data, 2);
}

TEST_P(Listening, IsSilentOnceAllAreAccepted) {
  ASSERT_EQ(submit(kq_, ev(ident_, filter::kRead, flag::kAdd)), 0);
  const Fd client = connect_fully();
  const Fd accepted = accept_one(listener_);
  EXPECT_TRUE(silent(kq_));
}

TEST_P(Listening, ClearFiresForEachConnection) {
  ASSERT_EQ(submit(kq_, ev(ident_, filter::kRead, flag::kAdd | flag::kClear)), 0);
  std::vector<Fd> clients;
  for (int i = 1; i <= 3; ++i) {
    clients.push_back(connect_fully());
    expect_backlog(wait_event(kq_).data, i);
    EXPECT_TRUE(silent(kq_));
  }
}

TEST_P(Listening, WriteNeverFires) {
  ASSERT_EQ(submit(kq_, ev(ident_, filter::kWrite, flag::kAdd)), 0);
  const Fd client = connect_fully();
  EXPECT_TRUE(silent(kq_));
}

TEST_P(Listening, AnAcceptedSocketIsNotTheListener) {
  ASSERT_EQ(submit(kq_, ev(ident_, filter::kRead, flag::kAdd, 0, 0, tag(1))), 0);
  const Fd client = connect_fully();
  const Fd accepted = accept_one(listener_);
  const auto fd = static_cast<uintptr_t>(int{accepted});
  ASSERT_EQ(submit(kq_, ev(fd, filter::kRead, flag::kAdd, 0, 0, tag(2))), 0);
  put(client, 4);
  const Kevent event = wait_event(kq_);
  EXPECT_EQ(event.udata, tag(2));
  EXPECT_EQ(event.data, 4);
}

INSTANTIATE_TEST_SUITE_P(Transports, Listening,
                         ::testing::Values(Transport::kUnix, Transport::kTcp),
                         [](const auto& instance) { return transport_name(instance.param); });

}  // namespace
}  // namespace kqtorture
