// How the watched objects are made out of the subject's libc-shaped calls.
#include "objects.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

namespace kqtorture {
namespace {

Pair unix_pair(int type) {
  int ends[2];
  if (subject().calls().socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, ends) != 0) return {};
  return {Fd(ends[0]), Fd(ends[1])};
}

Fd bound_loopback(int type, sockaddr_in* address) {
  const SubjectCalls& calls = subject().calls();
  Fd fd(calls.socket(AF_INET, type | SOCK_NONBLOCK, 0));
  if (fd < 0) return {};
  *address = {};
  address->sin_family = AF_INET;
  address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof *address;
  auto* generic = reinterpret_cast<sockaddr*>(address);
  if (calls.bind(fd, generic, size) != 0 || calls.getsockname(fd, generic, &size) != 0) return {};
  return fd;
}

Pair udp_pair() {
  sockaddr_in near_address, far_address;
  Fd near = bound_loopback(SOCK_DGRAM, &near_address);
  Fd far = bound_loopback(SOCK_DGRAM, &far_address);
  if (near < 0 || far < 0) return {};
  const SubjectCalls& calls = subject().calls();
  if (calls.connect(near, reinterpret_cast<sockaddr*>(&far_address), sizeof far_address) != 0 ||
      calls.connect(far, reinterpret_cast<sockaddr*>(&near_address), sizeof near_address) != 0) {
    return {};
  }
  return {std::move(near), std::move(far)};
}

Pair tcp_pair() {
  const Fd listener = open_listener(Transport::kTcp);
  if (listener < 0) return {};
  Fd near = start_connect(listener, Transport::kTcp);
  if (near < 0) return {};
  Fd far = accept_one(listener);
  return {std::move(near), std::move(far)};
}

}  // namespace

Pair open_pipe() {
  int ends[2];
  if (subject().calls().pipe2 == nullptr) return {};
  if (subject().calls().pipe2(ends, O_NONBLOCK) != 0) return {};
  return {Fd(ends[0]), Fd(ends[1])};
}

std::string transport_name(Transport transport) {
  switch (transport) {
    case Transport::kUnix:
      return "Unix";
    case Transport::kTcp:
      return "Tcp";
    case Transport::kUnixDatagram:
      return "UnixDatagram";
    case Transport::kUdp:
      return "Udp";
  }
  return "";
}

Pair connect_pair(Transport transport) {
  switch (transport) {
    case Transport::kUnix:
      return unix_pair(SOCK_STREAM);
    case Transport::kTcp:
      return tcp_pair();
    case Transport::kUnixDatagram:
      return unix_pair(SOCK_DGRAM);
    case Transport::kUdp:
      return udp_pair();
  }
  return {};
}

Fd open_listener(Transport transport) {
  const SubjectCalls& calls = subject().calls();
  sockaddr_in inet;
  Fd fd;
  if (transport == Transport::kTcp) {
    fd = bound_loopback(SOCK_STREAM, &inet);
  } else {
    // The short form binds to an abstract name that the host picks.
    fd = Fd(calls.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
    sockaddr address{};
    address.sa_family = AF_UNIX;
    if (fd < 0 || calls.bind(fd, &address, sizeof address.sa_family) != 0) return {};
  }
  constexpr int kBacklog = 16;
  if (fd < 0 || calls.listen(fd, kBacklog) != 0) return {};
  return fd;
}

Fd start_connect(const Fd& listener, Transport transport) {
  const SubjectCalls& calls = subject().calls();
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (calls.getsockname(listener, generic, &size) != 0) return {};
  const int family = transport == Transport::kTcp ? AF_INET : AF_UNIX;
  Fd fd(calls.socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0));
  if (fd < 0) return {};
  if (calls.connect(fd, generic, size) != 0 && errno != EINPROGRESS) return {};
  return fd;
}

Fd accept_one(const Fd& listener) {
  constexpr int kLooks = 5000;
  for (int look = 0; look < kLooks; ++look) {
    const int fd = subject().calls().accept(listener, nullptr, nullptr);
    if (fd >= 0) return Fd(fd);
    if (errno != EAGAIN && errno != EINTR) break;
    sleep_ms(1);
  }
  ADD_FAILURE() << "accept failed with errno " << errno;
  return {};
}

void put(int fd, size_t size) {
  const std::vector<char> bytes(size, 'x');
  ASSERT_EQ(subject().write(fd, bytes.data(), size), static_cast<ssize_t>(size))
      << "errno " << errno;
}

void take(int fd, size_t size) {
  std::vector<char> bytes(size);
  size_t done = 0;
  constexpr int kLooks = 5000;
  for (int look = 0; done < size && look < kLooks; ++look) {
    const ssize_t got = subject().read(fd, bytes.data() + done, size - done);
    if (got < 0 && errno == EAGAIN) {
      sleep_ms(1);
      continue;
    }
    ASSERT_GT(got, 0) << "errno " << errno;
    done += static_cast<size_t>(got);
  }
  ASSERT_EQ(done, size);
}

size_t fill(int fd, size_t chunk) {
  const std::vector<char> bytes(chunk, 'x');
  size_t total = 0;
  for (;;) {
    const ssize_t wrote = subject().write(fd, bytes.data(), chunk);
    if (wrote <= 0) {
      EXPECT_EQ(errno, EAGAIN);
      return total;
    }
    total += static_cast<size_t>(wrote);
  }
}

size_t drain(int fd) {
  std::array<char, 65536> bytes;
  size_t total = 0;
  for (;;) {
    const ssize_t got = subject().read(fd, bytes.data(), bytes.size());
    if (got <= 0) return total;
    total += static_cast<size_t>(got);
  }
}

Fd reuse_number(int number, int source) {
  constexpr int kTries = 4096;
  std::vector<Fd> misses;
  for (int i = 0; i < kTries; ++i) {
    Fd copy(subject().calls().dup(source));
    if (copy < 0) break;
    if (copy == number) return copy;
    misses.push_back(std::move(copy));
  }
  ADD_FAILURE() << "number " << number << " never came up again";
  return {};
}

void PipeTest::SetUp() {
  KqueueTest::SetUp();
  pipe_ = open_pipe();
  if (pipe_.near < 0) GTEST_SKIP() << "the subject makes no non-blocking pipes";
}

void UnixStreamTest::SetUp() {
  KqueueTest::SetUp();
  pair_ = connect_pair(Transport::kUnix);
  if (pair_.near < 0) GTEST_SKIP() << "the subject makes no socket pairs";
}

}  // namespace kqtorture
