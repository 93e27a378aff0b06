// What does a terminal tell? The exact number of bytes that can be read, which in canonical mode is
// nothing before the end of the line; and its end when the other side hangs up.
#include <fcntl.h>
#include <stdlib.h>
#include <termios.h>

#include "objects.h"

namespace kqtorture {
namespace {

class Terminal : public KqueueTest {
 protected:
  void SetUp() override {
    KqueueTest::SetUp();
    if (!host_descriptors()) GTEST_SKIP() << "the subject has no terminals of the host";
    master_ = Fd(posix_openpt(O_RDWR | O_NOCTTY));
    if (master_ < 0) GTEST_SKIP() << "the host has no pseudo-terminals left";
    ASSERT_EQ(grantpt(master_), 0);
    ASSERT_EQ(unlockpt(master_), 0);
    const char* name = ptsname(master_);
    if (name == nullptr) GTEST_SKIP() << "the host does not name its pseudo-terminals";
    slave_ = Fd(subject().calls().open(name, O_RDWR | O_NOCTTY | O_NONBLOCK));
    if (slave_ < 0) GTEST_SKIP() << "the host does not open its pseudo-terminals";
    ident_ = static_cast<uintptr_t>(int{slave_});
  }
  void make_raw() {
    termios mode{};
    ASSERT_EQ(tcgetattr(slave_, &mode), 0);
    cfmakeraw(&mode);
    ASSERT_EQ(tcsetattr(slave_, TCSANOW, &mode), 0);
  }
  void type(const std::string& text) {
    ASSERT_EQ(subject().write(master_, text.data(), text.size()),
              static_cast<ssize_t>(text.size()));
  }
  Kevent read_ev(int flags) const {
    return ev(ident_, filter::kRead, static_cast<uint16_t>(flags));
  }
  Fd master_;
  Fd slave_;
  uintptr_t ident_ = 0;
};

TEST_F(Terminal, RawDataIsTheNumberOfBytes) {
  make_raw();
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  EXPECT_TRUE(silent(kq_));
  type("hello");
  const Kevent event = wait_event(kq_);
  EXPECT_EQ(event.data, 5);
  EXPECT_EQ(flags_of(event), 0);
  take(slave_, 3);
  EXPECT_EQ(only_event(kq_).data, 2);
}

TEST_F(Terminal, ACanonicalLineIsToldWhenItIsComplete) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  type("abc");
  sleep_ms(10);
  EXPECT_TRUE(silent(kq_));
  type("d\n");
  EXPECT_EQ(wait_event(kq_).data, 5);
  take(slave_, 5);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Terminal, TheMastersDataIsTheNumberOfBytes) {
  make_raw();
  const auto master = static_cast<uintptr_t>(int{master_});
  ASSERT_EQ(submit(kq_, ev(master, filter::kRead, flag::kAdd)), 0);
  EXPECT_TRUE(silent(kq_));
  put(slave_, 7);
  EXPECT_EQ(wait_event(kq_).data, 7);
}

TEST_F(Terminal, WriteFires) {
  ASSERT_EQ(submit(kq_, ev(ident_, filter::kWrite, flag::kAdd)), 0);
  const Kevent event = only_event(kq_);
  EXPECT_GE(event.data, knob().tells_space_of_devices ? 1 : 0);
  EXPECT_EQ(flags_of(event), 0);
}

TEST_F(Terminal, HangupIsEof) {
  make_raw();
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  master_.reset();
  EXPECT_TRUE(wait_event(kq_).flags & flag::kEof);
}

TEST_F(Terminal, OnceGoneItTakesItsKnotesAlong) {
  REQUIRE_KNOB(knob().freebsd_objects);
  make_raw();
  const Kevent write_ev = ev(ident_, filter::kWrite, flag::kAdd | flag::kDisable);
  ASSERT_EQ(submit(kq_, {read_ev(flag::kAdd), write_ev}), 0);
  master_.reset();
  EXPECT_EQ(flags_of(wait_event(kq_)), flag::kEof | flag::kOneshot);
  EXPECT_EQ(submit(kq_, read_ev(flag::kDelete)), ENOENT);
  ASSERT_EQ(submit(kq_, ev(ident_, filter::kWrite, flag::kEnable)), 0);
  EXPECT_EQ(flags_of(only_event(kq_)), flag::kEof | flag::kOneshot);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Terminal, TypingWakesAWaiter) {
  make_raw();
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kClear)), 0);
  Waiter waiter(kq_);
  waiter.wait_until_parked();
  type("x");
  EXPECT_EQ(waiter.join().count, 1);
}

}  // namespace
}  // namespace kqtorture
