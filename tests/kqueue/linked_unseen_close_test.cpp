// What about a close that libkq did not see? A raw system call, or one made before libkq was
// loaded, is noticed at the next ADD of the number and before anything of it is delivered.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "objects.h"

namespace kqtorture {
namespace {

class UnseenClose : public PipeTest {
 protected:
  void SetUp() override {
    PipeTest::SetUp();
    if (!subject().is_emulator()) GTEST_SKIP() << "linked with libkq, but another kqueue is tested";
    number_ = pipe_.near.release();
  }
  void TearDown() override {
    if (number_ >= 0) ::close(number_);
  }
  static void raw_close(int fd) { ASSERT_EQ(syscall(SYS_close, fd), 0); }
  // Gives the number to a copy of source, behind libkq's back.
  void raw_reuse(int source) { ASSERT_EQ(syscall(SYS_dup3, source, number_, 0), number_); }
  Kevent read_ev(int flags, void* udata = nullptr) const {
    return ev(static_cast<uintptr_t>(number_), filter::kRead, static_cast<uint16_t>(flags), 0, 0,
              udata);
  }
  int number_ = -1;
};

TEST_F(UnseenClose, IsNoticedByAPoll) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  raw_close(number_);
  EXPECT_TRUE(silent(kq_));
}

// All its knotes leave the queue at once; what is behind them is delivered once all the same.
TEST_F(UnseenClose, TakesNobodyElsesTurn) {
  Pair sockets = connect_pair(Transport::kUnix);
  put(sockets.far, 1);
  put(pipe_.far, 1);
  const auto both = static_cast<uintptr_t>(int{sockets.near});
  ASSERT_EQ(submit(kq_, {ev(both, filter::kRead, flag::kAdd), ev(both, filter::kWrite, flag::kAdd),
                         read_ev(flag::kAdd)}),
            0);
  raw_close(sockets.near.release());
  EXPECT_EQ(poll_events(kq_).size(), 1u);
}

TEST_F(UnseenClose, IsNoticedByAnAdd) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  raw_close(number_);
  EXPECT_EQ(submit(kq_, read_ev(flag::kAdd)), EBADF);
}

TEST_F(UnseenClose, AStaleKnoteMayStillBeDeleted) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  raw_close(number_);
  const int error = submit(kq_, read_ev(flag::kDelete));
  EXPECT_TRUE(error == 0 || error == EBADF) << error;
  EXPECT_TRUE(silent(kq_));
}

TEST_F(UnseenClose, IsNoticedThoughADuplicateKeepsTheFileOpen) {
  const Fd copy(dup(number_));
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  raw_close(number_);
  put(pipe_.far, 1);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(UnseenClose, IsNoticedThoughADuplicateKeepsTheFileOpenAndReady) {
  const Fd copy(dup(number_));
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  ASSERT_EQ(poll_events(kq_).size(), 1u);
  raw_close(number_);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(UnseenClose, DoesNotMakeTheNextOwnerFire) {
  const Pair other = open_pipe();
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  raw_close(number_);
  raw_reuse(other.near);
  put(other.far, 1);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(UnseenClose, DoesNotMakeTheNextOwnerFireForTheOldOnesData) {
  const Fd copy(dup(number_));
  const Pair other = open_pipe();
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  raw_close(number_);
  raw_reuse(other.near);
  put(pipe_.far, 1);
  EXPECT_TRUE(silent(kq_));
  put(other.far, 1);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(UnseenClose, DoesNotMakeTheNextOwnerFireThoughBothAreReady) {
  const Fd copy(dup(number_));
  const Pair other = open_pipe();
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  raw_close(number_);
  raw_reuse(other.near);
  put(other.far, 1);
  put(pipe_.far, 1);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(UnseenClose, LeavesNoErrorToTheNextOwner) {
  Pair sockets = connect_pair(Transport::kUnix);
  const int number = sockets.near;
  const auto ident = static_cast<uintptr_t>(number);
  put(sockets.near, 1);
  sockets.far.reset();  // with a byte unread: the connection is reset
  ASSERT_EQ(submit(kq_, ev(ident, filter::kRead, flag::kAdd)), 0);
  std::vector<Kevent> events = poll_events(kq_);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].fflags, static_cast<uint32_t>(ECONNRESET));
  raw_close(sockets.near.release());

  Pair next = connect_pair(Transport::kUnix);
  ASSERT_TRUE(next.near == number || next.far == number);
  Fd& other = next.near == number ? next.far : next.near;
  other.reset();
  ASSERT_EQ(submit(kq_, ev(ident, filter::kRead, flag::kAdd)), 0);
  events = poll_events(kq_);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_TRUE(events[0].flags & flag::kEof);
  EXPECT_EQ(events[0].fflags, 0u) << "the error was the file's that had the number before";
  int error = -1;
  socklen_t length = sizeof error;
  ASSERT_EQ(getsockopt(number, SOL_SOCKET, SO_ERROR, &error, &length), 0);
  EXPECT_EQ(error, 0);
}

TEST_F(UnseenClose, LeavesNoUdataToTheNextAdd) {
  const Pair other = open_pipe();
  put(other.far, 2);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kDispatch | flag::kDisable, tag(1))), 0);
  raw_close(number_);
  raw_reuse(other.near);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd, tag(2))), 0);
  const Kevent event = only_event(kq_);
  EXPECT_EQ(event.udata, tag(2));
  EXPECT_EQ(event.flags, 0);
  EXPECT_EQ(event.data, 2);
}

TEST_F(UnseenClose, TheNextOwnersKnoteSeesItsOwnActivityOnly) {
  const Fd copy(dup(number_));
  const Pair other = open_pipe();
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kClear)), 0);
  raw_close(number_);
  raw_reuse(other.near);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kClear, tag(2))), 0);
  put(pipe_.far, 1);
  EXPECT_TRUE(silent(kq_));
  put(other.far, 4);
  EXPECT_EQ(only_event(kq_).data, 4);
}

TEST_F(UnseenClose, EnableOfAStaleKnoteDoesNotMakeTheNextOwnerFire) {
  const Pair other = open_pipe();
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kDisable)), 0);
  raw_close(number_);
  raw_reuse(other.near);
  put(other.far, 1);
  submit(kq_, read_ev(flag::kEnable));
  EXPECT_TRUE(silent(kq_));
}

TEST_F(UnseenClose, AFinalEventDoesNotPassToTheNextOwner) {
  const Pair other = open_pipe();
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kForceOneshot)), 0);
  raw_close(number_);
  raw_reuse(other.near);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(UnseenClose, AWriteKnoteDoesNotPassToTheNextOwner) {
  const Pair other = open_pipe();
  const auto ident = static_cast<uintptr_t>(int{pipe_.far});
  ASSERT_EQ(submit(kq_, ev(ident, filter::kWrite, flag::kAdd)), 0);
  const int far = pipe_.far;
  raw_close(far);
  ASSERT_EQ(syscall(SYS_dup3, int{other.far}, far, 0), far);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(UnseenClose, DoesNotMakeAWaiterSpinOrReturn) {
  const Fd copy(dup(number_));
  ASSERT_EQ(submit(kq_, {read_ev(flag::kAdd), ev(1, filter::kUser, flag::kAdd)}), 0);
  raw_close(number_);
  Waiter waiter(kq_);
  waiter.wait_until_parked();
  put(pipe_.far, 1);
  waiter.wait_until_parked();
  EXPECT_FALSE(waiter.returned());
  ASSERT_EQ(submit(kq_, trigger(1)), 0);
  const Outcome outcome = waiter.join();
  ASSERT_EQ(outcome.count, 1);
  EXPECT_EQ(outcome.entries[0].filter, filter::kUser);
}

TEST_F(UnseenClose, OfTheKqueueItselfIsEbadf) {
  const int number = kq_.release();
  raw_close(number);
  EXPECT_EQ(call(number, {}, 1).error, EBADF);
}

TEST_F(UnseenClose, OfTheKqueueLeavesItsNumberToItsNextOwner) {
  const int number = kq_.release();
  raw_close(number);
  const int fresh = subject().kqueue();
  ASSERT_GE(fresh, 0);
  ASSERT_EQ(submit(fresh, {ev(1, filter::kUser, flag::kAdd), trigger(1)}), 0);
  EXPECT_EQ(only_event(fresh).ident, 1u);
  subject().close(fresh);
}

// What was a kqueue's number is a pipe's: its bytes are counted, not what the old kqueue holds.
TEST_F(UnseenClose, OfAKqueueDoesNotMakeAKqueueOfItsNumbersNextOwner) {
  const int number = subject().kqueue();
  ASSERT_GE(number, 0);
  ASSERT_EQ(submit(number, {ev(1, filter::kUser, flag::kAdd), trigger(1)}), 0);
  raw_close(number);
  ASSERT_EQ(syscall(SYS_dup3, number_, number, 0), number);
  put(pipe_.far, 3);
  ASSERT_EQ(submit(kq_, ev(static_cast<uintptr_t>(number), filter::kRead, flag::kAdd)), 0);
  EXPECT_EQ(only_event(kq_).data, 3);
  subject().close(number);
}

// Whoever watched it through that number watches nothing any more, least of all a kqueue that the
// last reference has gone from.
TEST_F(UnseenClose, OfAWatchedKqueueRemovesTheKnoteOfItsWatcher) {
  Fd inner(subject().kqueue());
  ASSERT_EQ(submit(inner, {ev(1, filter::kUser, flag::kAdd), trigger(1)}), 0);
  ASSERT_EQ(submit(kq_, ev(static_cast<uintptr_t>(int{inner}), filter::kRead, flag::kAdd)), 0);
  const int number = inner.release();
  raw_close(number);
  EXPECT_EQ(call(number, {}, 1).error, EBADF);
  EXPECT_TRUE(silent(kq_));
}

TEST(LateLoading, OfLibkqNoticesClosesItCannotSee) {
  if (!subject().is_emulator()) GTEST_SKIP() << "linked with libkq, but another kqueue is tested";
  const pid_t child = fork();
  if (child == 0) {
    execl(KQ_LATE_LOADER, "late_loader", KQ_LIBRARY, nullptr);
    _exit(99);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0) << "the step of late_loader.cpp that failed";
}

// Once a process has forked, every number may be shared, and libkq asks the kernel each time; and
// what a pipe is it learns from the first. So the cases once more, in a program of their own.
TEST(FreshProcess, HasTheSameAnswers) {
  if (!subject().is_emulator()) GTEST_SKIP() << "linked with libkq, but another kqueue is tested";
  for (const char* cases : {"--gtest_filter=UnseenClose.*", "--gtest_filter=Fifo.*"}) {
    std::fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
      setenv("KQ_WORKER", "0", 1);
      execl("/proc/self/exe", "kqueue_tests_linked", cases, "--gtest_brief=1", nullptr);
      _exit(100);
    }
    int status = -1;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    EXPECT_EQ(status, 0) << cases;
  }
}

}  // namespace
}  // namespace kqtorture
