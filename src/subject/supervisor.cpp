// The supervisor's side: start the worker, watch it, and say in words how it ended.
//
// The worker is the same program, re-executed, in a process group of its own, so that whatever it
// started can be ended with it. The supervisor sleeps in poll() on a pipe that signal handlers
// write to; it starts no threads and loads nothing.
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/prctl.h>
#endif

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "report/finding.h"
#include "report/text.h"
#include "subject/executable.h"
#include "subject/process_usage.h"
#include "subject/shared_page.h"
#include "subject/subject.h"
#include "subject/worker.h"

extern char** environ;

namespace kqtorture {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Exit statuses of the sanitizers, which end a process in place of what it announced. The first is
// chosen here, because AddressSanitizer's own default is 1; the other two are their defaults.
constexpr int kAddressSanitizerStatus = 99;
constexpr int kThreadSanitizerStatus = 66;
constexpr int kLeakSanitizerStatus = 23;

// How long a worker may take to obey a signal before it is killed. Nothing is judged by it.
constexpr milliseconds kGrace{2000};
// A worker counts as idle when it used less than this part of the time between two looks: runtimes
// (ThreadSanitizer's, libFuzzer's) have threads that wake up a few times a second for microseconds.
constexpr int kIdlePart = 200;

constexpr int kForwarded[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

int wake_pipe[2] = {-1, -1};
volatile sig_atomic_t received_signal = 0;

void on_signal(int number) {
  const int saved = errno;
  if (number != SIGCHLD) received_signal = number;
  (void)!write(wake_pipe[1], "", 1);
  errno = saved;
}

bool install_handlers() {
  if (pipe(wake_pipe) != 0) return false;
  for (const int end : wake_pipe) {
    fcntl(end, F_SETFD, FD_CLOEXEC);
    fcntl(end, F_SETFL, O_NONBLOCK);
  }
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigaction(SIGCHLD, &action, nullptr);
  for (const int number : kForwarded) {
    struct sigaction before;
    sigaction(number, nullptr, &before);
    if (before.sa_handler != SIG_IGN) sigaction(number, &action, nullptr);
  }
  return true;
}

// An unnamed file that the worker can map: its descriptor survives exec.
int create_page_file() {
#if defined(__linux__)
  const int fd = memfd_create("kqtorture-worker", 0);
#else
  char name[] = "/tmp/kqtorture-worker-XXXXXX";
  const int fd = mkstemp(name);
  if (fd >= 0) unlink(name);
#endif
  if (fd >= 0 && ftruncate(fd, sizeof(SharedPage)) != 0) {
    close(fd);
    return -1;
  }
  return fd;
}

SharedPage* map_page(int fd) {
  void* memory = mmap(nullptr, sizeof(SharedPage), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<SharedPage*>(memory);
}

// The environment of the worker: the page's descriptor, and an exit status that tells a report of
// AddressSanitizer from an exit(1). The user's own options come last and win.
std::vector<std::string> worker_environment(int fd) {
  std::vector<std::string> variables;
  std::string asan = "exitcode=" + std::to_string(kAddressSanitizerStatus);
  std::string ubsan = asan;
  const auto collect = [](const char* variable, const char* name, std::string* options) {
    const size_t length = std::strlen(name);
    if (std::strncmp(variable, name, length) != 0 || variable[length] != '=') return false;
    *options += ":" + std::string(variable + length + 1);
    return true;
  };
  std::string ignored;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (!collect(*variable, kWorkerVariable, &ignored) &&
        !collect(*variable, "ASAN_OPTIONS", &asan) &&
        !collect(*variable, "UBSAN_OPTIONS", &ubsan)) {
      variables.push_back(*variable);
    }
  }
  variables.push_back("ASAN_OPTIONS=" + asan);
  variables.push_back("UBSAN_OPTIONS=" + ubsan);
  variables.push_back(std::string(kWorkerVariable) + "=" + std::to_string(fd));
  return variables;
}

struct Started {
  pid_t pid = -1;
  int error = 0;  // errno of fork or exec
};

// Everything is prepared before fork(): the child makes system calls only.
Started start_worker(char** argv, int page_fd) {
  std::string path = executable_path();
  if (path.empty()) path = argv[0];
  std::vector<std::string> variables = worker_environment(page_fd);
  std::vector<char*> envp;
  for (std::string& variable : variables) envp.push_back(variable.data());
  envp.push_back(nullptr);
  int report[2];
  if (pipe(report) != 0) return {-1, errno};
  for (const int end : report) fcntl(end, F_SETFD, FD_CLOEXEC);

  [[maybe_unused]] const pid_t self = getpid();
  const pid_t pid = fork();
  if (pid == 0) {
    setpgid(0, 0);
#if defined(__linux__)
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != self) _exit(kExitUsage);  // it died before the line above
#endif
    execve(path.c_str(), argv, envp.data());
    const int error = errno;
    (void)!write(report[1], &error, sizeof error);
    _exit(kExitUsage);
  }
  Started started{pid, pid < 0 ? errno : 0};
  close(report[1]);
  if (pid > 0) {
    setpgid(pid, pid);
    int error = 0;
    if (read(report[0], &error, sizeof error) == static_cast<ssize_t>(sizeof error)) {
      waitpid(pid, nullptr, 0);
      started = {-1, error};
    }
  }
  close(report[0]);
  return started;
}

std::string read_activity(const SharedPage& page) {
  std::string text;
  for (const std::atomic<char>& c : page.activity) {
    const char value = c.load(std::memory_order_relaxed);
    if (value == '\0') break;
    text += value;
  }
  return text;
}

class Supervision {
 public:
  Supervision(const SupervisorOptions& options, SharedPage* page, pid_t pid)
      : options_(options), page_(page), pid_(pid) {}

  int run();

 private:
  struct Look {
    uint64_t progress;
    Usage usage;
  };

  Look look() const {
    return {page_->progress.load(std::memory_order_relaxed), process_usage(pid_)};
  }
  bool hung_between(const Look& before, const Look& now) const;
  // Waits until the worker is gone (true) or the time is up or a signal arrived (false).
  bool wait_until(steady_clock::time_point deadline);
  bool reap();
  void signal_group(int number) const { kill(-pid_, number); }
  void end_worker(int number);
  int judge() const;
  int judge_exit(int status) const;
  int conclude(const std::string& verdict, const std::string& message,
               std::vector<std::string> detail = {}) const;

  const SupervisorOptions& options_;
  SharedPage* page_;
  pid_t pid_;
  int status_ = 0;
  bool gone_ = false;
};

bool Supervision::hung_between(const Look& before, const Look& now) const {
  const auto used = now.usage.cpu - before.usage.cpu;
  return now.progress == before.progress && !now.usage.runnable && !now.usage.stopped &&
         !before.usage.stopped && used <= milliseconds(options_.look_interval) / kIdlePart;
}

// The group is killed while the worker is still a zombie: until it is reaped, its number cannot
// belong to anyone else.
bool Supervision::reap() {
  siginfo_t info{};
  if (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
      info.si_pid == 0) {
    return false;
  }
  signal_group(SIGKILL);
  while (waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
  }
  gone_ = true;
  return true;
}

bool Supervision::wait_until(steady_clock::time_point deadline) {
  for (;;) {
    if (gone_ || reap()) return true;
    if (received_signal != 0) return false;
    const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
    if (left <= milliseconds(0)) return false;
    pollfd wake{wake_pipe[0], POLLIN, 0};
    poll(&wake, 1, static_cast<int>(left.count()));
    char discard[64];
    while (read(wake_pipe[0], discard, sizeof discard) > 0) {
    }
  }
}

void Supervision::end_worker(int number) {
  signal_group(number);
  received_signal = 0;
  if (!wait_until(steady_clock::now() + kGrace)) {
    signal_group(SIGKILL);
    received_signal = 0;
    while (!wait_until(steady_clock::now() + kGrace)) received_signal = 0;
  }
}

int Supervision::run() {
  Look before = look();
  for (;;) {
    if (wait_until(steady_clock::now() + options_.look_interval)) return judge();
    if (const int number = received_signal) {
      end_worker(number);
      std::signal(number, SIG_DFL);
      raise(number);
      return kExitUsage;  // not reached, unless the signal is blocked
    }
    const Look now = look();
    if (hung_between(before, now)) {
      std::vector<std::string> detail = thread_states(pid_);
      // SIGABRT first: libFuzzer saves its input on it, and a sanitizer may print a stack.
      end_worker(SIGABRT);
      return conclude(
          "hang",
          "no progress and no CPU use for " + std::to_string(options_.look_interval.count()) + " s",
          std::move(detail));
    }
    before = now;
  }
}

int Supervision::judge() const {
  if (WIFSIGNALED(status_)) {
    const int number = WTERMSIG(status_);
    // A program that found something, saved it and aborted has said everything.
    if (number == SIGABRT && page_->findings.load() > 0) return kExitFinding;
    return conclude("crash", "the worker died of signal " + std::to_string(number) + " (" +
                                 strsignal(number) + ")");
  }
  return judge_exit(WEXITSTATUS(status_));
}

int Supervision::judge_exit(int status) const {
  const uint32_t announced = page_->announced.load(std::memory_order_relaxed);
  const bool has_announced = (announced & SharedPage::kAnnounced) != 0;
  if (has_announced && static_cast<int>(announced & 0xFF) == status) return status;
  switch (status) {
    case kAddressSanitizerStatus:
      return conclude("crash", "AddressSanitizer or UndefinedBehaviorSanitizer reported an error");
    case kThreadSanitizerStatus:
      return conclude("race", "ThreadSanitizer reported a race");
    case kLeakSanitizerStatus:
      return conclude("crash", "LeakSanitizer reported a leak");
    default:
      break;
  }
  if (has_announced) {
    return conclude("exit", "the worker announced exit status " + std::to_string(announced & 0xFF) +
                                " and ended with " + std::to_string(status));
  }
  const auto meaning = options_.map_exit_code ? options_.map_exit_code(status) : std::nullopt;
  if (!meaning) {
    return conclude("exit", "the process was ended with exit status " + std::to_string(status) +
                                " from inside the subject");
  }
  if (meaning->code != kExitFinding) return meaning->code;
  if (page_->findings.load() > 0) return kExitFinding;
  return conclude(meaning->verdict, meaning->message);
}

int Supervision::conclude(const std::string& verdict, const std::string& message,
                          std::vector<std::string> detail) const {
  const std::string activity = read_activity(*page_);
  Finding finding;
  finding.verdict = verdict;
  finding.engine = options_.program;
  finding.scenario = activity.substr(0, activity.find(' '));
  finding.subject = Subject::default_spec();
  if (const char* profile = std::getenv("KQ_PROFILE")) finding.profile = profile;
  finding.seed = page_->seed.load(std::memory_order_relaxed);
  if (!page_->has_seed.load(std::memory_order_relaxed)) {
    const char* seed = std::getenv("KQ_SEED");
    finding.seed = seed != nullptr ? std::strtoull(seed, nullptr, 0) : 0;
  }
  finding.message = message + (finding.scenario.empty() ? " before anything was run"
                                                        : " during " + finding.scenario);
  if (!activity.empty()) finding.detail.push_back("activity: " + activity);
  finding.detail.push_back("steps of progress: " + std::to_string(page_->progress.load()));
  for (std::string& line : detail) finding.detail.push_back(std::move(line));
  save_finding(finding);
  return kExitFinding;
}

int environment_error(const SupervisorOptions& options, const std::string& what, int error) {
  std::fprintf(stderr, "%s: %s: %s\n", options.program.c_str(), what.c_str(), std::strerror(error));
  return kExitUsage;
}

// The descriptor in KQ_WORKER, if it really is a page that a supervisor made.
SharedPage* inherited_page(const char* text) {
  char* end = nullptr;
  const long fd = std::strtol(text, &end, 10);
  if (end == text || *end != '\0' || fd <= 2 || fd > 1 << 20) return nullptr;
  SharedPage* page = nullptr;
  // The size first: touching a mapping beyond the end of a smaller file is fatal.
  if (lseek(static_cast<int>(fd), 0, SEEK_END) == static_cast<off_t>(sizeof(SharedPage))) {
    page = map_page(static_cast<int>(fd));
  }
  if (page == nullptr || page->magic != SharedPage::kMagic) return nullptr;
  close(static_cast<int>(fd));
  return page;
}

}  // namespace

std::optional<int> supervise(int, char** argv, const SupervisorOptions& options) {
  if (const char* text = std::getenv(kWorkerVariable); text != nullptr && *text != '\0') {
    if (std::strcmp(text, "0") == 0) return std::nullopt;
    SharedPage* page = inherited_page(text);
    if (page == nullptr) {
      std::fprintf(stderr, "%s: KQ_WORKER is set by the supervisor; by hand only to 0\n",
                   options.program.c_str());
      return kExitUsage;
    }
    use_shared_page(page);
    // What this worker starts is not a worker.
    unsetenv(kWorkerVariable);
    return std::nullopt;
  }
  const int fd = create_page_file();
  SharedPage* page = fd >= 0 ? map_page(fd) : nullptr;
  if (page == nullptr)
    return environment_error(options, "cannot share memory with a worker", errno);
  page->magic = SharedPage::kMagic;
  if (!install_handlers()) return environment_error(options, "cannot watch a worker", errno);
  const Started started = start_worker(argv, fd);
  close(fd);
  if (started.pid < 0) return environment_error(options, "cannot start a worker", started.error);
  return Supervision(options, page, started.pid).run();
}

}  // namespace kqtorture
