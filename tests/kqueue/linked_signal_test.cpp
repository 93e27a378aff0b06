// What does a program that is linked with libkq notice of the handlers that count for it? All of
// libc's functions show and set its own dispositions, a forked child and the program it executes
// have them, and a signal that all threads block is counted when it becomes pending.
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <string>

#include "objects.h"
#include "subject/sanitizers.h"

// Old functions are tested here, too.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

extern "C" sighandler_t bsd_signal(int signal, sighandler_t handler);  // not declared any more

namespace kqtorture {
namespace {

volatile sig_atomic_t runs = 0;
void count_run(int) { runs = runs + 1; }

class LinkedSignal : public KqueueTest {
 protected:
  void SetUp() override {
    if (!subject().is_emulator()) GTEST_SKIP() << "linked with libkq, but another kqueue is tested";
    KqueueTest::SetUp();
    runs = 0;
    sigaction(SIGUSR1, nullptr, &before_);
    signal(SIGUSR1, SIG_IGN);
    ASSERT_EQ(submit(kq_, ev(SIGUSR1, filter::kSignal, flag::kAdd)), 0);
  }
  void TearDown() override {
    if (subject().is_emulator()) sigaction(SIGUSR1, &before_, nullptr);
  }
  static struct sigaction shown() {
    struct sigaction act {};
    EXPECT_EQ(sigaction(SIGUSR1, nullptr, &act), 0);
    return act;
  }
  // Runs body in a child, made by fork or vfork, and returns its exit code, 100 if it crashed.
  template <typename Body>
  static int in_child(pid_t (*make)(), Body body) {
    const pid_t child = make();
    if (child == 0) _exit(body());
    EXPECT_GT(child, 0);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100;
  }
  struct sigaction before_ {};
};

constexpr char kOthersFunctions[] = "ThreadSanitizer has signal() and its like of its own";

TEST_F(LinkedSignal, EveryFunctionOfLibcSetsTheProgramsDisposition) {
  if (kThreadSanitizer) GTEST_SKIP() << kOthersFunctions;
  EXPECT_EQ(signal(SIGUSR1, count_run), SIG_IGN);
  EXPECT_EQ(shown().sa_handler, count_run);
  EXPECT_EQ(shown().sa_flags & SA_RESTART, SA_RESTART);
  raise(SIGUSR1);
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(siginterrupt(SIGUSR1, 1), 0);
  EXPECT_EQ(shown().sa_flags & SA_RESTART, 0);
  EXPECT_EQ(signal(SIGUSR1, count_run), count_run);
  EXPECT_EQ(shown().sa_flags & SA_RESTART, 0) << "siginterrupt() lasts";
  EXPECT_EQ(siginterrupt(SIGUSR1, 0), 0);
  EXPECT_EQ(sigset(SIGUSR1, SIG_IGN), count_run);
  EXPECT_EQ(sigset(SIGUSR1, SIG_HOLD), SIG_IGN);
  EXPECT_EQ(sigset(SIGUSR1, count_run), SIG_HOLD);
  EXPECT_EQ(shown().sa_handler, count_run);
  EXPECT_EQ(sigignore(SIGUSR1), 0);
  EXPECT_EQ(shown().sa_handler, SIG_IGN);
  EXPECT_EQ(sysv_signal(SIGUSR1, count_run), SIG_IGN);
  raise(SIGUSR1);
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(shown().sa_handler, SIG_DFL) << "System V's handlers run once";
  EXPECT_EQ(ssignal(SIGUSR1, SIG_IGN), SIG_DFL);
  raise(SIGUSR1);
  EXPECT_EQ(__sysv_signal(SIGUSR1, count_run), SIG_IGN);
  EXPECT_EQ(bsd_signal(SIGUSR1, SIG_IGN), count_run);
  EXPECT_EQ(only_event(kq_).data, 3);
}

// As the kernel resets it: the handler alone.
TEST_F(LinkedSignal, AHandlerForOneSignalLeavesItsMask) {
  if (kThreadSanitizer) GTEST_SKIP() << "ThreadSanitizer's own handlers block every signal";
  struct sigaction act {};
  act.sa_handler = count_run;
  act.sa_flags = static_cast<int>(SA_RESETHAND);
  for (const int blocked : {SIGALRM, SIGUSR2, SIGTTOU}) sigaddset(&act.sa_mask, blocked);
  ASSERT_EQ(submit(kq_, ev(SIGURG, filter::kSignal, flag::kAdd)), 0);
  struct sigaction before {};
  ASSERT_EQ(sigaction(SIGURG, &act, &before), 0);
  raise(SIGURG);
  EXPECT_EQ(runs, 1);
  struct sigaction after {};
  ASSERT_EQ(sigaction(SIGURG, &before, &after), 0);
  EXPECT_EQ(after.sa_handler, SIG_DFL);
  for (int number = 1; number < 32; ++number) {
    EXPECT_EQ(sigismember(&after.sa_mask, number), sigismember(&act.sa_mask, number)) << number;
  }
}

TEST_F(LinkedSignal, NoPostIsLostThoughTwoThreadsHandleThem) {
  if (kThreadSanitizer) GTEST_SKIP() << "ThreadSanitizer delivers signals when it likes";
  // One that counts without a care loses one of some ten thousand.
  constexpr int kPosts = 60000;
  const auto post = [] {
    const long process = getpid(), thread = syscall(SYS_gettid);
    for (int i = 0; i < kPosts; ++i) syscall(SYS_tgkill, process, thread, SIGUSR1);
  };
  std::thread other(post);
  post();
  other.join();
  EXPECT_EQ(only_event(kq_).data, 2 * kPosts);
}

TEST_F(LinkedSignal, WhatLibcRefusesIsRefused) {
  if (kThreadSanitizer) GTEST_SKIP() << kOthersFunctions;
  EXPECT_EQ(signal(SIGKILL, SIG_IGN), SIG_ERR);
  EXPECT_EQ(signal(0, SIG_IGN), SIG_ERR);
  EXPECT_EQ(signal(-1, SIG_IGN), SIG_ERR);
  EXPECT_EQ(signal(65, SIG_IGN), SIG_ERR);
  EXPECT_EQ(signal(SIGUSR1, SIG_ERR), SIG_ERR);
  EXPECT_EQ(sigignore(SIGSTOP), -1);
  EXPECT_EQ(siginterrupt(1000, 1), -1);
  EXPECT_EQ(sigset(33, SIG_IGN), SIG_ERR);
}

TEST_F(LinkedSignal, ADefaultThatEndsTheProcessEndsIt) {
  signal(SIGUSR1, SIG_DFL);
  int status = 0;
  const pid_t child = fork();
  if (child == 0) {
    const int kq = subject().kqueue();
    const Kevent add = ev(SIGUSR1, filter::kSignal, flag::kAdd);
    if (subject().kevent(kq, &add, 1, nullptr, 0, nullptr) != 0) _exit(1);
    raise(SIGUSR1);
    _exit(2);
  }
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1) << status;
}

TEST_F(LinkedSignal, AForkedChildHasTheProgramsDispositionsAndCountsNothing) {
  const auto body = [] {
    struct sigaction act {};
    if (sigaction(SIGUSR1, nullptr, &act) != 0 || act.sa_handler != SIG_IGN) return 1;
    raise(SIGUSR1);
    return 0;
  };
  EXPECT_EQ(in_child(fork, body), 0);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(LinkedSignal, AForkedChildCountsForAKqueueOfItsOwn) {
  EXPECT_EQ(in_child(fork,
                     [] {
                       const Fd own(subject().kqueue());
                       if (submit(own, ev(SIGUSR1, filter::kSignal, flag::kAdd)) != 0) return 1;
                       raise(SIGUSR1);
                       raise(SIGUSR1);
                       const Outcome outcome = call(own, {}, 1);
                       return outcome.count == 1 && outcome.entries[0].data == 2 ? 0 : 2;
                     }),
            0);
  EXPECT_TRUE(silent(kq_));
}

// Executes a shell that kills itself with the signal: it survives exactly if it inherited that the
// signal is ignored.
const char kShell[] = "kill -USR1 $$; exit 7";

TEST_F(LinkedSignal, AProgramThatIsExecutedInheritsWhatIsIgnored) {
  EXPECT_EQ(in_child(fork, [] { return execl("/bin/sh", "sh", "-c", kShell, nullptr); }), 7);
  EXPECT_EQ(in_child(fork, [] { return execlp("sh", "sh", "-c", kShell, nullptr); }), 7);
  EXPECT_EQ(in_child(fork, [] { return execle("/bin/sh", "sh", "-c", kShell, nullptr, environ); }),
            7);
  EXPECT_EQ(in_child(vfork, [] { return execl("/bin/sh", "sh", "-c", kShell, nullptr); }), 7);
  EXPECT_EQ(in_child(vfork, [] { return execl("/nowhere", "sh", "-c", kShell, nullptr) + 4; }), 3);
  raise(SIGUSR1);
  EXPECT_EQ(only_event(kq_).data, 1);
}

TEST_F(LinkedSignal, AProgramThatIsExecutedDoesNotInheritAHandler) {
  signal(SIGUSR1, count_run);
  EXPECT_EQ(in_child(fork, [] { return execl("/bin/sh", "sh", "-c", kShell, nullptr); }), 100);
}

TEST_F(LinkedSignal, AnExecThatFailsChangesNothing) {
  const char* const path = "/nowhere";
  char* const arguments[] = {const_cast<char*>(path), nullptr};
  const std::function<int()> calls[] = {
      [&] { return execve(path, arguments, environ); },
      [&] { return execv(path, arguments); },
      [&] { return execvp(path, arguments); },
      [&] { return execvpe(path, arguments, environ); },
      [&] { return execl(path, path, nullptr); },
      [&] { return execlp(path, path, nullptr); },
      [&] { return execle(path, path, nullptr, environ); },
      [&] { return execveat(AT_FDCWD, path, arguments, environ, 0); },
  };
  for (const auto& call : calls) {
    errno = 0;
    EXPECT_EQ(call(), -1);
    EXPECT_EQ(errno, ENOENT);
    EXPECT_EQ(shown().sa_handler, SIG_IGN);
    raise(SIGUSR1);
    EXPECT_EQ(only_event(kq_).data, 1) << "is not counted any more";
  }
  EXPECT_EQ(fexecve(-1, arguments, environ), -1);
  raise(SIGUSR1);
  EXPECT_EQ(only_event(kq_).data, 1);
}

TEST_F(LinkedSignal, AVforkedChildsDispositionIsItsOwn) {
  EXPECT_EQ(in_child(vfork,
                     [] {
                       struct sigaction act {};
                       struct sigaction old {};
                       act.sa_handler = count_run;
                       if (sigaction(SIGUSR1, &act, &old) != 0) return 1;
                       return old.sa_handler == SIG_IGN ? 0 : 2;
                     }),
            0);
  EXPECT_EQ(shown().sa_handler, SIG_IGN);
  raise(SIGUSR1);
  EXPECT_EQ(only_event(kq_).data, 1);
}

class Blocked : public LinkedSignal {
 protected:
  void SetUp() override {
    LinkedSignal::SetUp();
    if (IsSkipped()) return;
    sigemptyset(&set_);
    sigaddset(&set_, SIGUSR1);
    signal(SIGUSR1, count_run);
    ASSERT_EQ(sigprocmask(SIG_BLOCK, &set_, &mask_), 0);
  }
  void TearDown() override {
    if (subject().is_emulator()) {
      timespec zero{0, 0};
      sigtimedwait(&set_, nullptr, &zero);
      sigprocmask(SIG_SETMASK, &mask_, nullptr);
    }
    LinkedSignal::TearDown();
  }
  sigset_t set_{}, mask_{};
};

TEST_F(Blocked, CountsOnceForAsLongAsItIsPending) {
  raise(SIGUSR1);
  EXPECT_EQ(only_event(kq_).data, 1);
  EXPECT_TRUE(silent(kq_));
  raise(SIGUSR1);
  EXPECT_TRUE(silent(kq_)) << "Linux merges it with the one that is pending";
  sigprocmask(SIG_UNBLOCK, &set_, nullptr);
  EXPECT_EQ(runs, 1);
  EXPECT_TRUE(silent(kq_)) << "its handler is no second post";
  raise(SIGUSR1);
  EXPECT_EQ(only_event(kq_).data, 1);
  sigprocmask(SIG_BLOCK, &set_, nullptr);
}

TEST_F(Blocked, CountsAnewAfterItWasTaken) {
  for (int i = 0; i < 3; ++i) {
    raise(SIGUSR1);
    EXPECT_EQ(only_event(kq_).data, 1) << i;
    int taken = 0;
    ASSERT_EQ(sigwait(&set_, &taken), 0);
    EXPECT_TRUE(silent(kq_));
  }
}

TEST_F(Blocked, WhatWasPendingBeforeTheAddIsNotCounted) {
  raise(SIGUSR1);
  const Fd other(subject().kqueue());
  ASSERT_EQ(submit(kq_, ev(SIGUSR1, filter::kSignal, flag::kDelete)), 0);
  ASSERT_EQ(submit(other, ev(SIGUSR1, filter::kSignal, flag::kAdd)), 0);
  EXPECT_TRUE(silent(other));
  sigprocmask(SIG_UNBLOCK, &set_, nullptr);
  EXPECT_EQ(runs, 1);
  EXPECT_TRUE(silent(other));
  sigprocmask(SIG_BLOCK, &set_, nullptr);
}

TEST_F(Blocked, WakesAWaiter) {
  Waiter waiter(kq_);
  waiter.wait_until_parked();
  ASSERT_EQ(kill(getpid(), SIGUSR1), 0);
  const Outcome outcome = waiter.join();
  ASSERT_EQ(outcome.count, 1);
  EXPECT_EQ(outcome.entries[0].data, 1);
}

// signalfd(2) tells of it in that thread alone.
TEST_F(Blocked, PostedToAThreadItIsEverybodysEventWhenThatThreadHasLooked) {
  const Fd other(subject().kqueue());
  ASSERT_EQ(submit(other, ev(SIGUSR1, filter::kSignal, flag::kAdd)), 0);
  Waiter waiter(other);
  waiter.wait_until_parked();
  ASSERT_EQ(pthread_kill(pthread_self(), SIGUSR1), 0);
  EXPECT_EQ(only_event(kq_).data, 1);
  const Outcome outcome = waiter.join();
  ASSERT_EQ(outcome.count, 1);
  EXPECT_EQ(outcome.entries[0].data, 1);
}

}  // namespace
}  // namespace kqtorture
