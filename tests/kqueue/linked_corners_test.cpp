// What no engine looked at, until mutants that a program drew lived there: numbers that are 0 or
// the first of their page, more events than one call of epoll_wait(2) returns, kqueuex(), and what
// a child has of its parent's.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/event.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "objects.h"
#include "subject/sanitizers.h"

namespace kqtorture {
namespace {

class Corners : public PipeTest {
 protected:
  void SetUp() override {
    if (!subject().is_emulator()) GTEST_SKIP() << "linked with libkq, but another kqueue is tested";
    PipeTest::SetUp();
    fd_ = static_cast<uintptr_t>(int{pipe_.near});
  }
  // What body returns in a forked child: descriptors may be lost there. 100 if it crashed.
  template <typename Body>
  static int in_child(Body body) {
    const pid_t child = fork();
    if (child == 0) _exit(body());
    EXPECT_GT(child, 0);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100;
  }
  static int enable(int kq, int fd) {
    return submit(kq, ev(static_cast<uintptr_t>(fd), filter::kRead, flag::kEnable));
  }
  static int add(int kq, int fd) {
    return submit(kq, ev(static_cast<uintptr_t>(fd), filter::kRead, flag::kAdd));
  }
  uintptr_t fd_ = 0;
};

TEST_F(Corners, KqueuexTakesItsOwnFlagAndNoOther) {
  const Fd plain(kqueuex(0)), closed_on_exec(kqueuex(KQUEUE_CLOEXEC));
  ASSERT_GE(plain, 0);
  ASSERT_GE(closed_on_exec, 0);
  EXPECT_EQ(fcntl(plain, F_GETFD), 0);
  EXPECT_EQ(fcntl(closed_on_exec, F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(kqueuex(0x40), -1);
  EXPECT_EQ(errno, EINVAL);
}

// Edges come from the kernel 128 at a time.
TEST_F(Corners, AllThatIsReadyComesInOneCallIfThereIsRoom) {
  constexpr int kMany = 300;
  std::vector<Fd> counters;
  for (int i = 0; i < kMany; ++i) {
    counters.emplace_back(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    ASSERT_EQ(add(kq_, counters.back()), 0);
  }
  for (const Fd& counter : counters) ASSERT_EQ(eventfd_write(counter, 1), 0);
  EXPECT_EQ(poll_events(kq_, kMany + 1).size(), size_t{kMany});
}

TEST_F(Corners, TheChildFindsTheNumberClosedBeforeItCallsAnything) {
  EXPECT_EQ(in_child([&] {
              const bool open = syscall(SYS_fcntl, int{kq_}, F_GETFD) >= 0;
              return open ? 1 : errno == EBADF ? 0 : 2;
            }),
            0);
}

TEST_F(Corners, ADuplicateMayBeTheFirstOfAPageOfNumbers) {
  rlimit numbers{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &numbers), 0);
  rlimit more = numbers;
  more.rlim_cur = std::min<rlim_t>(numbers.rlim_max, 6000);
  if (more.rlim_cur < 6000) GTEST_SKIP() << "not that many numbers";
  EXPECT_EQ(in_child([&] {
              setrlimit(RLIMIT_NOFILE, &more);
              const int own = subject().kqueue();
              if (own < 0 || add(own, int{pipe_.near}) != 0) return 1;
              const int high = fcntl(pipe_.near, F_DUPFD, 5000);
              if (high < 5000 || add(own, high) != 0) return 2;
              subject().close(high);
              return enable(own, high) == EBADF ? 0 : 3;
            }),
            0);
}

TEST_F(Corners, NumberZeroIsLikeAnyOther) {
  EXPECT_EQ(in_child([&] {
              const int own = subject().kqueue();
              if (own < 0 || dup2(pipe_.near, 0) != 0 || add(own, 0) != 0) return 1;
              if (dup2(pipe_.far, 0) != 0) return 2;
              if (enable(own, 0) != ENOENT) return 3;  // dup2() closed what was watched
              if (dup2(own, 0) != 0) return 4;
              subject().close(own);  // 0 keeps the kqueue
              if (add(0, int{pipe_.near}) != 0) return 5;
              put(pipe_.far, 1);
              return call(0, {}, 4).count == 1 ? 0 : 6;
            }),
            0);
}

TEST_F(Corners, WhoIgnoresSigchldHasNoZombies) {
  if (kThreadSanitizer) GTEST_SKIP() << "ThreadSanitizer delivers signals when it likes";
  for (const bool first : {true, false}) {
    EXPECT_EQ(in_child([&] {
                const int own = subject().kqueue();
                if (first) signal(SIGCHLD, SIG_IGN);
                if (submit(own, ev(SIGCHLD, filter::kSignal, flag::kAdd)) != 0) return 1;
                if (!first) signal(SIGCHLD, SIG_IGN);
                const pid_t child = fork();
                if (child == 0) _exit(0);
                int status;
                pid_t reaped;
                while ((reaped = waitpid(child, &status, 0)) < 0 && errno == EINTR) {
                }
                if (reaped != -1 || errno != ECHILD) return 2;
                return call(own, {}, 4).count == 1 ? 0 : 3;
              }),
              0)
        << first;
  }
}

TEST_F(Corners, ATimeoutIsNoErrorWhateverErrnoWas) {
  const timespec moment{0, 1000000};
  Kevent event;
  errno = EIO;
  EXPECT_EQ(subject().kevent(kq_, nullptr, 0, &event, 1, &moment), 0);
}

TEST_F(Corners, AChildInItsParentsMemoryGetsNoKqueue) {
  if (kThreadSanitizer) GTEST_SKIP() << "its vfork() is a fork()";
  volatile int made = 0;
  const pid_t child = vfork();
  if (child == 0) {
    made = kqueue();
    _exit(0);
  }
  int status;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  EXPECT_EQ(made, -1);
}

TEST_F(Corners, AnEmptyDatagramIsThereUntilItIsRead) {
  const Pair pair = connect_pair(Transport::kUnixDatagram);
  ASSERT_EQ(add(kq_, pair.near), 0);
  ASSERT_EQ(send(pair.far, "", 0, 0), 0);
  EXPECT_EQ(only_event(kq_).data, 0);
  EXPECT_EQ(only_event(kq_).data, 0);
  char byte;
  ASSERT_EQ(recv(pair.near, &byte, 1, 0), 0);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Corners, AProcdescThatAsksForTheExitNoMoreIsNotToldOfIt) {
  const pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  const Fd fd(static_cast<int>(syscall(434, child, 0)));  // pidfd_open, on every architecture
  if (fd >= 0) {
    const auto number = static_cast<uintptr_t>(int{fd});
    EXPECT_EQ(submit(kq_, ev(number, filter::kProcdesc, flag::kAdd, note::kExit)), 0);
    EXPECT_EQ(submit(kq_, ev(number, filter::kProcdesc, flag::kAdd)), 0);
  }
  kill(child, SIGKILL);
  int status;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  EXPECT_TRUE(silent(kq_));
}

}  // namespace
}  // namespace kqtorture
