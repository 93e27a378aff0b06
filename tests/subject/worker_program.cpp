// A program under supervise() that does what its arguments say, for worker_test.cpp: it ends in
// every way in which a worker can end.
//
// usage: worker_program [--look SECONDS] [--map] [--preload LIBRARY] ACTION [ARGUMENT]
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>

#include "report/finding.h"
#include "subject/subject.h"
#include "subject/worker.h"

namespace {

using namespace kqtorture;

void sleep_ms(long ms) {
  timespec time{ms / 1000, ms % 1000 * 1000000};
  nanosleep(&time, nullptr);
}

void spin(double seconds) {
  const std::clock_t end = std::clock() + static_cast<std::clock_t>(seconds * CLOCKS_PER_SEC);
  while (std::clock() < end) {
  }
}

int leave(int code) {
  std::fflush(nullptr);
  announce_exit(code);
  return code;
}

// Leaves its own number where the test can read it, and a child that outlives it.
void leave_child(const char* file) {
  const pid_t child = fork();
  if (child == 0) {
    for (;;) pause();
  }
  if (FILE* out = std::fopen(file, "w")) {
    std::fprintf(out, "%d %d\n", static_cast<int>(getpid()), static_cast<int>(child));
    std::fclose(out);
  }
}

int open_and_call(const char* path) {
  std::string error;
  const auto subject = Subject::open(path, &error);
  if (subject == nullptr) {
    std::fprintf(stderr, "%s\n", error.c_str());
    return leave(kExitUsage);
  }
  note_activity("kevent seed 9");
  const timespec now{0, 0};
  subject->kevent(subject->kqueue(), nullptr, 0, nullptr, 0, &now);
  return leave(kExitClean);
}

int act(const std::string& action, const char* argument) {
  if (action == "announce") return leave(std::atoi(argument));
  if (action == "exit") std::exit(std::atoi(argument));
  if (action == "announce-and-differ") {
    announce_exit(kExitClean);
    return std::atoi(argument);
  }
  if (action == "crash") {
    note_seed(17);
    note_activity("a_race seed 17");
    std::raise(std::atoi(argument));
  }
  if (action == "save-and-abort") {
    Finding finding;
    finding.verdict = "duplicate";
    finding.engine = "worker_program";
    finding.message = "seen twice";
    save_finding(finding);
    std::abort();
  }
  if (action == "sleep-with-progress") {
    for (int i = 0; i < 25; ++i) sleep_ms(100), note_progress();
    return leave(kExitClean);
  }
  if (action == "spin") {
    spin(2.5);
    return leave(kExitClean);
  }
  if (action == "spin-with-progress") {
    for (int i = 0; i < 25; ++i) spin(0.1), note_progress();
    return leave(kExitClean);
  }
  if (action == "spin-for-ever") {
    note_activity("endless");
    for (;;) spin(1);
  }
  if (action == "wait-for-spinning-child") {
    const pid_t child = fork();
    if (child == 0) {
      spin(2.5);
      _exit(0);
    }
    waitpid(child, nullptr, 0);
    return leave(kExitClean);
  }
  if (action == "hang") {
    note_activity("stuck");
    for (;;) pause();
  }
  if (action == "leave-child") {
    leave_child(argument);
    return leave(kExitClean);
  }
  if (action == "leave-child-and-hang") {
    leave_child(argument);
    for (;;) pause();
  }
  if (action == "echo-stdin") {
    char buffer[256];
    const ssize_t n = read(STDIN_FILENO, buffer, sizeof buffer);
    std::printf("read: %.*s\n", static_cast<int>(n > 0 ? n : 0), buffer);
    return leave(kExitClean);
  }
  if (action == "is-worker-marked") return leave(std::getenv("KQ_WORKER") != nullptr ? 1 : 0);
  if (action == "preloaded") {
    const char* left = std::getenv("LD_PRELOAD");
    std::printf("%s, for others %s\n", dlsym(RTLD_DEFAULT, "kqueue") != nullptr ? "yes" : "no",
                left != nullptr ? left : "nothing");
    return leave(kExitClean);
  }
  if (action == "parent") {
    std::printf("parent %d\n", static_cast<int>(getppid()));
    return leave(kExitClean);
  }
  if (action == "open") return open_and_call(argument);
  std::fprintf(stderr, "unknown action %s\n", action.c_str());
  return leave(kExitUsage);
}

std::optional<SupervisorOptions::Meaning> meaning_of(int status) {
  using Meaning = SupervisorOptions::Meaning;
  if (status == 77) return Meaning{kExitFinding, "crash", "a deadly signal"};
  if (status == 72) return Meaning{kExitUsage, "", ""};
  return std::nullopt;
}

}  // namespace

int main(int argc, char** argv) {
  SupervisorOptions options;
  options.program = "worker_program";
  int next = 1;
  if (next + 1 < argc && std::strcmp(argv[next], "--look") == 0) {
    options.look_interval = std::chrono::seconds(std::atoi(argv[next + 1]));
    next += 2;
  }
  if (next + 1 < argc && std::strcmp(argv[next], "--most-cpu") == 0) {
    options.most_cpu = std::chrono::seconds(std::atoi(argv[next + 1]));
    next += 2;
  }
  if (next < argc && std::strcmp(argv[next], "--map") == 0) {
    options.map_exit_code = meaning_of;
    ++next;
  }
  if (next + 1 < argc && std::strcmp(argv[next], "--preload") == 0) {
    options.preload = argv[next + 1];
    next += 2;
  }
  if (const auto code = supervise(argc, argv, options)) return *code;
  return act(next < argc ? argv[next] : "", next + 1 < argc ? argv[next + 1] : "0");
}
