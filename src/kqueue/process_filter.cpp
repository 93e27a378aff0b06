// EVFILT_PROC and EVFILT_PROCDESC, as FreeBSD's filt_proc* and filt_procdesc*, over pidfds.
//
// A pidfd becomes readable when its process is a zombie, hence not before waitpid(2) can reap it.
// The exit status is asked for without reaping: of a child by waitid(2); of any other zombie in
// /proc; of one that has been reaped the kernel tells since Linux 6.15. Where none of them knows,
// data is 0. What a process does before it ends, its forks and execs, Linux does not tell to an
// unprivileged process that does not trace it: a change of a PROC knote that asks for those is
// refused with ENOTSUP rather than accepted and never answered.
//
// A PROC knote has a pidfd of its own, opened before the locks are taken and closed after they are
// released: it lies in ProcessKnote, level-triggered in the epoll instance until the process ends.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "internal.h"
#include "signal_watch.h"
#include "system_calls.h"

namespace kq {
namespace {

constexpr int kWaitPidfd = 3;  // P_PIDFD

#ifndef SYS_pidfd_open
constexpr long kPidfdOpen = 434, kPidfdSendSignal = 424;  // the same on every architecture
#else
constexpr long kPidfdOpen = SYS_pidfd_open, kPidfdSendSignal = SYS_pidfd_send_signal;
#endif

// <linux/pidfd.h> of 6.15; the first 64 bytes.
struct PidfdInfo {
  uint64_t mask;
  uint64_t cgroup;
  uint32_t pid, tgid, parent, ids[8];
  int32_t exit_status;
};
static_assert(sizeof(PidfdInfo) == 64);
constexpr uint64_t kPidfdInfoExit = 8;
constexpr unsigned long kPidfdGetInfo = _IOWR(0xFF, 11, PidfdInfo);

bool has_exited(int pidfd) {
  pollfd item{pidfd, POLLIN, 0};
  return sys::poll_once(&item) > 0 && (item.revents & POLLIN);
}

// Of a child that nobody has reaped yet. False, with errno, if it is none.
bool status_of_child(int pidfd, int* status) {
  siginfo_t info{};
  const long result =
      syscall(SYS_waitid, kWaitPidfd, pidfd, &info, WEXITED | WNOHANG | WNOWAIT | __WALL, nullptr);
  if (result != 0 || info.si_pid == 0) return false;
  *status = info.si_code == CLD_EXITED   ? (info.si_status & 0xff) << 8
            : info.si_code == CLD_DUMPED ? info.si_status | 0x80
                                         : info.si_status;
  return true;
}

// The last field but none of /proc/PID/stat, in a process that lets itself be looked at.
bool status_in_proc(int pidfd, pid_t pid, int* status) {
  char text[1024];
  snprintf(text, sizeof text, "/proc/%d/stat", static_cast<int>(pid));
  const int fd = static_cast<int>(syscall(SYS_openat, AT_FDCWD, text, O_RDONLY | O_CLOEXEC));
  if (fd < 0) return false;
  const ssize_t size = sys::read(fd, text, sizeof text - 1);
  sys::close(fd);
  // Still the same process, if it can be sent a signal; or it cannot, but is there.
  const bool same = syscall(kPidfdSendSignal, pidfd, 0, nullptr, 0) == 0 || errno == EPERM;
  if (size <= 0 || !same) return false;
  text[size] = '\0';
  // The name, in parentheses, may hold anything; the fields behind it are numbers.
  const char* at = strrchr(text, ')');
  if (!at || (at[2] != 'Z' && at[2] != 'X')) return false;
  const char* last = strrchr(text, ' ');
  *status = static_cast<int>(strtol(last, nullptr, 10));
  return true;
}

bool status_after_reaping(int pidfd, int* status) {
  PidfdInfo info{};
  info.mask = kPidfdInfoExit;
  if (sys::ioctl(pidfd, kPidfdGetInfo, &info) != 0 || !(info.mask & kPidfdInfoExit)) return false;
  *status = info.exit_status;
  return true;
}

pid_t pid_of(int pidfd) {
  char path[64], text[512];
  snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
  const int fd = static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC));
  if (fd < 0) return -1;
  const ssize_t size = sys::read(fd, text, sizeof text - 1);
  sys::close(fd);
  text[size > 0 ? size : 0] = '\0';
  const char* line = strstr(text, "\nPid:");
  return line ? static_cast<pid_t>(strtol(line + 5, nullptr, 10)) : -1;
}

// The status as wait(2) gives it, of a process that has exited; pid < 0: to be found out.
int exit_status(int pidfd, pid_t pid) {
  int status = 0;
  if (status_of_child(pidfd, &status)) return status;
  if (pid < 0) pid = pid_of(pidfd);
  if (pid > 0 && status_in_proc(pidfd, pid, &status)) return status;
  status_after_reaping(pidfd, &status);
  return status;
}

// filt_proc() of NOTE_EXIT: the last event, and none for who did not ask for it.
void note_exit(Knote* knote, int pidfd, pid_t pid) {
  knote->event.flags |= EV_EOF | EV_ONESHOT;
  if (knote->saved_fflags & NOTE_EXIT) {
    knote->event.fflags |= NOTE_EXIT;
    knote->event.data = exit_status(pidfd, pid);
  } else if (knote->event.fflags == 0) {
    knote->event.flags |= EV_DROP;
  }
}

int attach(Kqueue* kqueue, Knote* knote) {
  auto* process = static_cast<ProcessKnote*>(knote);
  const int pidfd = static_cast<int>(knote->saved_data);
  if (pidfd < 0) return kNeedProcess;
  knote->saved_data = 0;
  if (asks_for_the_unseen(knote->saved_fflags)) return ENOTSUP;
  const bool exited = has_exited(pidfd);
  if (exited && !(knote->saved_fflags & NOTE_EXIT)) return ESRCH;  // a zombie
  process->pidfd = pidfd;
  knote->event.flags |= EV_CLEAR;
  ++kqueue->processes;
  if (exited) {
    note_exit(knote, pidfd, static_cast<pid_t>(knote->event.ident));
    return 0;
  }
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = token_data(Token::kProcess) | static_cast<uint32_t>(knote->event.ident);
  if (sys::epoll_ctl(kqueue->epoll, EPOLL_CTL_ADD, pidfd, &event) == 0) return 0;
  --kqueue->processes;
  process->pidfd = -1;
  return errno == ENOSPC ? ENOMEM : errno;
}

void unwatch(Kqueue* kqueue, const ProcessKnote* process) {
  epoll_event unused{};
  sys::epoll_ctl(kqueue->epoll, EPOLL_CTL_DEL, process->pidfd, &unused);
}

void detach(Kqueue* kqueue, Knote* knote) {
  --kqueue->processes;
  unwatch(kqueue, static_cast<ProcessKnote*>(knote));
}

bool evaluate(Kqueue*, Knote* knote, When) { return knote->event.fflags != 0; }

// The interest that counts for an exit is the one that was there when it happened.
void touch(Kqueue* kqueue, Knote* knote, const struct kevent& change) {
  const bool told = knote->event.flags & EV_EOF;
  if (!told && has_exited(static_cast<ProcessKnote*>(knote)->pidfd)) take_in(kqueue);
  knote->saved_fflags = change.fflags;
}

// EVFILT_PROCDESC, on the user's own pidfd.

int attach_descriptor(Kqueue*, Knote* knote) {
  Registration* registration = knote->registration;
  siginfo_t info{};
  const long result = syscall(SYS_waitid, kWaitPidfd, registration->fd, &info,
                              WEXITED | WNOHANG | WNOWAIT | __WALL, nullptr);
  if (result != 0 && errno != ECHILD) {  // no pidfd, or nothing at all: EBADF for both
    return sys::fcntl(registration->fd, F_GETFD) < 0 ? EBADF : EINVAL;
  }
  if (const int error = classify(registration)) return error;
  knote->event.flags |= EV_CLEAR;
  const int error = watch_direction(registration, kIn);
  return error == EPERM ? EINVAL : error;
}

void detach_descriptor(Kqueue*, Knote*) {}

void touch_descriptor(Kqueue*, Knote* knote, const struct kevent& change) {
  const bool told = knote->event.flags & EV_EOF;
  if (!told && has_exited(knote->registration->fd)) note_exit(knote, knote->registration->fd, -1);
  knote->saved_fflags = change.fflags;
  knote->saved_data = change.data;
}

bool evaluate_descriptor(Kqueue*, Knote* knote, When) {
  if (!has_exited(knote->registration->fd)) return knote->event.fflags != 0;
  note_exit(knote, knote->registration->fd, -1);
  return true;
}

}  // namespace

const FilterOps kProcFilter = {false, attach, detach, evaluate, touch, nullptr};
const FilterOps kProcdescFilter = {
    true, attach_descriptor, detach_descriptor, evaluate_descriptor, touch_descriptor, nullptr};

int open_process(uintptr_t ident, int* pidfd) {
  *pidfd = -1;
  if (ident == 0 || ident > INT_MAX) return ESRCH;
  *pidfd = make_internal([](int pid) { return static_cast<int>(syscall(kPidfdOpen, pid, 0)); },
                         static_cast<int>(ident));
  if (*pidfd >= 0) return 0;
  // A thread of a process is none.
  return errno == EINVAL || errno == ENOENT ? ESRCH : errno;
}

void take_in_process(Kqueue* kqueue, uint32_t pid) {
  Knote* knote = find_hashed(kqueue, pid, EVFILT_PROC);
  if (!knote) return;
  auto* process = static_cast<ProcessKnote*>(knote);
  unwatch(kqueue, process);
  note_exit(knote, process->pidfd, static_cast<pid_t>(pid));
  activate(kqueue, knote);
}

void close_left_over(Kqueue* kqueue) {
  close_retired_bells();
  while (kqueue->dead_processes.load(std::memory_order_relaxed)) {
    ProcessKnote* dead;
    {
      MutexGuard guard(&kqueue->lock);
      dead = kqueue->dead_processes.load(std::memory_order_relaxed);
      if (!dead) return;
      kqueue->dead_processes.store(static_cast<ProcessKnote*>(dead->next),
                                   std::memory_order_relaxed);
    }
    close_internal(dead->pidfd);
    delete dead;
  }
}

}  // namespace kq
