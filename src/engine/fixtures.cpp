// How each kind of object is made. Everything goes through the subject's own calls, since the
// numbers may mean nothing to the host.
#include "engine/fixtures.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/eventfd.h>
#include <sys/syscall.h>
#endif

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "subject/socket_flags.h"

namespace kqtorture {
namespace {

// Connections that wait at a listener. More than any program makes; the system may allow fewer.
constexpr int kBacklog = 16;
// Above the numbers that programs use.
constexpr int kFirstPrepared = 450;

// A program's signal handler: that it runs is not what is looked at.
void heard(int) {}

int host_eventfd() {
#if defined(__linux__)
  return ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
#else
  errno = ENOSYS;
  return -1;
#endif
}

}  // namespace

Fixtures::Fixtures(const Subject& subject)
    : subject_(subject),
      calls_(subject.calls()),
      host_descriptors_(calls_.pipe == static_cast<int (*)(int*)>(::pipe) &&
                        calls_.socketpair == ::socketpair) {
  const char* directory = std::getenv("TMPDIR");
  file_path_ = std::string(directory != nullptr ? directory : "/tmp") + "/kqtorture-" +
               std::to_string(getpid()) + "-" + std::to_string(reinterpret_cast<uintptr_t>(this));
}

Fixtures::~Fixtures() {
  release_gaps();
  prepare_connections(0, 0);
  for (std::vector<Ends>& kept : kept_) {
    for (const Ends& ends : kept) close(ends);
  }
  if (tcp_listener_ >= 0) subject_.close(tcp_listener_);
  close(spare_);
}

bool Fixtures::make(ObjectKind kind, int64_t value, Ends* ends) {
  switch (kind) {
    case ObjectKind::kPipe:
      return calls_.pipe2(ends->fd, O_NONBLOCK | O_CLOEXEC) == 0;
    case ObjectKind::kSocketpair:
      return make_pair(AF_UNIX, SOCK_STREAM, ends);
    case ObjectKind::kDgrampair:
      return make_pair(AF_UNIX, SOCK_DGRAM, ends);
    case ObjectKind::kTcp:
      return make_tcp(ends);
    case ObjectKind::kListener:
    case ObjectKind::kUnixListener:
      ends->fd[0] = make_listener(kind == ObjectKind::kUnixListener);
      return ends->fd[0] >= 0;
    case ObjectKind::kEventfd:
      errno = ENOSYS;
      ends->fd[0] = host_descriptors_ ? host_eventfd() : -1;
      return ends->fd[0] >= 0;
    case ObjectKind::kFile:
      ends->fd[0] = named_ ? names_.create(calls_.open, value) : make_file(value);
      return ends->fd[0] >= 0;
    case ObjectKind::kDirectory:
      errno = ENOSYS;
      ends->fd[0] = host_descriptors_ ? names_.create_directory(calls_.open) : -1;
      return ends->fd[0] >= 0;
    case ObjectKind::kKqueue:
      ends->fd[0] = calls_.kqueue();
      return ends->fd[0] >= 0;
    default:
      errno = EINVAL;
      return false;
  }
}

bool Fixtures::take(ObjectKind kind, int64_t value, Ends* ends) {
  std::vector<Ends>& kept = kept_[static_cast<size_t>(kind)];
  if (kept.empty()) return make(kind, value, ends);
  *ends = kept.back();
  kept.pop_back();
  if (kind != ObjectKind::kFile) return true;
  return ::ftruncate(ends->fd[0], value) == 0 && ::lseek(ends->fd[0], 0, SEEK_SET) == 0;
}

void Fixtures::give_back(ObjectKind kind, const Ends& ends, bool clean, bool dirty) {
  std::vector<Ends>& kept = kept_[static_cast<size_t>(kind)];
  // Not kept: a kqueue, whose closing is what empties the subject; a file that cannot be made new;
  // TCP with traffic, which may still be arriving.
  const bool keepable = kind != ObjectKind::kKqueue && kind != ObjectKind::kProcdesc &&
                        kind != ObjectKind::kDirectory &&
                        (kind != ObjectKind::kFile || host_descriptors_) &&
                        !(kind == ObjectKind::kTcp && dirty);
  if (kind == ObjectKind::kFile) dirty = false;
  if (!clean || !keepable || kept.size() == kKept) return close(ends);
  for (int end = 0; dirty && end < 2; end++) {
    const bool reads = ends.fd[end] >= 0 && !(kind == ObjectKind::kPipe && end == 1);
    if (reads && !drained(ends.fd[end], kind)) return close(ends);
  }
  kept.push_back(ends);
}

ScriptedChild* Fixtures::take_child() {
  if (!host_descriptors_) {
    errno = ENOSYS;
    return nullptr;
  }
  if (idle_.empty()) {
    auto child = std::make_unique<ScriptedChild>();
    if (!child->start()) return nullptr;
    children_.push_back(std::move(child));
    return children_.back().get();
  }
  ScriptedChild* const child = idle_.back();
  idle_.pop_back();
  return child;
}

void Fixtures::give_back(ScriptedChild* child) {
  if (child->fresh()) return idle_.push_back(child);
  const auto at = std::find_if(children_.begin(), children_.end(),
                               [child](const auto& other) { return other.get() == child; });
  children_.erase(at);
}

bool Fixtures::describe(pid_t pid, Ends* ends) {
#if defined(SYS_pidfd_open)
  ends->fd[0] = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
#else
  (void)pid;
  errno = ENOSYS;
#endif
  return ends->fd[0] >= 0;
}

bool Fixtures::set_signal(int64_t value, struct sigaction* before) {
  const int signal = signal_of(value);
  struct sigaction act {};
  const bool by_default = signal == SIGURG || signal == SIGWINCH;
  act.sa_handler = value >= kHandled ? heard : by_default ? SIG_DFL : SIG_IGN;
  act.sa_flags = SA_RESTART;
  sigemptyset(&act.sa_mask);
  return calls_.sigaction(signal, &act, before) == 0;
}

bool Fixtures::drained(int fd, ObjectKind kind) {
  if (kind == ObjectKind::kListener || kind == ObjectKind::kUnixListener) return false;
  char buffer[65536];
  for (int reads = 0; reads < 64; reads++) {
    const ssize_t got = subject_.read(fd, buffer, kind == ObjectKind::kEventfd ? 8 : sizeof buffer);
    if (got < 0) return errno == EAGAIN;
    if (got == 0 && kind != ObjectKind::kDgrampair) return false;
  }
  return false;
}

void Fixtures::close(const Ends& ends) {
  for (const int fd : ends.fd) {
    if (fd >= 0) subject_.close(fd);
  }
}

void Fixtures::fill_gaps(int highest) {
  if (spare_.fd[0] < 0 && !make(ObjectKind::kPipe, 0, &spare_)) return;
  while (true) {
    const int filler = calls_.dup(spare_.fd[0]);
    if (filler < 0) return;
    if (filler > highest) {
      subject_.close(filler);
      return;
    }
    fillers_.push_back(filler);
  }
}

void Fixtures::release_gaps() {
  for (const int filler : fillers_) subject_.close(filler);
  fillers_.clear();
}

bool Fixtures::set_nonblocking(int fd) {
  return calls_.fcntl(fd, F_SETFL, O_NONBLOCK) == 0 && calls_.fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

bool Fixtures::make_pair(int domain, int type, Ends* ends) {
  return calls_.socketpair(domain, type | kSocketNonblock | kSocketCloexec, 0, ends->fd) == 0 &&
         finish_socket(calls_, ends->fd[0], true) && finish_socket(calls_, ends->fd[1], true);
}

int Fixtures::make_listener(bool unix_domain) {
  const int fd = calls_.socket(unix_domain ? AF_UNIX : AF_INET, SOCK_STREAM, 0);
  if (fd < 0) return -1;
  sockaddr_storage address{};
  socklen_t length = 0;
  if (unix_domain) {
    auto* local = reinterpret_cast<sockaddr_un*>(&address);
    local->sun_family = AF_UNIX;
    // On Linux a name that begins with a zero byte lives in no file system.
    const std::string name = file_path_ + "." + std::to_string(sockets_made_++);
#if defined(__linux__)
    constexpr size_t kSkip = 1;
#else
    constexpr size_t kSkip = 0;
    ::unlink(name.c_str());
#endif
    const size_t size = std::min(name.size(), sizeof local->sun_path - 1 - kSkip);
    std::memcpy(local->sun_path + kSkip, name.data(), size);
    length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + kSkip + size);
  } else {
    auto* loopback = reinterpret_cast<sockaddr_in*>(&address);
    loopback->sin_family = AF_INET;
    loopback->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    length = sizeof(sockaddr_in);
  }
  if (set_nonblocking(fd) && calls_.bind(fd, reinterpret_cast<sockaddr*>(&address), length) == 0 &&
      calls_.listen(fd, kBacklog) == 0) {
    return fd;
  }
  const int error = errno;
  subject_.close(fd);
  errno = error;
  return -1;
}

void Fixtures::prepare_connections(int unix_domain, int inet) {
  for (auto& sockets : prepared_) {
    for (const std::atomic<int>& socket : sockets) {
      if (socket >= 0) subject_.close(socket);
    }
  }
  const int counts[2] = {inet, unix_domain};
  for (size_t domain = 0; domain < 2; ++domain) {
    const bool possible = host_descriptors_ && counts[domain] > 0;
    prepared_[domain] =
        std::vector<std::atomic<int>>(possible ? static_cast<size_t>(counts[domain]) : 0);
    for (std::atomic<int>& socket : prepared_[domain]) {
      const int low = calls_.socket(domain != 0 ? AF_UNIX : AF_INET, SOCK_STREAM, 0);
      socket = low < 0 ? -1 : calls_.fcntl(low, F_DUPFD_CLOEXEC, kFirstPrepared);
      if (low >= 0) subject_.close(low);
      if (socket >= 0) set_nonblocking(socket);
    }
  }
}

// One that was prepared, if there is any left.
int Fixtures::socket_for(bool unix_domain) {
  for (std::atomic<int>& socket : prepared_[unix_domain ? 1 : 0]) {
    if (const int fd = socket.exchange(-1); fd >= 0) return fd;
  }
  const int fd = calls_.socket(unix_domain ? AF_UNIX : AF_INET, SOCK_STREAM, 0);
  if (fd >= 0) set_nonblocking(fd);
  return fd;
}

int Fixtures::connect(int listener, bool unix_domain) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (calls_.getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length) != 0) return -1;
  const int fd = socket_for(unix_domain);
  if (fd < 0) return -1;
  int made = -1;
  const bool connected = calls_.connect(fd, reinterpret_cast<sockaddr*>(&address), length) == 0;
  const bool prepared = fd >= kFirstPrepared;
  if (connected || errno == EINPROGRESS) {
    // Segments that wait for company would arrive at a time that depends on the clock.
    const int on = 1;
    if (!unix_domain) calls_.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (!prepared) return fd;
    made = calls_.fcntl(fd, F_DUPFD_CLOEXEC, 0);
  }
  const int error = errno;
  subject_.close(fd);
  errno = error;
  return made;
}

int Fixtures::accept(int listener) {
  const int fd = calls_.accept(listener, nullptr, nullptr);
  if (fd >= 0 && !set_nonblocking(fd)) {
    subject_.close(fd);
    return -1;
  }
  return fd;
}

bool Fixtures::make_tcp(Ends* ends) {
  // Two that shared a listener would accept each other's connection. Nobody waits for the lock:
  // under the controlled engine its holder may be a thread whose turn it is not.
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock || !keeps_listener_) {
    const int own = make_listener(false);
    const bool made = own >= 0 && make_tcp_by(own, ends);
    const int error = errno;
    if (own >= 0) subject_.close(own);
    errno = error;
    return made;
  }
  if (tcp_listener_ < 0) tcp_listener_ = make_listener(false);
  return tcp_listener_ >= 0 && make_tcp_by(tcp_listener_, ends);
}

bool Fixtures::make_tcp_by(int listener, Ends* ends) {
  ends->fd[0] = connect(listener, false);
  if (ends->fd[0] < 0) return false;
  // The handshake of a loopback connection is over in microseconds; a second is for a machine that
  // stood still.
  for (int tries = 0; tries < 10000 && ends->fd[1] < 0; tries++) {
    ends->fd[1] = accept(listener);
    if (ends->fd[1] < 0 && errno != EAGAIN) break;
    if (ends->fd[1] < 0) ::usleep(100);
  }
  if (ends->fd[1] >= 0) {
    const int on = 1;
    calls_.setsockopt(ends->fd[1], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return true;
  }
  subject_.close(ends->fd[0]);
  errno = EAGAIN;
  return false;
}

int Fixtures::make_file(int64_t size) {
#if defined(O_TMPFILE)
  // The memory file system makes one in a tenth of the time, and what it reads as is of no concern.
  const int fresh =
      host_descriptors_ ? ::open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) : -1;
  if (fresh >= 0) {
    if (::ftruncate(fresh, size) == 0) return fresh;
    subject_.close(fresh);
  }
#endif
  return make_named_file(size);
}

int Fixtures::make_named_file(int64_t size) {
  const std::string path = file_path_ + "." + std::to_string(files_made_++);
  const int writer = calls_.open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (writer < 0) return -1;
  static const std::vector<char> kContent(static_cast<size_t>(limit::kBytes), 'x');
  const ssize_t written = subject_.write(writer, kContent.data(), static_cast<size_t>(size));
  const int fd = written == size ? calls_.open(path.c_str(), O_RDWR | O_CLOEXEC) : -1;
  subject_.close(writer);
  // Without its name the file is this program's alone.
  ::unlink(path.c_str());
  return fd;
}

contract::Op Fixtures::operation(ObjectKind kind, int64_t value) {
  contract::Op op;
  switch (kind) {
    case ObjectKind::kPipe:
      op.kind = contract::OpKind::kPipe;
      break;
    case ObjectKind::kSocketpair:
      op.kind = contract::OpKind::kStreamPair;
      break;
    case ObjectKind::kDgrampair:
      op.kind = contract::OpKind::kDgramPair;
      break;
    case ObjectKind::kTcp:
      op.kind = contract::OpKind::kTcpPair;
      break;
    case ObjectKind::kListener:
      op.kind = contract::OpKind::kTcpListener;
      break;
    case ObjectKind::kUnixListener:
      op.kind = contract::OpKind::kUnixListener;
      break;
    case ObjectKind::kEventfd:
      op.kind = contract::OpKind::kEventfd;
      break;
    case ObjectKind::kFile:
      op.kind = contract::OpKind::kFile;
      op.amount = value;
      break;
    case ObjectKind::kSignal:
      op.kind = contract::OpKind::kSignal;
      op.amount = signal_of(value);
      break;
    case ObjectKind::kChild:
      op.kind = contract::OpKind::kSpawn;
      break;
    case ObjectKind::kProcdesc:
      op.kind = contract::OpKind::kProcdesc;
      break;
    case ObjectKind::kDirectory:
      op.kind = contract::OpKind::kDirectory;
      break;
    default:
      op.kind = contract::OpKind::kKqueue;
  }
  return op;
}

}  // namespace kqtorture
