// The log says what was called, what came back and when, costs no memory while it is written, and
// admits when it is full.
#include "scenario/recorder.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <new>
#include <thread>

namespace {

// Every allocation of the program, by thread.
thread_local uint64_t allocations = 0;

}  // namespace

// A sanitizer has its own.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define KQ_OWN_NEW 0
#elif defined(__has_feature)
#define KQ_OWN_NEW !(__has_feature(thread_sanitizer) || __has_feature(address_sanitizer))
#else
#define KQ_OWN_NEW 1
#endif
constexpr bool kCountsAllocations = KQ_OWN_NEW;

#if KQ_OWN_NEW
void* operator new(size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
#endif

namespace kqtorture {
namespace {

using contract::HistoryOp;
using contract::OpKind;
using contract::Timeout;

// Answers every kevent() with what it was told.
class FakeSubject : public Subject {
 public:
  FakeSubject() {
    calls_.kqueue = [] { return 3; };
    calls_.close = [](int fd) {
      errno = EBADF;
      return fd == 99 ? -1 : 0;
    };
    calls_.dup = [](int) { return 42; };
    calls_.dup2 = [](int, int to) { return to; };
    calls_.pipe2 = [](int fds[2], int) {
      fds[0] = 10;
      fds[1] = 11;
      return 0;
    };
    calls_.socketpair = [](int, int, int, int fds[2]) {
      fds[0] = 12;
      fds[1] = 13;
      return 0;
    };
    calls_.shutdown = [](int, int) { return 0; };
    calls_.read = [](int, void*, size_t size) { return static_cast<ssize_t>(size); };
    calls_.write = [](int, const void*, size_t) {
      errno = EAGAIN;
      return ssize_t{-1};
    };
  }
  int kevent(int, const Kevent* changes, int nchanges, Kevent* events, int nevents,
             const timespec*) const override {
    if (answer < 0) {
      errno = ENOENT;
      return -1;
    }
    for (int i = 0; i < answer && i < nevents; ++i) {
      events[i] = nchanges > 0 ? changes[0] : Kevent{};
      events[i].data = 100 + i;
    }
    return answer;
  }
  int answer = 0;
};

Kevent some_change() {
  Kevent change{};
  change.ident = 7;
  change.filter = filter::kUser;
  change.flags = flag::kAdd | flag::kClear;
  change.fflags = 0x55;
  change.data = -3;
  change.udata = reinterpret_cast<void*>(0x1234);
  return change;
}

class RecorderTest : public ::testing::Test {
 protected:
  RecorderTest() : recorder_(subject_, 2, {64, 128}), self_(recorder_.thread(0)) {}
  contract::ThreadLog log() { return self_.log(); }
  const HistoryOp& last() { return self_.log().ops.back(); }

  FakeSubject subject_;
  Recorder recorder_;
  RecordedThread& self_;
};

TEST_F(RecorderTest, WritesDownAKevent) {
  subject_.answer = 2;
  const Kevent change = some_change();
  Kevent events[3];
  const timespec timeout = {1, 5};
  EXPECT_EQ(self_.kevent(3, &change, 1, events, 3, &timeout), 2);
  const HistoryOp& op = last();
  EXPECT_EQ(op.kind, OpKind::kKevent);
  EXPECT_EQ(op.fd, 3);
  EXPECT_EQ(op.nchanges, 1);
  EXPECT_EQ(op.nevents, 3);
  EXPECT_EQ(op.value, 2);
  EXPECT_EQ(op.timeout, Timeout::kFinite);
  EXPECT_EQ(op.amount, 1'000'000'005);
  EXPECT_FALSE(op.quiescent);
  ASSERT_EQ(log().changes(op).size(), 1u);
  const contract::Event& recorded = log().changes(op)[0];
  EXPECT_EQ(recorded.ident, 7u);
  EXPECT_EQ(recorded.filter, filter::kUser);
  EXPECT_EQ(recorded.flags, flag::kAdd | flag::kClear);
  EXPECT_EQ(recorded.fflags, 0x55u);
  EXPECT_EQ(recorded.data, -3);
  EXPECT_EQ(recorded.udata, 0x1234u);
  ASSERT_EQ(log().seen(op).size(), 2u);
  EXPECT_EQ(log().seen(op)[1].data, 101);
}

TEST_F(RecorderTest, ReadsTheChangesBeforeAListThatIsTheEventsToo) {
  subject_.answer = 1;
  Kevent list[1] = {some_change()};
  self_.kevent(3, list, 1, list, 1, nullptr);
  EXPECT_EQ(log().changes(last())[0].data, -3);
  EXPECT_EQ(log().seen(last())[0].data, 100);
  EXPECT_EQ(last().timeout, Timeout::kForever);
}

TEST_F(RecorderTest, KeepsErrno) {
  subject_.answer = -1;
  errno = 0;
  EXPECT_EQ(self_.kevent(3, nullptr, 0, nullptr, 0, nullptr), -1);
  EXPECT_EQ(errno, ENOENT);
  EXPECT_EQ(last().error, ENOENT);
  EXPECT_EQ(self_.write(11, "x", 1), -1);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_EQ(last().error, EAGAIN);
  EXPECT_EQ(last().amount, 1);
}

TEST_F(RecorderTest, TellsTimeoutsApart) {
  const auto kind = [&](timespec timeout) {
    self_.kevent(3, nullptr, 0, nullptr, 0, &timeout);
    return last().timeout;
  };
  EXPECT_EQ(kind({0, 0}), Timeout::kZero);
  EXPECT_EQ(kind({-1, 0}), Timeout::kNegative);
  EXPECT_EQ(kind({0, 1'000'000'000}), Timeout::kBadNanos);
  EXPECT_EQ(kind({INT64_MAX, 1}), Timeout::kFinite);
  EXPECT_GT(last().amount, INT64_MAX / 2);
}

TEST_F(RecorderTest, WritesDownCallsOnObjects) {
  int fds[2];
  char buffer[8];
  self_.kqueue();
  EXPECT_EQ(last().value, 3);
  self_.pipe2(fds, 0);
  EXPECT_EQ(last().kind, OpKind::kPipe);
  EXPECT_EQ(last().fd, 10);
  EXPECT_EQ(last().fd2, 11);
  self_.socketpair(AF_UNIX, SOCK_DGRAM, 0, fds);
  EXPECT_EQ(last().kind, OpKind::kDgramPair);
  self_.socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds);
  EXPECT_EQ(last().kind, OpKind::kStreamPair);
  self_.read(10, buffer, 8);
  EXPECT_EQ(last().value, 8);
  self_.dup(10);
  EXPECT_EQ(last().value, 42);
  self_.dup2(10, 11);
  EXPECT_EQ(last().fd2, 11);
  self_.shutdown(12, SHUT_WR);
  EXPECT_EQ(last().amount, SHUT_WR);
  self_.close(99);
  EXPECT_EQ(last().error, EBADF);
  HistoryOp op;
  op.kind = OpKind::kEventfd;
  op.amount = 5;
  self_.begin(op);
  EXPECT_FALSE(last().returned());
  op.value = 44;
  self_.end(op);
  EXPECT_EQ(last().value, 44);
  EXPECT_EQ(last().amount, 5);
  EXPECT_EQ(contract::malformed(recorder_.view()), "");
}

TEST_F(RecorderTest, TimesAreInOrderWithinAndBetweenThreads) {
  for (int i = 0; i < 20; ++i) self_.close(1);
  std::thread([this] {
    for (int i = 0; i < 20; ++i) recorder_.thread(1).close(1);
  }).join();
  for (int i = 0; i < 20; ++i) self_.close(1);
  EXPECT_EQ(contract::malformed(recorder_.view()), "");
  const contract::HistoryView view = recorder_.view();
  EXPECT_LT(view.threads[0].ops[19].end, view.threads[1].ops[0].begin);
  EXPECT_LT(view.threads[1].ops[19].end, view.threads[0].ops[20].begin);
}

TEST_F(RecorderTest, TicksMakeNanoseconds) {
  const uint64_t before = RecorderClock::monotonic_ns();
  self_.close(1);
  timespec pause = {0, 20'000'000};
  while (nanosleep(&pause, &pause) != 0) {
  }
  self_.close(1);
  const double most = static_cast<double>(RecorderClock::monotonic_ns() - before);
  const contract::HistoryView view = recorder_.view();
  const double elapsed =
      static_cast<double>(log().ops[1].end - log().ops[0].begin) * view.ns_per_tick;
  EXPECT_GE(elapsed * 1.005, 20'000'000);
  EXPECT_LE(elapsed, most * 1.005);
}

TEST_F(RecorderTest, AllocatesNothingWhileItRecords) {
  subject_.answer = 1;
  const Kevent change = some_change();
  Kevent event;
  if (!kCountsAllocations) GTEST_SKIP() << "the sanitizer has its own operator new";
  const uint64_t before = allocations;
  for (int i = 0; i < 20; ++i) {
    self_.kevent(3, &change, 1, &event, 1, nullptr);
    self_.close(1);
  }
  EXPECT_EQ(allocations, before);
  EXPECT_EQ(self_.recorded(), 40u);
}

TEST_F(RecorderTest, AFullLogSaysFromWhenOnItIsBlind) {
  for (int i = 0; i < 64; ++i) self_.close(1);
  EXPECT_FALSE(recorder_.truncated());
  const uint64_t last_end = last().end;
  EXPECT_EQ(self_.close(1), 0);
  EXPECT_TRUE(recorder_.truncated());
  EXPECT_EQ(log().ops.size(), 64u);
  EXPECT_GE(log().truncated, last_end);
  const uint64_t when = log().truncated;
  self_.close(1);
  EXPECT_EQ(log().truncated, when);
  EXPECT_EQ(contract::malformed(recorder_.view()), "");
}

TEST_F(RecorderTest, ListsThatDoNotFitTruncateToo) {
  std::vector<Kevent> changes(129);
  self_.kevent(3, changes.data(), 129, nullptr, 0, nullptr);
  EXPECT_TRUE(self_.truncated());
  EXPECT_TRUE(log().ops.empty());
}

TEST_F(RecorderTest, ACallUnderWayIsSeenAsOne) {
  HistoryOp op;
  op.kind = OpKind::kWrite;
  self_.begin(op);
  EXPECT_EQ(log().ops.size(), 1u);
  EXPECT_FALSE(last().returned());
  EXPECT_EQ(contract::malformed(recorder_.view()), "");
}

TEST_F(RecorderTest, AProbeSaysThatEverybodySlept) {
  Kevent events[2];
  self_.probe(3, events, 2);
  EXPECT_TRUE(last().quiescent);
  EXPECT_EQ(last().timeout, Timeout::kZero);
}

TEST_F(RecorderTest, ResetForgetsEverything) {
  for (int i = 0; i < 70; ++i) self_.close(1);
  recorder_.reset();
  EXPECT_FALSE(recorder_.truncated());
  EXPECT_EQ(self_.recorded(), 0u);
  self_.close(5);
  EXPECT_EQ(last().fd, 5);
}

TEST_F(RecorderTest, AListThatCannotBeReadIsMarked) {
  self_.kevent(3, nullptr, 2, nullptr, 0, nullptr);
  EXPECT_TRUE(last().unreadable);
  EXPECT_EQ(last().nchanges, 2);
  EXPECT_EQ(contract::malformed(recorder_.view()), "");
}

}  // namespace
}  // namespace kqtorture
