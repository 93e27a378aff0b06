// What does a kqueue tell a kqueue that watches it? READ with the number of events that wait
// inside: an upper bound, because some of them may turn out to be stale.
#include "objects.h"

namespace kqtorture {
namespace {

class Nested : public PipeTest {
 protected:
  void SetUp() override {
    PipeTest::SetUp();
    if (IsSkipped()) return;
    REQUIRE_KNOB(knob().kqueue_is_descriptor);
    inner_ = Fd(subject().kqueue());
    ASSERT_GE(inner_, 0);
    ASSERT_EQ(submit(inner_, ev(1, filter::kUser, flag::kAdd | flag::kClear)), 0);
  }
  uintptr_t inner() const { return static_cast<uintptr_t>(int{inner_}); }
  Kevent watch(int flags = flag::kAdd) const {
    return ev(inner(), filter::kRead, static_cast<uint16_t>(flags));
  }
  // The outer event; propagation takes its own time on some platforms.
  Kevent outer_event() { return knob().nested_is_synchronous ? only_event(kq_) : wait_event(kq_); }
  Fd inner_;
};

TEST_F(Nested, AnIdleKqueueIsSilent) {
  ASSERT_EQ(submit(kq_, watch()), 0);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Nested, AnEventInsideFiresRead) {
  ASSERT_EQ(submit(kq_, watch()), 0);
  ASSERT_EQ(submit(inner_, trigger(1)), 0);
  const Kevent event = outer_event();
  EXPECT_EQ(event.ident, inner());
  EXPECT_EQ(event.filter, filter::kRead);
  EXPECT_GE(event.data, 1);
  EXPECT_EQ(flags_of(event), 0);
}

TEST_F(Nested, AnEventThatWaitedBeforeTheAddIsTold) {
  ASSERT_EQ(submit(inner_, trigger(1)), 0);
  ASSERT_EQ(submit(kq_, watch()), 0);
  EXPECT_EQ(outer_event().ident, inner());
}

TEST_F(Nested, DataIsNoLessThanTheEventsThatWait) {
  ASSERT_EQ(submit(inner_, {ev(2, filter::kUser, flag::kAdd), ev(3, filter::kUser, flag::kAdd)}),
            0);
  ASSERT_EQ(submit(kq_, watch()), 0);
  ASSERT_EQ(submit(inner_, {trigger(1), trigger(2), trigger(3)}), 0);
  EXPECT_GE(outer_event().data, 3);
}

TEST_F(Nested, IsSilentOnceTheInnerEventIsTaken) {
  ASSERT_EQ(submit(kq_, watch()), 0);
  ASSERT_EQ(submit(inner_, trigger(1)), 0);
  ASSERT_EQ(outer_event().ident, inner());
  ASSERT_EQ(poll_events(inner_).size(), 1u);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Nested, LookingAtTheOuterDoesNotTakeTheInnerEvent) {
  ASSERT_EQ(submit(kq_, watch()), 0);
  ASSERT_EQ(submit(inner_, trigger(1)), 0);
  EXPECT_EQ(outer_event().ident, inner());
  EXPECT_EQ(outer_event().ident, inner()) << "level";
  EXPECT_EQ(only_event(inner_).ident, 1u);
}

TEST_F(Nested, ADescriptorInsideFiresTheOuter) {
  ASSERT_EQ(submit(kq_, watch()), 0);
  ASSERT_EQ(submit(inner_, ev(static_cast<uintptr_t>(int{pipe_.near}), filter::kRead, flag::kAdd)),
            0);
  EXPECT_TRUE(silent(kq_));
  put(pipe_.far, 1);
  EXPECT_EQ(outer_event().ident, inner());
  take(pipe_.near, 1);
  EXPECT_TRUE(silent(inner_));
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Nested, ATimerInsideFiresTheOuter) {
  ASSERT_EQ(submit(kq_, watch()), 0);
  ASSERT_EQ(submit(inner_, ev(1, filter::kTimer, flag::kAdd | flag::kOneshot, 0, 2)), 0);
  EXPECT_EQ(wait_event(kq_).ident, inner());
}

TEST_F(Nested, AnInnerEventWakesAWaiterOfTheOuter) {
  ASSERT_EQ(submit(kq_, watch()), 0);
  Waiter waiter(kq_);
  waiter.wait_until_parked();
  ASSERT_EQ(submit(inner_, trigger(1)), 0);
  EXPECT_EQ(waiter.join().count, 1);
}

TEST_F(Nested, OneshotFiresOnce) {
  ASSERT_EQ(submit(kq_, watch(flag::kAdd | flag::kOneshot)), 0);
  ASSERT_EQ(submit(inner_, trigger(1)), 0);
  EXPECT_EQ(flags_of(outer_event()), flag::kOneshot);
  EXPECT_TRUE(silent(kq_));
  EXPECT_EQ(submit(kq_, watch(flag::kDelete)), ENOENT);
}

TEST_F(Nested, DispatchFiresOnceUntilEnable) {
  ASSERT_EQ(submit(kq_, watch(flag::kAdd | flag::kDispatch)), 0);
  ASSERT_EQ(submit(inner_, trigger(1)), 0);
  ASSERT_EQ(outer_event().ident, inner());
  EXPECT_TRUE(silent(kq_));
  ASSERT_EQ(submit(kq_, watch(flag::kEnable)), 0);
  EXPECT_EQ(outer_event().ident, inner());
}

TEST_F(Nested, ClearFiresAgainForANewInnerEvent) {
  ASSERT_EQ(submit(kq_, watch(flag::kAdd | flag::kClear)), 0);
  ASSERT_EQ(submit(inner_, trigger(1)), 0);
  ASSERT_EQ(outer_event().ident, inner());
  ASSERT_EQ(poll_events(inner_).size(), 1u);
  EXPECT_TRUE(silent(kq_));
  ASSERT_EQ(submit(inner_, trigger(1)), 0);
  EXPECT_EQ(outer_event().ident, inner());
}

TEST_F(Nested, WriteIsRefused) {
  REQUIRE_KNOB(knob().nested_write != kUnstated);
  EXPECT_EQ(submit(kq_, ev(inner(), filter::kWrite, flag::kAdd)), knob().nested_write);
}

TEST_F(Nested, WatchingItself) {
  REQUIRE_KNOB(knob().self_watch != kUnstated);
  EXPECT_EQ(submit(kq_, ev(static_cast<uintptr_t>(int{kq_}), filter::kRead, flag::kAdd)),
            knob().self_watch);
}

TEST_F(Nested, WatchingItselfUnderAnotherNumber) {
  REQUIRE_KNOB(knob().self_watch == EINVAL);
  const Fd copy(subject().calls().dup(kq_));
  ASSERT_GE(copy, 0);
  EXPECT_EQ(submit(kq_, ev(static_cast<uintptr_t>(int{copy}), filter::kRead, flag::kAdd)), EINVAL);
}

// A kqueue on top of epoll has epoll's limits of nesting, whatever its profile says.
bool nesting_is_limited_by_the_host() {
#ifdef __linux__
  return host_descriptors();
#else
  return false;
#endif
}

TEST_F(Nested, TwoThatWatchEachOther) {
  REQUIRE_KNOB(knob().cycle != kUnstated);
  ASSERT_EQ(submit(kq_, watch()), 0);
  const int expected = nesting_is_limited_by_the_host() ? EINVAL : knob().cycle;
  EXPECT_EQ(submit(inner_, ev(static_cast<uintptr_t>(int{kq_}), filter::kRead, flag::kAdd)),
            expected);
  // Refused or not, both still work.
  ASSERT_EQ(submit(inner_, trigger(1)), 0);
  EXPECT_EQ(outer_event().ident, inner());
}

TEST_F(Nested, ACircleOfThreeIsRefusedAndWhatThereIsOfItWorks) {
  REQUIRE_KNOB(knob().cycle != kUnstated);
  const Fd top(subject().kqueue());
  const auto watch_of = [](int kq) {
    return ev(static_cast<uintptr_t>(kq), filter::kRead, flag::kAdd);
  };
  ASSERT_EQ(submit(kq_, watch()), 0);
  ASSERT_EQ(submit(top, watch_of(kq_)), 0);
  const int expected = nesting_is_limited_by_the_host() ? EINVAL : knob().cycle;
  EXPECT_EQ(submit(inner_, watch_of(top)), expected);
  ASSERT_EQ(submit(inner_, trigger(1)), 0);
  EXPECT_EQ(wait_event(top).ident, static_cast<uintptr_t>(int{kq_}));
  // Once one of its links is gone it is no circle any more.
  ASSERT_EQ(submit(kq_, watch(flag::kDelete)), 0);
  EXPECT_EQ(submit(inner_, watch_of(top)), 0);
}

TEST_F(Nested, ClosingTheInnerRemovesTheKnote) {
  REQUIRE_KNOB(knob().close_removes_knotes);
  ASSERT_EQ(submit(kq_, watch()), 0);
  ASSERT_EQ(submit(inner_, trigger(1)), 0);
  const Kevent gone = watch(flag::kDelete);
  inner_.reset();
  EXPECT_TRUE(silent(kq_));
  EXPECT_EQ(submit(kq_, gone), EBADF);
}

TEST_F(Nested, ClosingTheOuterLeavesTheInnerAlone) {
  Fd outer(subject().kqueue());
  ASSERT_EQ(submit(outer, watch()), 0);
  ASSERT_EQ(submit(inner_, trigger(1)), 0);
  outer.reset();
  EXPECT_EQ(only_event(inner_).ident, 1u);
}

TEST_F(Nested, AThirdKqueueSeesThroughTheSecond) {
  const Fd top(subject().kqueue());
  ASSERT_EQ(submit(kq_, watch()), 0);
  ASSERT_EQ(submit(top, ev(static_cast<uintptr_t>(int{kq_}), filter::kRead, flag::kAdd)), 0);
  EXPECT_TRUE(silent(top));
  ASSERT_EQ(submit(inner_, trigger(1)), 0);
  EXPECT_EQ(wait_event(top).ident, static_cast<uintptr_t>(int{kq_}));
  ASSERT_EQ(poll_events(inner_).size(), 1u);
  EXPECT_TRUE(silent(kq_));
  EXPECT_TRUE(silent(top));
}

// Adds kqueues on top of the inner one, each watching the one below it, until refused.
TEST_F(Nested, AChainIsSeenThroughAsFarAsItIsAccepted) {
  constexpr int kDepth = 12;
  std::vector<Fd> chain;
  uintptr_t below = inner();
  int depth = 0;
  for (; depth < kDepth; ++depth) {
    Fd next(subject().kqueue());
    const int error = submit(next, ev(below, filter::kRead, flag::kAdd));
    if (error != 0) {
      EXPECT_EQ(error, EINVAL);
      EXPECT_TRUE(nesting_is_limited_by_the_host() || !knob().deep_nesting)
          << "depth " << depth + 1;
      break;
    }
    below = static_cast<uintptr_t>(int{next});
    chain.push_back(std::move(next));
  }
  ASSERT_GE(depth, 3);
  ASSERT_EQ(submit(inner_, trigger(1)), 0);
  EXPECT_GE(wait_event(chain.back()).data, 1);
  // What waits in a kqueue in between is stale once the event is taken, until somebody looks.
  ASSERT_EQ(poll_events(inner_).size(), 1u);
  for (const Fd& kq : chain) EXPECT_TRUE(silent(kq));
}

TEST_F(Nested, TwoOutersAreBothTold) {
  const Fd other(subject().kqueue());
  ASSERT_EQ(submit(kq_, watch()), 0);
  ASSERT_EQ(submit(other, watch()), 0);
  ASSERT_EQ(submit(inner_, trigger(1)), 0);
  EXPECT_EQ(outer_event().ident, inner());
  EXPECT_EQ(wait_event(other).ident, inner());
}

}  // namespace
}  // namespace kqtorture
