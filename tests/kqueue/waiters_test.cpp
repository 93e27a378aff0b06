// Whoever waits on a kqueue may leave at any time, for whatever reason. Do the others still get
// what comes?
#include <gmock/gmock.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <iterator>
#include <list>

#include "objects.h"
#include "subject/sanitizers.h"

namespace kqtorture {
namespace {

constexpr int kCrowd = 3;

// What a thread does that may be cancelled in it: frees nothing, holds nothing.
void* wait_for_ever(void* kq) {
  Kevent event;
  subject().kevent(*static_cast<int*>(kq), nullptr, 0, &event, 1, nullptr);
  return kq;
}

class Crowd : public KqueueTest {
 protected:
  void SetUp() override {
    KqueueTest::SetUp();
    ASSERT_EQ(submit(kq_, ev(1, filter::kUser, flag::kAdd | flag::kDispatch)), 0);
  }
  // Parks one after the other, so that it is known who came first.
  void park(const timespec* timeout = nullptr) {
    waiters_.emplace_back(kq_, 1, timeout);
    waiters_.back().wait_until_parked();
  }
  // All that are left are served, one by one.
  void expect_service() {
    for (size_t left = waiters_.size(); left > 0; --left) {
      Kevent arm = ev(1, filter::kUser, flag::kEnable, note::kTrigger);
      ASSERT_EQ(submit(kq_, arm), 0);
      auto served = waiters_.end();
      while (served == waiters_.end()) {
        served = std::find_if(waiters_.begin(), waiters_.end(),
                              [](const Waiter& waiter) { return waiter.returned(); });
        if (served == waiters_.end() && quiescent()) {
          ADD_FAILURE() << left << " wait, and nobody has the event";
          release_all();
          return;
        }
      }
      EXPECT_EQ(served->join().count, 1);
      waiters_.erase(served);
    }
  }
  // Everybody has slept for many looks, though there is an event.
  bool quiescent() {
    constexpr int kLooks = 200;
    for (int look = 0; look < kLooks; ++look) {
      sleep_ms(1);
      for (const Waiter& waiter : waiters_) {
        if (waiter.returned()) return false;
        waiter.wait_until_parked();
      }
    }
    return true;
  }
  void release_all() {
    submit(kq_, {ev(777, filter::kUser, flag::kAdd), trigger(777)});
    for (Waiter& waiter : waiters_) waiter.join();
    waiters_.clear();
  }
  std::list<Waiter> waiters_;
};

TEST_F(Crowd, EachIsServedInTurn) {
  for (int i = 0; i < kCrowd; ++i) park();
  expect_service();
}

TEST_F(Crowd, AsManyEventsAsWaitersServeAll) {
  for (int i = 0; i < kCrowd; ++i) park();
  std::vector<Kevent> changes;
  for (uintptr_t ident = 10; ident < 10 + kCrowd; ++ident) {
    changes.push_back(ev(ident, filter::kUser, flag::kAdd | flag::kClear));
    changes.push_back(trigger(ident));
  }
  ASSERT_EQ(submit(kq_, changes), 0);
  for (Waiter& waiter : waiters_) EXPECT_EQ(waiter.join().count, 1);
}

// By its place in the order of arrival.
class OneLeaves : public Crowd, public ::testing::WithParamInterface<size_t> {
 protected:
  std::list<Waiter>::iterator chosen() {
    return std::next(waiters_.begin(), static_cast<std::ptrdiff_t>(GetParam()));
  }
};

TEST_P(OneLeaves, ByItsTimeout) {
  const timespec soon{0, 30000000};
  for (size_t i = 0; i < kCrowd; ++i) park(i == GetParam() ? &soon : nullptr);
  EXPECT_EQ(chosen()->join().count, 0);
  waiters_.erase(chosen());
  expect_service();
}

TEST_P(OneLeaves, ByASignalEvenIfCallsAreRestartedAfterIt) {
  struct sigaction action {};
  struct sigaction before;
  action.sa_handler = [](int) {};
  action.sa_flags = SA_RESTART;
  ASSERT_EQ(sigaction(SIGUSR1, &action, &before), 0);
  for (int i = 0; i < kCrowd; ++i) park();
  Waiter& waiter = *chosen();
  // Again, should it have come before the thread slept.
  while (!waiter.returned()) {
    subject().interrupt(waiter.native_handle(), SIGUSR1);
    sleep_ms(1);
  }
  const Outcome outcome = waiter.join();
  EXPECT_EQ(outcome.count, -1);
  EXPECT_EQ(outcome.error, EINTR);
  sigaction(SIGUSR1, &before, nullptr);
  waiters_.erase(chosen());
  expect_service();
}

TEST_P(OneLeaves, ByBeingCancelled) {
  if (!subject().is_emulator()) GTEST_SKIP() << "whether kevent() can be cancelled is not told";
  // Cancelled inside one of its interceptors, it sees no lock that the thread takes afterwards.
  if (kThreadSanitizer) GTEST_SKIP() << "ThreadSanitizer loses track of a thread that is cancelled";
  int kq = kq_;
  pthread_t thread;
  for (size_t i = 0; i < kCrowd; ++i) {
    if (i != GetParam()) {
      park();
    } else {
      ASSERT_EQ(pthread_create(&thread, nullptr, wait_for_ever, &kq), 0);
      sleep_ms(20);
    }
  }
  ASSERT_EQ(pthread_cancel(thread), 0);
  void* result;
  ASSERT_EQ(pthread_join(thread, &result), 0);
  EXPECT_EQ(result, PTHREAD_CANCELED);
  expect_service();
}

INSTANTIATE_TEST_SUITE_P(Arrival, OneLeaves, ::testing::Range(size_t{0}, size_t{kCrowd}),
                         ::testing::PrintToStringParamName());

struct CancelledCall {
  int kq;
  int polled = -1;
};

// Is cancelled already when it polls, and when it waits.
void* call_with_a_cancellation_pending(void* argument) {
  auto* call = static_cast<CancelledCall*>(argument);
  pthread_cancel(pthread_self());
  Kevent event = ev(20, filter::kUser, flag::kAdd);
  call->polled = subject().kevent(call->kq, &event, 1, nullptr, 0, &kNoWait);
  const Kevent other = ev(21, filter::kUser, flag::kAdd);
  subject().kevent(call->kq, &other, 1, &event, 1, nullptr);
  return call;
}

// A call that does not wait is none that cancels, and one that does has applied its changes.
TEST_F(Crowd, OneThatIsCancelledHasAppliedItsChangesAndHoldsNothing) {
  if (!subject().is_emulator()) GTEST_SKIP() << "whether kevent() can be cancelled is not told";
  if (kThreadSanitizer) GTEST_SKIP() << "ThreadSanitizer loses track of a thread that is cancelled";
  CancelledCall cancelled{kq_};
  pthread_t thread;
  void* result;
  ASSERT_EQ(pthread_create(&thread, nullptr, call_with_a_cancellation_pending, &cancelled), 0);
  ASSERT_EQ(pthread_join(thread, &result), 0);
  EXPECT_EQ(result, PTHREAD_CANCELED);
  EXPECT_EQ(cancelled.polled, 0);
  EXPECT_EQ(submit(kq_, ev(20, filter::kUser, flag::kDelete)), 0);
  EXPECT_EQ(submit(kq_, ev(21, filter::kUser, flag::kDelete)), 0);
  park();
  expect_service();
}

TEST_F(Crowd, IsServedThoughNoDescriptorIsLeft) {
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit low = before;
  low.rlim_cur = 3;  // nothing new can be opened, what is open stays
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  for (int i = 0; i < kCrowd; ++i) waiters_.emplace_back(kq_, 1);
  sleep_ms(20);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  for (const Waiter& waiter : waiters_) waiter.wait_until_parked();
  expect_service();
}

}  // namespace
}  // namespace kqtorture
