// How does a socket become non-blocking, and closed on exec? Where the system has flags for that,
// in the call that makes it, so that it costs no second one and a subject need not have fcntl().
// macOS has none: there a call has to follow, and nobody else knows the number before it returned.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>

#include "subject/subject.h"

namespace kqtorture {

// Added to the type of a socket, for SubjectCalls::socket() and socketpair().
#if defined(SOCK_NONBLOCK)
constexpr int kSocketNonblock = SOCK_NONBLOCK;
constexpr int kSocketCloexec = SOCK_CLOEXEC;
#else
constexpr int kSocketNonblock = 0;
constexpr int kSocketCloexec = 0;
#endif

// What the flags did not do yet. False, with errno, when it fails; the socket stays open.
inline bool finish_socket([[maybe_unused]] const SubjectCalls& calls, [[maybe_unused]] int fd,
                          [[maybe_unused]] bool nonblocking) {
#if defined(SOCK_NONBLOCK)
  return true;
#else
  return (!nonblocking || calls.fcntl(fd, F_SETFL, O_NONBLOCK) == 0) &&
         calls.fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
#endif
}

}  // namespace kqtorture
