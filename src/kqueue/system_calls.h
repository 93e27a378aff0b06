// The system calls libkq makes on descriptors, by number rather than through libc's functions.
//
// For three reasons: libkq interposes some of those functions itself; a sanitizer that wraps them
// would count libkq's look at a user's descriptor as a use of it that races with the user's close,
// which is just what a kqueue must allow; and it would take the kernel's ordering of two calls for
// one that libkq establishes, and miss a lock that libkq forgot. The one call that blocks, ppoll()
// in scan.cpp, is libc's, a cancellation point.
#pragma once

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

namespace kq::sys {

inline int close(int fd) { return static_cast<int>(syscall(SYS_close, fd)); }
inline int fcntl(int fd, int command, long argument = 0) {
  return static_cast<int>(syscall(SYS_fcntl, fd, command, argument));
}
template <typename T>
int ioctl(int fd, unsigned long request, T* argument) {
  return static_cast<int>(syscall(SYS_ioctl, fd, request, argument));
}
inline int fstat(int fd, struct stat* status) {
  // Where the kernel's own struct is libc's; elsewhere libc translates.
#if defined(__x86_64__) || defined(__aarch64__)
  return static_cast<int>(syscall(SYS_fstat, fd, status));
#else
  return ::fstat(fd, status);
#endif
}
inline int fstatfs(int fd, struct statfs* system) {
#if defined(__x86_64__) || defined(__aarch64__)
  return static_cast<int>(syscall(SYS_fstatfs, fd, system));
#else
  return ::fstatfs(fd, system);
#endif
}
inline off_t lseek(int fd, off_t offset, int whence) { return ::lseek(fd, offset, whence); }
inline ssize_t read(int fd, void* buffer, size_t size) {
  return static_cast<ssize_t>(syscall(SYS_read, fd, buffer, size));
}
inline ssize_t write(int fd, const void* buffer, size_t size) {
  return static_cast<ssize_t>(syscall(SYS_write, fd, buffer, size));
}
// poll(2) of one descriptor, without waiting.
inline int poll_once(pollfd* item) {
  timespec zero{0, 0};
  return static_cast<int>(syscall(SYS_ppoll, item, 1UL, &zero, nullptr, 0UL));
}
// poll(2) of several, without waiting.
inline int poll_now(pollfd* items, unsigned count) {
  timespec zero{0, 0};
  return static_cast<int>(
      syscall(SYS_ppoll, items, static_cast<unsigned long>(count), &zero, nullptr, 0UL));
}
// Sends nothing: 0, or -1 with errno.
inline int send_nothing(int fd) {
  return static_cast<int>(
      syscall(SYS_sendto, fd, nullptr, 0UL, MSG_DONTWAIT | MSG_NOSIGNAL, nullptr, 0UL));
}
// The bytes a stream socket has, read by nobody.
inline int64_t count_behind_mark(int fd) {
  return syscall(SYS_recvfrom, fd, nullptr, static_cast<size_t>(INT_MAX),
                 MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT, nullptr, nullptr);
}
inline int getsockopt(int fd, int level, int name, void* value, socklen_t* length) {
  return static_cast<int>(syscall(SYS_getsockopt, fd, level, name, value, length));
}
inline int epoll_create(int flags) { return static_cast<int>(syscall(SYS_epoll_create1, flags)); }
inline int epoll_ctl(int instance, int operation, int fd, epoll_event* event) {
  return static_cast<int>(syscall(SYS_epoll_ctl, instance, operation, fd, event));
}
// epoll_wait(2) without waiting.
inline int epoll_take(int instance, epoll_event* events, int count) {
  return static_cast<int>(syscall(SYS_epoll_pwait, instance, events, count, 0, nullptr, 8UL));
}
inline int eventfd(int flags) { return static_cast<int>(syscall(SYS_eventfd2, 0, flags)); }
inline int timerfd_create(int clock, int flags) {
  return static_cast<int>(syscall(SYS_timerfd_create, clock, flags));
}
inline int timerfd_settime(int fd, int flags, const itimerspec* value) {
  return ::timerfd_settime(fd, flags, value, nullptr);
}
inline int timerfd_settime_relative(int fd, const itimerspec* value) {
  return ::timerfd_settime(fd, 0, value, nullptr);
}
inline int inotify_init(int flags) { return static_cast<int>(syscall(SYS_inotify_init1, flags)); }

}  // namespace kq::sys
