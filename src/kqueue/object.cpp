// What kind of thing a descriptor is: asked once, when the kind is needed. To be registered for
// reading a descriptor need not be known; epoll refuses what cannot be watched. So who registers
// many and hears of few asks about the few.
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "internal.h"
#include "system_calls.h"

namespace kq {
namespace {

// A pipe(2) and a FIFO look alike; only the former lives in the kernel's own pipe file system.
// There is one, so that it need be asked for once.
bool is_anonymous_pipe(int fd, const struct stat& status) {
  static std::atomic<uint64_t> pipe_device{0};
  const uint64_t device = pipe_device.load(std::memory_order_relaxed);
  if (device != 0) return status.st_dev == device;
  struct statfs system;
  if (sys::fstatfs(fd, &system) != 0 || system.f_type != PIPEFS_MAGIC) return false;
  pipe_device.store(status.st_dev, std::memory_order_relaxed);
  return true;
}

int classify_pipe(Registration* registration, const struct stat& status) {
  const int flags = sys::fcntl(registration->fd, F_GETFL);
  if (flags < 0) return errno;
  registration->readable = (flags & O_ACCMODE) != O_WRONLY;
  registration->writable = (flags & O_ACCMODE) != O_RDONLY;
  registration->kind = is_anonymous_pipe(registration->fd, status) ? Kind::kPipe : Kind::kFifo;
  return 0;
}

int classify_socket(Registration* registration) {
  int type = 0, domain = 0;
  socklen_t length = sizeof type;
  if (sys::getsockopt(registration->fd, SOL_SOCKET, SO_TYPE, &type, &length) != 0) return errno;
  length = sizeof domain;
  if (sys::getsockopt(registration->fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) != 0) return errno;
  registration->kind = type == SOCK_STREAM ? Kind::kStream : Kind::kPacket;
  registration->internet = domain != AF_UNIX;
  return 0;
}

}  // namespace

int classify(Registration* registration) {
  if (registration->kind != Kind::kUnknown) return 0;
  struct stat status;
  if (sys::fstat(registration->fd, &status) != 0) return errno;
  registration->inode = status.st_ino;
  switch (status.st_mode & S_IFMT) {
    case S_IFIFO:
      return classify_pipe(registration, status);
    case S_IFSOCK:
      return classify_socket(registration);
    case S_IFREG:
    case S_IFDIR:
      registration->kind = Kind::kFile;
      return 0;
    case S_IFCHR: {
      // The slave of a pty and the console are terminals; a pty's master is, too, but is told by
      // its number: it answers TIOCGPTN.
      unsigned number;
      struct termios attributes;
      const bool terminal = sys::ioctl(registration->fd, TCGETS, &attributes) == 0;
      const bool master = terminal && sys::ioctl(registration->fd, TIOCGPTN, &number) == 0;
      registration->kind = terminal && !master ? Kind::kTty : Kind::kOther;
      return 0;
    }
    default:
      registration->kind = Kind::kOther;
      return 0;
  }
}

}  // namespace kq
