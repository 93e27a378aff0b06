// Everything that fork() could break is prepared before it; between fork() and exec() the child
// makes system calls only.
#include "subject/child.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/prctl.h>
#endif

#include <cerrno>
#include <csignal>

namespace kqtorture {
namespace {

using std::chrono::milliseconds;

// How long a child may take to obey a signal before it is killed. Nothing is judged by it.
constexpr milliseconds kGrace{2000};
constexpr int kWatched[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

int wake_pipe[2] = {-1, -1};
volatile sig_atomic_t received = 0;

void on_signal(int number) {
  const int saved = errno;
  if (number != SIGCHLD) received = number;
  (void)!write(wake_pipe[1], "", 1);
  errno = saved;
}

void sleep_until_signal(milliseconds limit) {
  pollfd wake{wake_pipe[0], POLLIN, 0};
  poll(&wake, 1, static_cast<int>(limit.count()));
  char discard[64];
  while (read(wake_pipe[0], discard, sizeof discard) > 0) {
  }
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (const std::string& string : strings) result.push_back(const_cast<char*>(string.c_str()));
  result.push_back(nullptr);
  return result;
}

// In the child. Returns only when exec failed.
void become(const char* path, char* const* argv, char* const* envp, const SpawnOptions& options,
            [[maybe_unused]] pid_t parent) {
  setpgid(0, 0);
#if defined(__linux__)
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) return;  // it died before the line above
#endif
  if (options.no_input) {
    const int null = open("/dev/null", O_RDONLY);
    if (null >= 0) dup2(null, STDIN_FILENO);
    if (null > STDERR_FILENO) close(null);
  }
  if (options.output >= 0) {
    dup2(options.output, STDOUT_FILENO);
    dup2(options.output, STDERR_FILENO);
  }
  execve(path, argv, envp);
}

}  // namespace

bool watch_signals() {
  if (wake_pipe[0] >= 0) return true;
  if (pipe(wake_pipe) != 0) return false;
  for (const int end : wake_pipe) {
    fcntl(end, F_SETFD, FD_CLOEXEC);
    fcntl(end, F_SETFL, O_NONBLOCK);
  }
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigaction(SIGCHLD, &action, nullptr);
  for (const int number : kWatched) {
    struct sigaction before {};
    sigaction(number, nullptr, &before);
    if (before.sa_handler != SIG_IGN) sigaction(number, &action, nullptr);
  }
  return true;
}

int pending_signal() { return received; }

void die_of(int signal_number) {
  std::signal(signal_number, SIG_DFL);
  raise(signal_number);
}

int Child::start(const std::string& path, const std::vector<std::string>& arguments,
                 const SpawnOptions& options) {
  const std::vector<char*> argv = pointers(arguments);
  const std::vector<char*> envp = pointers(options.environment);
  int report[2];
  if (pipe(report) != 0) return errno;
  for (const int end : report) fcntl(end, F_SETFD, FD_CLOEXEC);
  const pid_t self = getpid();
  const pid_t pid = fork();
  if (pid == 0) {
    become(path.c_str(), argv.data(), envp.data(), options, self);
    const int failure = errno;
    (void)!write(report[1], &failure, sizeof failure);
    _exit(127);
  }
  int error = pid < 0 ? errno : 0;
  close(report[1]);
  if (pid > 0) {
    setpgid(pid, pid);  // the child does the same; whoever comes first
    ssize_t n;
    while ((n = read(report[0], &error, sizeof error)) < 0 && errno == EINTR) {
    }
    if (n == static_cast<ssize_t>(sizeof error)) {
      waitpid(pid, nullptr, 0);
    } else {
      pid_ = pid;
      gone_ = false;
      error = 0;
    }
  }
  close(report[0]);
  return error;
}

// The group is killed while its leader is still a zombie: until it is reaped, its number cannot
// belong to anyone else.
bool Child::reap() {
  siginfo_t info{};
  if (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
      info.si_pid == 0) {
    return false;
  }
  kill(-pid_, SIGKILL);
  while (waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
  }
  gone_ = true;
  return true;
}

bool Child::wait_until(Clock::time_point deadline) {
  for (;;) {
    if (gone_ || reap()) return true;
    if (received != 0) return false;
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    if (left <= milliseconds(0)) return false;
    sleep_until_signal(left);
  }
}

void Child::end(int signal_number) {
  for (int number = signal_number; !gone_; number = SIGKILL) {
    kill(-pid_, number);
    const auto deadline = Clock::now() + kGrace;
    do {
      received = 0;
    } while (!wait_until(deadline) && received != 0);
  }
}

}  // namespace kqtorture
