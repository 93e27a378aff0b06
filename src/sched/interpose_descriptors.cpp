// libc's functions on descriptors.
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/eventfd.h>

#include <type_traits>

#include "sched/calls.h"

using namespace kqtorture::sched;

namespace {

template <typename T>
long word(T value) {
  if constexpr (std::is_null_pointer_v<T>) {
    return 0;
  } else if constexpr (std::is_pointer_v<T>) {
    return reinterpret_cast<long>(value);
  } else {
    return static_cast<long>(value);
  }
}

// Opens one descriptor.
template <typename... T>
int opening(int nonblocking, uintptr_t site, long number, T... arguments) {
  long list[6] = {word(arguments)...};
  const long fd = simple_call(Step::kWrite, Order::kOrders, site, number, list[0], list[1], list[2],
                              list[3], list[4], list[5]);
  note_opened(static_cast<int>(fd), nonblocking);
  return static_cast<int>(for_libc(fd));
}

template <typename... T>
long changing(uintptr_t site, long number, T... arguments) {
  long list[6] = {word(arguments)...};
  return for_libc(simple_call(Step::kWrite, Order::kOrders, site, number, list[0], list[1], list[2],
                              list[3], list[4], list[5]));
}

template <typename... T>
long waiting(short events, int fd, uintptr_t site, long number, T... arguments) {
  long list[5] = {word(arguments)...};
  return for_libc(waiting_call(events, fd, Order::kOrders, site, number, fd, list[0], list[1],
                               list[2], list[3], list[4]));
}

int pair(long number, const long* arguments, int ends[2], int nonblocking, uintptr_t site) {
  const long result = simple_call(Step::kWrite, Order::kOrders, site, number, arguments[0],
                                  arguments[1], arguments[2], arguments[3]);
  if (result >= 0) {
    note_opened(ends[0], nonblocking);
    note_opened(ends[1], nonblocking);
  }
  return static_cast<int>(for_libc(result));
}

}  // namespace

// --- opened and closed

KQ_REPLACE(int, close, (int fd)) {
  if (!controlled()) return real().close(fd);
  return static_cast<int>(for_libc(close_call(fd, KQ_HERE)));
}

KQ_REPLACE(int, dup, (int fd)) {
  if (!controlled()) return real().dup(fd);
  return static_cast<int>(for_libc(fcntl_call(fd, F_DUPFD, 0, KQ_HERE)));
}

KQ_REPLACE(int, dup2, (int from, int to)) {
  if (!controlled()) return real().dup2(from, to);
  return static_cast<int>(for_libc(duplicate_call(from, to, 0, true, KQ_HERE)));
}

KQ_REPLACE(int, dup3, (int from, int to, int flags)) {
  if (!controlled()) return real().dup3(from, to, flags);
  return static_cast<int>(for_libc(duplicate_call(from, to, flags, false, KQ_HERE)));
}

KQ_REPLACE(int, fcntl, (int fd, int command, ...)) {
  va_list list;
  va_start(list, command);
  const long argument = va_arg(list, long);
  va_end(list);
  if (!controlled()) return real().fcntl(fd, command, argument);
  return static_cast<int>(for_libc(fcntl_call(fd, command, argument, KQ_HERE)));
}

KQ_REPLACE(int, ioctl, (int fd, unsigned long request, ...)) {
  va_list list;
  va_start(list, request);
  void* argument = va_arg(list, void*);
  va_end(list);
  if (!controlled()) return real().ioctl(fd, request, argument);
  return static_cast<int>(for_libc(simple_call(Step::kRead, Order::kNone, KQ_HERE, SYS_ioctl, fd,
                                               word(request), word(argument))));
}

KQ_REPLACE(int, pipe2, (int* ends, int flags)) {
  if (!controlled()) return real().pipe2(ends, flags);
  const long arguments[4] = {word(ends), flags, 0, 0};
  return pair(SYS_pipe2, arguments, ends, (flags & O_NONBLOCK) != 0, KQ_HERE);
}

KQ_REPLACE(int, pipe, (int* ends)) {
  if (!controlled()) return real().pipe(ends);
  const long arguments[4] = {word(ends), 0, 0, 0};
  return pair(SYS_pipe2, arguments, ends, 0, KQ_HERE);
}

KQ_REPLACE(int, socketpair, (int domain, int type, int protocol, int* ends)) {
  if (!controlled()) return real().socketpair(domain, type, protocol, ends);
  const long arguments[4] = {domain, type, protocol, word(ends)};
  return pair(SYS_socketpair, arguments, ends, (type & SOCK_NONBLOCK) != 0, KQ_HERE);
}

KQ_REPLACE(int, socket, (int domain, int type, int protocol)) {
  if (!controlled()) return real().socket(domain, type, protocol);
  return opening((type & SOCK_NONBLOCK) != 0, KQ_HERE, SYS_socket, domain, type, protocol);
}

KQ_REPLACE(int, eventfd, (unsigned value, int flags)) {
  if (!controlled()) return real().eventfd(value, flags);
  return opening((flags & EFD_NONBLOCK) != 0, KQ_HERE, SYS_eventfd2, value, flags);
}

// To read or write an instance fails at once, as if it were opened not to wait.
KQ_REPLACE(int, epoll_create, (int size)) {
  if (!controlled()) return real().epoll_create(size);
  return opening(1, KQ_HERE, SYS_epoll_create1, 0);
}

KQ_REPLACE(int, epoll_create1, (int flags)) {
  if (!controlled()) return real().epoll_create1(flags);
  return opening(1, KQ_HERE, SYS_epoll_create1, flags);
}

KQ_REPLACE(int, timerfd_create, (int clock, int flags)) {
  if (!controlled()) return real().timerfd_create(clock, flags);
  Core& core = Core::get();
  core.step(Step::kWrite, kKernelObject, KQ_HERE);
  return core.descriptors().make_timer(clock, flags, in_subject());
}

KQ_REPLACE(int, timerfd_settime, (int fd, int flags, const itimerspec* value, itimerspec* old)) {
  if (!controlled()) return real().timerfd_settime(fd, flags, value, old);
  Core& core = Core::get();
  core.step(Step::kWrite, kKernelObject, KQ_HERE);
  core.descriptors_changed();
  return static_cast<int>(
      for_libc(-core.descriptors().set_timer(fd, flags, *value, old, core.now_ns())));
}

KQ_REPLACE(int, timerfd_gettime, (int fd, itimerspec* value)) {
  if (!controlled()) return real().timerfd_gettime(fd, value);
  Core& core = Core::get();
  core.step(Step::kRead, kKernelObject, KQ_HERE);
  return static_cast<int>(for_libc(-core.descriptors().get_timer(fd, value, core.now_ns())));
}

KQ_REPLACE(int, inotify_init1, (int flags)) {
  if (!controlled()) return real().inotify_init1(flags);
  return opening(-1, KQ_HERE, SYS_inotify_init1, flags);
}

KQ_REPLACE(int, inotify_init, ()) {
  if (!controlled()) return real().inotify_init();
  return opening(0, KQ_HERE, SYS_inotify_init1, 0);
}

KQ_REPLACE(int, inotify_add_watch, (int fd, const char* path, unsigned mask)) {
  if (!controlled()) return real().inotify_add_watch(fd, path, mask);
  return static_cast<int>(changing(KQ_HERE, SYS_inotify_add_watch, fd, path, mask));
}

KQ_REPLACE(int, inotify_rm_watch, (int fd, int watch)) {
  if (!controlled()) return real().inotify_rm_watch(fd, watch);
  return static_cast<int>(changing(KQ_HERE, SYS_inotify_rm_watch, fd, watch));
}

// --- transferred

KQ_REPLACE(ssize_t, read, (int fd, void* buffer, size_t size)) {
  if (!controlled()) return real().read(fd, buffer, size);
  if (Core::get().descriptors().is_timer(fd)) {
    return for_libc(read_timer(fd, buffer, size, KQ_HERE));
  }
  return waiting(POLLIN, fd, KQ_HERE, SYS_read, buffer, size);
}

KQ_REPLACE(ssize_t, write, (int fd, const void* buffer, size_t size)) {
  if (!controlled()) return real().write(fd, buffer, size);
  return waiting(POLLOUT, fd, KQ_HERE, SYS_write, buffer, size);
}

KQ_REPLACE(ssize_t, readv, (int fd, const iovec* list, int count)) {
  if (!controlled()) return real().readv(fd, list, count);
  return waiting(POLLIN, fd, KQ_HERE, SYS_readv, list, count);
}

KQ_REPLACE(ssize_t, writev, (int fd, const iovec* list, int count)) {
  if (!controlled()) return real().writev(fd, list, count);
  return waiting(POLLOUT, fd, KQ_HERE, SYS_writev, list, count);
}

KQ_REPLACE(ssize_t, recv, (int fd, void* buffer, size_t size, int flags)) {
  if (!controlled()) return real().recv(fd, buffer, size, flags);
  return waiting(POLLIN, fd, KQ_HERE, SYS_recvfrom, buffer, size, flags, nullptr, nullptr);
}

KQ_REPLACE(ssize_t, send, (int fd, const void* buffer, size_t size, int flags)) {
  if (!controlled()) return real().send(fd, buffer, size, flags);
  return waiting(POLLOUT, fd, KQ_HERE, SYS_sendto, buffer, size, flags, nullptr, 0);
}

KQ_REPLACE(ssize_t, recvmsg, (int fd, msghdr* message, int flags)) {
  if (!controlled()) return real().recvmsg(fd, message, flags);
  return waiting(POLLIN, fd, KQ_HERE, SYS_recvmsg, message, flags);
}

KQ_REPLACE(ssize_t, sendmsg, (int fd, const msghdr* message, int flags)) {
  if (!controlled()) return real().sendmsg(fd, message, flags);
  return waiting(POLLOUT, fd, KQ_HERE, SYS_sendmsg, message, flags);
}

KQ_REPLACE(int, accept4, (int fd, sockaddr* address, socklen_t* length, int flags)) {
  if (!controlled()) return real().accept4(fd, address, length, flags);
  const long result = waiting(POLLIN, fd, KQ_HERE, SYS_accept4, address, length, flags);
  note_opened(static_cast<int>(result), (flags & SOCK_NONBLOCK) != 0);
  return static_cast<int>(result);
}

KQ_REPLACE(int, accept, (int fd, sockaddr* address, socklen_t* length)) {
  if (!controlled()) return real().accept(fd, address, length);
  const long result = waiting(POLLIN, fd, KQ_HERE, SYS_accept4, address, length, 0);
  note_opened(static_cast<int>(result), 0);
  return static_cast<int>(result);
}

KQ_REPLACE(int, connect, (int fd, const sockaddr* address, socklen_t length)) {
  if (!controlled()) return real().connect(fd, address, length);
  return static_cast<int>(changing(KQ_HERE, SYS_connect, fd, address, length));
}

KQ_REPLACE(int, shutdown, (int fd, int how)) {
  if (!controlled()) return real().shutdown(fd, how);
  return static_cast<int>(changing(KQ_HERE, SYS_shutdown, fd, how));
}

// --- waited for

KQ_REPLACE(int, poll, (pollfd * fds, unsigned long count, int timeout)) {
  if (!controlled()) return real().poll(fds, count, timeout);
  const int64_t ns = timeout < 0 ? -1 : timeout * int64_t{1'000'000};
  return static_cast<int>(for_libc(poll_call(fds, count, ns, Order::kOrders, KQ_HERE)));
}

KQ_REPLACE(int, ppoll,
           (pollfd * fds, unsigned long count, const timespec* timeout, const sigset_t* mask)) {
  if (!controlled()) return real().ppoll(fds, count, timeout, mask);
  return static_cast<int>(
      for_libc(poll_call(fds, count, timeout_of(timeout), Order::kOrders, KQ_HERE)));
}

namespace {

// As poll(2) of the same descriptors. Returns how many bits are left.
int select_by_poll(int count, fd_set* in, fd_set* out, fd_set* except, int64_t timeout,
                   uintptr_t site) {
  const auto has = [](const fd_set* set, int fd) { return set != nullptr && FD_ISSET(fd, set); };
  pollfd list[Thread::kMostFds];
  unsigned used = 0;
  for (int fd = 0; fd < count; fd++) {
    const int events =
        (has(in, fd) ? POLLIN : 0) | (has(out, fd) ? POLLOUT : 0) | (has(except, fd) ? POLLPRI : 0);
    if (events == 0) continue;
    if (used == Thread::kMostFds) Core::get().unsupported("select() of more than 16 descriptors");
    list[used++] = {fd, static_cast<short>(events), 0};
  }
  const long result = poll_call(list, used, timeout, Order::kOrders, site);
  if (result < 0) return static_cast<int>(for_libc(result));
  int bits = 0;
  for (unsigned i = 0; i < used; i++) {
    if (list[i].revents & POLLNVAL) return static_cast<int>(for_libc(-EBADF));
    const auto keep = [&](fd_set* set, int events) {
      if (!has(set, list[i].fd)) return;
      if (list[i].revents & events) {
        bits++;
      } else {
        FD_CLR(list[i].fd, set);
      }
    };
    keep(in, POLLIN | POLLHUP | POLLERR);
    keep(out, POLLOUT | POLLERR);
    keep(except, POLLPRI);
  }
  return bits;
}

}  // namespace

KQ_REPLACE(int, select, (int count, fd_set* in, fd_set* out, fd_set* except, timeval* timeout)) {
  if (!controlled()) return real().select(count, in, out, except, timeout);
  const int64_t ns = timeout == nullptr ? -1
                                        : timeout->tv_sec * int64_t{1'000'000'000} +
                                              timeout->tv_usec * int64_t{1000};
  return select_by_poll(count, in, out, except, ns, KQ_HERE);
}

KQ_REPLACE(int, pselect,
           (int count, fd_set* in, fd_set* out, fd_set* except, const timespec* timeout,
            const sigset_t* mask)) {
  if (!controlled()) return real().pselect(count, in, out, except, timeout, mask);
  return select_by_poll(count, in, out, except, timeout_of(timeout), KQ_HERE);
}

KQ_REPLACE(int, epoll_ctl, (int instance, int operation, int fd, epoll_event* event)) {
  if (!controlled()) return real().epoll_ctl(instance, operation, fd, event);
  return static_cast<int>(changing(KQ_HERE, SYS_epoll_ctl, instance, operation, fd, event));
}

KQ_REPLACE(int, epoll_wait, (int instance, epoll_event* events, int most, int timeout)) {
  if (!controlled()) return real().epoll_wait(instance, events, most, timeout);
  const int64_t ns = timeout < 0 ? -1 : timeout * int64_t{1'000'000};
  return static_cast<int>(
      for_libc(epoll_wait_call(instance, events, most, ns, Order::kOrders, KQ_HERE)));
}

KQ_REPLACE(int, epoll_pwait,
           (int instance, epoll_event* events, int most, int timeout, const sigset_t* mask)) {
  if (!controlled()) return real().epoll_pwait(instance, events, most, timeout, mask);
  const int64_t ns = timeout < 0 ? -1 : timeout * int64_t{1'000'000};
  return static_cast<int>(
      for_libc(epoll_wait_call(instance, events, most, ns, Order::kOrders, KQ_HERE)));
}

KQ_REPLACE(int, epoll_pwait2,
           (int instance, epoll_event* events, int most, const timespec* timeout,
            const sigset_t* mask)) {
  if (!controlled()) {
    return static_cast<int>(
        real().syscall(SYS_epoll_pwait2, instance, events, most, timeout, mask, 8ul));
  }
  return static_cast<int>(for_libc(
      epoll_wait_call(instance, events, most, timeout_of(timeout), Order::kOrders, KQ_HERE)));
}

KQ_REPLACE(int, signalfd, (int fd, const sigset_t* mask, int flags)) {
  if (controlled() && in_subject()) {
    return opening((flags & O_NONBLOCK) != 0, KQ_HERE, SYS_signalfd4, fd, mask, 8ul, flags);
  }
  return real().signalfd(fd, mask, flags);
}
