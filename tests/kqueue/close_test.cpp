// What does close() take along? Every knote of that descriptor number, on every kqueue, before the
// number can be used again; nothing of any other number, though it be the same open file.
#include <fcntl.h>

#include "objects.h"

namespace kqtorture {
namespace {

class Close : public PipeTest {
 protected:
  void SetUp() override {
    PipeTest::SetUp();
    GATE(knob().close_removes_knotes, "the profile does not notice a close");
    number_ = pipe_.near;
  }
  Kevent read_ev(int flags, void* udata = nullptr) const {
    return ev(static_cast<uintptr_t>(number_), filter::kRead, static_cast<uint16_t>(flags), 0, 0,
              udata);
  }
  int number_ = -1;
};

TEST_F(Close, RemovesAReadyKnoteWithoutAnEvent) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  pipe_.near.reset();
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Close, TheNextOwnerOfTheNumberInheritsNoKnote) {
  Pair fresh = open_pipe();
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd, tag(1))), 0);
  pipe_.near.reset();
  const Fd reused = reuse_number(number_, fresh.near);
  put(fresh.far, 1);
  EXPECT_TRUE(silent(kq_));
  EXPECT_EQ(submit(kq_, read_ev(flag::kDelete)), ENOENT);
}

TEST_F(Close, TheNextOwnerOfTheNumberStartsWithItsOwnUdataAndFlags) {
  Pair fresh = open_pipe();
  put(fresh.far, 2);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kDispatch | flag::kDisable, tag(1))), 0);
  pipe_.near.reset();
  const Fd reused = reuse_number(number_, fresh.near);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd, tag(2))), 0);
  const Kevent event = only_event(kq_);
  EXPECT_EQ(event.udata, tag(2));
  EXPECT_EQ(flags_of(event), 0);
  EXPECT_EQ(event.data, 2);
}

TEST_F(Close, TheNextOwnerInheritsNoPendingOneshot) {
  put(pipe_.far, 1);
  Pair fresh = open_pipe();
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd | flag::kOneshot)), 0);
  pipe_.near.reset();
  const Fd reused = reuse_number(number_, fresh.near);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Close, TheNextOwnerInheritsNoForcedEvent) {
  REQUIRE_KNOB(knob().forceoneshot);
  Pair fresh = open_pipe();
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kForceOneshot)), 0);
  pipe_.near.reset();
  const Fd reused = reuse_number(number_, fresh.near);
  EXPECT_TRUE(silent(kq_));
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Close, OfOneDuplicateLeavesTheOthersKnote) {
  Fd copy(subject().calls().dup(pipe_.near));
  const auto copied = static_cast<uintptr_t>(int{copy});
  ASSERT_EQ(submit(kq_, {read_ev(flag::kAdd), ev(copied, filter::kRead, flag::kAdd)}), 0);
  pipe_.near.reset();
  put(pipe_.far, 1);
  EXPECT_EQ(only_event(kq_).ident, copied);
}

TEST_F(Close, RemovesTheKnoteThoughADuplicateKeepsTheFileOpen) {
  const Fd copy(subject().calls().dup(pipe_.near));
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  pipe_.near.reset();
  EXPECT_TRUE(silent(kq_));
  put(pipe_.far, 1);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Close, TheSameFileUnderTheSameNumberAgainIsANewDescriptor) {
  const Fd copy(subject().calls().dup(pipe_.near));
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd, tag(1))), 0);
  pipe_.near.reset();
  const Fd again = reuse_number(number_, copy);
  EXPECT_TRUE(silent(kq_));
  EXPECT_EQ(submit(kq_, read_ev(flag::kEnable)), ENOENT);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd, tag(2))), 0);
  EXPECT_EQ(only_event(kq_).udata, tag(2));
}

TEST_F(Close, ADuplicateInheritsNoKnote) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  const Fd copy(subject().calls().dup(pipe_.near));
  EXPECT_EQ(submit(kq_, ev(static_cast<uintptr_t>(int{copy}), filter::kRead, flag::kDelete)),
            ENOENT);
}

TEST_F(Close, RemovesBothDirections) {
  Pair pair = connect_pair(Transport::kUnix);
  if (pair.near < 0) GTEST_SKIP() << "the subject makes no socket pairs";
  const int number = pair.near;
  const auto both = static_cast<uintptr_t>(number);
  put(pair.far, 1);
  ASSERT_EQ(
      submit(kq_, {ev(both, filter::kRead, flag::kAdd), ev(both, filter::kWrite, flag::kAdd)}), 0);
  pair.near.reset();
  EXPECT_TRUE(silent(kq_));
  const Fd reused = reuse_number(number, pipe_.near);
  EXPECT_EQ(submit(kq_, ev(both, filter::kRead, flag::kDelete)), ENOENT);
  EXPECT_EQ(submit(kq_, ev(both, filter::kWrite, flag::kDelete)), ENOENT);
}

TEST_F(Close, RemovesFromEveryKqueue) {
  std::vector<Fd> kqueues;
  put(pipe_.far, 1);
  for (int i = 0; i < 5; ++i) {
    kqueues.emplace_back(subject().kqueue());
    ASSERT_EQ(submit(kqueues.back(), read_ev(flag::kAdd)), 0);
  }
  pipe_.near.reset();
  for (const Fd& kq : kqueues) EXPECT_TRUE(silent(kq));
}

TEST_F(Close, OfTheWriterIsNoCloseOfTheReader) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  pipe_.far.reset();
  EXPECT_EQ(flags_of(only_event(kq_)), flag::kEof);
}

TEST_F(Close, LeavesUserAndTimerKnotesOfThatNumberAlone) {
  const auto ident = static_cast<uintptr_t>(number_);
  ASSERT_EQ(submit(kq_, {ev(ident, filter::kUser, flag::kAdd), read_ev(flag::kAdd),
                         ev(ident, filter::kTimer, flag::kAdd, 0, 3600000)}),
            0);
  pipe_.near.reset();
  ASSERT_EQ(submit(kq_, trigger(ident)), 0);
  EXPECT_EQ(only_event(kq_).filter, filter::kUser);
  EXPECT_EQ(submit(kq_, ev(ident, filter::kTimer, flag::kDelete)), 0);
}

TEST_F(Close, LeavesTheOtherDescriptorsKnotes) {
  Pair other = open_pipe();
  const auto ident = static_cast<uintptr_t>(int{other.near});
  ASSERT_EQ(submit(kq_, {read_ev(flag::kAdd), ev(ident, filter::kRead, flag::kAdd)}), 0);
  pipe_.near.reset();
  put(other.far, 1);
  EXPECT_EQ(only_event(kq_).ident, ident);
}

TEST_F(Close, ThatFailsChangesNothing) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  EXPECT_EQ(subject().close(-1), -1);
  EXPECT_EQ(errno, EBADF);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
}

TEST_F(Close, ByDup2OntoTheNumber) {
  Pair other = open_pipe();
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  ASSERT_EQ(subject().calls().dup2(other.near, number_), number_);
  EXPECT_TRUE(silent(kq_));
  put(other.far, 1);
  EXPECT_TRUE(silent(kq_));
  EXPECT_EQ(submit(kq_, read_ev(flag::kDelete)), ENOENT);
}

TEST_F(Close, Dup2OfANumberOntoItselfIsNone) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  ASSERT_EQ(subject().calls().dup2(number_, number_), number_);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
}

TEST_F(Close, Dup2OfAClosedNumberIsNone) {
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  Fd gone(subject().calls().dup(pipe_.far));
  const int closed = gone;
  gone.reset();
  EXPECT_EQ(subject().calls().dup2(closed, number_), -1);
  EXPECT_EQ(errno, EBADF);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
}

TEST_F(Close, Dup2FromAWatchedNumberLeavesItsKnote) {
  Pair other = open_pipe();
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  const int target = other.near;
  ASSERT_EQ(subject().calls().dup2(number_, target), target);
  EXPECT_EQ(only_event(kq_).ident, static_cast<uintptr_t>(number_));
}

TEST_F(Close, OfManyDescriptorsRemovesManyKnotes) {
  constexpr int kCount = 100;
  std::vector<Fd> copies;
  put(pipe_.far, 1);
  for (int i = 0; i < kCount; ++i) {
    copies.emplace_back(subject().calls().dup(pipe_.near));
    ASSERT_GE(copies.back(), 0);
    const auto ident = static_cast<uintptr_t>(int{copies.back()});
    ASSERT_EQ(submit(kq_, ev(ident, filter::kRead, flag::kAdd)), 0);
  }
  for (size_t i = 0; i < copies.size(); i += 2) copies[i].reset();
  std::vector<Kevent> events = poll_events(kq_, kCount);
  EXPECT_EQ(events.size(), size_t{kCount / 2});
  copies.clear();
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Close, AndReopenManyTimesLeavesNothingBehind) {
  Fd copy = std::move(pipe_.near);
  put(pipe_.far, 1);
  for (uintptr_t round = 1; round <= 200; ++round) {
    const Fd again(subject().calls().dup(copy));
    const auto ident = static_cast<uintptr_t>(int{again});
    ASSERT_EQ(submit(kq_, ev(ident, filter::kRead, flag::kAdd | flag::kClear, 0, 0, tag(round))),
              0);
    ASSERT_EQ(only_event(kq_).udata, tag(round));
    ASSERT_TRUE(silent(kq_));
  }
}

}  // namespace
}  // namespace kqtorture
