// Is a kqueue descriptor a descriptor? The host's poll, select and epoll see it readable, it can be
// duplicated, carries close-on-exec, and lives until its last number is closed.
#include <fcntl.h>
#include <poll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "objects.h"

#ifdef __linux__
#include <sys/epoll.h>
#endif

namespace kqtorture {
namespace {

class KqueueDescriptor : public PipeTest {
 protected:
  void SetUp() override {
    PipeTest::SetUp();
    if (IsSkipped()) return;
    REQUIRE_HOST_DESCRIPTORS();
    REQUIRE_KNOB(knob().kqueue_is_descriptor);
    ASSERT_EQ(submit(kq_, ev(1, filter::kUser, flag::kAdd | flag::kClear)), 0);
  }
  static short polled(int fd) {
    pollfd entry{fd, POLLIN, 0};
    EXPECT_GE(poll(&entry, 1, 0), 0);
    return entry.revents;
  }
};

TEST_F(KqueueDescriptor, AFreshOneIsNotReadable) { EXPECT_EQ(polled(Fd(subject().kqueue())), 0); }

TEST_F(KqueueDescriptor, IsNotReadableWithoutAnEvent) { EXPECT_EQ(polled(kq_), 0); }

TEST_F(KqueueDescriptor, PollSeesAUserEvent) {
  ASSERT_EQ(submit(kq_, trigger(1)), 0);
  EXPECT_EQ(polled(kq_), POLLIN);
}

TEST_F(KqueueDescriptor, PollSeesADescriptorsEvent) {
  ASSERT_EQ(submit(kq_, ev(static_cast<uintptr_t>(int{pipe_.near}), filter::kRead, flag::kAdd)), 0);
  EXPECT_EQ(polled(kq_), 0);
  put(pipe_.far, 1);
  EXPECT_EQ(polled(kq_), POLLIN);
}

TEST_F(KqueueDescriptor, PollSeesATimersEvent) {
  ASSERT_EQ(submit(kq_, ev(1, filter::kTimer, flag::kAdd | flag::kOneshot, 0, 2)), 0);
  pollfd entry{kq_, POLLIN, 0};
  EXPECT_EQ(poll(&entry, 1, -1), 1);
  EXPECT_EQ(only_event(kq_).filter, filter::kTimer);
}

TEST_F(KqueueDescriptor, PollSeesAForcedEvent) {
  REQUIRE_KNOB(knob().forceoneshot);
  ASSERT_EQ(submit(kq_, ev(1, filter::kUser, flag::kForceOneshot)), 0);
  EXPECT_EQ(polled(kq_), POLLIN);
}

TEST_F(KqueueDescriptor, PollSeesAnEventOfALevelKnoteAgain) {
  ASSERT_EQ(submit(kq_, {ev(2, filter::kUser, flag::kAdd), trigger(2)}), 0);
  ASSERT_EQ(poll_events(kq_).size(), 1u);
  EXPECT_EQ(polled(kq_), POLLIN);
}

TEST_F(KqueueDescriptor, PollSeesARegularFile) {
  const Fd file(subject().calls().open("/proc/self/exe", O_RDONLY));
  ASSERT_GE(file, 0);
  ASSERT_EQ(submit(kq_, ev(static_cast<uintptr_t>(int{file}), filter::kWrite, flag::kAdd)), 0);
  ASSERT_EQ(poll_events(kq_).size(), 1u);
  EXPECT_EQ(polled(kq_), POLLIN);
}

TEST_F(KqueueDescriptor, IsNotReadableOnceTheEventIsTaken) {
  ASSERT_EQ(submit(kq_, trigger(1)), 0);
  ASSERT_EQ(poll_events(kq_).size(), 1u);
  EXPECT_EQ(polled(kq_), 0);
}

TEST_F(KqueueDescriptor, SelectSeesAnEvent) {
  ASSERT_EQ(submit(kq_, trigger(1)), 0);
  ASSERT_LT(kq_, FD_SETSIZE);
  fd_set set;
  FD_ZERO(&set);
  FD_SET(kq_, &set);
  timeval now{};
  EXPECT_EQ(select(kq_ + 1, &set, nullptr, nullptr, &now), 1);
}

#ifdef __linux__
TEST_F(KqueueDescriptor, EpollSeesAnEvent) {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  epoll_event interest{};
  interest.events = EPOLLIN;
  ASSERT_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, kq_, &interest), 0);
  epoll_event seen{};
  EXPECT_EQ(epoll_wait(epoll, &seen, 1, 0), 0);
  ASSERT_EQ(submit(kq_, trigger(1)), 0);
  EXPECT_EQ(epoll_wait(epoll, &seen, 1, 0), 1);
  subject().close(epoll);
}
#endif

TEST_F(KqueueDescriptor, ABlockedPollIsWokenByAnEvent) {
  std::thread poller([this] {
    pollfd entry{kq_, POLLIN, 0};
    EXPECT_EQ(poll(&entry, 1, -1), 1);
  });
  sleep_ms(10);
  ASSERT_EQ(submit(kq_, trigger(1)), 0);
  poller.join();
}

TEST_F(KqueueDescriptor, ADuplicateIsTheSameKqueue) {
  const Fd copy(subject().calls().dup(kq_));
  ASSERT_GE(copy, 0);
  ASSERT_EQ(submit(copy, trigger(1)), 0);
  EXPECT_EQ(only_event(kq_).ident, 1u);
  ASSERT_EQ(submit(copy, ev(2, filter::kUser, flag::kAdd)), 0);
  EXPECT_EQ(submit(kq_, ev(2, filter::kUser, flag::kDelete)), 0);
}

TEST_F(KqueueDescriptor, ADuplicateByFcntlIsTheSameKqueue) {
  const Fd copy(subject().calls().fcntl(kq_, F_DUPFD_CLOEXEC, 100));
  ASSERT_GE(copy, 100);
  ASSERT_EQ(submit(copy, trigger(1)), 0);
  EXPECT_EQ(only_event(kq_).ident, 1u);
}

TEST_F(KqueueDescriptor, ADuplicateByDup2IsTheSameKqueue) {
  const Fd copy(subject().calls().dup2(kq_, pipe_.near.release()));
  ASSERT_GE(copy, 0);
  ASSERT_EQ(submit(copy, trigger(1)), 0);
  EXPECT_EQ(only_event(kq_).ident, 1u);
}

// An emulation does not see that one being made, and has to find out whose it is.
TEST_F(KqueueDescriptor, ADuplicateByABareSystemCallIsTheSameKqueue) {
  const Fd newer(subject().kqueue());
  const Fd copy(static_cast<int>(syscall(SYS_dup, int{kq_})));
  ASSERT_GE(copy, 0);
  ASSERT_EQ(submit(copy, trigger(1)), 0);
  EXPECT_EQ(only_event(kq_).ident, 1u);
  EXPECT_EQ(submit(newer, ev(1, filter::kUser, flag::kDelete)), ENOENT);
}

TEST_F(KqueueDescriptor, LivesOnInADuplicateAfterItsFirstNumberIsClosed) {
  const Fd copy(subject().calls().dup(kq_));
  ASSERT_EQ(submit(kq_, trigger(1)), 0);
  kq_.reset();
  EXPECT_EQ(only_event(copy).ident, 1u);
  ASSERT_EQ(submit(copy, trigger(1)), 0);
  EXPECT_EQ(only_event(copy).ident, 1u);
}

TEST_F(KqueueDescriptor, ClosingADuplicateLeavesItAlone) {
  Fd copy(subject().calls().dup(kq_));
  copy.reset();
  ASSERT_EQ(submit(kq_, trigger(1)), 0);
  EXPECT_EQ(only_event(kq_).ident, 1u);
}

TEST_F(KqueueDescriptor, TheLastCloseClosesIt) {
  const int number = kq_;
  Fd copy(subject().calls().dup(kq_));
  const int copied = copy;
  kq_.reset();
  copy.reset();
  EXPECT_EQ(call(number, {}, 1).error, knob().closed_kqueue);
  EXPECT_EQ(call(copied, {}, 1).error, knob().closed_kqueue);
}

TEST_F(KqueueDescriptor, ANewKqueueOfThatNumberHasNoneOfItsKnotes) {
  const int number = kq_;
  ASSERT_EQ(submit(kq_, trigger(1)), 0);
  kq_.reset();
  const Fd fresh(subject().kqueue());
  ASSERT_EQ(fresh, number);
  EXPECT_TRUE(silent(fresh));
  EXPECT_EQ(submit(fresh, trigger(1)), ENOENT);
}

TEST_F(KqueueDescriptor, AnotherFileOfThatNumberIsNoKqueue) {
  const int number = kq_;
  kq_.reset();
  const Fd other = reuse_number(number, pipe_.near);
  EXPECT_EQ(call(other, {}, 1).error, knob().not_a_kqueue);
}

TEST_F(KqueueDescriptor, Dup2OverItClosesIt) {
  ASSERT_EQ(submit(kq_, trigger(1)), 0);
  ASSERT_EQ(subject().calls().dup2(pipe_.near, kq_), int{kq_});
  EXPECT_EQ(call(kq_, {}, 1).error, knob().not_a_kqueue);
  put(pipe_.far, 3);
  take(kq_, 3);
}

TEST_F(KqueueDescriptor, IsNotReadOrWritten) {
  char byte = 0;
  EXPECT_EQ(subject().read(kq_, &byte, 1), -1);
  EXPECT_EQ(subject().write(kq_, &byte, 1), -1);
}

TEST_F(KqueueDescriptor, IsInheritedOnExecUnlessAsked) {
  EXPECT_EQ(subject().calls().fcntl(kq_, F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(KqueueDescriptor, CloseOnExecCanBeAskedForAtCreation) {
  if (subject().calls().kqueue1 == nullptr) GTEST_SKIP() << "the subject has no kqueue1";
  const Fd fd(subject().calls().kqueue1(O_CLOEXEC));
  ASSERT_GE(fd, 0);
  EXPECT_EQ(subject().calls().fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  const Fd plain(subject().calls().kqueue1(0));
  ASSERT_GE(plain, 0);
  EXPECT_EQ(subject().calls().fcntl(plain, F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(KqueueDescriptor, OtherCreationFlagsAreEinval) {
  if (!subject().is_emulator()) GTEST_SKIP() << "a matter of the platform";
  EXPECT_EQ(subject().calls().kqueue1(O_NONBLOCK | O_CLOEXEC), -1);
  EXPECT_EQ(errno, EINVAL);
}

TEST_F(KqueueDescriptor, ManyKqueuesAreIndependent) {
  std::vector<Fd> many;
  for (int i = 0; i < 50; ++i) {
    many.emplace_back(subject().kqueue());
    ASSERT_GE(many.back(), 0);
    ASSERT_EQ(submit(many.back(), ev(7, filter::kUser, flag::kAdd, 0, 0, tag(many.size()))), 0);
  }
  ASSERT_EQ(submit(many[20], trigger(7, 0, 0, tag(21))), 0);
  for (size_t i = 0; i < many.size(); ++i) {
    EXPECT_EQ(poll_events(many[i]).size(), i == 20 ? 1u : 0u);
  }
}

}  // namespace
}  // namespace kqtorture
