// What if somebody else comes in between? libkq's own calls to the C library are the places where
// that can be made to happen: a test names one, and there, once, does what another thread might be
// doing just then. Where libkq holds no lock the test does it itself, which is the same; where it
// holds one, in a second thread, of which is waited until it has done it or waits for the lock.
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <functional>
#include <set>

#include "imports.h"
#include "objects.h"
#include "processes.h"
#include "subject/sanitizers.h"

namespace kqtorture {
namespace {

// A call of libkq's, and what happens before and after it.
struct Step {
  long number;
  std::function<bool(long first, long second)> meant;
  std::function<void()> before, after;
};

std::atomic<Step*> next_step{nullptr};
std::atomic<bool> yielded{false};
// Run whenever libkq has let go of the last lock that this thread holds.
std::function<void()> at_unlock;
thread_local int locks_held = 0;
thread_local bool in_between = false;

void run_aside(const std::function<void()>& what) {
  const int error = errno;
  if (what) what();
  errno = error;
}

long stepped_syscall(long number, long a, long b, long c, long d, long e, long f) {
  if (number == SYS_sched_yield) yielded = true;
  Step* const step = next_step;
  if (step == nullptr || step->number != number || !step->meant(a, b)) {
    return syscall(number, a, b, c, d, e, f);
  }
  next_step = nullptr;
  run_aside(step->before);
  const long result = syscall(number, a, b, c, d, e, f);
  run_aside(step->after);
  return result;
}

int stepped_lock(pthread_mutex_t* mutex) {
  ++locks_held;
  return pthread_mutex_lock(mutex);
}

int stepped_unlock(pthread_mutex_t* mutex) {
  const int result = pthread_mutex_unlock(mutex);
  if (--locks_held == 0 && at_unlock && !in_between) {
    in_between = true;
    run_aside(at_unlock);
    in_between = false;
  }
  return result;
}

// Large blocks that libkq has got and not given back, while a test that has one thread counts them.
std::atomic<bool> counts_blocks{false};
std::function<void()> at_large_block;
std::set<void*> large_blocks;
constexpr size_t kLarge = 16384;

void* stepped_calloc(size_t count, size_t size) {
  void* const block = calloc(count, size);
  if (!counts_blocks || count * size < kLarge) return block;
  large_blocks.insert(block);
  const std::function<void()> once = std::exchange(at_large_block, nullptr);
  run_aside(once);
  return block;
}

void stepped_free(void* block) {
  if (counts_blocks) large_blocks.erase(block);
  free(block);
}

template <typename Function>
void* address(Function* function) {
  return reinterpret_cast<void*>(function);
}

// A thread that does one thing.
class Other {
 public:
  void start(std::function<void()> what) {
    yielded = false;
    thread_ = std::thread([this, what = std::move(what)] {
      tid_ = static_cast<int>(syscall(SYS_gettid));
      what();
      done_ = true;
    });
  }
  // Until it has done it, or sleeps, or waits for a lock that it asks for again and again.
  void wait_until_done_or_waiting() const {
    while (!done_ && !yielded && !sleeps()) usleep(200);
  }
  void join() {
    if (thread_.joinable()) thread_.join();
  }

 private:
  bool sleeps() const {
    if (tid_ == 0) return false;
    char text[256] = "";
    std::snprintf(text, sizeof text, "/proc/self/task/%d/stat", tid_.load());
    const auto fd = static_cast<int>(syscall(SYS_openat, AT_FDCWD, text, O_RDONLY | O_CLOEXEC));
    const ssize_t size = read(fd, text, sizeof text - 1);
    syscall(SYS_close, fd);
    return std::string(text, size > 0 ? static_cast<size_t>(size) : 0).find(") S ") !=
           std::string::npos;
  }
  std::atomic<int> tid_{0};
  std::atomic<bool> done_{false};
  std::thread thread_;
};

class Between : public PipeTest {
 protected:
  void SetUp() override {
    if (!subject().is_emulator()) GTEST_SKIP() << "linked with libkq, but another kqueue is tested";
    if (kThreadSanitizer) GTEST_SKIP() << "ThreadSanitizer has to see libkq's own locks";
    PipeTest::SetUp();
    yielded = false;
    const int found =
        replace(stepped_syscall, stepped_lock, stepped_unlock, stepped_calloc, stepped_free);
    if (found < 5) GTEST_SKIP() << "libkq's imports cannot be replaced here";
  }
  void TearDown() override {
    next_step = nullptr;
    at_unlock = nullptr;
    using Syscall = decltype(&stepped_syscall);
    replace(reinterpret_cast<Syscall>(syscall), pthread_mutex_lock, pthread_mutex_unlock, calloc,
            free);
  }
  static int replace(decltype(&stepped_syscall) call, int (*lock)(pthread_mutex_t*),
                     int (*unlock)(pthread_mutex_t*), void* (*allocate)(size_t, size_t),
                     void (*release)(void*)) {
    return replace_imports("libkq.so", {{"syscall", address(call)},
                                        {"pthread_mutex_lock", address(lock)},
                                        {"pthread_mutex_unlock", address(unlock)},
                                        {"calloc", address(allocate)},
                                        {"free", address(release)}});
  }
  static Kevent read_ev(int fd, int flags) {
    return ev(static_cast<uintptr_t>(fd), filter::kRead, static_cast<uint16_t>(flags));
  }
  // Has the step been taken? Else the test would show nothing.
  static void expect_taken() { EXPECT_EQ(next_step.load(), nullptr) << "libkq went another way"; }
};

volatile sig_atomic_t handler_runs = 0;
volatile sig_atomic_t blocked_inside = 0;

TEST_F(Between, AHandlerForOneSignalRunsOnceThoughTheNextComesAtOnce) {
  handler_runs = 0;
  struct sigaction act {};
  act.sa_handler = [](int) { handler_runs = handler_runs + 1; };
  act.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER);
  struct sigaction before {};
  ASSERT_EQ(sigaction(SIGURG, &act, &before), 0);
  ASSERT_EQ(submit(kq_, ev(SIGURG, filter::kSignal, flag::kAdd)), 0);
  Step step{SYS_rt_sigprocmask, [](long, long) { return true; }, [] { raise(SIGURG); }, {}};
  next_step = &step;
  raise(SIGURG);
  expect_taken();
  EXPECT_EQ(handler_runs, 1);
  EXPECT_EQ(only_event(kq_).data, 2);
  sigaction(SIGURG, &before, nullptr);
}

TEST_F(Between, ADispositionThatIsSetWhileTheSignalIsAddedIsTheOneInForce) {
  blocked_inside = 0;
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  struct sigaction before {};
  ASSERT_EQ(sigaction(SIGUSR1, &ignore, &before), 0);
  struct sigaction act {};
  sigaddset(&act.sa_mask, SIGUSR2);
  act.sa_handler = [](int) {
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, nullptr, &mask);
    blocked_inside = sigismember(&mask, SIGUSR2) == 1 ? 1 : -1;
  };
  Other other;
  Step step{SYS_signalfd4,
            [](long fd, long) { return static_cast<int>(fd) >= 0; },
            [&] {
              other.start([&] { sigaction(SIGUSR1, &act, nullptr); });
              other.wait_until_done_or_waiting();
            },
            {}};
  next_step = &step;
  ASSERT_EQ(submit(kq_, ev(SIGUSR1, filter::kSignal, flag::kAdd)), 0);
  other.join();
  expect_taken();
  raise(SIGUSR1);
  EXPECT_EQ(blocked_inside, 1);
  EXPECT_EQ(only_event(kq_).data, 1);
  sigaction(SIGUSR1, &before, nullptr);
}

TEST_F(Between, ANumberThatLibkqClosesIsNotTheProgramsForAMoment) {
  const int own = subject().kqueue();
  ASSERT_GE(own, 0);
  int number = -1, result = 0, error = 0;
  Other other;
  Step step{SYS_close,
            [&](long fd, long) {
              number = static_cast<int>(fd);
              return number != own;
            },
            [&] {
              other.start([&] {
                result = dup(number);
                error = errno;
              });
              other.wait_until_done_or_waiting();
            },
            {}};
  next_step = &step;
  ASSERT_EQ(subject().close(own), 0);
  other.join();
  expect_taken();
  EXPECT_EQ(result, -1);
  EXPECT_EQ(error, EBADF);
}

TEST_F(Between, ANumberThatBecomesLibkqsOwnMeanwhileIsNotOpen) {
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  if (limit.rlim_cur <= 1024) GTEST_SKIP() << "where libkq's own numbers begin is not known";
  const auto number = static_cast<int>(syscall(SYS_fcntl, int{pipe_.near}, F_DUPFD_CLOEXEC, 512));
  ASSERT_GE(number, 512);
  syscall(SYS_close, number);
  Fd own;
  Step step{SYS_fcntl,
            [=](long fd, long command) { return fd == number && command == F_GETFD; },
            [&] { own = Fd(subject().kqueue()); },
            {}};
  next_step = &step;
  EXPECT_EQ(call(number, {}, 1).error, EBADF);
  expect_taken();
  EXPECT_GE(own, 0);
}

// The close overlaps both, and can only have come between them.
TEST_F(Between, AnAddBeforeTheCloseGoesThoughADuplicateBringsTheFileBack) {
  const Fd copy(dup(pipe_.near));
  const int number = fcntl(pipe_.near, F_DUPFD_CLOEXEC, 900);  // one that was never closed
  ASSERT_GE(number, 900);
  Fd again;
  int added = -1;
  Step step{SYS_close, [=](long fd, long) { return fd == number; },
            [&] { added = submit(kq_, read_ev(number, flag::kAdd)); },
            [&] { again = Fd(fcntl(copy, F_DUPFD_CLOEXEC, number)); }};
  next_step = &step;
  ASSERT_EQ(::close(number), 0);
  expect_taken();
  EXPECT_EQ(added, 0);
  ASSERT_EQ(again, number);
  put(pipe_.far, 1);
  EXPECT_TRUE(silent(kq_));
  EXPECT_EQ(submit(kq_, read_ev(number, flag::kDelete)), ENOENT);
}

// The number was not open before: who could add it came after the dup2().
TEST_F(Between, WhatIsAddedRightAfterADup2Stays) {
  const int number = dup(pipe_.near);
  ASSERT_EQ(::close(number), 0);
  int added = -1;
  at_unlock = [&] {
    if (added < 0 && syscall(SYS_fcntl, number, F_GETFD) >= 0) {
      added = submit(kq_, read_ev(number, flag::kAdd));
    }
  };
  ASSERT_EQ(dup2(pipe_.near, number), number);
  at_unlock = nullptr;
  const Fd second(number);
  EXPECT_EQ(added, 0);
  put(pipe_.far, 1);
  EXPECT_EQ(only_event(kq_).ident, static_cast<uintptr_t>(number));
}

// Who sees the flag of before has come before the dup2(), which then took the knote along.
TEST_F(Between, ADup2OfTheSameFileOntoASocketIsOneStep) {
  const Pair pair = connect_pair(Transport::kUnix);
  const int number = pair.near;
  const Fd copy(dup(number));
  ASSERT_EQ(fcntl(number, F_SETFD, FD_CLOEXEC), 0);
  int added = -1, flags = -1;
  Other other;
  Step step{SYS_dup3,
            [=](long, long onto) { return onto == number; },
            [&] {
              other.start([&] {
                added = submit(kq_, read_ev(number, flag::kAdd));
                flags = fcntl(number, F_GETFD);
              });
              other.wait_until_done_or_waiting();
            },
            {}};
  next_step = &step;
  ASSERT_EQ(dup2(copy, number), number);
  other.join();
  expect_taken();
  EXPECT_EQ(added, 0);
  EXPECT_EQ(submit(kq_, read_ev(number, flag::kDelete)), flags == FD_CLOEXEC ? ENOENT : 0);
}

// Of two kqueues that watch it since the close began, one is closed while the other is looked at.
TEST_F(Between, AKqueueIsClosedWhileANumberIsThatItWatches) {
  const int number = fcntl(pipe_.near, F_DUPFD_CLOEXEC, 900), second = subject().kqueue();
  ASSERT_GE(number, 900);
  ASSERT_GE(second, 0);
  Other other;
  int closed = -1;
  Step look{SYS_epoll_ctl,
            [](long, long operation) { return operation == EPOLL_CTL_ADD; },
            [&] {
              other.start([&] { closed = subject().close(second); });
              other.wait_until_done_or_waiting();
            },
            {}};
  Step close_it{SYS_close,
                [=](long fd, long) { return fd == number; },
                [&] {
                  EXPECT_EQ(submit(second, read_ev(number, flag::kAdd)), 0);
                  EXPECT_EQ(submit(kq_, read_ev(number, flag::kAdd)), 0);
                  next_step = &look;
                },
                {}};
  next_step = &close_it;
  ASSERT_EQ(::close(number), 0);
  other.join();
  expect_taken();
  EXPECT_EQ(closed, 0);
  put(pipe_.far, 1);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Between, TwoCallsCleanUpAfterTwoProcesses) {
  ChildProcess first, second;
  for (ChildProcess* child : {&first, &second}) {
    const auto ident = static_cast<uintptr_t>(child->pid());
    ASSERT_EQ(submit(kq_, ev(ident, filter::kProc, flag::kAdd, note::kExit)), 0);
    child->exit_with(0);
    child->wait_until_dead();
  }
  // The first has been closed: its number's lock is let go of, then the kqueue's, for the second.
  int unlocks = -1, calls = 0;
  Step step{SYS_close, [](long, long) { return true; }, {}, [&] { unlocks = 0; }};
  next_step = &step;
  at_unlock = [&] {
    if (unlocks < 0 || ++unlocks != 2) return;
    calls += subject().kevent(kq_, nullptr, 0, nullptr, 0, nullptr) == 0 ? 1 : 0;
  };
  EXPECT_EQ(call(kq_, {}, 4).count, 2);
  at_unlock = nullptr;
  expect_taken();
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(silent(kq_));
}

// Two threads meet in the first use of a page of the table of numbers: of the first that is unused.
TEST_F(Between, OfTwoPagesForOneRangeOfNumbersOneIsGivenBack) {
  constexpr int kFirst = 7168, kPage = 1024;
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  const auto last = static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 100000)) - 2;
  if (last < kFirst) GTEST_SKIP() << "not that many numbers";
  large_blocks.clear();
  counts_blocks = true;
  bool met = false;
  for (int number = kFirst; !met && number <= last; number += kPage) {
    at_large_block = [&] { met = dup2(kq_, number + 1) == number + 1; };
    ASSERT_EQ(dup2(kq_, number), number);
    EXPECT_EQ(subject().close(number), 0);
    EXPECT_EQ(subject().close(number + 1), met ? 0 : -1);
  }
  at_large_block = nullptr;
  counts_blocks = false;
  EXPECT_TRUE(met);
  EXPECT_EQ(large_blocks.size(), 1u);
}

}  // namespace
}  // namespace kqtorture
