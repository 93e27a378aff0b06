// Is a process, with everything it started, doing anything? Not for use outside this room.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

namespace kqtorture {

struct Usage {
  std::chrono::milliseconds cpu{0};  // used so far by the process and its living descendants
  bool runnable = false;             // a thread of theirs wants the CPU, or waits for the disk
  bool stopped = false;              // stopped by a signal or a debugger
};

Usage process_usage(pid_t root);

// What every thread of the process is waiting in, one line each, as far as the system tells.
std::vector<std::string> thread_states(pid_t pid);

}  // namespace kqtorture
