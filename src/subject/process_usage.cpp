// Descendants count, because a worker may wait for children of its own (libFuzzer's -fork mode, a
// test that forks). On Linux /proc is read once per look, which is every few seconds; elsewhere ps
// is asked about the process itself.
#include "subject/process_usage.h"

#include <unistd.h>
#if defined(__linux__)
#include <sys/syscall.h>
#endif

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <unordered_map>
#include <unordered_set>

namespace kqtorture {
namespace {

#if defined(__linux__)

struct Process {
  pid_t parent = 0;
  char state = '?';
  unsigned long long ticks = 0;
};

// /proc/<pid>/stat or /proc/<pid>/task/<tid>/stat. The name in parentheses may contain anything, so
// parsing starts behind the last parenthesis.
bool read_stat(const std::string& path, Process* process) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return false;
  const size_t close = line.rfind(')');
  if (close == std::string::npos) return false;
  std::istringstream fields(line.substr(close + 1));
  std::string skipped;
  unsigned long long user = 0, system = 0;
  fields >> process->state >> process->parent;
  for (int i = 0; i < 9; ++i) fields >> skipped;  // pgrp to cmajflt
  fields >> user >> system;
  process->ticks = user + system;
  return !fields.fail();
}

std::vector<std::string> numeric_entries(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator it(directory, error), end; !error && it != end;
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name.find_first_not_of("0123456789") == std::string::npos) names.push_back(name);
  }
  return names;
}

void add_threads(pid_t pid, Usage* usage) {
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  for (const std::string& tid : numeric_entries(tasks)) {
    Process thread;
    if (!read_stat(tasks + "/" + tid + "/stat", &thread)) continue;
    usage->runnable = usage->runnable || thread.state == 'R' || thread.state == 'D';
    usage->stopped = usage->stopped || thread.state == 'T' || thread.state == 't';
  }
}

// "202 (futex) 0x7f..": the number alone tells a person nothing. Only calls that may block long.
std::string named_call(const std::string& line) {
  struct Call {
    long number;
    const char* name;
  };
#define KQT_CALL(name) \
  Call { SYS_##name, #name }
  static constexpr Call kCalls[] = {
    KQT_CALL(read),
    KQT_CALL(write),
    KQT_CALL(readv),
    KQT_CALL(writev),
    KQT_CALL(ppoll),
    KQT_CALL(pselect6),
    KQT_CALL(epoll_pwait),
    KQT_CALL(futex),
    KQT_CALL(nanosleep),
    KQT_CALL(wait4),
    KQT_CALL(waitid),
    KQT_CALL(accept),
    KQT_CALL(accept4),
    KQT_CALL(connect),
    KQT_CALL(recvfrom),
    KQT_CALL(recvmsg),
    KQT_CALL(recvmmsg),
    KQT_CALL(sendto),
    KQT_CALL(sendmsg),
    KQT_CALL(flock),
    KQT_CALL(fcntl),
    KQT_CALL(splice),
    KQT_CALL(openat),
    KQT_CALL(rt_sigsuspend),
    KQT_CALL(rt_sigtimedwait),
    KQT_CALL(msgrcv),
    KQT_CALL(semtimedop),
    KQT_CALL(clock_nanosleep),
    KQT_CALL(io_getevents),
    KQT_CALL(ioctl),
    KQT_CALL(fsync),
#if defined(SYS_poll)
    KQT_CALL(poll),
    KQT_CALL(select),
    KQT_CALL(epoll_wait),
    KQT_CALL(pause),
#endif
  };
#undef KQT_CALL
  const size_t end = line.find(' ');
  for (const Call& call : kCalls) {
    if (line.substr(0, end) != std::to_string(call.number)) continue;
    return line.substr(0, end) + " (" + call.name + ")" +
           (end == std::string::npos ? "" : line.substr(end));
  }
  return line;
}

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

#else

std::string run(const std::string& command) {
  std::string output;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return output;
  char buffer[256];
  while (std::fgets(buffer, sizeof buffer, pipe) != nullptr) output += buffer;
  pclose(pipe);
  return output;
}

// "[[dd-]hh:]mm:ss[.cc]"
std::chrono::milliseconds parse_time(const std::string& text) {
  double seconds = 0, part = 0;
  std::istringstream in(text);
  char separator = ' ';
  while (in >> part) {
    seconds = seconds * (separator == '-' ? 24 : 60) + part;
    if (!(in >> separator)) break;
  }
  return std::chrono::milliseconds(static_cast<long long>(seconds * 1000));
}

#endif

}  // namespace

#if defined(__linux__)

Usage process_usage(pid_t root) {
  std::unordered_map<pid_t, Process> all;
  for (const std::string& name : numeric_entries("/proc")) {
    Process process;
    if (read_stat("/proc/" + name + "/stat", &process)) {
      all[static_cast<pid_t>(std::atoi(name.c_str()))] = process;
    }
  }
  std::unordered_set<pid_t> family{root};
  for (bool grown = true; grown;) {
    grown = false;
    for (const auto& [pid, process] : all) {
      if (family.count(process.parent) != 0) grown = family.insert(pid).second || grown;
    }
  }
  Usage usage;
  unsigned long long ticks = 0;
  for (const pid_t pid : family) {
    const auto process = all.find(pid);
    if (process == all.end()) continue;
    ticks += process->second.ticks;
    add_threads(pid, &usage);
  }
  const auto per_second = static_cast<unsigned long long>(sysconf(_SC_CLK_TCK));
  usage.cpu = std::chrono::milliseconds(ticks * 1000 / per_second);
  return usage;
}

std::vector<std::string> thread_states(pid_t pid) {
  std::vector<std::string> lines;
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  for (const std::string& tid : numeric_entries(tasks)) {
    const std::string task = tasks + "/" + tid;
    Process thread;
    read_stat(task + "/stat", &thread);
    lines.push_back("thread " + tid + " (" + first_line(task + "/comm") + "): state " +
                    thread.state + ", in " + first_line(task + "/wchan") + ", system call " +
                    named_call(first_line(task + "/syscall")));
  }
  return lines;
}

#else

Usage process_usage(pid_t root) {
  std::istringstream output(run("ps -o state= -o time= -p " + std::to_string(root)));
  std::string state, time;
  output >> state >> time;
  Usage usage;
  usage.cpu = parse_time(time);
  usage.runnable = !state.empty() && (state[0] == 'R' || state[0] == 'D' || state[0] == 'U');
  usage.stopped = !state.empty() && state[0] == 'T';
  return usage;
}

std::vector<std::string> thread_states(pid_t pid) {
  std::istringstream output(run("ps -o state,wchan,command -p " + std::to_string(pid)));
  std::vector<std::string> lines;
  for (std::string line; std::getline(output, line);) lines.push_back(line);
  return lines;
}

#endif

}  // namespace kqtorture
