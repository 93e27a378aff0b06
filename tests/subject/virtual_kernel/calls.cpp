// What the object exports (exports.map): the calls under their usual names, with the host's errno
// values. Between the C names and the kernel stand only the lock and the search for the descriptor.
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <cerrno>
#include <cstdarg>
#include <ctime>

#include "endpoint.h"
#include "kernel.h"
#include "kqueue.h"

using vkernel::Endpoint;
using vkernel::Event;
using vkernel::File;
using vkernel::kernel;
using vkernel::Kqueue;
using vkernel::Lock;

namespace {

constexpr int kChunk = 8;  // changes that are read at once

// 0 and more as it is, a negative errno as C callers have it.
template <typename Number>
Number told(Number result) {
  if (result >= 0) return result;
  errno = static_cast<int>(-result);
  return -1;
}

int add(std::shared_ptr<File> file, bool cloexec) {
  const int number = kernel().table.add(std::move(file));
  if (number >= 0) kernel().table.set_cloexec(number, cloexec);
  return number;
}

int add_pair(Endpoint::Kind kind, bool nonblocking, bool cloexec, int numbers[2]) {
  const Lock lock;
  if (kernel().faults.strike()) return -ENOMEM;
  const auto ends = Endpoint::pair(kind);
  ends.first->nonblocking = ends.second->nonblocking = nonblocking;
  const int first = add(ends.first, cloexec);
  if (first < 0) return first;
  const int second = add(ends.second, cloexec);
  if (second < 0) {
    kernel().table.remove(first);
    return second;
  }
  const int made[2] = {first, second};
  if (vkernel::copy_out(numbers, made, sizeof made)) return 0;
  kernel().table.remove(first);
  kernel().table.remove(second);
  return -EFAULT;
}

int add_kqueue(bool cloexec) {
  const Lock lock;
  if (kernel().faults.strike()) return -ENOMEM;
  return add(std::make_shared<Kqueue>(), cloexec);
}

int duplicate(int from, int lowest, bool cloexec) {
  const Lock lock;
  std::shared_ptr<File> file = kernel().table.find(from);
  if (file == nullptr) return -EBADF;
  if (lowest < 0 || lowest >= vkernel::DescriptorTable::kLimit) return -EINVAL;
  if (kernel().faults.strike()) return -EMFILE;
  const int number = kernel().table.add(std::move(file), lowest);
  if (number < 0) return number;
  kernel().table.mark_copy(number);
  kernel().table.set_cloexec(number, cloexec);
  return number;
}

int duplicate_onto(int from, int to, bool cloexec) {
  const Lock lock;
  std::shared_ptr<File> file = kernel().table.find(from);
  if (file == nullptr || to < 0 || to >= vkernel::DescriptorTable::kLimit) return -EBADF;
  if (from == to) return to;
  const std::shared_ptr<File> before = kernel().table.find(to);
#if !defined(KQ_PLANT_DUP2_KEEPS)
  if (before != nullptr) kernel().drop_knotes_of(to);
#endif
  kernel().table.put(to, std::move(file));
  kernel().table.mark_copy(to);
  kernel().table.set_cloexec(to, cloexec);
  return to;
}

int close_number(int number) {
#if defined(KQ_PLANT_CLOSE_FREES)
  std::shared_ptr<File> early;
  {
    const Lock lock;
    if (kernel().table.find(number) == nullptr) return -EBADF;
    early = kernel().table.remove(number);
  }
  const Lock lock;
  kernel().drop_knotes_of(number);
  early.reset();
  return 0;
#else
  const Lock lock;
  const std::shared_ptr<File> file = kernel().table.find(number);
  if (file == nullptr) return -EBADF;
#if defined(KQ_PLANT_LAST_CLOSE_ONLY)
  bool last = true;
  for (int other = 0; other < kernel().table.size(); ++other) {
    last = last && (other == number || kernel().table.find(other) != file);
  }
  if (last)
#endif
    kernel().drop_knotes_of(number);
  kernel().table.remove(number);
  return 0;
#endif
}

// The changes of a call. Returns the number of entries written, or a negative errno; *ended if the
// call ends here, whatever it is.
int apply_changes(Kqueue& kqueue, const Event* changes, int nchanges, Event* events, int nevents,
                  bool* ended) {
  int entries = 0;
  for (int at = 0; at < nchanges; at += kChunk) {
    Event chunk[kChunk];
    const int count = nchanges - at < kChunk ? nchanges - at : kChunk;
    *ended = true;
    if (!vkernel::copy_in(chunk, changes + at, static_cast<size_t>(count) * sizeof(Event))) {
      return -EFAULT;
    }
    for (int i = 0; i < count; ++i) {
      Event& change = chunk[i];
      if (change.filter == 0) continue;
      change.flags = static_cast<uint16_t>(change.flags & ~vkernel::kSysFlags);
      const int error = kqueue.apply(&change);
      if (error == 0 && (change.flags & vkernel::kReceipt) == 0) continue;
      if (entries == nevents) return -error;
      change.flags = vkernel::kError;
      change.data = error;
      vkernel::copy_out(events + entries, &change, sizeof change);
      ++entries;
    }
    *ended = entries > 0;
  }
  return entries;
}

// Until when does the call wait? A negative errno if the time means nothing.
int64_t deadline_of(const timespec* timeout) {
  if (timeout == nullptr) return vkernel::kNever;
  if (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec > 999'999'999) return -EINVAL;
  if (timeout->tv_sec > INT32_MAX) return vkernel::kNever;
  const int64_t length = int64_t{timeout->tv_sec} * 1'000'000'000 + timeout->tv_nsec;
  return length == 0 ? 0 : vkernel::monotonic_ns() + length;
}

int wait_for_events(Lock& lock, Kqueue& kqueue, Event* events, int nevents,
                    const timespec* timeout) {
  if (nevents == 0) return 0;
  if (nevents < 0) return -EINVAL;
  const int64_t deadline = deadline_of(timeout);
  if (deadline < 0) return static_cast<int>(deadline);
  while (true) {
    kernel().run_timers();
    const int found = kqueue.scan(events, nevents);
    if (found != 0) return found;
    if (deadline == 0 || (deadline != vkernel::kNever && vkernel::monotonic_ns() >= deadline)) {
      return 0;
    }
    const int64_t look = kqueue.next_look();
    const int64_t until = look < deadline ? look : deadline;
    if (kernel().sleep(lock, kqueue.told, until) == vkernel::Wake::kInterrupted) return -EINTR;
  }
}

}  // namespace

extern "C" {
extern const char kqtorture_layout[];
extern const char kqtorture_profile[];
const char kqtorture_layout[] = "freebsd12";
const char kqtorture_profile[] = "freebsd";
}

extern "C" int kqueue() { return told(add_kqueue(false)); }
extern "C" int kqueue1(int flags) { return told(add_kqueue((flags & O_CLOEXEC) != 0)); }

extern "C" int kevent(int kq, const Event* changes, int nchanges, Event* events, int nevents,
                      const timespec* timeout) {
  timespec time{};
  if (timeout != nullptr && !vkernel::copy_in(&time, timeout, sizeof time)) return told(-EFAULT);
  Lock lock;
  const std::shared_ptr<File> file = kernel().table.find(kq);
  if (file == nullptr) return told(-EBADF);
  auto* const queue = dynamic_cast<Kqueue*>(file.get());
  if (queue == nullptr || nchanges < 0) return told(-EINVAL);
  kernel().run_timers();
  bool ended = false;
  const int entries = apply_changes(*queue, changes, nchanges, events, nevents, &ended);
  if (ended) return told(entries);
  return told(wait_for_events(lock, *queue, events, nevents, timeout != nullptr ? &time : nullptr));
}

extern "C" int close(int fd) { return told(close_number(fd)); }
extern "C" int dup(int fd) { return told(duplicate(fd, 0, false)); }
extern "C" int dup2(int from, int to) { return told(duplicate_onto(from, to, false)); }
extern "C" int dup3(int from, int to, int flags) {
  if (from == to) return told(-EINVAL);
  return told(duplicate_onto(from, to, (flags & O_CLOEXEC) != 0));
}

extern "C" int pipe2(int fds[2], int flags) {
  return told(
      add_pair(Endpoint::Kind::kPipe, (flags & O_NONBLOCK) != 0, (flags & O_CLOEXEC) != 0, fds));
}
extern "C" int pipe(int fds[2]) { return pipe2(fds, 0); }

extern "C" int socketpair(int domain, int type, int protocol, int fds[2]) {
  constexpr int kBits = SOCK_NONBLOCK | SOCK_CLOEXEC;
  const int kind = type & ~kBits;
  if (domain != AF_UNIX) return told(-EAFNOSUPPORT);
  if (protocol != 0 || (kind != SOCK_STREAM && kind != SOCK_DGRAM)) return told(-EPROTONOSUPPORT);
  return told(add_pair(kind == SOCK_STREAM ? Endpoint::Kind::kStream : Endpoint::Kind::kDatagram,
                       (type & SOCK_NONBLOCK) != 0, (type & SOCK_CLOEXEC) != 0, fds));
}

extern "C" ssize_t read(int fd, void* buffer, size_t size) {
  Lock lock;
  const std::shared_ptr<File> file = kernel().table.find(fd);
  return told(file != nullptr ? file->read(lock, buffer, size) : -EBADF);
}

extern "C" ssize_t write(int fd, const void* buffer, size_t size) {
  Lock lock;
  const std::shared_ptr<File> file = kernel().table.find(fd);
  return told(file != nullptr ? file->write(lock, buffer, size) : -EBADF);
}

extern "C" int shutdown(int fd, int how) {
  const Lock lock;
  const std::shared_ptr<File> file = kernel().table.find(fd);
  return static_cast<int>(told(file != nullptr ? file->shut_down(how) : -EBADF));
}

extern "C" int fcntl(int fd, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  const int value = va_arg(arguments, int);  // every command that is known has an int, or nothing
  va_end(arguments);
  if (command == F_DUPFD || command == F_DUPFD_CLOEXEC) {
    return told(duplicate(fd, value, command == F_DUPFD_CLOEXEC));
  }
  const Lock lock;
  const std::shared_ptr<File> file = kernel().table.find(fd);
  if (file == nullptr) return told(-EBADF);
  switch (command) {
    case F_GETFD:
      return kernel().table.cloexec(fd) ? FD_CLOEXEC : 0;
    case F_SETFD:
      kernel().table.set_cloexec(fd, (value & FD_CLOEXEC) != 0);
      return 0;
    case F_GETFL:
      return O_RDWR | (file->nonblocking ? O_NONBLOCK : 0);
    case F_SETFL:
      file->nonblocking = (value & O_NONBLOCK) != 0;
      return 0;
    default:
      return told(-EINVAL);
  }
}

extern "C" int sigaction(int signal, const struct sigaction* act, struct sigaction* old) {
  if (signal < 1 || signal > 64 || signal == SIGKILL || signal == SIGSTOP) return told(-EINVAL);
  const Lock lock;
  struct sigaction& kept = kernel().actions[signal];
  if (old != nullptr) *old = kept;
  if (act != nullptr) kept = *act;
  return 0;
}

// Handlers run in the thread that raises. A signal whose default would end the process is only
// counted: there is no process to end.
extern "C" int raise(int signal) {
  if (signal < 1 || signal > 64) return told(-EINVAL);
  struct sigaction act {};
  {
    const Lock lock;
    act = kernel().actions[signal];
    if ((act.sa_flags & static_cast<int>(SA_RESETHAND)) != 0) kernel().actions[signal] = {};
    for (Kqueue* kqueue : kernel().kqueues) {
      vkernel::Knote* const knote = kqueue->find(vkernel::kSignal, static_cast<uintptr_t>(signal));
      if (knote == nullptr) continue;
      ++knote->event.data;
      kqueue->activate(*knote);
    }
  }
  if ((act.sa_flags & SA_SIGINFO) != 0) {
    siginfo_t info{};
    info.si_signo = signal;
    act.sa_sigaction(signal, &info, nullptr);
  } else if (act.sa_handler != SIG_DFL && act.sa_handler != SIG_IGN) {
    act.sa_handler(signal);
  }
  return 0;
}

extern "C" int kqtorture_interrupt(pthread_t thread) {
  const Lock lock;
  return kernel().interrupt(thread) ? 0 : -1;
}

extern "C" void kqtorture_set_faults(unsigned per_million, uint64_t seed) {
  const Lock lock;
  kernel().faults = {per_million, seed != 0 ? seed : 1};
}
