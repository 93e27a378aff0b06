// In which order are events returned, and is anyone forgotten? First activated, first returned; a
// level knote goes to the tail when it is delivered, so that a short list still reaches everybody.
#include <gmock/gmock.h>

#include "objects.h"

namespace kqtorture {
namespace {

using ::testing::ElementsAre;

class Order : public PipeTest {
 protected:
  void SetUp() override {
    PipeTest::SetUp();
    GATE(knob().first_in_first_out, "the profile promises no order");
  }
  // Level knotes 0 to count-1, activated in that order.
  void add_triggered(uintptr_t count, int flags = 0) {
    for (uintptr_t i = 0; i < count; ++i) {
      ASSERT_EQ(submit(kq_, ev(i, filter::kUser, static_cast<uint16_t>(flag::kAdd | flags))), 0);
    }
    for (uintptr_t i = 0; i < count; ++i) ASSERT_EQ(submit(kq_, trigger(i)), 0);
  }
};

TEST_F(Order, ThreeLevelKnotesThroughAListOfTwoRotate) {
  add_triggered(3);
  EXPECT_THAT(idents(poll_events(kq_, 2)), ElementsAre(0, 1));
  EXPECT_THAT(idents(poll_events(kq_, 2)), ElementsAre(2, 0));
  EXPECT_THAT(idents(poll_events(kq_, 2)), ElementsAre(1, 2));
}

TEST_F(Order, ThreePipesThroughAListOfTwoRotate) {
  std::vector<Pair> pipes;
  std::vector<uintptr_t> fds;
  for (int i = 0; i < 3; ++i) {
    pipes.push_back(open_pipe());
    fds.push_back(static_cast<uintptr_t>(int{pipes.back().near}));
    ASSERT_EQ(submit(kq_, ev(fds.back(), filter::kRead, flag::kAdd)), 0);
  }
  for (const Pair& pipe : pipes) put(pipe.far, 1);
  EXPECT_THAT(idents(poll_events(kq_, 2)), ElementsAre(fds[0], fds[1]));
  EXPECT_THAT(idents(poll_events(kq_, 2)), ElementsAre(fds[2], fds[0]));
  EXPECT_THAT(idents(poll_events(kq_, 2)), ElementsAre(fds[1], fds[2]));
}

TEST_F(Order, OneAtATimeGoesRound) {
  add_triggered(4);
  for (int round = 0; round < 3; ++round) {
    for (uintptr_t i = 0; i < 4; ++i) EXPECT_THAT(idents(poll_events(kq_, 1)), ElementsAre(i));
  }
}

TEST_F(Order, FirstActivatedFirstReturned) {
  for (uintptr_t i = 0; i < 4; ++i) {
    ASSERT_EQ(submit(kq_, ev(i, filter::kUser, flag::kAdd | flag::kClear)), 0);
  }
  for (const uintptr_t i : {2u, 0u, 3u, 1u}) ASSERT_EQ(submit(kq_, trigger(i)), 0);
  EXPECT_THAT(idents(poll_events(kq_)), ElementsAre(2, 0, 3, 1));
}

TEST_F(Order, FirstWrittenPipeFirstReturned) {
  std::vector<Pair> pipes;
  std::vector<uintptr_t> fds;
  for (int i = 0; i < 3; ++i) {
    pipes.push_back(open_pipe());
    fds.push_back(static_cast<uintptr_t>(int{pipes.back().near}));
    ASSERT_EQ(submit(kq_, ev(fds.back(), filter::kRead, flag::kAdd | flag::kClear)), 0);
  }
  for (const size_t i : {2u, 0u, 1u}) put(pipes[i].far, 1);
  EXPECT_THAT(idents(poll_events(kq_)), ElementsAre(fds[2], fds[0], fds[1]));
}

TEST_F(Order, ATriggerMoreDoesNotMoveAWaitingEvent) {
  add_triggered(3, flag::kClear);
  ASSERT_EQ(submit(kq_, trigger(0)), 0);
  EXPECT_THAT(idents(poll_events(kq_)), ElementsAre(0, 1, 2));
}

TEST_F(Order, ANewActivationComesAfterThoseThatWait) {
  add_triggered(3);
  EXPECT_THAT(idents(poll_events(kq_, 1)), ElementsAre(0));
  ASSERT_EQ(submit(kq_, {ev(9, filter::kUser, flag::kAdd | flag::kClear), trigger(9)}), 0);
  EXPECT_THAT(idents(poll_events(kq_)), ElementsAre(1, 2, 0, 9));
}

TEST_F(Order, ADisabledKnoteLosesItsPlace) {
  add_triggered(3);
  ASSERT_EQ(submit(kq_, ev(0, filter::kUser, flag::kDisable)), 0);
  EXPECT_THAT(idents(poll_events(kq_)), ElementsAre(1, 2));
  ASSERT_EQ(submit(kq_, ev(0, filter::kUser, flag::kEnable)), 0);
  EXPECT_THAT(idents(poll_events(kq_)), ElementsAre(1, 2, 0));
}

TEST_F(Order, AForcedEventComesAfterThoseThatWait) {
  REQUIRE_KNOB(knob().forceoneshot);
  add_triggered(2);
  ASSERT_EQ(submit(kq_, ev(9, filter::kUser, flag::kAdd)), 0);
  ASSERT_EQ(submit(kq_, ev(9, filter::kUser, flag::kForceOneshot)), 0);
  EXPECT_THAT(idents(poll_events(kq_)), ElementsAre(0, 1, 9));
}

// n continuously ready knotes through a list of m: each is returned at least once in any
// ceil(n/m)+1 consecutive calls.
struct Shape {
  size_t knotes;
  int room;
};

class Fairness : public PipeTest, public ::testing::WithParamInterface<Shape> {};

TEST_P(Fairness, NobodyIsForgotten) {
  REQUIRE_KNOB(knob().first_in_first_out);
  const Shape shape = GetParam();
  std::vector<Pair> pipes;
  std::vector<uintptr_t> all;
  for (size_t i = 0; i < shape.knotes; ++i) {
    // Every second one a descriptor, the others triggers: they share one queue.
    if (i % 2 == 0) {
      pipes.push_back(open_pipe());
      all.push_back(static_cast<uintptr_t>(int{pipes.back().near}));
      ASSERT_EQ(submit(kq_, ev(all.back(), filter::kRead, flag::kAdd)), 0);
      put(pipes.back().far, 1);
    } else {
      all.push_back(100000 + i);
      ASSERT_EQ(submit(kq_, {ev(all.back(), filter::kUser, flag::kAdd), trigger(all.back())}), 0);
    }
  }
  const size_t room = static_cast<size_t>(shape.room);
  const size_t window = (shape.knotes + room - 1) / room + 1;
  std::vector<std::vector<uintptr_t>> calls;
  for (size_t i = 0; i < 4 * window; ++i) calls.push_back(idents(poll_events(kq_, shape.room)));
  for (size_t begin = 0; begin + window <= calls.size(); ++begin) {
    std::vector<uintptr_t> seen;
    for (size_t i = begin; i < begin + window; ++i) {
      seen.insert(seen.end(), calls[i].begin(), calls[i].end());
    }
    for (const uintptr_t ident : all) {
      EXPECT_THAT(seen, ::testing::Contains(ident)) << "in the calls from " << begin;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, Fairness,
                         ::testing::Values(Shape{2, 1}, Shape{3, 1}, Shape{3, 2}, Shape{5, 2},
                                           Shape{7, 3}, Shape{20, 8}, Shape{33, 7}),
                         [](const auto& instance) {
                           return std::to_string(instance.param.knotes) + "KnotesRoom" +
                                  std::to_string(instance.param.room);
                         });

TEST_F(Order, ChangesOfOneCallTakeEffectInListOrder) {
  ASSERT_EQ(submit(kq_, {ev(1, filter::kUser, flag::kAdd), trigger(1),
                         ev(1, filter::kUser, flag::kDelete), ev(1, filter::kUser, flag::kAdd)}),
            0);
  EXPECT_TRUE(silent(kq_)) << "the knote that was triggered is gone";
}

TEST_F(Order, AKnoteEnabledBeforeAnotherIsAddedComesFirst) {
  const Pair other = open_pipe();
  const auto first = static_cast<uintptr_t>(int{pipe_.near});
  const auto second = static_cast<uintptr_t>(int{other.near});
  put(pipe_.far, 1);
  put(other.far, 1);
  ASSERT_EQ(submit(kq_, ev(first, filter::kRead, flag::kAdd | flag::kDisable)), 0);
  const Outcome outcome = call(
      kq_, {ev(first, filter::kRead, flag::kEnable), ev(second, filter::kRead, flag::kAdd)}, 2);
  EXPECT_THAT(idents(outcome.entries), ElementsAre(first, second));
}

TEST_F(Order, DisableThenEnableInOneCallEndsEnabled) {
  ASSERT_EQ(
      submit(kq_, {ev(1, filter::kUser, flag::kAdd), trigger(1),
                   ev(1, filter::kUser, flag::kDisable), ev(1, filter::kUser, flag::kEnable)}),
      0);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
}

TEST_F(Order, EnableThenDisableInOneCallEndsDisabled) {
  ASSERT_EQ(
      submit(kq_, {ev(1, filter::kUser, flag::kAdd), trigger(1),
                   ev(1, filter::kUser, flag::kEnable), ev(1, filter::kUser, flag::kDisable)}),
      0);
  EXPECT_TRUE(silent(kq_));
}

}  // namespace
}  // namespace kqtorture
