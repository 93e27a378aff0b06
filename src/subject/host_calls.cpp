// The addresses are taken here, in code that is linked like any user's: that is what makes
// interposition by name reach the tests.
#include "subject/host_calls.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace kqtorture {
namespace {

#if defined(__APPLE__)
// macOS has no pipe2. The descriptors are unknown to others until it returns, so setting the flags
// afterwards is the same except across a concurrent fork.
int host_pipe2(int fds[2], int flags) {
  if (pipe(fds) != 0) return -1;
  for (int i = 0; i < 2; ++i) {
    if (flags & O_NONBLOCK) fcntl(fds[i], F_SETFL, O_NONBLOCK);
    if (flags & O_CLOEXEC) fcntl(fds[i], F_SETFD, FD_CLOEXEC);
  }
  return 0;
}
#else
int host_pipe2(int fds[2], int flags) { return pipe2(fds, flags); }
#endif

// To the process, where that counts at once; Linux runs the handler of a signal to the process in
// any thread and at any time, but one to the calling thread before the call returns.
int host_raise(int signal) {
#if defined(__linux__)
  return ::raise(signal);
#else
  return ::kill(getpid(), signal);
#endif
}

template <typename Result, typename... Arguments>
Result missing(Arguments...) {
  errno = ENOSYS;
  return -1;
}

int missing_fcntl(int, int, ...) {
  errno = ENOSYS;
  return -1;
}

int missing_open(const char*, int, ...) {
  errno = ENOSYS;
  return -1;
}

}  // namespace

SubjectCalls host_calls() {
  SubjectCalls calls{};
  calls.close = ::close;
  calls.dup = ::dup;
  calls.dup2 = ::dup2;
  calls.fcntl = ::fcntl;
  calls.pipe = ::pipe;
  calls.pipe2 = host_pipe2;
  calls.socketpair = ::socketpair;
  calls.socket = ::socket;
  calls.bind = ::bind;
  calls.listen = ::listen;
  calls.accept = ::accept;
  calls.connect = ::connect;
  calls.getsockname = ::getsockname;
  calls.getsockopt = ::getsockopt;
  calls.setsockopt = ::setsockopt;
  calls.shutdown = ::shutdown;
  calls.read = ::read;
  calls.write = ::write;
  calls.open = ::open;
  calls.fclose = ::fclose;
  calls.freopen = ::freopen;
  calls.closedir = ::closedir;
  calls.raise = host_raise;
  calls.sigaction = ::sigaction;
#if defined(__linux__)
  calls.dup3 = ::dup3;
  calls.close_range = ::close_range;
#endif
  return calls;
}

SubjectCalls missing_calls() {
  SubjectCalls calls{};
  calls.close = missing<int, int>;
  calls.dup = missing<int, int>;
  calls.dup2 = missing<int, int, int>;
  calls.fcntl = missing_fcntl;
  calls.pipe = missing<int, int*>;
  calls.pipe2 = missing<int, int*, int>;
  calls.socketpair = missing<int, int, int, int, int*>;
  calls.socket = missing<int, int, int, int>;
  calls.bind = missing<int, int, const sockaddr*, socklen_t>;
  calls.listen = missing<int, int, int>;
  calls.accept = missing<int, int, sockaddr*, socklen_t*>;
  calls.connect = missing<int, int, const sockaddr*, socklen_t>;
  calls.getsockname = missing<int, int, sockaddr*, socklen_t*>;
  calls.getsockopt = missing<int, int, int, int, void*, socklen_t*>;
  calls.setsockopt = missing<int, int, int, int, const void*, socklen_t>;
  calls.shutdown = missing<int, int, int>;
  calls.read = missing<ssize_t, int, void*, size_t>;
  calls.write = missing<ssize_t, int, const void*, size_t>;
  calls.open = missing_open;
  calls.raise = missing<int, int>;
  calls.sigaction = missing<int, int, const struct sigaction*, struct sigaction*>;
  return calls;
}

}  // namespace kqtorture
