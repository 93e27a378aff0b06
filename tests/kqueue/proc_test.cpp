// What does EVFILT_PROC tell of a process? That it has exited, once, with its status, not before
// its parent can reap it, and without reaping it.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "objects.h"
#include "processes.h"

namespace kqtorture {
namespace {

class Proc : public KqueueTest {
 protected:
  void SetUp() override {
    KqueueTest::SetUp();
    REQUIRE_HOST_DESCRIPTORS();
  }
  static Kevent proc_ev(pid_t pid, int flags, uint32_t fflags = 0, void* udata = nullptr) {
    return ev(static_cast<uintptr_t>(pid), filter::kProc, static_cast<uint16_t>(flags), fflags, 0,
              udata);
  }
  static Kevent exit_ev(pid_t pid, int flags = flag::kAdd, void* udata = nullptr) {
    return proc_ev(pid, flags, note::kExit, udata);
  }
  static void expect_status(const Kevent& event, int status) {
    if (knob().exit_tells_status) {
      EXPECT_EQ(event.data, status);
    }
  }
  static constexpr int kLast = flag::kEof | flag::kOneshot | flag::kClear;
};

TEST_F(Proc, ExitIsToldOnceWithTheStatus) {
  ChildProcess child;
  ASSERT_EQ(submit(kq_, exit_ev(child.pid(), flag::kAdd, tag(5))), 0);
  EXPECT_TRUE(silent(kq_));
  child.exit_with(3);
  const Kevent event = wait_event(kq_);
  EXPECT_EQ(event.ident, static_cast<uintptr_t>(child.pid()));
  EXPECT_EQ(event.filter, filter::kProc);
  EXPECT_EQ(flags_of(event), kLast);
  EXPECT_EQ(event.fflags, note::kExit);
  EXPECT_EQ(event.udata, tag(5));
  expect_status(event, 3 << 8);
  EXPECT_TRUE(silent(kq_));
  EXPECT_EQ(submit(kq_, exit_ev(child.pid(), flag::kDelete)), ENOENT);
  EXPECT_EQ(child.reap_now(), 3 << 8) << "the kqueue has reaped it";
}

TEST_F(Proc, EndedBeforeATimerIsStartedItComesFirst) {
  REQUIRE_KNOB(knob().first_in_first_out);
  ChildProcess child;
  const Kevent timer = ev(7, filter::kTimer, flag::kAdd | flag::kClear, note::kUseconds, 1);
  ASSERT_EQ(submit(kq_, {exit_ev(child.pid()), timer}), 0);
  sleep_ms(2);
  EXPECT_EQ(idents(poll_events(kq_)), (std::vector<uintptr_t>{7}));
  child.exit_with(3);
  child.wait_until_dead();
  ASSERT_EQ(submit(kq_, timer), 0);
  sleep_ms(2);
  EXPECT_EQ(idents(poll_events(kq_)),
            (std::vector<uintptr_t>{static_cast<uintptr_t>(child.pid()), 7}));
}

TEST_F(Proc, ASignalThatEndsItIsTheStatus) {
  ChildProcess child;
  ASSERT_EQ(submit(kq_, exit_ev(child.pid())), 0);
  ASSERT_EQ(kill(child.pid(), SIGTERM), 0);
  const Kevent event = wait_event(kq_);
  const int status = child.reap_now();
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM) << status;
  expect_status(event, status);
}

// Sometimes the knote came early: then waitpid(WNOHANG) has nothing.
TEST_F(Proc, WhoIsToldOfTheExitCanReapAtOnce) {
  for (int round = 0; round < 200; ++round) {
    ChildProcess child;
    ASSERT_EQ(submit(kq_, exit_ev(child.pid())), 0);
    child.exit_with(static_cast<unsigned char>(round));
    ASSERT_EQ(call(kq_, {}, 1, nullptr).count, 1);
    ASSERT_EQ(child.reap_now(), (round & 0xff) << 8) << round;
  }
}

TEST_F(Proc, WakesAWaiter) {
  ChildProcess child;
  ASSERT_EQ(submit(kq_, exit_ev(child.pid())), 0);
  Waiter waiter(kq_);
  waiter.wait_until_parked();
  child.exit_with(0);
  const Outcome outcome = waiter.join();
  ASSERT_EQ(outcome.count, 1);
  EXPECT_EQ(outcome.entries[0].fflags, note::kExit);
}

TEST_F(Proc, AZombieTellsAtOnce) {
  REQUIRE_KNOB(knob().zombie_can_be_added);
  ChildProcess child;
  child.exit_with(4);
  child.wait_until_dead();
  ASSERT_EQ(submit(kq_, {exit_ev(child.pid()), ev(9, filter::kUser, flag::kAdd), trigger(9)}), 0);
  const std::vector<Kevent> events = poll_events(kq_);
  ASSERT_EQ(idents(events), (std::vector<uintptr_t>{static_cast<uintptr_t>(child.pid()), 9}));
  EXPECT_EQ(events[0].data, 4 << 8);
  EXPECT_EQ(flags_of(events[0]), kLast);
}

TEST_F(Proc, AZombieWithoutInterestInItsExitIsEsrch) {
  ChildProcess child;
  child.exit_with(0);
  child.wait_until_dead();
  EXPECT_EQ(submit(kq_, proc_ev(child.pid(), flag::kAdd)), ESRCH);
  EXPECT_EQ(submit(kq_, proc_ev(child.pid(), flag::kDelete)), ENOENT);
}

TEST_F(Proc, NoProcessIsEsrch) {
  pid_t gone;
  {
    const ChildProcess child;
    gone = child.pid();
  }
  EXPECT_EQ(submit(kq_, exit_ev(gone)), ESRCH);
  EXPECT_EQ(submit(kq_, ev(INT32_MAX, filter::kProc, flag::kAdd, note::kExit)), ESRCH);
  EXPECT_EQ(submit(kq_, exit_ev(gone, 0)), ENOENT);
}

TEST_F(Proc, ItselfCanBeWatched) {
  EXPECT_EQ(submit(kq_, exit_ev(getpid())), 0);
  EXPECT_TRUE(silent(kq_));
  EXPECT_EQ(submit(kq_, exit_ev(getpid(), flag::kDelete)), 0);
}

TEST_F(Proc, TheFirstProcessCanBeWatched) {
  const Kevent first = exit_ev(1), no_process = ev(0, filter::kProc, flag::kAdd, note::kExit);
  if (kill(1, 0) != 0 && errno == ESRCH) GTEST_SKIP() << "there is no process 1";
  EXPECT_EQ(submit(kq_, first), 0);
  EXPECT_TRUE(silent(kq_));
  EXPECT_EQ(submit(kq_, exit_ev(1, flag::kDelete)), 0);
  if (subject().is_emulator()) {
    EXPECT_EQ(submit(kq_, no_process), ESRCH);
  }
}

TEST_F(Proc, WithoutInterestTheExitRemovesTheKnoteInSilence) {
  REQUIRE_KNOB(knob().exit_needs_interest);
  ChildProcess child;
  ASSERT_EQ(submit(kq_, proc_ev(child.pid(), flag::kAdd)), 0);
  const Fd other(subject().kqueue());
  ASSERT_EQ(submit(other, exit_ev(child.pid())), 0);
  child.exit_with(0);
  wait_event(other);
  EXPECT_TRUE(silent(kq_));
  EXPECT_EQ(submit(kq_, proc_ev(child.pid(), 0)), ENOENT);
}

TEST_F(Proc, ABareEnableErasesTheInterest) {
  REQUIRE_KNOB(knob().enable_overwrites_interest && knob().exit_needs_interest);
  ChildProcess child;
  ASSERT_EQ(submit(kq_, {exit_ev(child.pid()), proc_ev(child.pid(), flag::kEnable)}), 0);
  const Fd other(subject().kqueue());
  ASSERT_EQ(submit(other, exit_ev(child.pid())), 0);
  child.exit_with(0);
  wait_event(other);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Proc, AnExitWhileDisabledIsToldAfterTheEnable) {
  ChildProcess child;
  ASSERT_EQ(submit(kq_, exit_ev(child.pid(), flag::kAdd | flag::kDisable)), 0);
  child.exit_with(6);
  child.wait_until_dead();
  EXPECT_TRUE(silent(kq_));
  ASSERT_EQ(submit(kq_, exit_ev(child.pid(), flag::kEnable)), 0);
  const Kevent event = only_event(kq_);
  EXPECT_EQ(event.fflags, note::kExit);
  expect_status(event, 6 << 8);
}

TEST_F(Proc, AfterTheDeleteNothingIsTold) {
  ChildProcess child;
  ASSERT_EQ(submit(kq_, {exit_ev(child.pid()), exit_ev(child.pid(), flag::kDelete)}), 0);
  child.exit_with(0);
  child.wait_until_dead();
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Proc, EveryKqueueIsTold) {
  ChildProcess child;
  const Fd other(subject().kqueue());
  ASSERT_EQ(submit(kq_, exit_ev(child.pid())), 0);
  ASSERT_EQ(submit(other, exit_ev(child.pid())), 0);
  child.exit_with(1);
  EXPECT_EQ(wait_event(kq_).fflags, note::kExit);
  EXPECT_EQ(wait_event(other).fflags, note::kExit);
}

TEST_F(Proc, ManyChildrenAreToldOnceEach) {
  std::vector<std::unique_ptr<ChildProcess>> children;
  for (int i = 0; i < 40; ++i) {
    children.push_back(std::make_unique<ChildProcess>());
    ASSERT_EQ(submit(kq_, exit_ev(children.back()->pid(), flag::kAdd, tag(i + 1u))), 0);
  }
  for (auto& child : children) child->exit_with(2);
  std::vector<int> told(children.size() + 1);
  for (size_t seen = 0; seen < children.size();) {
    const Outcome outcome = call(kq_, {}, 7, nullptr);
    ASSERT_GT(outcome.count, 0);
    seen += static_cast<size_t>(outcome.count);
    for (const Kevent& event : outcome.entries) ++told[reinterpret_cast<uintptr_t>(event.udata)];
  }
  for (size_t i = 1; i < told.size(); ++i) EXPECT_EQ(told[i], 1) << i;
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Proc, AProcessThatIsNoChildIsWatchedToo) {
  Grandchild grandchild;
  ASSERT_GT(grandchild.pid(), 0);
  ASSERT_EQ(submit(kq_, exit_ev(grandchild.pid())), 0);
  grandchild.exit_with(9);
  const Kevent event = wait_event(kq_);
  EXPECT_EQ(event.fflags, note::kExit);
  EXPECT_EQ(flags_of(event), kLast);
  expect_status(event, 9 << 8);
}

TEST_F(Proc, AnExitIsToldThoughItWasReapedBefore) {
  ChildProcess child;
  ASSERT_EQ(submit(kq_, exit_ev(child.pid())), 0);
  child.exit_with(8);
  ASSERT_EQ(child.reap(), 8 << 8);
  const Kevent event = wait_event(kq_);
  EXPECT_EQ(event.fflags, note::kExit);
  // Linux before 6.15 has forgotten the status.
  if (!subject().is_emulator() || event.data != 0) expect_status(event, 8 << 8);
}

TEST_F(Proc, AnExitThatIsNotToldYetCanBeChangedAfterTheReaping) {
  ChildProcess child;
  ASSERT_EQ(submit(kq_, exit_ev(child.pid(), flag::kAdd | flag::kDisable)), 0);
  child.exit_with(8);
  ASSERT_EQ(child.reap(), 8 << 8);
  ASSERT_EQ(submit(kq_, exit_ev(child.pid(), flag::kAdd | flag::kReceipt, tag(2))), 0);
  ASSERT_EQ(submit(kq_, exit_ev(child.pid(), flag::kEnable, tag(3))), 0);
  EXPECT_EQ(only_event(kq_).udata, tag(3));
}

TEST_F(Proc, TheInterestAtTheTimeOfTheExitCounts) {
  REQUIRE_KNOB(knob().enable_overwrites_interest);
  ChildProcess child;
  ASSERT_EQ(submit(kq_, exit_ev(child.pid(), flag::kAdd | flag::kDisable)), 0);
  child.exit_with(8);
  child.wait_until_dead();
  ASSERT_EQ(submit(kq_, proc_ev(child.pid(), flag::kEnable)), 0);
  EXPECT_EQ(only_event(kq_).fflags, note::kExit);
}

TEST_F(Proc, ReceiptShowsThatTheKnoteWasMade) {
  REQUIRE_KNOB(knob().bare_error_entries);
  const ChildProcess child;
  const Outcome outcome = call(kq_, {exit_ev(child.pid(), flag::kAdd | flag::kReceipt)}, 1);
  ASSERT_EQ(outcome.count, 1);
  EXPECT_EQ(outcome.entries[0].flags, flag::kError);
  EXPECT_EQ(outcome.entries[0].data, 0);
}

TEST_F(Proc, ForceOneshotNeedsNoExit) {
  REQUIRE_KNOB(knob().forceoneshot);
  const ChildProcess child;
  ASSERT_EQ(submit(kq_, {exit_ev(child.pid()), exit_ev(child.pid(), flag::kForceOneshot)}), 0);
  const Kevent event = only_event(kq_);
  EXPECT_EQ(event.flags, final_flags(flag::kClear));
  EXPECT_EQ(event.fflags, 0u);
  EXPECT_EQ(submit(kq_, exit_ev(child.pid(), flag::kDelete)), ENOENT);
}

TEST_F(Proc, TheEmulatorRefusesWhatItCannotSee) {
  if (!subject().is_emulator()) GTEST_SKIP() << "a kernel sees them";
  const ChildProcess child;
  for (const uint32_t unseen : {note::kFork, note::kExec, note::kTrack}) {
    EXPECT_EQ(submit(kq_, proc_ev(child.pid(), flag::kAdd, note::kExit | unseen)), ENOTSUP);
    EXPECT_EQ(submit(kq_, proc_ev(child.pid(), 0, unseen)), ENOENT);
  }
  ASSERT_EQ(submit(kq_, exit_ev(child.pid())), 0);
  for (const uint32_t unseen : {note::kFork, note::kExec, note::kTrack}) {
    EXPECT_EQ(submit(kq_, proc_ev(child.pid(), flag::kAdd, note::kExit | unseen)), ENOTSUP);
    EXPECT_EQ(submit(kq_, proc_ev(child.pid(), flag::kEnable, unseen)), ENOTSUP);
  }
  EXPECT_EQ(submit(kq_, proc_ev(child.pid(), flag::kDelete, note::kFork)), 0);
}

}  // namespace
}  // namespace kqtorture
