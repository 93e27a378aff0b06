// What has a forked child of its parent's kqueues? Nothing: its kevent() says EBADF, it may make
// its own, and whatever it does leaves the parent's knotes alone. Each child reports by its exit
// code.
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>

#include "objects.h"
#include "processes.h"
#include "subject/sanitizers.h"

namespace kqtorture {
namespace {

class Fork : public PipeTest {
 protected:
  void SetUp() override {
    PipeTest::SetUp();
    if (!subject().is_emulator()) GTEST_SKIP() << "linked with libkq, but another kqueue is tested";
    fd_ = static_cast<uintptr_t>(int{pipe_.near});
  }
  // Runs body in a forked child and returns what it returns, 100 if it crashed.
  template <typename Body>
  static int in_child(Body body) {
    const pid_t child = fork();
    if (child == 0) end_child(body());
    EXPECT_GT(child, 0);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100;
  }
  uintptr_t fd_ = 0;
};

TEST_F(Fork, TheChildGetsEbadf) {
  EXPECT_EQ(in_child([&] { return call(kq_, {}, 1).error; }), EBADF);
  EXPECT_EQ(in_child([&] { return submit(kq_, ev(1, filter::kUser, flag::kAdd)); }), EBADF);
}

TEST_F(Fork, TheChildsChangesDoNotReachTheParent) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, ev(fd_, filter::kRead, flag::kAdd, 0, 0, tag(1))), 0);
  EXPECT_EQ(in_child([&] { return submit(kq_, ev(fd_, filter::kRead, flag::kDelete)); }), EBADF);
  EXPECT_EQ(only_event(kq_).udata, tag(1));
}

TEST_F(Fork, TheChildTakesNoEventsOfTheParent) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, {ev(fd_, filter::kRead, flag::kAdd | flag::kOneshot),
                         ev(1, filter::kUser, flag::kAdd | flag::kClear), trigger(1)}),
            0);
  EXPECT_EQ(in_child([&] { return call(kq_, {}, 8).error; }), EBADF);
  EXPECT_EQ(poll_events(kq_).size(), 2u);
}

TEST_F(Fork, TheChildMayMakeItsOwn) {
  put(pipe_.far, 3);
  ASSERT_EQ(submit(kq_, ev(fd_, filter::kRead, flag::kAdd)), 0);
  const int verdict = in_child([&] {
    const int own = subject().kqueue();
    if (own < 0) return 1;
    if (submit(own, {ev(1, filter::kUser, flag::kAdd | flag::kClear), trigger(1)}) != 0) return 2;
    if (call(own, {}, 8).count != 1) return 3;
    if (submit(own, ev(fd_, filter::kRead, flag::kAdd)) != 0) return 4;
    const Outcome outcome = call(own, {}, 8);
    if (outcome.count != 1 || outcome.entries[0].data != 3) return 5;
    if (submit(own, ev(1, filter::kTimer, flag::kAdd | flag::kOneshot, 0, 1)) != 0) return 6;
    if (submit(own, ev(fd_, filter::kRead, flag::kDelete)) != 0) return 7;
    if (call(own, {}, 8, nullptr).count != 1) return 8;
    subject().close(pipe_.near);
    return call(own, {}, 8).count == 0 ? 0 : 9;
  });
  EXPECT_EQ(verdict, 0);
  EXPECT_EQ(only_event(kq_).data, 3);
}

TEST_F(Fork, TheChildsOwnTakesNothingFromTheParent) {
  ASSERT_EQ(submit(kq_, {ev(fd_, filter::kRead, flag::kAdd | flag::kClear),
                         ev(1, filter::kTimer, flag::kAdd | flag::kOneshot, 0, 1)}),
            0);
  put(pipe_.far, 1);
  EXPECT_EQ(in_child([&] {
              const int own = subject().kqueue();
              submit(own, ev(fd_, filter::kRead, flag::kAdd | flag::kClear));
              return call(own, {}, 8).count;
            }),
            1);
  size_t seen = 0;
  while (seen < 2) seen += Waiter(kq_).join().entries.size();
  EXPECT_EQ(seen, 2u);
}

TEST_F(Fork, TheChildMayCloseTheParentsKqueueNumber) {
  ASSERT_EQ(submit(kq_, ev(fd_, filter::kRead, flag::kAdd)), 0);
  EXPECT_EQ(in_child([&] {
              if (subject().close(kq_) != 0 && errno != EBADF) return 1;
              const int own = subject().kqueue();
              return own >= 0 && call(own, {}, 1).count == 0 ? 0 : 2;
            }),
            0);
  put(pipe_.far, 1);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
}

TEST_F(Fork, AGrandchildMayMakeItsOwnToo) {
  EXPECT_EQ(in_child([&] {
              const int own = subject().kqueue();
              if (submit(own, ev(1, filter::kUser, flag::kAdd)) != 0) return 1;
              return in_child([&] {
                if (call(own, {}, 1).error != EBADF) return 2;
                const int second = subject().kqueue();
                return submit(second, {ev(1, filter::kUser, flag::kAdd), trigger(1)}) == 0 &&
                               call(second, {}, 4).count == 1
                           ? 0
                           : 3;
              });
            }),
            0);
}

TEST_F(Fork, UnderAWaiterOfTheParent) {
  ASSERT_EQ(submit(kq_, ev(fd_, filter::kRead, flag::kAdd | flag::kOneshot)), 0);
  Waiter waiter(kq_);
  waiter.wait_until_parked();
  EXPECT_EQ(in_child([&] { return call(kq_, {}, 1).error; }), EBADF);
  EXPECT_FALSE(waiter.returned());
  put(pipe_.far, 1);
  EXPECT_EQ(waiter.join().count, 1);
}

TEST_F(Fork, WhileOtherThreadsUseTheKqueue) {
  std::vector<Kevent> changes = {
      ev(fd_, filter::kRead, flag::kAdd), ev(fd_, filter::kRead, flag::kDelete),
      ev(1, filter::kUser, flag::kAdd), ev(1, filter::kUser, flag::kDelete)};
  if (kAddressSanitizer || kThreadSanitizer) {
    // Their allocators do not survive a fork(): a child waits for ever for the lock that a thread
    // of the parent had. (LLVM takes them around a fork() since 18 and 19.) So there the thread
    // makes changes that need no memory.
    ASSERT_EQ(submit(kq_, {changes[0], changes[2]}), 0);
    changes = {ev(fd_, filter::kRead, flag::kDisable), ev(fd_, filter::kRead, flag::kEnable),
               ev(1, filter::kUser, flag::kDisable), trigger(1)};
  }
  std::atomic<bool> done{false};
  std::thread busy([&] {
    const int count = static_cast<int>(changes.size());
    while (!done) subject().kevent(kq_, changes.data(), count, nullptr, 0, nullptr);
  });
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(in_child([&] {
                const int own = subject().kqueue();
                if (submit(own, {ev(1, filter::kUser, flag::kAdd), trigger(1)}) != 0) return 1;
                return call(own, {}, 4).count == 1 ? 0 : 2;
              }),
              0);
  }
  done = true;
  busy.join();
}

TEST_F(Fork, FcloseallInAChildKeepsKnotesAndDescriptorsTogether) {
  EXPECT_EQ(in_child([&] {
              put(pipe_.far, 1);
              const int own = subject().kqueue();
              FILE* file = fdopen(pipe_.near, "r");
              if (file == nullptr || submit(own, ev(fd_, filter::kRead, flag::kAdd)) != 0) return 1;
              fcloseall();
              const bool open = fcntl(static_cast<int>(fd_), F_GETFD) != -1;
              return call(own, {}, 4).count == (open ? 1 : 0) ? 0 : 2;
            }),
            0);
}

}  // namespace
}  // namespace kqtorture
