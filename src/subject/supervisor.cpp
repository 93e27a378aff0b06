// The supervisor's side: start the worker, watch it, and say in words how it ended.
//
// The worker is the same program, re-executed, in a process group of its own, so that whatever it
// started can be ended with it. The supervisor sleeps in poll() on a pipe that signal handlers
// write to; it starts no threads and loads nothing.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "report/finding.h"
#include "subject/child.h"
#include "subject/executable.h"
#include "subject/process_usage.h"
#include "subject/sanitizers.h"
#include "subject/shared_page.h"
#include "subject/subject.h"
#include "subject/worker.h"

extern char** environ;

namespace kqtorture {
namespace {

using std::chrono::milliseconds;

// Exit statuses of the sanitizers, which end a process in place of what it announced. The first is
// chosen here, because AddressSanitizer's own default is 1; the other two are their defaults.
constexpr int kAddressSanitizerStatus = 99;
constexpr int kThreadSanitizerStatus = 66;
constexpr int kLeakSanitizerStatus = 23;

// A worker counts as idle when it used less than this part of the time between two looks: runtimes
// (ThreadSanitizer's, libFuzzer's) have threads that wake up a few times a second for microseconds.
constexpr int kIdlePart = 200;

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

// What sanitizers do by default, changed where two different ends would look alike: a report of
// AddressSanitizer and an exit(1); a deadly signal under ThreadSanitizer and a race.
struct SanitizerOptions {
  const char* variable;
  std::string options;
};

constexpr const char* kPreloadVariable = "LD_PRELOAD";

// What the user has in the variable comes after ours, and is left to what the worker starts.
void forget_preload(const std::string& ours) {
  const char* value = std::getenv(kPreloadVariable);
  if (ours.empty() || value == nullptr || std::strncmp(value, ours.c_str(), ours.size()) != 0) {
    return;
  }
  const std::string rest = value + ours.size();
  if (rest.empty()) {
    unsetenv(kPreloadVariable);
  } else if (rest[0] == ':') {
    setenv(kPreloadVariable, rest.c_str() + 1, 1);
  }
}

// The environment of the worker: how sanitizers end it, with the user's own options last so that
// they win, what to load it with, and the page's descriptor.
std::vector<std::string> worker_environment(const std::string& preload, int fd) {
  const std::string status = "exitcode=" + std::to_string(kAddressSanitizerStatus);
  SanitizerOptions sanitizers[] = {
      {"ASAN_OPTIONS", status}, {"UBSAN_OPTIONS", status}, {"TSAN_OPTIONS", "abort_on_error=1"}};
  std::string libraries = preload;
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text = *variable;
    const std::string name = text.substr(0, text.find('='));
    bool taken = name == kWorkerVariable;
    if (name == kPreloadVariable && !preload.empty()) {
      libraries += ":" + text.substr(name.size() + 1);
      taken = true;
    }
    for (SanitizerOptions& sanitizer : sanitizers) {
      if (name != sanitizer.variable) continue;
      sanitizer.options += ":" + text.substr(name.size() + 1);
      taken = true;
    }
    if (!taken) variables.push_back(text);
  }
  for (const SanitizerOptions& sanitizer : sanitizers) {
    variables.push_back(std::string(sanitizer.variable) + "=" + sanitizer.options);
  }
  if (!preload.empty()) variables.push_back(std::string(kPreloadVariable) + "=" + libraries);
  variables.push_back(std::string(kWorkerVariable) + "=" + std::to_string(fd));
  return variables;
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
  Supervision(const SupervisorOptions& options, SharedPage* page, Child* worker)
      : options_(options), page_(page), worker_(worker) {}

  int run();

 private:
  struct Look {
    uint64_t progress;
    Usage usage;
  };

  Look look() const {
    return {page_->progress.load(std::memory_order_relaxed), process_usage(worker_->pid())};
  }
  bool hung_between(const Look& before, const Look& now) const;
  bool endless_since(const Look& progressed, const Look& now) const;
  int conclude_hang(const std::string& message);
  int judge() const;
  int judge_exit(int status) const;
  int conclude(const std::string& verdict, const std::string& message,
               std::vector<std::string> detail = {}) const;

  const SupervisorOptions& options_;
  SharedPage* page_;
  Child* worker_;
};

bool Supervision::hung_between(const Look& before, const Look& now) const {
  // A descendant that has ended takes its CPU time out of the sum: that is something happening too.
  const auto used = now.usage.cpu - before.usage.cpu;
  return now.progress == before.progress && !now.usage.runnable && !now.usage.stopped &&
         !before.usage.stopped && used >= milliseconds(0) &&
         used <= milliseconds(options_.look_interval) / kIdlePart;
}

bool Supervision::endless_since(const Look& progressed, const Look& now) const {
  return options_.most_cpu > std::chrono::seconds(0) &&
         now.usage.cpu - progressed.usage.cpu > milliseconds(options_.most_cpu);
}

int Supervision::conclude_hang(const std::string& message) {
  // It may have ended while it was looked at.
  if (worker_->wait_until(Child::Clock::now())) return judge();
  std::vector<std::string> detail = thread_states(worker_->pid());
  // SIGABRT first: libFuzzer saves its input on it, and a sanitizer may print a stack.
  worker_->end(SIGABRT);
  return conclude("hang", message, std::move(detail));
}

int Supervision::run() {
  Look before = look();
  Look progressed = before;
  for (;;) {
    if (worker_->wait_until(Child::Clock::now() + options_.look_interval)) return judge();
    if (const int number = pending_signal()) {
      worker_->end(number);
      die_of(number);
      return kExitUsage;  // not reached, unless the signal is blocked
    }
    const Look now = look();
    if (hung_between(before, now)) {
      return conclude_hang("no progress and no CPU use for " +
                           std::to_string(options_.look_interval.count()) + " s");
    }
    // A descendant that has ended takes its CPU time out of the sum.
    if (now.progress != progressed.progress || now.usage.cpu < progressed.usage.cpu) {
      progressed = now;
    } else if (endless_since(progressed, now)) {
      return conclude_hang("no progress in " + std::to_string(options_.most_cpu.count()) +
                           " s of CPU time");
    }
    before = now;
  }
}

int Supervision::judge() const {
  const int status = worker_->status();
  if (WIFSIGNALED(status)) {
    const int number = WTERMSIG(status);
    // A program that found something, saved it and aborted has said everything.
    if (number == SIGABRT && page_->findings.load() > 0) return kExitFinding;
    return conclude("crash", "the worker died of signal " + std::to_string(number) + " (" +
                                 strsignal(number) + ")");
  }
  return judge_exit(WEXITSTATUS(status));
}

int Supervision::judge_exit(int status) const {
  const uint32_t announced = page_->announced.load(std::memory_order_relaxed);
  const bool has_announced = (announced & SharedPage::kAnnounced) != 0;
  const int code = static_cast<int>(announced & 0xFF);
  if (has_announced && code == status) return status;
  // Sanitizers put their own status in place of the announced one. What the worker has saved as a
  // finding needs no second one.
  if (has_announced && code == kExitFinding && page_->findings.load() > 0) return kExitFinding;
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
    // Programs may choose another status for ThreadSanitizer; it is the only one that changes it.
    return conclude(kThreadSanitizer ? "race" : "exit",
                    "the worker announced exit status " + std::to_string(code) +
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
  if (options_.complete) options_.complete(&finding);
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

std::optional<int> supervise(int argc, char** argv, const SupervisorOptions& options) {
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
    forget_preload(options.preload);
    return std::nullopt;
  }
  const int fd = create_page_file();
  SharedPage* page = fd >= 0 ? map_page(fd) : nullptr;
  if (page == nullptr)
    return environment_error(options, "cannot share memory with a worker", errno);
  page->magic = SharedPage::kMagic;
  if (!watch_signals()) return environment_error(options, "cannot watch a worker", errno);
  std::string path = executable_path();
  if (path.empty()) path = argv[0];
  SpawnOptions spawn;
  spawn.environment = worker_environment(options.preload, fd);
  Child worker;
  const int error = worker.start(path, std::vector<std::string>(argv, argv + argc), spawn);
  close(fd);
  if (error != 0) return environment_error(options, "cannot start a worker", error);
  return Supervision(options, page, &worker).run();
}

}  // namespace kqtorture
