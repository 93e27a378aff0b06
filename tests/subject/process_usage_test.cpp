// The watchdog's eyes: CPU use of a process and its family, and whether any of them wants to run.
#include "subject/process_usage.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace kqtorture {
namespace {

using std::chrono::milliseconds;

// A child that runs the function until it is killed, with whatever it started.
template <typename Function>
class Forked {
 public:
  explicit Forked(Function function) : pid_(fork()) {
    if (pid_ == 0) {
      setpgid(0, 0);
      function();
      _exit(0);
    }
    setpgid(pid_, pid_);
  }
  ~Forked() {
    kill(-pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

void sleep_for_ever() {
  for (;;) pause();
}
void compute_for_ever() {
  for (;;) {
  }
}

// Asks until the answer is yes; the test's own time limit ends what never is.
template <typename Condition>
void eventually(pid_t pid, Condition condition) {
  while (!condition(process_usage(pid))) std::this_thread::sleep_for(milliseconds(20));
}

TEST(ProcessUsage, SleeperIsNotRunnableAndUsesNothing) {
  const Forked sleeper(sleep_for_ever);
  eventually(sleeper.pid(), [](const Usage& usage) { return !usage.runnable; });
  const auto before = process_usage(sleeper.pid()).cpu;
  std::this_thread::sleep_for(milliseconds(200));
  EXPECT_EQ(process_usage(sleeper.pid()).cpu, before);
  EXPECT_FALSE(process_usage(sleeper.pid()).stopped);
}

TEST(ProcessUsage, ComputingIsSeen) {
  const Forked computer(compute_for_ever);
  eventually(computer.pid(),
             [](const Usage& usage) { return usage.runnable && usage.cpu > milliseconds(50); });
}

#if defined(__linux__)
TEST(ProcessUsage, DescendantsCount) {
  const Forked parent([] {
    if (fork() == 0) compute_for_ever();
    sleep_for_ever();
  });
  eventually(parent.pid(),
             [](const Usage& usage) { return usage.runnable && usage.cpu > milliseconds(50); });
}

TEST(ProcessUsage, EveryThreadIsNamedWithWhatItWaitsFor) {
  const Forked sleeper(sleep_for_ever);
  eventually(sleeper.pid(), [](const Usage& usage) { return !usage.runnable; });
  // ThreadSanitizer has a thread of its own in every process, so there may be others.
  const std::string first = "thread " + std::to_string(sleeper.pid()) + " (";
  int found = 0;
  for (const std::string& line : thread_states(sleeper.pid())) {
    if (line.rfind(first, 0) != 0) continue;
    found++;
    EXPECT_NE(line.find("state S"), std::string::npos) << line;
  }
  EXPECT_EQ(found, 1);
}
#endif

TEST(ProcessUsage, StoppedIsSeen) {
  const Forked sleeper(sleep_for_ever);
  kill(sleeper.pid(), SIGSTOP);
  eventually(sleeper.pid(), [](const Usage& usage) { return usage.stopped; });
}

TEST(ProcessUsage, ProcessThatIsGoneUsesNothing) {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  waitpid(child, nullptr, 0);
  EXPECT_EQ(process_usage(child).cpu, milliseconds(0));
  EXPECT_FALSE(process_usage(child).runnable);
}

}  // namespace
}  // namespace kqtorture
