#include "objects.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cstring>

#include "bench.h"
#include "subject/socket_flags.h"

#ifdef __linux__
#include <sys/eventfd.h>
#endif

namespace kqtorture::bench {
namespace {

// 1 to 7 bytes: one write is one segment, and stays far from what any buffer takes.
constexpr uint32_t kMostBytes = 7;

bool non_blocking(const SubjectCalls& calls, int fd) {
  return calls.fcntl(fd, F_SETFL, O_NONBLOCK) == 0;
}

// A listening socket of the loopback interface on a port of the system's choice.
int listen_anywhere(const SubjectCalls& calls, sockaddr_in* address) {
  const int fd = calls.socket(AF_INET, SOCK_STREAM, 0);
  socklen_t size = sizeof *address;
  *address = {};
  address->sin_family = AF_INET;
  address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* generic = reinterpret_cast<sockaddr*>(address);
  if (fd >= 0 && calls.bind(fd, generic, size) == 0 && calls.listen(fd, 16) == 0 &&
      calls.getsockname(fd, generic, &size) == 0) {
    return fd;
  }
  if (fd >= 0) calls.close(fd);
  return -1;
}

bool connect_pair(const SubjectCalls& calls, int listener, int ends[2]) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (calls.getsockname(listener, generic, &size) != 0) return false;
  ends[1] = calls.socket(AF_INET, SOCK_STREAM, 0);
  if (ends[1] < 0 || calls.connect(ends[1], generic, size) != 0) return false;
  ends[0] = calls.accept(listener, nullptr, nullptr);
  const int one = 1;
  return ends[0] >= 0 &&
         calls.setsockopt(ends[1], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0 &&
         non_blocking(calls, ends[0]) && non_blocking(calls, ends[1]);
}

}  // namespace

const char* name_of(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::kPipe:
      return "pipe";
    case ObjectKind::kSocketpair:
      return "socketpair";
    case ObjectKind::kEventfd:
      return "eventfd";
    case ObjectKind::kTcp:
      return "tcp";
  }
  return "";
}

bool available(ObjectKind kind) {
  if (kind == ObjectKind::kTcp) return has_host_descriptors();
#ifdef __linux__
  return kind != ObjectKind::kEventfd || has_host_descriptors();
#else
  return kind != ObjectKind::kEventfd;
#endif
}

Objects::Objects(const Subject& subject, ObjectKind kind, int count)
    : subject_(subject),
      kind_(kind),
      exact_eventfd_(subject.profile() == "strict-2006"),
      amount_(new std::atomic<uint32_t>[static_cast<size_t>(count)]()) {
  if (kind == ObjectKind::kTcp) {
    sockaddr_in address;
    listener_ = listen_anywhere(subject.calls(), &address);
  }
  for (int i = 0; i < count; ++i) {
    int ends[2] = {-1, -1};
    const bool made = make(ends);
    const int code = errno;
    if (ends[0] >= 0) read_ends_.push_back(ends[0]);
    if (ends[1] >= 0) write_ends_.push_back(ends[1]);
    if (!made) {
      error_ = std::string("no ") + name_of(kind) + " number " + std::to_string(i + 1) + ": " +
               std::strerror(code);
      break;
    }
  }
}

bool Objects::make(int ends[2]) {
  const SubjectCalls& calls = subject_.calls();
  switch (kind_) {
    case ObjectKind::kPipe:
      return calls.pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0;
    case ObjectKind::kSocketpair:
      return calls.socketpair(AF_UNIX, SOCK_STREAM | kSocketNonblock | kSocketCloexec, 0, ends) ==
                 0 &&
             finish_socket(calls, ends[0], true) && finish_socket(calls, ends[1], true);
    case ObjectKind::kTcp:
      return listener_ >= 0 && connect_pair(calls, listener_, ends);
    case ObjectKind::kEventfd:
#ifdef __linux__
      ends[0] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
#endif
      return ends[0] >= 0;
  }
  return false;
}

Objects::~Objects() {
  if (listener_ >= 0) subject_.close(listener_);
  for (const int fd : read_ends_) subject_.close(fd);
  for (const int fd : write_ends_) subject_.close(fd);
}

bool Objects::make_ready(int i) {
  const auto n = static_cast<size_t>(i);
  const uint32_t amount = amount_[n].load(std::memory_order_relaxed) % kMostBytes + 1;
  amount_[n].store(amount, std::memory_order_relaxed);
  if (kind_ == ObjectKind::kEventfd) {
    const uint64_t value = amount;
    return subject_.write(read_ends_[n], &value, sizeof value) == sizeof value;
  }
  return subject_.write(write_ends_[n], "events!", amount) == static_cast<ssize_t>(amount);
}

bool Objects::consume(int i) {
  const auto n = static_cast<size_t>(i);
  const uint32_t amount = amount_[n].load(std::memory_order_relaxed);
  char buffer[64];
  const ssize_t got = subject_.read(read_ends_[n], buffer, sizeof buffer);
  if (kind_ != ObjectKind::kEventfd) return got == static_cast<ssize_t>(amount);
  uint64_t value = 0;
  std::memcpy(&value, buffer, sizeof value);
  return got == sizeof value && value == amount;
}

int64_t Objects::data(int i) const {
  if (kind_ == ObjectKind::kEventfd) return exact_eventfd_ ? 1 : 0;
  return amount_[static_cast<size_t>(i)].load(std::memory_order_relaxed);
}

int Objects::bytes(int i) const {
  if (kind_ == ObjectKind::kEventfd) return 0;
  return static_cast<int>(amount_[static_cast<size_t>(i)].load(std::memory_order_relaxed));
}

}  // namespace kqtorture::bench
