// The functions of libc that execute a program, interposed by name in programs that are linked
// with libkq: a signal that the program ignores is ignored in the next one, too, and not reset
// because a handler of libkq's was installed. libc's own do not go through its execve() as others
// see it, so each of them is here. posix_spawn(3), and system(3) and popen(3) with it, make their
// child out of sight: docs/libkq.md says what that means.
//
// They may run in a child of vfork, whose memory is its parent's: nothing is allocated.
#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

#include "interpose.h"
#include "signal_watch.h"

namespace kq {
namespace {

template <typename Call>
int executing(Call call) {
  hand_over_ignored(true);
  const int result = call();
  const int error = errno;
  hand_over_ignored(false);
  errno = error;
  return result;
}

int count_arguments(va_list list) {
  int count = 1;
  while (va_arg(list, const char*)) ++count;
  return count;
}

}  // namespace
}  // namespace kq

#define KQ_REAL(name, type)                 \
  static std::atomic<void*> cache{nullptr}; \
  const auto real = kq::next_definition<type>(&cache, name)

KQ_EXPORT int execve(const char* path, char* const argv[], char* const envp[]) {
  KQ_REAL("execve", decltype(&execve));
  return kq::executing([&] { return real(path, argv, envp); });
}

KQ_EXPORT int execv(const char* path, char* const argv[]) { return execve(path, argv, environ); }

KQ_EXPORT int execvpe(const char* file, char* const argv[], char* const envp[]) {
  KQ_REAL("execvpe", decltype(&execvpe));
  return kq::executing([&] { return real(file, argv, envp); });
}

KQ_EXPORT int execvp(const char* file, char* const argv[]) { return execvpe(file, argv, environ); }

KQ_EXPORT int fexecve(int fd, char* const argv[], char* const envp[]) {
  KQ_REAL("fexecve", decltype(&fexecve));
  return kq::executing([&] { return real(fd, argv, envp); });
}

#if defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 34)
KQ_EXPORT int execveat(int directory, const char* path, char* const argv[], char* const envp[],
                       int flags) {
  using Function = int (*)(int, const char*, char* const[], char* const[], int);
  KQ_REAL("execveat", Function);
  return kq::executing([&] { return real(directory, path, argv, envp, flags); });
}
#endif
#endif

// Collects the arguments of a variadic one on the stack, and calls body with them and the list.
#define KQ_WITH_ARGUMENTS(body)                                  \
  va_list list;                                                  \
  va_start(list, argument);                                      \
  const int count = kq::count_arguments(list) + 1;               \
  va_end(list);                                                  \
  char* argv[count]; /* NOLINT: nothing may be allocated */      \
  argv[0] = const_cast<char*>(argument);                         \
  va_start(list, argument);                                      \
  for (int i = 1; i < count; ++i) argv[i] = va_arg(list, char*); \
  body va_end(list)

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wvla"

KQ_EXPORT int execl(const char* path, const char* argument, ...) {
  int result;
  KQ_WITH_ARGUMENTS(result = execv(path, argv););
  return result;
}

KQ_EXPORT int execlp(const char* file, const char* argument, ...) {
  int result;
  KQ_WITH_ARGUMENTS(result = execvp(file, argv););
  return result;
}

KQ_EXPORT int execle(const char* path, const char* argument, ...) {
  int result;
  KQ_WITH_ARGUMENTS(result = execve(path, argv, va_arg(list, char**)););
  return result;
}

#pragma GCC diagnostic pop
