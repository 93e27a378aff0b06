// Linux says in /proc what each thread does and how often it was switched; elsewhere nobody does.
#include "engine/sleepers.h"

#if defined(__linux__)
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#endif

namespace kqtorture {

#if defined(__linux__)

pid_t current_thread() { return static_cast<pid_t>(syscall(SYS_gettid)); }

ThreadPulse pulse_of(pid_t thread) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/self/task/%d/status", static_cast<int>(thread));
  // The system's own calls: the subject may have interposed close().
  const long fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) return {};
  char text[4096];
  const long size = syscall(SYS_read, fd, text, sizeof text - 1);
  syscall(SYS_close, fd);
  if (size <= 0) return {};
  text[size] = '\0';
  ThreadPulse pulse;
  const char* state = std::strstr(text, "\nState:\t");
  pulse.sleeping = state != nullptr && state[8] == 'S';
  for (const char* name : {"\nvoluntary_ctxt_switches:", "\nnonvoluntary_ctxt_switches:"}) {
    const char* found = std::strstr(text, name);
    if (found != nullptr) pulse.switches += std::strtoull(found + std::strlen(name), nullptr, 10);
  }
  return pulse;
}

#else

pid_t current_thread() { return 0; }

ThreadPulse pulse_of(pid_t) { return {true, 0}; }

#endif

}  // namespace kqtorture
