// syscall(2) with a number: the same calls, past libc.
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <sys/eventfd.h>

#include "sched/calls.h"

using namespace kqtorture::sched;

namespace {

constexpr size_t kArguments = 6;
constexpr long kFirstThread = 1000;  // the number of thread 0

int64_t milliseconds(long timeout) {
  const int given = static_cast<int>(timeout);
  return given < 0 ? -1 : given * int64_t{1'000'000};
}

// Waits only for what it says in the word, and only while it says so.
long futex(const long* argument, uintptr_t site) {
  Core& core = Core::get();
  auto* word = reinterpret_cast<int*>(argument[0]);
  const int operation = static_cast<int>(argument[1]) & FUTEX_CMD_MASK;
  const bool realtime = argument[1] & FUTEX_CLOCK_REALTIME;
  const auto* time = reinterpret_cast<const timespec*>(argument[3]);
  const uint64_t object = core.object_of(key(word));
  switch (operation) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET: {
      core.step(Step::kWait, object, site);
      if (__atomic_load_n(word, __ATOMIC_SEQ_CST) != static_cast<int>(argument[2])) return -EAGAIN;
      uint64_t deadline = kNever;
      if (time != nullptr) {
        deadline = static_cast<uint64_t>(timeout_of(time));
        if (operation == FUTEX_WAIT) {
          deadline += core.now_ns();
        } else if (realtime) {
          deadline = deadline > Descriptors::kRealtime ? deadline - Descriptors::kRealtime : 0;
        }
      }
      const Wake wake = core.block(Why::kFutex, key(word), deadline, Step::kNotify, object, site);
      return wake == Wake::kTimedOut ? -ETIMEDOUT : wake == Wake::kInterrupted ? -EINTR : 0;
    }
    case FUTEX_WAKE:
    case FUTEX_WAKE_BITSET:
      core.step(Step::kNotify, object, site);
      return core.wake(Why::kFutex, key(word),
                       argument[2] < 0 ? UINT32_MAX : static_cast<unsigned>(argument[2]));
    default:
      core.unsupported("futex() with an operation other than to wait and to wake");
  }
}

long opening(int nonblocking, uintptr_t site, long number, const long* a) {
  const long fd =
      simple_call(Step::kWrite, Order::kNone, site, number, a[0], a[1], a[2], a[3], a[4], a[5]);
  note_opened(static_cast<int>(fd), nonblocking);
  return fd;
}

long passed_on(Step what, uintptr_t site, long number, const long* a) {
  return simple_call(what, Order::kNone, site, number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

long waiting(short events, uintptr_t site, long number, const long* a) {
  return waiting_call(events, static_cast<int>(a[0]), Order::kNone, site, number, a[0], a[1], a[2],
                      a[3], a[4], a[5]);
}

long dispatch(long number, const long* a, uintptr_t site) {
  Core& core = Core::get();
  const int fd = static_cast<int>(a[0]);
  switch (number) {
    case SYS_futex:
      return futex(a, site);
    case SYS_sched_yield:
      core.yield(site);
      return 0;
    case SYS_close:
      return close_call(fd, site);
    case SYS_dup:
      return fcntl_call(fd, F_DUPFD, 0, site);
#if defined(SYS_dup2)
    case SYS_dup2:
      return duplicate_call(fd, static_cast<int>(a[1]), 0, true, site);
#endif
    case SYS_dup3:
      return duplicate_call(fd, static_cast<int>(a[1]), static_cast<int>(a[2]), false, site);
    case SYS_fcntl:
      return fcntl_call(fd, static_cast<int>(a[1]), a[2], site);
    case SYS_read:
      if (core.descriptors().is_timer(fd)) {
        return read_timer(fd, reinterpret_cast<void*>(a[1]), static_cast<size_t>(a[2]), site);
      }
      return waiting(POLLIN, site, number, a);
    case SYS_write:
    case SYS_writev:
      return waiting(POLLOUT, site, number, a);
    case SYS_readv:
      return waiting(POLLIN, site, number, a);
    case SYS_sendto:
    case SYS_sendmsg:
    case SYS_recvfrom:
    case SYS_recvmsg: {
      const long flags = number == SYS_sendto || number == SYS_recvfrom ? a[3] : a[2];
      if (flags & MSG_DONTWAIT) return passed_on(Step::kWrite, site, number, a);
      const bool sends = number == SYS_sendto || number == SYS_sendmsg;
      return waiting(sends ? POLLOUT : POLLIN, site, number, a);
    }
    case SYS_ppoll:
      return poll_call(reinterpret_cast<pollfd*>(a[0]), static_cast<unsigned long>(a[1]),
                       timeout_of(reinterpret_cast<const timespec*>(a[2])), Order::kNone, site);
#if defined(SYS_poll)
    case SYS_poll:
      return poll_call(reinterpret_cast<pollfd*>(a[0]), static_cast<unsigned long>(a[1]),
                       milliseconds(a[2]), Order::kNone, site);
    case SYS_epoll_wait:
#endif
    case SYS_epoll_pwait:
      return epoll_wait_call(fd, reinterpret_cast<epoll_event*>(a[1]), static_cast<int>(a[2]),
                             milliseconds(a[3]), Order::kNone, site);
    case SYS_epoll_pwait2:
      return epoll_wait_call(fd, reinterpret_cast<epoll_event*>(a[1]), static_cast<int>(a[2]),
                             timeout_of(reinterpret_cast<const timespec*>(a[3])), Order::kNone,
                             site);
    case SYS_eventfd2:
      return opening((a[1] & EFD_NONBLOCK) != 0, site, number, a);
    case SYS_epoll_create1:
      return opening(1, site, number, a);  // to read or write it fails at once
    case SYS_inotify_init1:
    case SYS_openat:
#if defined(SYS_pidfd_open)
    case SYS_pidfd_open:
#endif
    case SYS_socket:
      return opening(-1, site, number, a);
    case SYS_pipe2: {
      const long result = passed_on(Step::kWrite, site, number, a);
      const int* ends = reinterpret_cast<const int*>(a[0]);
      const int nonblocking = (a[1] & O_NONBLOCK) != 0;
      for (int i = 0; result >= 0 && i < 2; i++) note_opened(ends[i], nonblocking);
      return result;
    }
    case SYS_timerfd_create: {
      core.step(Step::kWrite, kKernelObject, site);
      const int timer = core.descriptors().make_timer(static_cast<int>(a[0]),
                                                      static_cast<int>(a[1]), in_subject());
      return timer < 0 ? -errno : timer;
    }
    case SYS_timerfd_settime:
      core.step(Step::kWrite, kKernelObject, site);
      core.descriptors_changed();
      return -core.descriptors().set_timer(fd, static_cast<int>(a[1]),
                                           *reinterpret_cast<const itimerspec*>(a[2]),
                                           reinterpret_cast<itimerspec*>(a[3]), core.now_ns());
    case SYS_epoll_ctl:
    case SYS_inotify_add_watch:
    case SYS_inotify_rm_watch:
    case SYS_shutdown:
      return passed_on(Step::kWrite, site, number, a);
    case SYS_ioctl:
    case SYS_fstat:
    case SYS_newfstatat:
    case SYS_fstatfs:
    case SYS_lseek:
    case SYS_getsockopt:
    case SYS_getsockname:
    case SYS_waitid:  // of a process that has ended, or at once
#if defined(SYS_pidfd_send_signal)
    case SYS_pidfd_send_signal:
#endif
      return passed_on(Step::kRead, site, number, a);
    case SYS_rt_sigprocmask:
      return signal_mask_call(fd, reinterpret_cast<const uint64_t*>(a[1]),
                              reinterpret_cast<uint64_t*>(a[2]));
    case SYS_rt_sigpending:  // one that a thread blocks cannot be raised
      *reinterpret_cast<uint64_t*>(a[0]) = 0;
      return 0;
    case SYS_signalfd4:
      if (fd < 0) return opening((a[3] & O_NONBLOCK) != 0, site, number, a);
      return passed_on(Step::kWrite, site, number, a);
    case SYS_tgkill:
      if (a[1] == kFirstThread + self()->index) return raise_call(static_cast<int>(a[2]), site);
      core.unsupported("tgkill() of another thread");
    case SYS_gettid:
      return kFirstThread + self()->index;  // whoever compares them wants them to differ
    case SYS_getpid:
    case SYS_membarrier:
    case SYS_process_vm_readv:
    case SYS_prctl: {
      const long result = real().syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
      return result < 0 ? -errno : result;
    }
    default: {
      const std::string what = "system call " + std::to_string(number);
      core.unsupported(what.c_str());
    }
  }
}

}  // namespace

KQ_REPLACE(long, syscall, (long number, ...)) {
  long argument[kArguments];
  va_list list;
  va_start(list, number);
  for (long& value : argument) value = va_arg(list, long);
  va_end(list);
  if (!controlled()) {
    return real().syscall(number, argument[0], argument[1], argument[2], argument[3], argument[4],
                          argument[5]);
  }
  return for_libc(dispatch(number, argument, KQ_HERE));
}
