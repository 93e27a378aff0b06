// What does an eventfd tell? It is the host's own object, so only subjects with the host's
// descriptors are asked. The counter's value cannot be looked at, so READ's data is a bound.
#include "objects.h"

#ifdef __linux__
#include <sys/eventfd.h>

namespace kqtorture {
namespace {

class Eventfd : public KqueueTest {
 protected:
  void SetUp() override {
    KqueueTest::SetUp();
    REQUIRE_HOST_DESCRIPTORS();
    fd_ = Fd(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    ASSERT_GE(fd_, 0);
    ident_ = static_cast<uintptr_t>(int{fd_});
  }
  void post(uint64_t count) {
    ASSERT_EQ(subject().write(fd_, &count, sizeof count), ssize_t{sizeof count});
  }
  uint64_t collect() {
    uint64_t count = 0;
    EXPECT_EQ(subject().read(fd_, &count, sizeof count), ssize_t{sizeof count});
    return count;
  }
  Kevent read_ev(int flags) const {
    return ev(ident_, filter::kRead, static_cast<uint16_t>(flags));
  }
  Fd fd_;
  uintptr_t ident_ = 0;
};

TEST_F(Eventfd, ACounterOfZeroIsSilent) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Eventfd, ACounterAboveZeroFiresRead) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  post(5);
  const Kevent event = only_event(kq_);
  EXPECT_GE(event.data, 1);
  EXPECT_EQ(flags_of(event), 0);
}

TEST_F(Eventfd, LookingDoesNotUseTheCounterUp) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  post(5);
  ASSERT_EQ(poll_events(kq_).size(), 1u);
  EXPECT_EQ(collect(), 5u);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Eventfd, ClearFiresForEachPost) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kClear)), 0);
  for (int i = 0; i < 3; ++i) {
    post(1);
    EXPECT_EQ(poll_events(kq_).size(), 1u);
    EXPECT_TRUE(silent(kq_));
  }
}

TEST_F(Eventfd, WriteFiresUnlessTheCounterIsFull) {
  ASSERT_EQ(submit(kq_, ev(ident_, filter::kWrite, flag::kAdd)), 0);
  EXPECT_GE(only_event(kq_).data, knob().tells_space_of_devices ? 1 : 0);
  post(UINT64_MAX - 1);
  EXPECT_TRUE(silent(kq_));
  collect();
  EXPECT_EQ(poll_events(kq_).size(), 1u);
}

TEST_F(Eventfd, DispatchFiresOnceUntilEnable) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kDispatch)), 0);
  post(1);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
  post(1);
  EXPECT_TRUE(silent(kq_));
  ASSERT_EQ(submit(kq_, read_ev(flag::kEnable)), 0);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
}

TEST_F(Eventfd, APostWakesAWaiter) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  Waiter waiter(kq_);
  waiter.wait_until_parked();
  post(1);
  EXPECT_EQ(waiter.join().count, 1);
}

}  // namespace
}  // namespace kqtorture
#endif
