// What does a regular file tell? READ how far its end is from the offset, in either direction;
// WRITE that it can always be written. Its end is never an end of file: it may grow.
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "objects.h"

namespace kqtorture {
namespace {

class RegularFile : public KqueueTest {
 protected:
  void SetUp() override {
    KqueueTest::SetUp();
    if (!host_descriptors()) GTEST_SKIP() << "the subject has no file system of the host";
    GATE(knob().freebsd_objects, "the contract tells FreeBSD's answers only");
    file_ = Fd(mkstemp(path_.data()));
    ASSERT_GE(file_, 0);
    ident_ = static_cast<uintptr_t>(int{file_});
  }
  void TearDown() override { unlink(path_.c_str()); }
  void seek(off_t offset) { ASSERT_EQ(lseek(file_, offset, SEEK_SET), offset); }
  Kevent read_ev(int flags, uint32_t fflags = 0) const {
    return ev(ident_, filter::kRead, static_cast<uint16_t>(flags), fflags);
  }
  std::string path_ = "/tmp/kq-file-XXXXXX";
  Fd file_;
  uintptr_t ident_ = 0;
};

TEST_F(RegularFile, DataIsTheDistanceToTheEnd) {
  put(file_, 100);
  seek(30);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  EXPECT_EQ(only_event(kq_).data, 70);
  take(file_, 50);
  EXPECT_EQ(only_event(kq_).data, 20);
}

TEST_F(RegularFile, AtItsEndIsSilentAndNotEof) {
  put(file_, 10);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(RegularFile, EmptyIsSilentAndNotEof) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(RegularFile, ReadingToTheEndMakesItSilent) {
  put(file_, 10);
  seek(0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  EXPECT_EQ(flags_of(only_event(kq_)), 0);
  take(file_, 10);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(RegularFile, BeyondItsEndDataIsNegative) {
  put(file_, 10);
  seek(25);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  EXPECT_EQ(only_event(kq_).data, -15);
}

TEST_F(RegularFile, GrowthIsSeen) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  ASSERT_TRUE(silent(kq_));
  const Fd appender(subject().calls().open(path_.c_str(), O_WRONLY | O_APPEND));
  put(appender, 6);
  EXPECT_EQ(only_event(kq_).data, 6);
}

TEST_F(RegularFile, GrowthWakesAWaiter) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  Waiter waiter(kq_);
  waiter.wait_until_parked();
  const Fd appender(subject().calls().open(path_.c_str(), O_WRONLY | O_APPEND));
  put(appender, 6);
  EXPECT_EQ(waiter.join().count, 1);
}

TEST_F(RegularFile, WithFilePollReadAlwaysFires) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd, note::kFilePoll)), 0);
  EXPECT_EQ(only_event(kq_).ident, ident_);
  put(file_, 10);
  EXPECT_EQ(only_event(kq_).ident, ident_);
}

TEST_F(RegularFile, WriteAlwaysFires) {
  ASSERT_EQ(submit(kq_, ev(ident_, filter::kWrite, flag::kAdd)), 0);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(flags_of(only_event(kq_)), 0);
}

TEST_F(RegularFile, OneshotFiresOnce) {
  put(file_, 10);
  seek(0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kOneshot)), 0);
  EXPECT_EQ(only_event(kq_).data, 10);
  EXPECT_TRUE(silent(kq_));
  EXPECT_EQ(submit(kq_, read_ev(flag::kDelete)), ENOENT);
}

TEST_F(RegularFile, DispatchFiresOnceUntilEnable) {
  ASSERT_EQ(submit(kq_, ev(ident_, filter::kWrite, flag::kAdd | flag::kDispatch)), 0);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
  EXPECT_TRUE(silent(kq_));
  ASSERT_EQ(submit(kq_, ev(ident_, filter::kWrite, flag::kEnable)), 0);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
}

TEST_F(RegularFile, CloseRemovesItsKnotes) {
  ASSERT_EQ(submit(kq_, ev(ident_, filter::kWrite, flag::kAdd)), 0);
  file_.reset();
  EXPECT_TRUE(silent(kq_));
}

TEST_F(RegularFile, ForceoneshotAtItsEndDelivers) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  ASSERT_TRUE(silent(kq_));
  ASSERT_EQ(submit(kq_, read_ev(flag::kForceOneshot)), 0);
  EXPECT_EQ(only_event(kq_).flags, final_flags(0));
}

}  // namespace
}  // namespace kqtorture
