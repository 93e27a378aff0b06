// Descriptor calls of threads of the runtime, shared by libc's functions and syscall(2).
//
// All of them return as the kernel does: the result, or the negative of an errno.
#pragma once

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <time.h>

#include "sched/replace.h"

namespace kqtorture::sched {

// Does a call order memory, as a call through libc is taken to do (ThreadSanitizer, too, takes a
// write and the read that sees it for an order), or not, as a bare system call?
enum class Order : bool { kNone, kOrders };

// One that does not wait, by number.
long simple_call(Step what, Order order, uintptr_t site, long number, long a, long b, long c,
                 long d = 0, long e = 0, long f = 0);
// One that waits until the descriptor is ready, unless it was opened not to.
long waiting_call(short events, int fd, Order order, uintptr_t site, long number, long a, long b,
                  long c, long d = 0, long e = 0, long f = 0);
long close_call(int fd, uintptr_t site);
long duplicate_call(int from, int to, int flags, bool same_allowed, uintptr_t site);
long fcntl_call(int fd, int command, long argument, uintptr_t site);
// timeout: in nanoseconds, negative for ever.
long poll_call(pollfd* fds, unsigned long count, int64_t timeout, Order order, uintptr_t site);
long epoll_wait_call(int instance, epoll_event* events, int most, int64_t timeout, Order order,
                     uintptr_t site);
// After a call that opened descriptors.
void note_opened(int fd, int nonblocking = -1);
long read_timer(int fd, void* buffer, size_t size, uintptr_t site);
// A signal that the thread sends to itself: what is to be done with it is done before it returns.
long raise_call(int signal, uintptr_t site);
// rt_sigprocmask(2) of the thread: the thread that carries it keeps its own mask.
long signal_mask_call(int how, const uint64_t* set, uint64_t* old);
long sleep_until(uint64_t deadline, uintptr_t site);

// -1 with errno, or the result.
inline long for_libc(long result) {
  if (result >= 0) return result;
  errno = static_cast<int>(-result);
  return -1;
}

inline int64_t timeout_of(const timespec* time) {
  return time == nullptr ? -1 : time->tv_sec * int64_t{1'000'000'000} + time->tv_nsec;
}

}  // namespace kqtorture::sched
