// What no engine looked at, until mutants that a program drew lived there: numbers that are 0 or
// the first of their page, more events than one call of epoll_wait(2) returns, kqueuex(), and what
// a child has of its parent's.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/event.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <string>
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

TEST_F(Corners, ANumberOfLibkqsOwnIsNotDuplicatedNotEvenAsZero) {
  constexpr int kLooked = 2048;
  const auto is_open = [](int fd) { return syscall(SYS_fcntl, fd, F_GETFD) >= 0; };
  EXPECT_EQ(in_child([&] {
              std::vector<bool> before;
              for (int fd = 0; fd < kLooked; ++fd) before.push_back(is_open(fd));
              const int own = subject().kqueue();
              if (own < 0) return 1;
              subject().close(0);
              int libkqs = 0;
              for (int fd = 3; fd < kLooked; ++fd) {
                if (fd == own || !is_open(fd) || before[static_cast<size_t>(fd)]) continue;
                ++libkqs;
                if (dup(fd) != -1 || errno != EBADF) return 2;
              }
              return libkqs > 0 ? 0 : 3;
            }),
            0);
}

// Asked whose it is, a descriptor that libkq has not seen come leaves everything as it was.
TEST_F(Corners, AnUnseenDuplicateDoesNotMakeZeroFire) {
  const Pair pair = connect_pair(Transport::kUnixDatagram);
  EXPECT_EQ(in_child([&] {
              const int own = subject().kqueue();
              if (own < 0 || dup2(pair.near, 0) != 0 || add(own, 0) != 0) return 1;
              if (submit(own, {ev(7, filter::kUser, flag::kAdd), trigger(7)}) != 0) return 2;
              const int unseen = static_cast<int>(syscall(SYS_dup, own));
              for (int look = 0; look < 3; ++look) {
                const Outcome outcome = call(unseen, {}, 4);
                if (outcome.count != 1 || outcome.entries[0].ident != 7) return 3;
              }
              return 0;
            }),
            0);
}

TEST_F(Corners, TheErrorOfACallIsThatOfItsChangeWhateverIsLookedAtAfterwards) {
  const Fd counter(eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC));
  const Kevent change = ev(static_cast<uintptr_t>(int{counter}), filter::kRead,
                           flag::kAdd | flag::kOneshot | flag::kDisable);
  ASSERT_EQ(submit(kq_, change), 0);
  // What an eventfd holds cannot be counted, and that is found out when the call has failed.
  EXPECT_EQ(submit(kq_, {ev(change.ident, filter::kRead, flag::kEnable),
                         ev(99, filter::kUser, flag::kDelete)}),
            ENOENT);
  EXPECT_EQ(only_event(kq_).data, 1);
}

// What cannot be counted is told as 1; that is no reason to count nothing any more.
TEST_F(Corners, AfterAnObjectThatCannotCountATerminalStillCounts) {
  const Fd counter(eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC)), master(posix_openpt(O_RDWR | O_NOCTTY));
  if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0) {
    GTEST_SKIP() << "the host has no pseudo-terminals left";
  }
  const std::string name = ptsname(master);
  Fd slave(open(name.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_GE(slave, 0);
  ASSERT_EQ(add(kq_, counter), 0);
  ASSERT_EQ(add(kq_, master), 0);
  slave.reset();
  const std::vector<Kevent> events = poll_events(kq_);
  ASSERT_EQ(idents(events), (std::vector<uintptr_t>{static_cast<uintptr_t>(int{counter}),
                                                    static_cast<uintptr_t>(int{master})}));
  EXPECT_EQ(events[1].data, 0);
  slave = Fd(open(name.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_GE(slave, 0);
  put(slave, 7);
  eventfd_t taken;
  ASSERT_EQ(eventfd_read(counter, &taken), 0);
  EXPECT_EQ(wait_event(kq_).data, 7);
}

}  // namespace
}  // namespace kqtorture
