// Do all ways to close a descriptor count? In a program linked with libkq every function of libc
// that closes takes the knotes along before the number can be used again, in whatever context it is
// called.
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>

#include "objects.h"

extern char** environ;

namespace kqtorture {
namespace {

class Interposed : public PipeTest {
 protected:
  void SetUp() override {
    PipeTest::SetUp();
    if (!subject().is_emulator()) GTEST_SKIP() << "linked with libkq, but another kqueue is tested";
    put(pipe_.far, 1);
    number_ = pipe_.near.release();
    ASSERT_EQ(submit(kq_, read_ev(flag::kAdd, tag(1))), 0);
  }
  Kevent read_ev(int flags, void* udata = nullptr) const {
    return ev(static_cast<uintptr_t>(number_), filter::kRead, static_cast<uint16_t>(flags), 0, 0,
              udata);
  }
  // The number was closed: no event, no knote, and a new owner starts afresh.
  void expect_gone() {
    EXPECT_TRUE(silent(kq_));
    EXPECT_EQ(submit(kq_, read_ev(flag::kDelete)), EBADF);
    const Pair fresh = open_pipe();
    put(fresh.far, 2);
    // A pipe made just now may have got the number itself.
    const bool direct = fresh.near == number_ || fresh.far == number_;
    const Fd reused = direct ? Fd() : reuse_number(number_, fresh.near);
    EXPECT_TRUE(silent(kq_));
    EXPECT_EQ(submit(kq_, read_ev(flag::kEnable)), ENOENT);
    if (direct) return;
    ASSERT_EQ(submit(kq_, read_ev(flag::kAdd, tag(2))), 0);
    EXPECT_EQ(only_event(kq_).udata, tag(2));
  }
  int number_ = -1;
};

TEST_F(Interposed, Close) {
  ASSERT_EQ(::close(number_), 0);
  expect_gone();
}

TEST_F(Interposed, Fclose) {
  FILE* file = fdopen(number_, "r");
  ASSERT_NE(file, nullptr);
  ASSERT_EQ(fclose(file), 0);
  expect_gone();
}

TEST_F(Interposed, FreopenLeavesANewFileOfThatNumberWithoutTheKnote) {
  FILE* file = fdopen(number_, "r");
  ASSERT_NE(file, nullptr);
  file = freopen("/proc/self/status", "r", file);
  ASSERT_NE(file, nullptr);
  EXPECT_TRUE(silent(kq_));
  if (fileno(file) == number_) {
    EXPECT_EQ(submit(kq_, read_ev(flag::kDelete)), ENOENT);
  }
  fclose(file);
  expect_gone();
}

TEST_F(Interposed, CloseRange) {
  const auto first = static_cast<unsigned>(number_);
  ASSERT_EQ(close_range(first, first, 0), 0);
  expect_gone();
}

TEST_F(Interposed, CloseRangeThatOnlyMarksForExecClosesNothing) {
  const auto first = static_cast<unsigned>(number_);
  constexpr int kMarkForExec = 4;
  ASSERT_EQ(close_range(first, first, kMarkForExec), 0);
  EXPECT_EQ(only_event(kq_).udata, tag(1));
  EXPECT_EQ(fcntl(number_, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  ::close(number_);
}

TEST_F(Interposed, CloseRangeWithUnknownFlagsClosesNothing) {
  const auto first = static_cast<unsigned>(number_);
  EXPECT_EQ(close_range(first, first, 0x100), -1);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(only_event(kq_).udata, tag(1));
  ::close(number_);
}

TEST_F(Interposed, Closefrom) {
  const int high = fcntl(number_, F_DUPFD_CLOEXEC, 600);
  ASSERT_GE(high, 600);
  ASSERT_EQ(::close(number_), 0);
  number_ = high;
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  ASSERT_EQ(poll_events(kq_).size(), 1u);
  closefrom(600);
  EXPECT_TRUE(silent(kq_));
  EXPECT_EQ(submit(kq_, read_ev(flag::kDelete)), EBADF);
  EXPECT_EQ(fcntl(high, F_GETFD), -1);
}

TEST_F(Interposed, Dup2) {
  const Pair other = open_pipe();
  ASSERT_EQ(dup2(other.near, number_), number_);
  put(other.far, 1);
  EXPECT_TRUE(silent(kq_));
  EXPECT_EQ(submit(kq_, read_ev(flag::kDelete)), ENOENT);
  ASSERT_EQ(::close(number_), 0);
  expect_gone();
}

// A close that may have to wait is made without the lock that a close of a pipe is made with.
TEST_F(Interposed, Dup2OntoWhatMayHaveToWait) {
  const Pair plain = connect_pair(Transport::kTcp), lingering = connect_pair(Transport::kTcp);
  const linger wait{1, 0};
  ASSERT_EQ(setsockopt(lingering.near, SOL_SOCKET, SO_LINGER, &wait, sizeof wait), 0);
  const Fd file(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  for (const int target : {int{plain.near}, int{lingering.near}, int{file}}) {
    const auto ident = static_cast<uintptr_t>(target);
    ASSERT_EQ(submit(kq_, ev(ident, filter::kWrite, flag::kAdd)), 0);
    ASSERT_EQ(poll_events(kq_).size(), 2u);
    ASSERT_EQ(dup2(number_, target), target);
    EXPECT_EQ(poll_events(kq_).size(), 1u) << "the pipe, under its own number only";
    EXPECT_EQ(submit(kq_, ev(ident, filter::kWrite, flag::kDelete)), ENOENT);
  }
  ASSERT_EQ(::close(number_), 0);
  expect_gone();
}

TEST_F(Interposed, FunctionsOfProgramsWithLargeFiles) {
  const Fd copy(fcntl64(kq_, F_DUPFD_CLOEXEC, 0));
  ASSERT_GE(copy, 0);
  EXPECT_EQ(only_event(copy).udata, tag(1)) << "the same kqueue";
  FILE* file = fdopen(number_, "r");
  ASSERT_NE(file, nullptr);
  file = freopen64("/proc/self/status", "r", file);
  ASSERT_NE(file, nullptr);
  EXPECT_TRUE(silent(kq_));
  fclose(file);
  expect_gone();
}

TEST_F(Interposed, Dup3) {
  const Pair other = open_pipe();
  ASSERT_EQ(dup3(other.near, number_, O_CLOEXEC), number_);
  put(other.far, 1);
  EXPECT_TRUE(silent(kq_));
  EXPECT_EQ(fcntl(number_, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  ASSERT_EQ(::close(number_), 0);
  expect_gone();
}

TEST_F(Interposed, Dup3OfANumberOntoItselfIsEinvalAndClosesNothing) {
  EXPECT_EQ(dup3(number_, number_, 0), -1);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(only_event(kq_).udata, tag(1));
  ::close(number_);
}

TEST_F(Interposed, Closedir) {
  DIR* directory = opendir("/");
  ASSERT_NE(directory, nullptr);
  const int opened = dirfd(directory);
  const auto ident = static_cast<uintptr_t>(opened);
  ASSERT_EQ(submit(kq_, read_ev(flag::kDelete)), 0);
  if (submit(kq_, ev(ident, filter::kRead, flag::kAdd, note::kFilePoll)) != 0) {
    closedir(directory);
    ::close(number_);
    GTEST_SKIP() << "directories are not watched";
  }
  ASSERT_EQ(closedir(directory), 0);
  EXPECT_TRUE(silent(kq_));
  const Fd reused = reuse_number(opened, number_);
  EXPECT_TRUE(silent(kq_));
  EXPECT_EQ(submit(kq_, ev(ident, filter::kRead, flag::kDelete)), ENOENT);
  ::close(number_);
}

TEST_F(Interposed, Pclose) {
  FILE* stream = popen("echo x", "r");
  ASSERT_NE(stream, nullptr);
  const int opened = fileno(stream);
  const auto ident = static_cast<uintptr_t>(opened);
  ASSERT_EQ(submit(kq_, read_ev(flag::kDelete)), 0);
  ASSERT_EQ(submit(kq_, ev(ident, filter::kRead, flag::kAdd)), 0);
  EXPECT_EQ(wait_event(kq_).ident, ident);
  EXPECT_NE(pclose(stream), -1);
  EXPECT_TRUE(silent(kq_));
  const Fd reused = reuse_number(opened, number_);
  EXPECT_TRUE(silent(kq_));
  EXPECT_EQ(submit(kq_, ev(ident, filter::kRead, flag::kDelete)), ENOENT);
  ::close(number_);
}

TEST_F(Interposed, CloseOfTheKqueueByFclose) {
  const int number = kq_.release();
  FILE* file = fdopen(number, "r");
  ASSERT_NE(file, nullptr);
  fclose(file);
  EXPECT_EQ(call(number, {}, 1).error, EBADF);
  ::close(number_);
}

TEST_F(Interposed, ACloseThatFailsLeavesErrno) {
  errno = 0;
  EXPECT_EQ(::close(987654), -1);
  EXPECT_EQ(errno, EBADF);
  ::close(number_);
}

TEST_F(Interposed, ACloseThatSucceedsLeavesErrnoAlone) {
  errno = ERANGE;
  EXPECT_EQ(::close(number_), 0);
  EXPECT_EQ(errno, ERANGE);
}

// A signal handler may close: it may have interrupted anything, libkq included.
std::atomic<int> handler_closes{-1};

class ClosingHandler : public Interposed {
 protected:
  void SetUp() override {
    Interposed::SetUp();
    struct sigaction action {};
    action.sa_handler = [](int) {
      const int saved = errno;
      const int fd = handler_closes.exchange(-1);
      if (fd >= 0) ::close(fd);
      errno = saved;
    };
    sigaction(SIGUSR1, &action, &before_);
  }
  void TearDown() override { sigaction(SIGUSR1, &before_, nullptr); }
  struct sigaction before_ {};
};

TEST_F(ClosingHandler, TakesTheKnotesAlong) {
  handler_closes = number_;
  raise(SIGUSR1);
  expect_gone();
}

TEST_F(ClosingHandler, MayInterruptTheKqueueItself) {
  constexpr int kRounds = 100;
  std::atomic<bool> done{false};
  const pthread_t worker = pthread_self();
  std::atomic<int> next{-1};
  std::thread sender([&] {
    while (!done) {
      const int fd = next.exchange(-1);
      if (fd < 0) {
        std::this_thread::yield();
        continue;
      }
      handler_closes = fd;
      pthread_kill(worker, SIGUSR1);
    }
  });
  const Pair other = open_pipe();
  for (int round = 0; round < kRounds; ++round) {
    const int copy = dup(number_);
    ASSERT_GE(copy, 0);
    const auto ident = static_cast<uintptr_t>(copy);
    ASSERT_EQ(submit(kq_, ev(ident, filter::kRead, flag::kAdd, 0, 0, tag(2))), 0);
    next = copy;
    // Until the handler has run, keep libkq busy in this thread; afterwards nothing may come.
    while (fcntl(copy, F_GETFD) != -1) {
      const auto busy = static_cast<uintptr_t>(int{other.near});
      submit(kq_, {ev(busy, filter::kRead, flag::kAdd), ev(busy, filter::kRead, flag::kDelete),
                   ev(1, filter::kUser, flag::kAdd), ev(1, filter::kUser, flag::kDelete)});
      poll_events(kq_);
    }
    for (const Kevent& event : poll_events(kq_)) EXPECT_EQ(event.udata, tag(1)) << round;
  }
  done = true;
  sender.join();
  ::close(number_);
}

// Children: what they close is theirs.
int exit_code(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

class Spawning : public Interposed {
 protected:
  void expect_undisturbed() {
    EXPECT_EQ(only_event(kq_).udata, tag(1));
    ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kClear, tag(3))), 0);
    EXPECT_EQ(only_event(kq_).udata, tag(3));
    ASSERT_EQ(::close(number_), 0);
    expect_gone();
  }
};

TEST_F(Spawning, AVforkChildThatClosesAndExecs) {
  const int kq = kq_;
  const int watched = number_;
  const pid_t child = vfork();
  if (child == 0) {
    ::close(watched);
    ::close(kq);
    execl("/bin/true", "true", nullptr);
    _exit(1);
  }
  ASSERT_GT(child, 0);
  EXPECT_EQ(exit_code(child), 0);
  expect_undisturbed();
}

TEST_F(Spawning, AVforkChildThatDuplicatesOntoAWatchedNumber) {
  const int watched = number_;
  const pid_t child = vfork();
  if (child == 0) {
    dup2(2, watched);
    execl("/bin/true", "true", nullptr);
    _exit(1);
  }
  ASSERT_GT(child, 0);
  EXPECT_EQ(exit_code(child), 0);
  expect_undisturbed();
}

TEST_F(Spawning, AForkedChildThatCloses) {
  const pid_t child = fork();
  if (child == 0) {
    ::close(number_);
    ::close(kq_);
    _exit(0);
  }
  ASSERT_GT(child, 0);
  EXPECT_EQ(exit_code(child), 0);
  expect_undisturbed();
}

TEST_F(Spawning, AForkedChildThatClosesEverything) {
  const pid_t child = fork();
  if (child == 0) {
    closefrom(3);
    _exit(0);
  }
  ASSERT_GT(child, 0);
  EXPECT_EQ(exit_code(child), 0);
  expect_undisturbed();
}

TEST_F(Spawning, Popen) {
  FILE* stream = popen("cat >/dev/null", "w");
  ASSERT_NE(stream, nullptr);
  EXPECT_EQ(pclose(stream), 0);
  expect_undisturbed();
}

TEST_F(Spawning, System) {
  EXPECT_EQ(std::system("exit 3"), 3 << 8);
  expect_undisturbed();
}

TEST_F(Spawning, PosixSpawnThatCloses) {
  posix_spawn_file_actions_t actions;
  ASSERT_EQ(posix_spawn_file_actions_init(&actions), 0);
  ASSERT_EQ(posix_spawn_file_actions_addclose(&actions, number_), 0);
  char name[] = "true";
  char* arguments[] = {name, nullptr};
  pid_t child = -1;
  ASSERT_EQ(posix_spawn(&child, "/bin/true", &actions, nullptr, arguments, environ), 0);
  EXPECT_EQ(exit_code(child), 0);
  posix_spawn_file_actions_destroy(&actions);
  expect_undisturbed();
}

}  // namespace
}  // namespace kqtorture
