// The functions of libc by which a program learns of a socket's error, interposed by name in
// programs that are linked with libkq. FreeBSD shows so_error in fflags and leaves it where it is;
// Linux hands it out once, and an event has taken it (socket_error() in descriptor_filter.cpp). So
// it is owed to the program, and given to whichever call would have told it first: SO_ERROR; one
// that reads where it finds the end; one that writes to a connection over a network, before that
// raises SIGPIPE (of a local one Linux says EPIPE, whatever the error is); a second connect().
//
// read and write may be called in signal handlers, and in a child of vfork: nothing is locked, and
// where no error is owed nothing is done but a look at one word. The calls themselves are libc's,
// cancellation points.

// Here the functions are defined, which checked ones of their names forbid.
#undef _FORTIFY_SOURCE

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "internal.h"
#include "interpose.h"
#include "system_calls.h"

namespace kq {
namespace {

// The word that is owed under this number, if it is still that of the file there; else 0.
uint64_t owed_to(int fd) {
  Slot* slot = table_in_use() ? find_slot(fd) : nullptr;
  const uint64_t word = slot ? slot->owed_error.load(std::memory_order_relaxed) : 0;
  if (word == 0 || in_shared_memory_child()) return 0;
  struct stat status;
  return sys::fstat(fd, &status) == 0 && OwedError::of(word, status.st_ino) != 0 ? word : 0;
}

// Of several callers one gets it: its errno, or 0.
int pay(int fd, uint64_t word) {
  Slot* slot = word ? find_slot(fd) : nullptr;
  if (!slot || !slot->owed_error.compare_exchange_strong(word, 0)) return 0;
  return OwedError::errno_of(word);
}

bool is_local(int fd) {
  int domain = AF_UNIX;
  socklen_t length = sizeof domain;
  return sys::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) != 0 || domain == AF_UNIX;
}

bool have_room(const iovec* parts, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (parts[i].iov_len > 0) return true;
  }
  return false;
}

// result is what the call said; room: could it have read anything?
ssize_t read_result(int fd, ssize_t result, bool room) {
  if (result != 0 || !room) return result;
  const int error = pay(fd, owed_to(fd));
  if (error == 0) return 0;
  errno = error;
  return -1;
}

template <typename Call>
ssize_t writing(int fd, Call call) {
  if (const uint64_t word = owed_to(fd); word != 0 && !is_local(fd)) {
    if (const int error = pay(fd, word)) {
      errno = error;
      return -1;
    }
  }
  return call();
}

}  // namespace
}  // namespace kq

#define KQ_REAL_SOCKET(name, ...)           \
  static std::atomic<void*> cache{nullptr}; \
  const auto real = kq::next_definition<ssize_t (*)(__VA_ARGS__)>(&cache, name)

KQ_EXPORT int getsockopt(int fd, int level, int name, void* value, socklen_t* length) {
  const int result = kq::sys::getsockopt(fd, level, name, value, length);
  if (result != 0 || level != SOL_SOCKET || name != SO_ERROR || *length < sizeof(int)) {
    return result;
  }
  // A new error takes the place of the one that is owed.
  const int owed = kq::pay(fd, kq::owed_to(fd));
  int* error = static_cast<int*>(value);
  if (*error == 0) *error = owed;
  return result;
}

KQ_EXPORT int connect(int fd, const sockaddr* address, socklen_t length) {
  static std::atomic<void*> cache{nullptr};
  using Function = int (*)(int, const sockaddr*, socklen_t);
  const int result = kq::next_definition<Function>(&cache, "connect")(fd, address, length);
  if (result != 0 && errno == ECONNABORTED) {  // what is left to say once the error is taken
    const int owed = kq::pay(fd, kq::owed_to(fd));
    errno = owed ? owed : ECONNABORTED;
  }
  return result;
}

KQ_EXPORT ssize_t read(int fd, void* buffer, size_t size) {
  KQ_REAL_SOCKET("read", int, void*, size_t);
  return kq::read_result(fd, real(fd, buffer, size), size > 0);
}

KQ_EXPORT ssize_t readv(int fd, const iovec* parts, int count) {
  KQ_REAL_SOCKET("readv", int, const iovec*, int);
  const ssize_t result = real(fd, parts, count);
  return result ? result : kq::read_result(fd, 0, kq::have_room(parts, static_cast<size_t>(count)));
}

KQ_EXPORT ssize_t recv(int fd, void* buffer, size_t size, int flags) {
  KQ_REAL_SOCKET("recv", int, void*, size_t, int);
  return kq::read_result(fd, real(fd, buffer, size, flags), size > 0);
}

KQ_EXPORT ssize_t recvfrom(int fd, void* buffer, size_t size, int flags, sockaddr* address,
                           socklen_t* length) {
  KQ_REAL_SOCKET("recvfrom", int, void*, size_t, int, sockaddr*, socklen_t*);
  return kq::read_result(fd, real(fd, buffer, size, flags, address, length), size > 0);
}

KQ_EXPORT ssize_t recvmsg(int fd, msghdr* message, int flags) {
  KQ_REAL_SOCKET("recvmsg", int, msghdr*, int);
  const ssize_t result = real(fd, message, flags);
  if (result != 0) return result;
  return kq::read_result(fd, 0, kq::have_room(message->msg_iov, message->msg_iovlen));
}

// What the three above become where the compiler checks the size of a buffer (_FORTIFY_SOURCE).
KQ_EXPORT ssize_t __read_chk(int fd, void* buffer, size_t size, size_t room) {
  KQ_REAL_SOCKET("__read_chk", int, void*, size_t, size_t);
  return kq::read_result(fd, real(fd, buffer, size, room), size > 0);
}

KQ_EXPORT ssize_t __recv_chk(int fd, void* buffer, size_t size, size_t room, int flags) {
  KQ_REAL_SOCKET("__recv_chk", int, void*, size_t, size_t, int);
  return kq::read_result(fd, real(fd, buffer, size, room, flags), size > 0);
}

KQ_EXPORT ssize_t __recvfrom_chk(int fd, void* buffer, size_t size, size_t room, int flags,
                                 sockaddr* address, socklen_t* length) {
  KQ_REAL_SOCKET("__recvfrom_chk", int, void*, size_t, size_t, int, sockaddr*, socklen_t*);
  return kq::read_result(fd, real(fd, buffer, size, room, flags, address, length), size > 0);
}

KQ_EXPORT ssize_t write(int fd, const void* buffer, size_t size) {
  KQ_REAL_SOCKET("write", int, const void*, size_t);
  return kq::writing(fd, [&] { return real(fd, buffer, size); });
}

KQ_EXPORT ssize_t writev(int fd, const iovec* parts, int count) {
  KQ_REAL_SOCKET("writev", int, const iovec*, int);
  return kq::writing(fd, [&] { return real(fd, parts, count); });
}

KQ_EXPORT ssize_t send(int fd, const void* buffer, size_t size, int flags) {
  KQ_REAL_SOCKET("send", int, const void*, size_t, int);
  return kq::writing(fd, [&] { return real(fd, buffer, size, flags); });
}

KQ_EXPORT ssize_t sendto(int fd, const void* buffer, size_t size, int flags,
                         const sockaddr* address, socklen_t length) {
  KQ_REAL_SOCKET("sendto", int, const void*, size_t, int, const sockaddr*, socklen_t);
  return kq::writing(fd, [&] { return real(fd, buffer, size, flags, address, length); });
}

KQ_EXPORT ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  KQ_REAL_SOCKET("sendmsg", int, const msghdr*, int);
  return kq::writing(fd, [&] { return real(fd, message, flags); });
}
