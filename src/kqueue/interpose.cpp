// The functions of libc that close or duplicate descriptors, interposed by name in programs that
// are linked with libkq, so that knotes go before the number can be reused (close_protocol.cpp).
//
// Every one of them does the bare call and touches no state in a child that shares this memory
// (vfork), in a signal handler that interrupted libkq, and before the first kqueue exists. Inside
// libkq descriptors are closed by syscall() only.
#include "interpose.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <initializer_list>

#include "internal.h"
#include "system_calls.h"

namespace kq {
namespace {

// Is there anything to do before the number goes? The table is looked at without its locks: what
// a racing EV_ADD puts there is found by the second look, after the close.
bool concerns_us(int fd) {
  if (!table_in_use() || MutexGuard::holds_lock()) return false;
  check_fork();
  const Slot* slot = find_slot(fd);
  return slot && slot->in_use() && !in_shared_memory_child();
}

// Is the number open, and not as one of libkq's own? What its caller does with it may yet come late
// if other threads close the same number.
bool is_the_programs(int fd) {
  MutexGuard guard(slot_lock(fd));
  return sys::fcntl(fd, F_GETFD) >= 0 && !is_internal(fd);
}

// The number stops being a kqueue's descriptor; the reference goes after the close. Until then a
// call finds the number closed, not a descriptor that is no kqueue.
Kqueue* unbind(int fd) {
  Slot* slot = find_slot(fd);
  if (!slot) return nullptr;
  MutexGuard guard(slot_lock(fd));
  Kqueue* kqueue = slot->kqueue.exchange(nullptr);
  if (kqueue) ++slot->kqueue_closing;
  return kqueue;
}

void unbound(int fd, Kqueue* kqueue) {
  --find_slot(fd)->kqueue_closing;
  release(kqueue);
}

// Set while interposition_reaches_us() asks.
thread_local volatile bool asking = false;
thread_local volatile bool reached = false;

bool answered(int fd) {
  if (fd >= 0 || !asking) return false;
  reached = true;
  errno = EBADF;
  return true;
}

// Tells those who register the number that they may be too late.
class CloseInProgress {
 public:
  explicit CloseInProgress(int fd) {
    if (!table_in_use() || MutexGuard::holds_lock()) return;
    check_fork();
    slot_ = find_slot(fd);
    if (slot_ && in_shared_memory_child()) slot_ = nullptr;
    if (slot_) ++slot_->closing;
  }
  ~CloseInProgress() {
    if (slot_) --slot_->closing;
  }
  CloseInProgress(const CloseInProgress&) = delete;
  CloseInProgress& operator=(const CloseInProgress&) = delete;

 private:
  Slot* slot_ = nullptr;
};

// Runs call, which closes fd, inside the close protocol.
template <typename Call>
auto closing(int fd, Call call) {
  forget_shared(fd);  // before the number goes: its next owner may be marked at once
  const CloseInProgress mark(fd);
  if (!concerns_us(fd)) {
    auto result = call();
    const int error = errno;
    // A registration may have been made after the look above, for a file that is now gone.
    if (concerns_us(fd)) {
      descriptor_closed(fd);
      check_binding(fd);
    }
    errno = error;
    return result;
  }
  descriptor_closing(fd);
  Kqueue* kqueue = unbind(fd);
  auto result = call();
  const int error = errno;
  descriptor_closed(fd);
  check_binding(fd);
  if (kqueue) unbound(fd, kqueue);
  errno = error;
  return result;
}

// As if the number were not open.
int refuse() {
  errno = EBADF;
  return -1;
}

// Does closing the number never wait? So it is with pipes, sockets that do not linger, what has no
// inode of its own (eventfd, timerfd...), and a number that is not open.
bool closes_at_once(int fd) {
  struct stat status;
  if (sys::fstat(fd, &status) != 0) return true;
  switch (status.st_mode & S_IFMT) {
    case S_IFIFO:
    case 0:
      return true;
    case S_IFSOCK: {
      linger value{};
      socklen_t size = sizeof value;
      return sys::getsockopt(fd, SOL_SOCKET, SO_LINGER, &value, &size) == 0 && !value.l_onoff;
    }
    default:
      return false;
  }
}

// Runs call, which duplicates a descriptor onto fd, with the close protocol as one step. False: not
// possible, the call has not been made.
template <typename Call>
bool closing_at_once(int fd, Call call, int* result) {
  MutexGuard guard(slot_lock(fd));
  Slot* slot = find_slot(fd);
  if ((slot && slot->kqueue) || !closes_at_once(fd)) return false;
  if (slot) slot_closing(slot);
  // A number that is free now could become libkq's own before the call.
  MutexGuard no_creation(creation_lock());
  slot = find_slot(fd);
  if (slot && slot->internal) {
    errno = EBUSY;  // the answer Linux gives for a number that is being taken
    *result = -1;
    return true;
  }
  forget_shared(fd);
  *result = call();
  return true;
}

// dup2 and dup3 close newfd, but only if they succeed. The knotes have to go before that is known;
// so that a close of oldfd by another thread cannot make the call fail, the file is held by a
// private descriptor meanwhile. It is for that case: the kernel looks oldfd up and fills newfd in
// one step, without which two calls that cross (a onto b, b onto a) could exchange the files.
int duplicate_onto(int oldfd, int newfd, int flags) {
  int held = -1;
  const auto bare = [&] {
    mark_shared(oldfd);
    mark_shared(newfd);
    const auto install = [&](int source) {
      return static_cast<int>(syscall(SYS_dup3, source, newfd, flags));
    };
    const int result = install(oldfd);
    const bool gone = result < 0 ? errno == EBADF : is_internal(oldfd);
    return gone && held >= 0 ? install(held) : result;
  };
  if (!table_in_use() || MutexGuard::holds_lock() || oldfd == newfd || oldfd < 0 || newfd < 0) {
    return bare();
  }
  check_fork();
  if (in_shared_memory_child()) return bare();
  if (!is_the_programs(oldfd)) return refuse();
  // A kqueue's descriptor must have a slot, and what is open here is not given up for none.
  const Slot* slot = find_slot(oldfd);
  if (slot && slot->kqueue && !allocate_slot(newfd)) {
    errno = ENOMEM;
    return -1;
  }
  held = duplicate_internal(oldfd);
  if (held < 0 && errno == EBADF) return -1;
  int result;
  if (!closing_at_once(newfd, bare, &result)) result = closing(newfd, bare);
  const int error = errno;
  close_internal(held);
  errno = error;
  if (result >= 0 && concerns_us(oldfd)) descriptor_duplicated(oldfd, result);
  return result;
}

// Runs call, which gives another number to from's file.
template <typename Call>
int duplicating(int from, Call call) {
  int result;
  const bool ours = table_in_use() && !MutexGuard::holds_lock() && from >= 0;
  if (ours) check_fork();
  if (!ours || in_shared_memory_child()) {
    result = call();
  } else {
    MutexGuard guard(duplication_lock());
    bool internal;
    {
      MutexGuard slot_guard(slot_lock(from));
      result = call();
      internal = is_internal(from);
    }
    if (internal && result >= 0) {
      sys::close(result);
      return refuse();
    }
    if (result >= 0) descriptor_reopened(result);
  }
  if (result < 0) return result;
  mark_shared(from);
  mark_shared(result);
  if (!concerns_us(from)) return result;
  const int error = errno;
  if (!descriptor_duplicated(from, result)) {
    // The kqueue would end with its other descriptors.
    sys::close(result);
    descriptor_closed(result);
    errno = ENOMEM;
    return -1;
  }
  errno = error;
  return result;
}

// Never by the name of close(): where libkq was loaded late, that is libc's.
int close_number(int fd) {
  const auto bare = [fd] { return static_cast<int>(sys::close(fd)); };
  if (!table_in_use() || MutexGuard::holds_lock()) {
    forget_shared(fd);
    return bare();
  }
  check_fork();
  if (in_shared_memory_child() || fd < 0) return bare();
  // A second close of a number that libkq got meanwhile must fail, as it would without libkq.
  const Slot* slot = find_slot(fd);
  const bool known = slot && slot->in_use();
  if (known ? slot->internal.load() : !is_the_programs(fd)) return refuse();
  return closing(fd, bare);
}

// Closes first to last but libkq's own descriptors.
int close_range_around_internal(unsigned first, unsigned last, int flags) {
  const auto range = [flags](unsigned from, unsigned to) {
    return static_cast<int>(syscall(SYS_close_range, from, to, flags));
  };
  if (!table_in_use() || MutexGuard::holds_lock() || (flags & CLOSE_RANGE_CLOEXEC) ||
      first > last || in_shared_memory_child()) {
    return range(first, last);
  }
  check_fork();
  // A wrong flag closes nothing: find out before anything is removed.
  if ((flags & ~CLOSE_RANGE_UNSHARE) != 0) return range(first, last);
  unsigned from = first;
  const unsigned end = static_cast<unsigned>(slot_limit());
  for (unsigned fd = first; fd < end && fd <= last; ++fd) {
    const int number = static_cast<int>(fd);
    if (!concerns_us(number)) continue;
    if (fd > from && range(from, fd - 1) != 0) return -1;
    from = fd + 1;
    if (!find_slot(number)->internal) close_number(number);
  }
  return from > last ? 0 : range(from, last);
}

}  // namespace
}  // namespace kq

bool kq::interposition_reaches_us() {
  for (const char* name : {"close", "dup"}) {
    const auto call = reinterpret_cast<int (*)(int)>(dlsym(RTLD_DEFAULT, name));
    reached = false;
    asking = true;
    if (call) call(-1);
    asking = false;
    if (!reached) return false;
  }
  return true;
}

KQ_EXPORT int close(int fd) { return kq::answered(fd) ? -1 : kq::close_number(fd); }

KQ_EXPORT int dup(int fd) {
  if (kq::answered(fd)) return -1;
  return kq::duplicating(fd, [fd] { return static_cast<int>(syscall(SYS_dup, fd)); });
}

KQ_EXPORT int dup2(int oldfd, int newfd) {
  if (oldfd == newfd) return kq::sys::fcntl(oldfd, F_GETFD) < 0 ? -1 : newfd;
  return kq::duplicate_onto(oldfd, newfd, 0);
}

KQ_EXPORT int dup3(int oldfd, int newfd, int flags) {
  if (flags & ~O_CLOEXEC) {
    errno = EINVAL;
    return -1;
  }
  return kq::duplicate_onto(oldfd, newfd, flags);
}

namespace kq {
namespace {

using FcntlFunction = int (*)(int, int, ...);

int interposed_fcntl(const char* name, std::atomic<void*>* cache, int fd, int cmd, void* arg) {
  const auto real = next_definition<FcntlFunction>(cache, name);
  const auto call = [=] { return real(fd, cmd, arg); };
  return cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC ? duplicating(fd, call) : call();
}

}  // namespace
}  // namespace kq

KQ_EXPORT int fcntl(int fd, int cmd, ...) {
  static std::atomic<void*> cache{nullptr};
  va_list list;
  va_start(list, cmd);
  void* arg = va_arg(list, void*);
  va_end(list);
  return kq::interposed_fcntl("fcntl", &cache, fd, cmd, arg);
}

KQ_EXPORT int fcntl64(int fd, int cmd, ...) {
  static std::atomic<void*> cache{nullptr};
  va_list list;
  va_start(list, cmd);
  void* arg = va_arg(list, void*);
  va_end(list);
  return kq::interposed_fcntl("fcntl64", &cache, fd, cmd, arg);
}

KQ_EXPORT int close_range(unsigned first, unsigned last, int flags) {
  return kq::close_range_around_internal(first, last, flags);
}

KQ_EXPORT void closefrom(int lowest) {
  kq::close_range_around_internal(lowest < 0 ? 0u : static_cast<unsigned>(lowest), ~0u, 0);
}

KQ_EXPORT int fclose(FILE* stream) {
  static std::atomic<void*> cache{nullptr};
  const auto real = kq::next_definition<int (*)(FILE*)>(&cache, "fclose");
  return kq::closing(fileno(stream), [=] { return real(stream); });
}

KQ_EXPORT FILE* freopen(const char* path, const char* mode, FILE* stream) {
  static std::atomic<void*> cache{nullptr};
  using Function = FILE* (*)(const char*, const char*, FILE*);
  const auto real = kq::next_definition<Function>(&cache, "freopen");
  return kq::closing(fileno(stream), [=] { return real(path, mode, stream); });
}

KQ_EXPORT FILE* freopen64(const char* path, const char* mode, FILE* stream) {
  static std::atomic<void*> cache{nullptr};
  using Function = FILE* (*)(const char*, const char*, FILE*);
  const auto real = kq::next_definition<Function>(&cache, "freopen64");
  return kq::closing(fileno(stream), [=] { return real(path, mode, stream); });
}

// Which streams there are, only libc knows: afterwards every watched number is looked at.
KQ_EXPORT int fcloseall(void) {
  static std::atomic<void*> cache{nullptr};
  const int result = kq::next_definition<int (*)()>(&cache, "fcloseall")();
  if (kq::table_in_use() && !kq::MutexGuard::holds_lock() && !kq::in_shared_memory_child()) {
    for (int fd = 0; fd < kq::slot_limit(); ++fd) kq::descriptor_closed(fd);
  }
  return result;
}

KQ_EXPORT int closedir(DIR* directory) {
  static std::atomic<void*> cache{nullptr};
  const auto real = kq::next_definition<int (*)(DIR*)>(&cache, "closedir");
  return kq::closing(dirfd(directory), [=] { return real(directory); });
}

KQ_EXPORT int pclose(FILE* stream) {
  static std::atomic<void*> cache{nullptr};
  const auto real = kq::next_definition<int (*)(FILE*)>(&cache, "pclose");
  return kq::closing(fileno(stream), [=] { return real(stream); });
}
