// What does EVFILT_SIGNAL count? Every post of the signal since the last delivery, whether the
// program handles it, ignores it, or leaves it to a default that does nothing; and it takes
// nothing away from the program's own handler.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>

#include "objects.h"
#include "processes.h"

namespace kqtorture {
namespace {

std::atomic<int> handled{0};
std::atomic<int> told{0};

void count_handled(int) { handled.fetch_add(1); }
void count_told(int, siginfo_t* info, void*) {
  told.fetch_add(info != nullptr && info->si_signo == SIGUSR1 ? 1 : 1000);
}

// The signal, as the program would have it: set through the subject, and put back.
class Disposition {
 public:
  Disposition(int signal, void (*handler)(int), int flags = 0) : signal_(signal) {
    struct sigaction act {};
    act.sa_handler = handler;
    set(&act, flags);
  }
  Disposition(int signal, void (*handler)(int, siginfo_t*, void*)) : signal_(signal) {
    struct sigaction act {};
    act.sa_sigaction = handler;
    set(&act, SA_SIGINFO);
  }
  ~Disposition() { subject().calls().sigaction(signal_, &before_, nullptr); }
  Disposition(const Disposition&) = delete;
  Disposition& operator=(const Disposition&) = delete;

 private:
  void set(struct sigaction* act, int flags) {
    act->sa_flags = flags;
    sigemptyset(&act->sa_mask);
    if (subject().calls().sigaction(signal_, act, &before_) != 0) ADD_FAILURE() << "sigaction";
  }

  int signal_;
  struct sigaction before_ {};
};

class Signal : public KqueueTest {
 protected:
  void SetUp() override {
    KqueueTest::SetUp();
    handled = 0;
    told = 0;
  }
  static Kevent signal_ev(int flags, int number = SIGUSR1, void* udata = nullptr) {
    return ev(static_cast<uintptr_t>(number), filter::kSignal, static_cast<uint16_t>(flags), 0, 0,
              udata);
  }
  static void post(int number = SIGUSR1, int times = 1) {
    for (int i = 0; i < times; ++i) ASSERT_EQ(subject().calls().raise(number), 0);
  }
  static struct sigaction shown(int number) {
    struct sigaction act {};
    EXPECT_EQ(subject().calls().sigaction(number, nullptr, &act), 0);
    return act;
  }
};

TEST_F(Signal, PostsOfAnIgnoredSignalAreCounted) {
  Disposition ignore(SIGUSR1, SIG_IGN);
  ASSERT_EQ(submit(kq_, signal_ev(flag::kAdd, SIGUSR1, tag(7))), 0);
  EXPECT_TRUE(silent(kq_));
  post(SIGUSR1, 3);
  const Kevent event = only_event(kq_);
  EXPECT_EQ(event.ident, static_cast<uintptr_t>(SIGUSR1));
  EXPECT_EQ(event.filter, filter::kSignal);
  EXPECT_EQ(event.data, 3);
  EXPECT_EQ(event.fflags, 0u);
  EXPECT_EQ(event.udata, tag(7));
  EXPECT_TRUE(silent(kq_));
  post();
  EXPECT_EQ(only_event(kq_).data, 1);
}

TEST_F(Signal, ClearIsImplied) {
  Disposition ignore(SIGUSR1, SIG_IGN);
  ASSERT_EQ(submit(kq_, signal_ev(flag::kAdd)), 0);
  post();
  EXPECT_EQ(flags_of(only_event(kq_)), flag::kClear);
}

TEST_F(Signal, AHandlerRunsAndItsSignalIsCounted) {
  Disposition handler(SIGUSR1, count_handled);
  ASSERT_EQ(submit(kq_, signal_ev(flag::kAdd)), 0);
  post(SIGUSR1, 5);
  EXPECT_EQ(handled.load(), 5);
  EXPECT_EQ(only_event(kq_).data, 5);
}

TEST_F(Signal, AHandlerThatIsSetLaterRunsAndItsSignalIsCounted) {
  Disposition ignore(SIGUSR1, SIG_IGN);
  ASSERT_EQ(submit(kq_, signal_ev(flag::kAdd)), 0);
  {
    Disposition handler(SIGUSR1, count_handled);
    post(SIGUSR1, 2);
  }
  post();
  EXPECT_EQ(handled.load(), 2);
  EXPECT_EQ(only_event(kq_).data, 3);
}

TEST_F(Signal, AHandlerIsToldWhatItAskedFor) {
  Disposition handler(SIGUSR1, count_told);
  ASSERT_EQ(submit(kq_, signal_ev(flag::kAdd)), 0);
  post();
  EXPECT_EQ(told.load(), 1);
  EXPECT_EQ(only_event(kq_).data, 1);
}

TEST_F(Signal, AHandlerForOneSignalIsResetAfterIt) {
  Disposition handler(SIGURG, count_handled, static_cast<int>(SA_RESETHAND));
  ASSERT_EQ(submit(kq_, signal_ev(flag::kAdd, SIGURG)), 0);
  post(SIGURG, 3);
  EXPECT_EQ(handled.load(), 1);
  EXPECT_EQ(shown(SIGURG).sa_handler, SIG_DFL);
  EXPECT_EQ(only_event(kq_).data, 3);
}

TEST_F(Signal, WhoDoesNotWantToHearOfStoppedChildrenIsToldOfTheirEndOnly) {
  REQUIRE_HOST_DESCRIPTORS();
  Disposition discard(SIGCHLD, SIG_DFL, SA_NOCLDSTOP);
  ASSERT_EQ(submit(kq_, signal_ev(flag::kAdd, SIGCHLD)), 0);
  ChildProcess child;
  const auto wait_for = [&](int what) {
    siginfo_t info{};
    while (waitid(P_PID, static_cast<id_t>(child.pid()), &info, what) < 0 && errno == EINTR) {
    }
  };
  ASSERT_EQ(kill(child.pid(), SIGSTOP), 0);
  wait_for(WSTOPPED);
  ASSERT_EQ(kill(child.pid(), SIGCONT), 0);
  wait_for(WCONTINUED);
  EXPECT_TRUE(silent(kq_));
  child.exit_with(0);
  EXPECT_EQ(wait_event(kq_).data, 1);
}

TEST_F(Signal, WhatIsDiscardedByDefaultIsCounted) {
  Disposition discard(SIGURG, SIG_DFL);
  ASSERT_EQ(submit(kq_, signal_ev(flag::kAdd, SIGURG)), 0);
  post(SIGURG, 2);
  EXPECT_EQ(only_event(kq_).data, 2);
}

TEST_F(Signal, TheProgramSeesItsOwnDisposition) {
  Disposition ignore(SIGUSR1, SIG_IGN);
  ASSERT_EQ(submit(kq_, signal_ev(flag::kAdd)), 0);
  EXPECT_EQ(shown(SIGUSR1).sa_handler, SIG_IGN);
  Disposition handler(SIGUSR1, count_handled, SA_RESTART);
  EXPECT_EQ(shown(SIGUSR1).sa_handler, count_handled);
  EXPECT_EQ(shown(SIGUSR1).sa_flags & (SA_SIGINFO | SA_RESTART), SA_RESTART);
  ASSERT_EQ(submit(kq_, signal_ev(flag::kDelete)), 0);
  EXPECT_EQ(shown(SIGUSR1).sa_handler, count_handled);
}

TEST_F(Signal, AfterTheDeleteTheHandlerStillRuns) {
  Disposition handler(SIGUSR1, count_handled);
  ASSERT_EQ(submit(kq_, {signal_ev(flag::kAdd), signal_ev(flag::kDelete)}), 0);
  post(SIGUSR1, 2);
  EXPECT_EQ(handled.load(), 2);
  EXPECT_TRUE(silent(kq_));
  EXPECT_EQ(submit(kq_, signal_ev(flag::kDelete)), ENOENT);
}

TEST_F(Signal, PostsBeforeTheAddAreNotCounted) {
  Disposition ignore(SIGUSR1, SIG_IGN);
  const Fd other(subject().kqueue());
  ASSERT_EQ(submit(other, signal_ev(flag::kAdd)), 0);
  post(SIGUSR1, 4);
  ASSERT_EQ(submit(kq_, signal_ev(flag::kAdd)), 0);
  EXPECT_TRUE(silent(kq_));
  post();
  EXPECT_EQ(only_event(kq_).data, 1);
  EXPECT_EQ(only_event(other).data, 5);
}

TEST_F(Signal, EveryKqueueCountsForItself) {
  Disposition handler(SIGUSR1, count_handled);
  const Fd other(subject().kqueue());
  ASSERT_EQ(submit(kq_, signal_ev(flag::kAdd)), 0);
  ASSERT_EQ(submit(other, signal_ev(flag::kAdd)), 0);
  post(SIGUSR1, 2);
  EXPECT_EQ(only_event(kq_).data, 2);
  post();
  EXPECT_EQ(only_event(other).data, 3);
  EXPECT_EQ(only_event(kq_).data, 1);
  ASSERT_EQ(submit(other, signal_ev(flag::kDelete)), 0);
  post();
  EXPECT_EQ(only_event(kq_).data, 1);
  EXPECT_EQ(handled.load(), 4);
}

TEST_F(Signal, SignalsAreToldApart) {
  Disposition first(SIGUSR1, SIG_IGN), second(SIGUSR2, SIG_IGN);
  ASSERT_EQ(submit(kq_, {signal_ev(flag::kAdd), signal_ev(flag::kAdd, SIGUSR2)}), 0);
  post(SIGUSR2, 2);
  post(SIGUSR1);
  const std::vector<Kevent> events = poll_events(kq_);
  REQUIRE_KNOB(knob().first_in_first_out);
  ASSERT_EQ(idents(events), (std::vector<uintptr_t>{SIGUSR2, SIGUSR1}));
  EXPECT_EQ(events[0].data, 2);
  EXPECT_EQ(events[1].data, 1);
}

TEST_F(Signal, ItsPlaceInTheQueueIsThatOfItsFirstPost) {
  REQUIRE_KNOB(knob().first_in_first_out);
  Disposition first(SIGUSR1, SIG_IGN), second(SIGUSR2, SIG_IGN);
  // One whose bell has rung before it is added.
  ASSERT_EQ(submit(kq_, {signal_ev(flag::kAdd), signal_ev(flag::kAdd, SIGUSR2)}), 0);
  post(SIGUSR2);
  ASSERT_EQ(submit(kq_, signal_ev(flag::kDelete, SIGUSR2)), 0);
  Pair pipe = open_pipe();
  const auto fd = static_cast<uintptr_t>(int{pipe.near});
  ASSERT_EQ(submit(kq_, {ev(fd, filter::kRead, flag::kAdd), signal_ev(flag::kAdd, SIGUSR2),
                         ev(9, filter::kUser, flag::kAdd)}),
            0);
  post(SIGUSR1);
  put(pipe.far, 1);
  post(SIGUSR2);
  post(SIGUSR1);
  ASSERT_EQ(submit(kq_, trigger(9)), 0);
  EXPECT_EQ(idents(poll_events(kq_)), (std::vector<uintptr_t>{SIGUSR1, fd, SIGUSR2, 9}));
}

// A timer may be as late as it likes, and so comes behind what was there before it was started:
// also where the kqueue has not been asked in between, and has reported the timer's clock before.
TEST_F(Signal, PostedBeforeATimerIsStartedOrEnabledItComesFirst) {
  REQUIRE_KNOB(knob().first_in_first_out);
  Disposition ignore(SIGUSR1, SIG_IGN);
  const auto timer = [](uintptr_t ident, int flags) {
    return ev(ident, filter::kTimer, static_cast<uint16_t>(flags), note::kUseconds, 1);
  };
  const auto expect_behind = [&](uintptr_t ident, const char* what) {
    sleep_ms(2);
    EXPECT_EQ(idents(poll_events(kq_)), (std::vector<uintptr_t>{SIGUSR1, ident})) << what;
  };
  ASSERT_EQ(submit(kq_, {signal_ev(flag::kAdd), timer(7, flag::kAdd | flag::kDispatch)}), 0);
  sleep_ms(2);
  EXPECT_EQ(idents(poll_events(kq_)), (std::vector<uintptr_t>{7}));
  post();
  ASSERT_EQ(submit(kq_, timer(7, flag::kAdd | flag::kEnable)), 0);
  expect_behind(7, "started anew");
  post();
  ASSERT_EQ(submit(kq_, timer(8, flag::kAdd | flag::kOneshot)), 0);
  expect_behind(8, "new");
  // It has expired, and nobody has looked.
  ASSERT_EQ(submit(kq_, timer(7, flag::kAdd)), 0);
  sleep_ms(2);
  post();
  ASSERT_EQ(submit(kq_, timer(7, flag::kEnable)), 0);
  expect_behind(7, "enabled");
}

TEST_F(Signal, DisabledItGoesOnCounting) {
  Disposition ignore(SIGUSR1, SIG_IGN);
  ASSERT_EQ(submit(kq_, signal_ev(flag::kAdd | flag::kDisable)), 0);
  post(SIGUSR1, 3);
  EXPECT_TRUE(silent(kq_));
  ASSERT_EQ(submit(kq_, signal_ev(flag::kEnable)), 0);
  EXPECT_EQ(only_event(kq_).data, 3);
}

TEST_F(Signal, DispatchIsDeliveredOncePerEnable) {
  REQUIRE_KNOB(knob().dispatch_limits_timers);
  Disposition ignore(SIGUSR1, SIG_IGN);
  ASSERT_EQ(submit(kq_, signal_ev(flag::kAdd | flag::kDispatch)), 0);
  post(SIGUSR1, 2);
  EXPECT_EQ(only_event(kq_).data, 2);
  post(SIGUSR1, 3);
  EXPECT_TRUE(silent(kq_));
  ASSERT_EQ(submit(kq_, signal_ev(flag::kEnable)), 0);
  EXPECT_EQ(only_event(kq_).data, 3);
  ASSERT_EQ(submit(kq_, signal_ev(flag::kEnable)), 0);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Signal, OneshotTellsTheNumberAndIsGone) {
  Disposition ignore(SIGUSR1, SIG_IGN);
  ASSERT_EQ(submit(kq_, signal_ev(flag::kAdd | flag::kOneshot)), 0);
  post(SIGUSR1, 2);
  const Kevent event = only_event(kq_);
  EXPECT_EQ(flags_of(event), flag::kOneshot | flag::kClear);
  EXPECT_EQ(event.data, 2);
  post();
  EXPECT_TRUE(silent(kq_));
  EXPECT_EQ(submit(kq_, signal_ev(flag::kEnable)), ENOENT);
}

TEST_F(Signal, ReaddKeepsTheNumber) {
  Disposition ignore(SIGUSR1, SIG_IGN);
  ASSERT_EQ(submit(kq_, signal_ev(flag::kAdd)), 0);
  post(SIGUSR1, 2);
  ASSERT_EQ(submit(kq_, signal_ev(flag::kAdd, SIGUSR1, tag(2))), 0);
  post();
  const Kevent event = only_event(kq_);
  EXPECT_EQ(event.data, 3);
  EXPECT_EQ(event.udata, tag(2));
}

TEST_F(Signal, AnyNumberCanBeAdded) {
  REQUIRE_KNOB(knob().any_signal_number);
  for (const uintptr_t number : {uintptr_t{0}, uintptr_t{SIGKILL}, uintptr_t{1000}, UINTPTR_MAX}) {
    EXPECT_EQ(submit(kq_, ev(number, filter::kSignal, flag::kAdd)), 0) << number;
    EXPECT_EQ(submit(kq_, ev(number, filter::kSignal, flag::kAdd)), 0) << number;
  }
  EXPECT_TRUE(silent(kq_));
  EXPECT_EQ(submit(kq_, ev(UINTPTR_MAX, filter::kSignal, flag::kDelete)), 0);
  EXPECT_EQ(submit(kq_, ev(UINTPTR_MAX, filter::kSignal, flag::kDelete)), ENOENT);
}

TEST_F(Signal, WithoutAnAddItIsEnoent) {
  EXPECT_EQ(submit(kq_, signal_ev(0)), ENOENT);
  EXPECT_EQ(submit(kq_, signal_ev(flag::kDelete)), ENOENT);
}

TEST_F(Signal, ForceOneshotNeedsNoSignal) {
  REQUIRE_KNOB(knob().forceoneshot);
  Disposition ignore(SIGUSR1, SIG_IGN);
  ASSERT_EQ(submit(kq_, {signal_ev(flag::kAdd), signal_ev(flag::kForceOneshot)}), 0);
  const Kevent event = only_event(kq_);
  EXPECT_EQ(event.flags, final_flags(flag::kClear));
  EXPECT_EQ(event.data, 0);
}

TEST_F(Signal, WakesAWaiter) {
  Disposition ignore(SIGUSR1, SIG_IGN);
  ASSERT_EQ(submit(kq_, signal_ev(flag::kAdd)), 0);
  Waiter waiter(kq_);
  waiter.wait_until_parked();
  post();
  const Outcome outcome = waiter.join();
  ASSERT_EQ(outcome.count, 1);
  EXPECT_EQ(outcome.entries[0].data, 1);
}

TEST_F(Signal, ToTheWaitingThreadItIsAnEventAndNoInterruption) {
  REQUIRE_HOST_DESCRIPTORS();
  Disposition handler(SIGUSR1, count_handled);
  ASSERT_EQ(submit(kq_, signal_ev(flag::kAdd)), 0);
  Waiter waiter(kq_);
  waiter.wait_until_parked();
  ASSERT_EQ(pthread_kill(waiter.native_handle(), SIGUSR1), 0);
  const Outcome outcome = waiter.join();
  ASSERT_EQ(outcome.count, 1) << outcome.error;
  EXPECT_EQ(outcome.entries[0].data, 1);
  EXPECT_EQ(handled.load(), 1);
}

TEST_F(Signal, HandledItInterruptsTheWaitOnAnotherKqueue) {
  REQUIRE_HOST_DESCRIPTORS();
  Disposition handler(SIGUSR1, count_handled, SA_RESTART);
  const Fd other(subject().kqueue());
  ASSERT_EQ(submit(other, signal_ev(flag::kAdd)), 0);
  Waiter waiter(kq_);
  waiter.wait_until_parked();
  ASSERT_EQ(pthread_kill(waiter.native_handle(), SIGUSR1), 0);
  EXPECT_EQ(waiter.join().error, EINTR);
  EXPECT_EQ(only_event(other).data, 1);
}

TEST_F(Signal, IgnoredItDoesNotInterruptTheWaitOnAnotherKqueue) {
  REQUIRE_HOST_DESCRIPTORS();
  Disposition ignore(SIGUSR1, SIG_IGN);
  const Fd other(subject().kqueue());
  ASSERT_EQ(submit(other, signal_ev(flag::kAdd)), 0);
  ASSERT_EQ(submit(kq_, ev(1, filter::kUser, flag::kAdd)), 0);
  Waiter waiter(kq_);
  waiter.wait_until_parked();
  ASSERT_EQ(pthread_kill(waiter.native_handle(), SIGUSR1), 0);
  EXPECT_EQ(wait_event(other).data, 1);
  waiter.wait_until_parked();
  EXPECT_FALSE(waiter.returned());
  ASSERT_EQ(submit(kq_, trigger(1)), 0);
  EXPECT_EQ(waiter.join().count, 1);
}

}  // namespace
}  // namespace kqtorture
