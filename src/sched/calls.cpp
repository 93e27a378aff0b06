// Each is a step, then the call itself, made of the kernel without waiting.
#include "sched/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/timerfd.h>

namespace kqtorture::sched {
namespace {

// All orders that descriptor calls make are of one object: which file a call is about only the
// kernel knows.
constexpr uintptr_t kOrderOfCalls = 8;

long kernel(long number, long a, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) {
  const long result = real().syscall(number, a, b, c, d, e, f);
  return result < 0 ? -errno : result;
}

void acquire(Order order) {
  if (order == Order::kOrders) Core::get().acquire(kOrderOfCalls);
}

void release(Order order) {
  if (order == Order::kOrders) Core::get().release(kOrderOfCalls);
}

uint64_t deadline_of(int64_t timeout) {
  return timeout < 0 ? kNever : Core::get().now_ns() + static_cast<uint64_t>(timeout);
}

}  // namespace

long simple_call(Step what, Order order, uintptr_t site, long number, long a, long b, long c,
                 long d, long e, long f) {
  Core& core = Core::get();
  core.step(what, kKernelObject, site);
  release(order);
  const long result = kernel(number, a, b, c, d, e, f);
  acquire(order);
  if (what == Step::kWrite) core.descriptors_changed();
  core.note(static_cast<uint64_t>(result));
  return result;
}

long waiting_call(short events, int fd, Order order, uintptr_t site, long number, long a, long b,
                  long c, long d, long e, long f) {
  Core& core = Core::get();
  core.test_cancel();
  core.step(Step::kWrite, kKernelObject, site);
  release(order);
  while (!core.descriptors().nonblocking(fd)) {
    pollfd item{fd, events, 0};
    timespec zero{0, 0};
    if (kernel(SYS_ppoll, reinterpret_cast<long>(&item), 1, reinterpret_cast<long>(&zero), 0, 8) !=
        0) {
      break;
    }
    item.revents = 0;
    const Wake wake = core.await_descriptors(&item, 1, kNever, site);
    core.done_waiting();
    core.test_cancel();
    if (wake == Wake::kInterrupted) return -EINTR;
  }
  const long result = kernel(number, a, b, c, d, e, f);
  acquire(order);
  core.descriptors_changed();
  core.note(static_cast<uint64_t>(result));
  return result;
}

void note_opened(int fd, int nonblocking) {
  if (fd >= 0) Core::get().descriptors().opened(fd, in_subject(), nonblocking);
}

long close_call(int fd, uintptr_t site) {
  Core& core = Core::get();
  core.step(Step::kWrite, kKernelObject, site);
  core.closing(fd);
  core.descriptors().closed(fd);
  const long result = kernel(SYS_close, fd);
  core.descriptors_changed();
  core.note(static_cast<uint64_t>(result));
  return result;
}

long duplicate_call(int from, int to, int flags, bool same_allowed, uintptr_t site) {
  Core& core = Core::get();
  core.step(Step::kWrite, kKernelObject, site);
  if (from == to && same_allowed) return kernel(SYS_fcntl, from, F_GETFD) < 0 ? -EBADF : to;
  const bool lands = to >= 0 && from != to && kernel(SYS_fcntl, from, F_GETFD) >= 0;
  if (lands) {
    core.closing(to);
    core.descriptors().closed(to);
  }
  const long result = kernel(SYS_dup3, from, to, flags);
  if (result >= 0) core.descriptors().duplicated(from, to, in_subject());
  core.descriptors_changed();
  core.note(static_cast<uint64_t>(result));
  return result;
}

long fcntl_call(int fd, int command, long argument, uintptr_t site) {
  Core& core = Core::get();
  const bool duplicates = command == F_DUPFD || command == F_DUPFD_CLOEXEC;
  const bool changes = duplicates || command == F_SETFL;
  core.step(changes ? Step::kWrite : Step::kRead, kKernelObject, site);
  const long result = kernel(SYS_fcntl, fd, command, argument);
  if (duplicates && result >= 0) {
    core.descriptors().duplicated(fd, static_cast<int>(result), in_subject());
  }
  if (command == F_SETFL && result >= 0) {
    core.descriptors().set_nonblocking(fd, (argument & O_NONBLOCK) != 0);
  }
  core.note(static_cast<uint64_t>(result));
  return result;
}

namespace {

// Asks without waiting.
template <typename Look>
long look_once(Step what, Order order, uintptr_t site, Look look) {
  Core& core = Core::get();
  core.step(what, kKernelObject, site);
  const long result = look();
  acquire(order);
  core.note(static_cast<uint64_t>(result));
  return result;
}

// Waits until the descriptors, which are self()->fds meanwhile, are ready, and asks; as long as
// another thread has taken what there was.
template <typename Look>
long wait_and_look(const pollfd* fds, unsigned count, int64_t timeout, Order order, uintptr_t site,
                   Look look) {
  Core& core = Core::get();
  core.test_cancel();
  const uint64_t deadline = deadline_of(timeout);
  while (true) {
    const Wake wake = core.await_descriptors(fds, count, deadline, site);
    const long result = wake == Wake::kInterrupted ? -EINTR : look();
    core.done_waiting();
    core.test_cancel();
    if (result == 0 && wake != Wake::kTimedOut) continue;
    acquire(order);
    core.note(static_cast<uint64_t>(result));
    return result;
  }
}

}  // namespace

long poll_call(pollfd* fds, unsigned long count, int64_t timeout, Order order, uintptr_t site) {
  timespec zero{0, 0};
  const auto look = [&](pollfd* list) {
    return kernel(SYS_ppoll, reinterpret_cast<long>(list), static_cast<long>(count),
                  reinterpret_cast<long>(&zero), 0, 8);
  };
  if (timeout == 0) return look_once(Step::kRead, order, site, [&] { return look(fds); });
  return wait_and_look(fds, static_cast<unsigned>(count), timeout, order, site, [&] {
    const long result = look(self()->fds.data());
    for (unsigned long i = 0; result >= 0 && i < count; i++) {
      fds[i].revents = self()->fds[i].revents;
    }
    return result;
  });
}

long epoll_wait_call(int instance, epoll_event* events, int most, int64_t timeout, Order order,
                     uintptr_t site) {
  const auto look = [&](int fd) {
    return kernel(SYS_epoll_pwait, fd, reinterpret_cast<long>(events), most, 0, 0, 8);
  };
  // It takes edges away, which concerns all others who wait on the instance.
  if (timeout == 0) return look_once(Step::kWrite, order, site, [&] { return look(instance); });
  const pollfd item{instance, POLLIN, 0};
  return wait_and_look(&item, 1, timeout, order, site, [&] { return look(self()->fds[0].fd); });
}

long read_timer(int fd, void* buffer, size_t size, uintptr_t site) {
  Core& core = Core::get();
  core.step(Step::kWrite, kKernelObject, site);
  if (size < sizeof(uint64_t)) return -EINVAL;
  while (true) {
    const uint64_t expirations = core.descriptors().take_expirations(fd, core.now_ns());
    core.note(expirations);
    if (expirations != 0) {
      *static_cast<uint64_t*>(buffer) = expirations;
      core.descriptors_changed();
      return sizeof expirations;
    }
    if (core.descriptors().nonblocking(fd)) return -EAGAIN;
    const pollfd item{fd, POLLIN, 0};
    const Wake wake = core.await_descriptors(&item, 1, kNever, site);
    core.done_waiting();
    core.test_cancel();
    if (wake == Wake::kInterrupted) return -EINTR;
  }
}

long sleep_until(uint64_t deadline, uintptr_t site) {
  Core& core = Core::get();
  core.test_cancel();
  const Wake wake = core.block(Why::kSleep, 0, deadline, Step::kYield, 0, site);
  core.test_cancel();
  return wake == Wake::kInterrupted ? -EINTR : 0;
}

}  // namespace kqtorture::sched
