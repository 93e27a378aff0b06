// Who reads an error that an event has told? FreeBSD shows so_error to its knotes and leaves it for
// the program; Linux hands it out once, so libkq gives it back to whichever call asks first: in a
// program that is linked with it, reading and writing fail as they would without a kqueue.
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "objects.h"

namespace kqtorture {
namespace {

struct SocketCall {
  const char* name;
  ssize_t (*call)(int fd, void* buffer, size_t size);
};

std::string name_of(const ::testing::TestParamInfo<SocketCall>& info) { return info.param.name; }

msghdr message_of(iovec* part) {
  msghdr message{};
  message.msg_iov = part;
  message.msg_iovlen = 1;
  return message;
}

const SocketCall kReaders[] = {
    {"read", [](int fd, void* buffer, size_t size) { return ::read(fd, buffer, size); }},
    {"readv",
     [](int fd, void* buffer, size_t size) {
       const iovec parts[2] = {{buffer, 0}, {buffer, size}};
       return ::readv(fd, parts, 2);
     }},
    {"recv", [](int fd, void* buffer, size_t size) { return ::recv(fd, buffer, size, 0); }},
    {"recvfrom", [](int fd, void* buffer,
                    size_t size) { return ::recvfrom(fd, buffer, size, 0, nullptr, nullptr); }},
    {"recvmsg",
     [](int fd, void* buffer, size_t size) {
       iovec part{buffer, size};
       msghdr message = message_of(&part);
       return ::recvmsg(fd, &message, 0);
     }},
};

const SocketCall kWriters[] = {
    {"write", [](int fd, void* buffer, size_t size) { return ::write(fd, buffer, size); }},
    {"writev",
     [](int fd, void* buffer, size_t size) {
       const iovec part{buffer, size};
       return ::writev(fd, &part, 1);
     }},
    {"send", [](int fd, void* buffer, size_t size) { return ::send(fd, buffer, size, 0); }},
    {"sendto",
     [](int fd, void* buffer, size_t size) { return ::sendto(fd, buffer, size, 0, nullptr, 0); }},
    {"sendmsg",
     [](int fd, void* buffer, size_t size) {
       iovec part{buffer, size};
       const msghdr message = message_of(&part);
       return ::sendmsg(fd, &message, 0);
     }},
};

class SocketError : public KqueueTest, public ::testing::WithParamInterface<SocketCall> {
 protected:
  void SetUp() override {
    KqueueTest::SetUp();
    if (!subject().is_emulator()) GTEST_SKIP() << "linked with libkq, but another kqueue is tested";
    const Fd listener = open_listener(Transport::kTcp);
    near_ = start_connect(listener, Transport::kTcp);
    far_ = accept_one(listener);
    ASSERT_GE(far_, 0);
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    ASSERT_EQ(::sigaction(SIGPIPE, &ignore, &old_), 0);
  }
  void TearDown() override { ::sigaction(SIGPIPE, &old_, nullptr); }
  // The other side aborts the connection, and an event tells.
  void reset_and_hear(size_t unread = 0) {
    const linger abort{1, 0};
    ASSERT_EQ(::setsockopt(far_, SOL_SOCKET, SO_LINGER, &abort, sizeof abort), 0);
    if (unread) put(far_, unread);
    const auto ident = static_cast<uintptr_t>(int{near_});
    ASSERT_EQ(submit(kq_, ev(ident, filter::kWrite, flag::kAdd | flag::kClear)), 0);
    far_.reset();
    for (;;) {
      const Kevent event = wait_event(kq_);
      if (!(event.flags & flag::kEof)) continue;  // it could be written to, up to then
      ASSERT_EQ(event.fflags, static_cast<uint32_t>(ECONNRESET));
      return;
    }
  }
  ssize_t call(size_t size = sizeof buffer_) { return GetParam().call(near_, buffer_, size); }
  Fd near_, far_;
  char buffer_[64] = {};
  struct sigaction old_ {};
};

class SocketErrorWhileReading : public SocketError {};

TEST_P(SocketErrorWhileReading, IsToldOnceMore) {
  reset_and_hear();
  EXPECT_EQ(call(), -1);
  EXPECT_EQ(errno, ECONNRESET);
  EXPECT_EQ(call(), 0) << "and then it is used up";
  int error = -1;
  socklen_t length = sizeof error;
  ASSERT_EQ(::getsockopt(near_, SOL_SOCKET, SO_ERROR, &error, &length), 0);
  EXPECT_EQ(error, 0);
}

TEST_P(SocketErrorWhileReading, IsNotToldToWhoAsksForNothing) {
  reset_and_hear();
  EXPECT_EQ(call(0), 0);
  EXPECT_EQ(call(), -1);
  EXPECT_EQ(errno, ECONNRESET);
}

TEST_P(SocketErrorWhileReading, OfAnotherSocketIsNotTold) {
  reset_and_hear();
  Pair other = connect_pair(Transport::kTcp);
  other.far.reset();
  while (GetParam().call(other.near, buffer_, 1) < 0) ASSERT_EQ(errno, EAGAIN);
  EXPECT_EQ(call(), -1);
  EXPECT_EQ(errno, ECONNRESET);
}

class SocketErrorWhileWriting : public SocketError {};

TEST_P(SocketErrorWhileWriting, IsToldOnceMoreAndIsNoBrokenPipe) {
  reset_and_hear();
  EXPECT_EQ(call(), -1);
  EXPECT_EQ(errno, ECONNRESET);
  EXPECT_EQ(call(), -1);
  EXPECT_EQ(errno, EPIPE) << "and then it is used up";
}

INSTANTIATE_TEST_SUITE_P(By, SocketErrorWhileReading, ::testing::ValuesIn(kReaders), name_of);
INSTANTIATE_TEST_SUITE_P(By, SocketErrorWhileWriting, ::testing::ValuesIn(kWriters), name_of);

TEST_P(SocketError, AtTheEndOfALocalSocketIsABrokenPipeToWhoWrites) {
  Pair pair = connect_pair(Transport::kUnix);
  put(pair.near, 1);
  pair.far.reset();  // with a byte unread: the connection is reset
  const auto ident = static_cast<uintptr_t>(int{pair.near});
  ASSERT_EQ(submit(kq_, ev(ident, filter::kRead, flag::kAdd)), 0);
  ASSERT_EQ(only_event(kq_).fflags, static_cast<uint32_t>(ECONNRESET));
  EXPECT_EQ(GetParam().call(pair.near, buffer_, 1), -1);
  EXPECT_EQ(errno, EPIPE) << "as Linux says without a kqueue";
  EXPECT_EQ(::read(pair.near, buffer_, 1), -1);
  EXPECT_EQ(errno, ECONNRESET);
}

INSTANTIATE_TEST_SUITE_P(By, SocketError, ::testing::ValuesIn(kWriters), name_of);

// connect() called again is how some programs ask what became of the first.
TEST(SocketErrorOfAConnect, IsToldToTheSecondConnect) {
  if (!subject().is_emulator()) GTEST_SKIP() << "linked with libkq, but another kqueue is tested";
  const Fd kq(subject().kqueue());
  Fd listener = open_listener(Transport::kTcp);
  sockaddr_in address{};
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(::getsockname(listener, generic, &size), 0);
  listener.reset();
  const Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  ASSERT_EQ(::connect(fd, generic, size), -1);
  ASSERT_EQ(submit(kq, ev(static_cast<uintptr_t>(int{fd}), filter::kWrite, flag::kAdd)), 0);
  ASSERT_EQ(wait_event(kq).fflags, static_cast<uint32_t>(ECONNREFUSED));
  EXPECT_EQ(::connect(fd, generic, size), -1);
  EXPECT_EQ(errno, ECONNREFUSED);
}

}  // namespace
}  // namespace kqtorture
