// What does the model say of signals and processes? (3.5, 3.6)
#include <csignal>

#include "world.h"

namespace kqtorture::contract {
namespace {

constexpr int ADD = flag::kAdd, DELETE = flag::kDelete, ENABLE = flag::kEnable;
constexpr int DISABLE = flag::kDisable, CLEAR = flag::kClear, ONESHOT = flag::kOneshot;
constexpr int DISPATCH = flag::kDispatch, EOFF = flag::kEof;
constexpr int kLast = EOFF | ONESHOT | CLEAR;

Event signal_ev(int flags, int64_t data = 0, int number = SIGUSR1) {
  return ev(filter::kSignal, number, flags, 0, data);
}
Event proc_ev(int64_t pid, int flags, uint32_t fflags = note::kExit, int64_t data = 0) {
  return ev(filter::kProc, pid, flags, fflags, data);
}

class Signals : public ::testing::Test {
 protected:
  explicit Signals(const char* profile = "strict-2006") : world_(profile) {
    world_.object_saw(OpKind::kSignal, -1, SIGUSR1, 0);
    kq_ = world_.kqueue();
  }
  void post(int times = 1) {
    for (int i = 0; i < times; i++) world_.object_saw(OpKind::kRaise, -1, SIGUSR1, 0);
  }
  World world_;
  int kq_ = -1;
};

TEST_F(Signals, EveryPostIsCountedOnceForEachKqueue) {
  const int other = world_.kqueue();
  world_.change(kq_, {signal_ev(ADD)});
  post(2);
  world_.change(other, {signal_ev(ADD)});
  post();
  EXPECT_EQ(world_.poll(kq_), Answered::of({signal_ev(CLEAR, 3)}));
  EXPECT_EQ(world_.poll(other), Answered::of({signal_ev(CLEAR, 1)}));
  EXPECT_EQ(world_.poll(kq_), Answered());
}

TEST_F(Signals, ACountThatIsNotTheNumberOfPostsIsRefused) {
  world_.change(kq_, {signal_ev(ADD)});
  post(2);
  EXPECT_EQ(world_.rule(kq_, 4, {signal_ev(CLEAR, 1)}), "I11");
  EXPECT_EQ(world_.rule(kq_, 4, {signal_ev(CLEAR, 3)}), "I11");
  EXPECT_EQ(world_.verdict(kq_, 4, {}), "lost");
}

TEST_F(Signals, WithoutAPostAnEventIsAPhantom) {
  world_.change(kq_, {signal_ev(ADD)});
  EXPECT_EQ(world_.verdict(kq_, 4, {signal_ev(CLEAR, 1)}), "phantom");
}

TEST_F(Signals, DisabledItGoesOnCounting) {
  world_.change(kq_, {signal_ev(ADD | DISPATCH)});
  post();
  EXPECT_EQ(world_.poll(kq_), Answered::of({signal_ev(CLEAR | DISPATCH, 1)}));
  post(2);
  EXPECT_EQ(world_.poll(kq_), Answered());
  world_.change(kq_, {signal_ev(ENABLE)});
  EXPECT_EQ(world_.poll(kq_), Answered::of({signal_ev(CLEAR | DISPATCH, 2)}));
}

TEST_F(Signals, OneshotTellsTheNumberWhenItIsDelivered) {
  world_.change(kq_, {signal_ev(ADD | ONESHOT)});
  post(2);
  EXPECT_EQ(world_.poll(kq_), Answered::of({signal_ev(CLEAR | ONESHOT, 2)}));
  EXPECT_EQ(world_.call(kq_, {signal_ev(DELETE)}), Answered::failed(ENOENT));
}

TEST_F(Signals, OfOthersThanTheProgramsTheModelSaysNothing) {
  EXPECT_EQ(world_.check_copy(World::kevent_op(kq_, 0), Answered()), Answer::kAccepted);
  const std::vector<Event> child = {signal_ev(ADD, 0, SIGCHLD)};
  EXPECT_EQ(world_.check_copy(World::kevent_op(kq_, child, 0), Answered()), Answer::kUndecided);
  world_.change(kq_, {signal_ev(ADD, 0, 5000)});
}

TEST(SignalsOfOpenbsd, HaveANumberThatIsChecked) {
  World world("openbsd");
  EXPECT_EQ(world.call(world.kqueue(), {signal_ev(ADD, 0, 5000)}), Answered::failed(EINVAL));
}

TEST(SignalsOfNetbsd, AreNotDisabledByDispatch) {
  World world("netbsd");
  const int kq = world.kqueue();
  world.object_saw(OpKind::kSignal, -1, SIGUSR1, 0);
  world.change(kq, {signal_ev(ADD | DISPATCH)});
  for (int i = 0; i < 2; i++) {
    world.object_saw(OpKind::kRaise, -1, SIGUSR1, 0);
    ASSERT_EQ(world.poll(kq).value, 1) << i;
  }
}

constexpr int kChild = 4711;
constexpr int kStatus = 3 << 8;

class Processes : public ::testing::Test {
 protected:
  explicit Processes(const char* profile = "strict-2006", const char* host = "linux-at-once")
      : world_(profile, host) {
    world_.object_saw(OpKind::kSpawn, -1, 0, kChild);
    kq_ = world_.kqueue();
  }
  void end() { world_.object_saw(OpKind::kExit, kChild, kStatus, 0); }
  World world_;
  int kq_ = -1;
};

TEST_F(Processes, TheExitIsTheLastEvent) {
  world_.change(kq_, {proc_ev(kChild, ADD)});
  EXPECT_EQ(world_.verdict(kq_, 4, {proc_ev(kChild, kLast, note::kExit, kStatus)}), "phantom");
  end();
  EXPECT_EQ(world_.verdict(kq_, 4, {}), "lost");
  EXPECT_EQ(world_.rule(kq_, 4, {proc_ev(kChild, kLast, note::kExit, 0)}), "I11");
  EXPECT_EQ(world_.poll(kq_), Answered::of({proc_ev(kChild, kLast, note::kExit, kStatus)}));
  EXPECT_EQ(world_.call(kq_, {proc_ev(kChild, DELETE)}), Answered::failed(ENOENT));
}

TEST_F(Processes, OnlyWhatHasEndedIsReapedAndOnlyOnce) {
  world_.object_saw(OpKind::kReap, kChild, 0, -1, EAGAIN);
  end();
  world_.object_saw(OpKind::kExit, kChild, 0, -1, ESRCH);
  world_.object_saw(OpKind::kReap, kChild, 0, kStatus);
  world_.object_saw(OpKind::kReap, kChild, 0, -1, ECHILD);
}

TEST_F(Processes, WithoutInterestAScanRemovesTheKnoteInSilence) {
  world_.change(kq_, {proc_ev(kChild, ADD, 0)});
  end();
  // Until then it is there.
  EXPECT_TRUE(world_.accepts(kq_, {proc_ev(kChild, DELETE)}, 0, Answered()));
  EXPECT_EQ(world_.poll(kq_), Answered());
  EXPECT_EQ(world_.call(kq_, {proc_ev(kChild, DELETE)}), Answered::failed(ENOENT));
}

TEST_F(Processes, AScanThatIsFullBeforeDoesNotRemoveIt) {
  world_.change(kq_, {ev(filter::kUser, 1, ADD), proc_ev(kChild, ADD, 0)});
  world_.change(kq_, {ev(filter::kUser, 1, 0, note::kTrigger)});
  end();
  EXPECT_EQ(world_.poll(kq_, 1).value, 1);
  world_.change(kq_, {proc_ev(kChild, DELETE)});
}

TEST_F(Processes, DisabledItTellsAfterTheEnable) {
  world_.change(kq_, {proc_ev(kChild, ADD | DISABLE)});
  end();
  EXPECT_EQ(world_.poll(kq_), Answered());
  world_.change(kq_, {proc_ev(kChild, ENABLE)});
  EXPECT_EQ(world_.poll(kq_), Answered::of({proc_ev(kChild, kLast, note::kExit, kStatus)}));
}

TEST_F(Processes, ABareEnableErasesTheInterest) {
  world_.change(kq_, {proc_ev(kChild, ADD), proc_ev(kChild, ENABLE, 0)});
  end();
  EXPECT_EQ(world_.poll(kq_), Answered());
}

TEST_F(Processes, AZombieTellsAtOnceOrIsEsrch) {
  end();
  EXPECT_EQ(world_.call(kq_, {proc_ev(kChild, ADD, 0)}), Answered::failed(ESRCH));
  world_.change(kq_, {proc_ev(kChild, ADD)});
  EXPECT_EQ(world_.poll(kq_), Answered::of({proc_ev(kChild, kLast, note::kExit, kStatus)}));
}

TEST_F(Processes, ForksAreRefusedWhereTheHostDoesNotSeeThem) {
  const uint32_t fork = note::kExit | note::kFork;
  EXPECT_EQ(world_.call(kq_, {proc_ev(kChild, ADD, fork)}), Answered::failed(ENOTSUP));
  EXPECT_EQ(world_.call(kq_, {proc_ev(kChild, 0, fork)}), Answered::failed(ENOENT));
  world_.change(kq_, {proc_ev(kChild, ADD)});
  EXPECT_EQ(world_.call(kq_, {proc_ev(kChild, ENABLE, fork)}), Answered::failed(ENOTSUP));
  world_.change(kq_, {proc_ev(kChild, DELETE, fork)});
}

TEST_F(Processes, OfStrangersTheModelSaysNothing) {
  const std::vector<Event> stranger = {proc_ev(1, ADD)};
  EXPECT_EQ(world_.check_copy(World::kevent_op(kq_, stranger, 0), Answered()), Answer::kUndecided);
  EXPECT_EQ(world_.call(kq_, {proc_ev(INT32_MAX, ADD)}), Answered::failed(ESRCH));
}

class ProcessesOfNetbsd : public Processes {
 protected:
  ProcessesOfNetbsd() : Processes("netbsd", "bsd") {}
};

TEST_F(ProcessesOfNetbsd, TellTheirExitToWhoDidNotAsk) {
  world_.change(kq_, {proc_ev(kChild, ADD, 0)});
  end();
  const Answered answered = world_.poll(kq_);
  ASSERT_EQ(answered.value, 1);
  EXPECT_EQ(answered.events[0].fflags, 0u);
  EXPECT_EQ(answered.events[0].data, kStatus);
}

TEST_F(ProcessesOfNetbsd, AreGoneAsZombies) {
  end();
  EXPECT_EQ(world_.call(kq_, {proc_ev(kChild, ADD)}), Answered::failed(ESRCH));
}

constexpr int kDescriptor = 50;

Event procdesc_ev(int flags, uint32_t fflags = note::kExit, int64_t data = 0,
                  int64_t number = kDescriptor) {
  return ev(filter::kProcdesc, number, flags, fflags, data);
}

class ProcessDescriptors : public ::testing::TestWithParam<const char*> {
 protected:
  ProcessDescriptors() : world_("strict-2006", GetParam()) {
    world_.object_saw(OpKind::kProcdesc, kDescriptor, kChild, 0);
    kq_ = world_.kqueue();
  }
  void end() { world_.object_saw(OpKind::kExit, kChild, kStatus, 0); }
  World world_;
  int kq_ = -1;
};

TEST_P(ProcessDescriptors, TheExitIsTheLastEvent) {
  world_.change(kq_, {procdesc_ev(ADD)});
  EXPECT_EQ(world_.verdict(kq_, 4, {procdesc_ev(kLast, note::kExit, kStatus)}), "phantom");
  end();
  EXPECT_EQ(world_.verdict(kq_, 4, {}), "lost");
  EXPECT_EQ(world_.rule(kq_, 4, {procdesc_ev(kLast, note::kExit, 1)}), "I11");
  EXPECT_EQ(world_.poll(kq_), Answered::of({procdesc_ev(kLast, note::kExit, kStatus)}));
  EXPECT_EQ(world_.call(kq_, {procdesc_ev(DELETE)}), Answered::failed(ENOENT));
}

TEST_P(ProcessDescriptors, OneThatHasEndedIsToldAtOnceToWhoAsks) {
  end();
  world_.change(kq_, {procdesc_ev(ADD | DISABLE)});
  EXPECT_EQ(world_.poll(kq_), Answered());
  world_.change(kq_, {procdesc_ev(ENABLE)});
  EXPECT_EQ(world_.poll(kq_), Answered::of({procdesc_ev(kLast, note::kExit, kStatus)}));
}

TEST_P(ProcessDescriptors, WithoutInterestAScanRemovesTheKnoteInSilence) {
  world_.change(kq_, {procdesc_ev(ADD, note::kFork)});
  end();
  EXPECT_EQ(world_.poll(kq_), Answered());
  EXPECT_EQ(world_.call(kq_, {procdesc_ev(DELETE)}), Answered::failed(ENOENT));
  world_.change(kq_, {procdesc_ev(ADD, 0)});
  EXPECT_EQ(world_.poll(kq_), Answered());
  EXPECT_EQ(world_.call(kq_, {procdesc_ev(DELETE)}), Answered::failed(ENOENT));
}

TEST_P(ProcessDescriptors, TheKnoteGoesWithItsNumberAndNotWithTheProcess) {
  const int other = world_.dup(kDescriptor);
  world_.change(kq_, {procdesc_ev(ADD), procdesc_ev(ADD, note::kExit, 0, other)});
  world_.close(kDescriptor);
  EXPECT_EQ(world_.call(kq_, {procdesc_ev(DELETE)}), Answered::failed(EBADF));
  end();
  EXPECT_EQ(world_.poll(kq_), Answered::of({procdesc_ev(kLast, note::kExit, kStatus, other)}));
}

TEST_P(ProcessDescriptors, OthersTakeNoSuchKnote) {
  const int pipe = world_.pipe().first;
  EXPECT_EQ(world_.call(kq_, {procdesc_ev(ADD, note::kExit, 0, pipe)}), Answered::failed(EINVAL));
  const std::vector<Event> files = {ev(filter::kVnode, kDescriptor, ADD, note::kWrite)};
  EXPECT_EQ(world_.call(kq_, files), Answered::failed(EINVAL));
}

INSTANTIATE_TEST_SUITE_P(Hosts, ProcessDescriptors, ::testing::Values("linux", "linux-at-once"),
                         [](const auto& instance) {
                           std::string name = instance.param;
                           std::erase(name, '-');
                           return name;
                         });

TEST(ReapedProcesses, WhoAsksForTheStatusWhenItIsToldMayFindNobodyToAsk) {
  for (const char* host : {"linux", "linux-at-once"}) {
    World world("strict-2006", host);
    world.object_saw(OpKind::kSpawn, -1, 0, kChild);
    const int kq = world.kqueue();
    world.change(kq, {proc_ev(kChild, ADD)});
    world.object_saw(OpKind::kExit, kChild, kStatus, 0);
    world.object_saw(OpKind::kReap, kChild, 0, kStatus);
    const auto told = [&](int64_t status) {
      return world.accepts(kq, {}, 4, Answered::of({proc_ev(kChild, kLast, note::kExit, status)}));
    };
    EXPECT_TRUE(told(kStatus)) << host;
    EXPECT_EQ(told(0), host == std::string("linux"));
    EXPECT_FALSE(told(kStatus + 1)) << host;
  }
}

}  // namespace
}  // namespace kqtorture::contract
