// What does EVFILT_PROCDESC tell of a process descriptor? The exit of its process, as EVFILT_PROC
// does, also when it is added afterwards. FreeBSD's are made by pdfork(2), Linux's by
// pidfd_open(2); no other system has any.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

#include "objects.h"
#include "processes.h"

namespace kqtorture {
namespace {

int open_process_descriptor([[maybe_unused]] pid_t pid) {
#if defined(__linux__)
  return static_cast<int>(syscall(434, pid, 0));  // pidfd_open, on every architecture
#else
  errno = ENOSYS;
  return -1;
#endif
}

class Procdesc : public KqueueTest {
 protected:
  void SetUp() override {
    KqueueTest::SetUp();
    REQUIRE_HOST_DESCRIPTORS();
    fd_ = Fd(open_process_descriptor(child_.pid()));
    if (fd_ < 0) GTEST_SKIP() << "no process descriptors here";
  }
  Kevent exit_ev(int flags = flag::kAdd, uint32_t fflags = note::kExit) const {
    return ev(static_cast<uintptr_t>(int{fd_}), filter::kProcdesc, static_cast<uint16_t>(flags),
              fflags, 0, tag(3));
  }
  static constexpr int kLast = flag::kEof | flag::kOneshot | flag::kClear;
  ChildProcess child_;
  Fd fd_;
};

TEST_F(Procdesc, ExitIsToldOnceWithTheStatus) {
  ASSERT_EQ(submit(kq_, exit_ev()), 0);
  EXPECT_TRUE(silent(kq_));
  child_.exit_with(5);
  const Kevent event = wait_event(kq_);
  EXPECT_EQ(event.ident, static_cast<uintptr_t>(int{fd_}));
  EXPECT_EQ(event.filter, filter::kProcdesc);
  EXPECT_EQ(flags_of(event), kLast);
  EXPECT_EQ(event.fflags, note::kExit);
  EXPECT_EQ(event.data, 5 << 8);
  EXPECT_EQ(event.udata, tag(3));
  EXPECT_EQ(submit(kq_, exit_ev(flag::kDelete)), ENOENT);
  EXPECT_EQ(child_.reap_now(), 5 << 8);
}

TEST_F(Procdesc, AProcessThatHasEndedTellsAtOnce) {
  child_.exit_with(1);
  child_.wait_until_dead();
  ASSERT_EQ(submit(kq_, exit_ev()), 0);
  EXPECT_EQ(only_event(kq_).data, 1 << 8);
}

TEST_F(Procdesc, WithoutInterestTheExitRemovesTheKnoteInSilence) {
  ASSERT_EQ(submit(kq_, exit_ev(flag::kAdd, 0)), 0);
  child_.exit_with(1);
  child_.wait_until_dead();
  EXPECT_TRUE(silent(kq_));
  EXPECT_EQ(submit(kq_, exit_ev(0)), ENOENT);
}

TEST_F(Procdesc, AnExitWhileDisabledIsToldAfterTheEnable) {
  ASSERT_EQ(submit(kq_, exit_ev(flag::kAdd | flag::kDisable)), 0);
  child_.exit_with(2);
  child_.wait_until_dead();
  EXPECT_TRUE(silent(kq_));
  ASSERT_EQ(submit(kq_, exit_ev(flag::kEnable)), 0);
  EXPECT_EQ(only_event(kq_).data, 2 << 8);
}

TEST_F(Procdesc, TheInterestAtTheTimeOfTheExitCounts) {
  ASSERT_EQ(submit(kq_, exit_ev(flag::kAdd | flag::kDisable)), 0);
  child_.exit_with(2);
  child_.wait_until_dead();
  ASSERT_EQ(submit(kq_, exit_ev(flag::kEnable, 0)), 0);
  EXPECT_EQ(only_event(kq_).data, 2 << 8);
}

TEST_F(Procdesc, AGrandchildsStatusIsToldWithoutReapingIt) {
  if (!subject().is_emulator()) GTEST_SKIP() << "whose descriptors one may have is the platform's";
  Grandchild grandchild;
  fd_ = Fd(open_process_descriptor(grandchild.pid()));
  ASSERT_GE(fd_, 0);
  ASSERT_EQ(submit(kq_, exit_ev()), 0);
  grandchild.exit_with(6);
  EXPECT_EQ(wait_event(kq_).data, 6 << 8);
}

TEST_F(Procdesc, CloseRemovesTheKnote) {
  const auto number = static_cast<uintptr_t>(int{fd_});
  ASSERT_EQ(submit(kq_, exit_ev()), 0);
  fd_.reset();
  child_.exit_with(2);
  child_.wait_until_dead();
  EXPECT_TRUE(silent(kq_));
  EXPECT_EQ(submit(kq_, ev(number, filter::kProcdesc, flag::kDelete)), EBADF);
}

TEST_F(Procdesc, AnyOtherDescriptorIsEinval) {
  const Pair pipe = open_pipe();
  const Fd file(subject().calls().open("/dev/null", O_RDONLY));
  for (const int other : {int{pipe.near}, int{file}}) {
    const Kevent change = ev(static_cast<uintptr_t>(other), filter::kProcdesc, flag::kAdd);
    EXPECT_EQ(submit(kq_, change), EINVAL);
  }
}

TEST_F(Procdesc, AClosedNumberIsEbadf) {
  const Kevent add = exit_ev();
  fd_.reset();
  EXPECT_EQ(submit(kq_, add), EBADF);
}

TEST_F(Procdesc, OfTwoFiltersOnTheDescriptorEachCanGo) {
  if (!subject().is_emulator()) GTEST_SKIP() << "READ of a process descriptor is libkq's own";
  const Kevent read = ev(static_cast<uintptr_t>(int{fd_}), filter::kRead, flag::kAdd);
  const Kevent no_read = ev(static_cast<uintptr_t>(int{fd_}), filter::kRead, flag::kDelete);
  ASSERT_EQ(submit(kq_, {exit_ev(), read, no_read}), 0);
  child_.exit_with(7);
  EXPECT_EQ(wait_event(kq_).filter, filter::kProcdesc);
}

}  // namespace
}  // namespace kqtorture
