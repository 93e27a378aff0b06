// What does a FIFO tell? As a pipe, but writers may come again: the end of file is taken back when
// they do, and is not told before the first has come. The FIFO is made on the host's file system.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "objects.h"

namespace kqtorture {
namespace {

class Fifo : public KqueueTest {
 protected:
  void SetUp() override {
    KqueueTest::SetUp();
    if (!host_descriptors()) GTEST_SKIP() << "the subject has no file system of the host";
    ASSERT_NE(mkdtemp(directory_.data()), nullptr);
    path_ = directory_ + "/fifo";
    ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
    reader_ = Fd(subject().calls().open(path_.c_str(), O_RDONLY | O_NONBLOCK));
    ASSERT_GE(reader_, 0);
    ident_ = static_cast<uintptr_t>(int{reader_});
  }
  void TearDown() override {
    unlink(path_.c_str());
    rmdir(directory_.c_str());
  }
  Fd open_writer() const {
    return Fd(subject().calls().open(path_.c_str(), O_WRONLY | O_NONBLOCK));
  }
  Kevent read_ev(int flags) const {
    return ev(ident_, filter::kRead, static_cast<uint16_t>(flags));
  }

  std::string directory_ = "/tmp/kq-fifo-XXXXXX";
  std::string path_;
  Fd reader_;
  uintptr_t ident_ = 0;
};

TEST_F(Fifo, DataIsTheNumberOfBufferedBytes) {
  const Fd writer = open_writer();
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  EXPECT_TRUE(silent(kq_));
  put(writer, 17);
  const Kevent event = only_event(kq_);
  EXPECT_EQ(event.data, 17);
  EXPECT_EQ(flags_of(event), 0);
}

TEST_F(Fifo, NoEofBeforeTheFirstWriter) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Fifo, EofWhenTheWriterIsGone) {
  Fd writer = open_writer();
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  put(writer, 3);
  writer.reset();
  const Kevent event = only_event(kq_);
  EXPECT_EQ(event.data, 3);
  EXPECT_EQ(flags_of(event), flag::kEof);
  take(reader_, 3);
  EXPECT_EQ(flags_of(only_event(kq_)), flag::kEof);
}

TEST_F(Fifo, EofIsTakenBackWhenAWriterComesAgain) {
  REQUIRE_KNOB(knob().freebsd_objects);
  Fd writer = open_writer();
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  writer.reset();
  ASSERT_EQ(flags_of(only_event(kq_)), flag::kEof);
  writer = open_writer();
  EXPECT_TRUE(silent(kq_));
  put(writer, 2);
  const Kevent event = only_event(kq_);
  EXPECT_EQ(event.data, 2);
  EXPECT_EQ(flags_of(event), 0);
}

TEST_F(Fifo, EofIsToldAgainAfterTheSecondWriter) {
  Fd writer = open_writer();
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  writer.reset();
  ASSERT_EQ(poll_events(kq_).size(), 1u);
  writer = open_writer();
  writer.reset();
  EXPECT_EQ(flags_of(only_event(kq_)), flag::kEof);
}

TEST_F(Fifo, ClearFiresOnEachWriteAndOnEof) {
  Fd writer = open_writer();
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kClear)), 0);
  put(writer, 1);
  EXPECT_EQ(only_event(kq_).data, 1);
  EXPECT_TRUE(silent(kq_));
  put(writer, 1);
  EXPECT_EQ(only_event(kq_).data, 2);
  writer.reset();
  EXPECT_TRUE(only_event(kq_).flags & flag::kEof);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Fifo, WriteHasRoomUntilItIsFull) {
  const Fd writer = open_writer();
  const auto ident = static_cast<uintptr_t>(int{writer});
  ASSERT_EQ(submit(kq_, ev(ident, filter::kWrite, flag::kAdd)), 0);
  EXPECT_GT(only_event(kq_).data, 0);
  fill(writer);
  EXPECT_TRUE(silent(kq_));
  drain(reader_);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
}

// A pipe without a reader is dead; a FIFO may be opened again.
TEST_F(Fifo, TheKnoteOfAWriterOutlivesTheReader) {
  REQUIRE_KNOB(knob().freebsd_objects);
  const Fd writer = open_writer();
  const auto ident = static_cast<uintptr_t>(int{writer});
  ASSERT_EQ(submit(kq_, ev(ident, filter::kWrite, flag::kAdd)), 0);
  reader_.reset();
  EXPECT_EQ(flags_of(only_event(kq_)), flag::kEof);
  reader_ = Fd(subject().calls().open(path_.c_str(), O_RDONLY | O_NONBLOCK));
  const Kevent event = only_event(kq_);
  EXPECT_EQ(flags_of(event), 0);
  EXPECT_GT(event.data, 0);
}

TEST_F(Fifo, AWriterWakesAWaiter) {
  const Fd writer = open_writer();
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  Waiter waiter(kq_);
  waiter.wait_until_parked();
  put(writer, 1);
  EXPECT_EQ(waiter.join().count, 1);
}

TEST_F(Fifo, TheEndOfTheWriterWakesAWaiter) {
  Fd writer = open_writer();
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  Waiter waiter(kq_);
  waiter.wait_until_parked();
  writer.reset();
  const Outcome outcome = waiter.join();
  ASSERT_EQ(outcome.count, 1);
  EXPECT_TRUE(outcome.entries[0].flags & flag::kEof);
}

}  // namespace
}  // namespace kqtorture
