// What happens at the seams of the copies? Changes are read and events are written eight at a time,
// and a pointer that goes bad in the middle loses exactly what the contract says it loses.
#include <algorithm>

#include "guarded.h"
#include "objects.h"

namespace kqtorture {
namespace {

class ChangeCount : public KqueueTest, public ::testing::WithParamInterface<uintptr_t> {};

TEST_P(ChangeCount, EveryChangeIsApplied) {
  std::vector<Kevent> changes;
  for (uintptr_t i = 0; i < GetParam(); ++i) {
    changes.push_back(ev(i, filter::kUser, flag::kAdd | flag::kOneshot));
    changes.push_back(trigger(i));
  }
  ASSERT_EQ(submit(kq_, changes), 0);
  EXPECT_EQ(poll_events(kq_).size(), GetParam());
}

TEST_P(ChangeCount, EveryReceiptIsReportedInOrder) {
  std::vector<Kevent> changes;
  for (uintptr_t i = 0; i < GetParam(); ++i) {
    changes.push_back(ev(i, filter::kUser, flag::kAdd | flag::kReceipt));
  }
  const Outcome outcome = call(kq_, changes, static_cast<int>(GetParam()));
  ASSERT_EQ(outcome.entries.size(), GetParam());
  for (uintptr_t i = 0; i < GetParam(); ++i) EXPECT_EQ(outcome.entries[i].ident, i);
}

TEST_P(ChangeCount, EveryEventIsDeliveredOnce) {
  for (uintptr_t i = 0; i < GetParam(); ++i) {
    ASSERT_EQ(submit(kq_, {ev(i, filter::kUser, flag::kAdd | flag::kClear), trigger(i)}), 0);
  }
  std::vector<uintptr_t> seen = idents(poll_events(kq_));
  std::sort(seen.begin(), seen.end());
  ASSERT_EQ(seen.size(), GetParam());
  for (uintptr_t i = 0; i < GetParam(); ++i) EXPECT_EQ(seen[i], i);
  EXPECT_TRUE(silent(kq_));
}

INSTANTIATE_TEST_SUITE_P(AroundTheChunk, ChangeCount,
                         ::testing::Values(1u, 7u, 8u, 9u, 16u, 17u, 50u),
                         ::testing::PrintToStringParamName());

class BadList : public PipeTest {
 protected:
  void SetUp() override {
    PipeTest::SetUp();
    REQUIRE_RAW_POINTERS();
  }
  int poll_into(Kevent* list, int room) {
    const int count = subject().kevent(kq_, nullptr, 0, list, room, &kNoWait);
    return count >= 0 ? 0 : errno;
  }
  uintptr_t fd() const { return static_cast<uintptr_t>(int{pipe_.near}); }
};

TEST_F(BadList, ChunksBeforeAnUnreadableOneTakeEffect) {
  REQUIRE_KNOB(knob().changes_per_copy == 8);
  GuardedList list(8);
  for (uintptr_t i = 0; i < 8; ++i) list[i] = ev(i, filter::kUser, flag::kAdd);
  EXPECT_EQ(subject().kevent(kq_, list.data(), 9, nullptr, 0, nullptr), -1);
  EXPECT_EQ(errno, EFAULT);
  for (uintptr_t i = 0; i < 8; ++i) EXPECT_EQ(submit(kq_, ev(i, filter::kUser, flag::kDelete)), 0);
}

TEST_F(BadList, AChunkThatIsReadableInPartTakesNoEffect) {
  REQUIRE_KNOB(knob().changes_per_copy == 8);
  GuardedList list(12);
  for (uintptr_t i = 0; i < 12; ++i) list[i] = ev(i, filter::kUser, flag::kAdd);
  EXPECT_EQ(subject().kevent(kq_, list.data(), 16, nullptr, 0, nullptr), -1);
  EXPECT_EQ(errno, EFAULT);
  for (uintptr_t i = 0; i < 12; ++i) {
    EXPECT_EQ(submit(kq_, ev(i, filter::kUser, flag::kDelete)), i < 8 ? 0 : ENOENT) << i;
  }
}

// Wherever the list becomes bad: the chunks of eight before that are applied, and no other.
TEST_F(BadList, AChangelistThatEndsInAnyChunkIsAppliedUpToThatChunk) {
  REQUIRE_KNOB(knob().changes_per_copy == 8);
  constexpr uintptr_t kChanges = 25;
  for (uintptr_t good = 0; good < kChanges; ++good) {
    GuardedList list(good);
    for (uintptr_t i = 0; i < good; ++i) list[i] = ev(i, filter::kUser, flag::kAdd);
    EXPECT_EQ(subject().kevent(kq_, list.data(), kChanges, nullptr, 0, nullptr), -1);
    EXPECT_EQ(errno, EFAULT);
    const uintptr_t applied = good / 8 * 8;
    for (uintptr_t i = 0; i <= good; ++i) {
      EXPECT_EQ(submit(kq_, ev(i, filter::kUser, flag::kDelete)), i < applied ? 0 : ENOENT)
          << i << " of a list of " << good;
    }
  }
}

// The events of the chunks up to the bad one are lost, those behind it wait.
TEST_F(BadList, AnEventlistThatEndsInAnyChunkLosesWhatWasForItUpToThatChunk) {
  REQUIRE_KNOB(knob().efault_loses_events && knob().changes_per_copy == 8);
  constexpr uintptr_t kEvents = 25;
  for (uintptr_t good = 0; good < kEvents; ++good) {
    GuardedList list(good);
    for (uintptr_t i = 0; i < kEvents; ++i) {
      ASSERT_EQ(submit(kq_, {ev(i, filter::kUser, flag::kAdd | flag::kOneshot), trigger(i)}), 0);
    }
    EXPECT_EQ(poll_into(list.data(), kEvents), EFAULT);
    const uintptr_t lost = std::min<uintptr_t>(kEvents, (good / 8 + 1) * 8);
    const std::vector<uintptr_t> left = idents(poll_events(kq_));
    ASSERT_EQ(left.size(), kEvents - lost) << "with a list of " << good;
    for (uintptr_t i = 0; i < left.size(); ++i) EXPECT_EQ(left[i], lost + i);
  }
}

TEST_F(BadList, OnlyTheGivenNumberOfChangesIsRead) {
  GuardedList list(3);
  for (uintptr_t i = 0; i < 3; ++i) list[i] = ev(i, filter::kUser, flag::kAdd);
  EXPECT_EQ(subject().kevent(kq_, list.data(), 3, nullptr, 0, nullptr), 0);
}

TEST_F(BadList, AnErrorBeforeTheUnreadableChunkIsReportedFirst) {
  REQUIRE_KNOB(knob().changes_per_copy == 8);
  GuardedList list(8);
  for (uintptr_t i = 0; i < 8; ++i) list[i] = ev(i, filter::kUser, flag::kDelete);
  EXPECT_EQ(subject().kevent(kq_, list.data(), 9, nullptr, 0, nullptr), -1);
  EXPECT_EQ(errno, ENOENT);
}

TEST_F(BadList, NoEventNoFault) {
  GuardedList list(0);
  EXPECT_EQ(poll_into(list.data(), 4), 0);
}

TEST_F(BadList, ANullListWithAnEventIsEfault) {
  ASSERT_EQ(submit(kq_, {ev(1, filter::kUser, flag::kAdd), trigger(1)}), 0);
  EXPECT_EQ(poll_into(nullptr, 4), EFAULT);
}

TEST_F(BadList, ChangesStayAppliedWhenTheEventsCannotBeWritten) {
  GuardedList list(0);
  const Kevent changes[] = {ev(1, filter::kUser, flag::kAdd), trigger(1)};
  EXPECT_EQ(subject().kevent(kq_, changes, 2, list.data(), 4, &kNoWait), -1);
  EXPECT_EQ(errno, EFAULT);
  EXPECT_EQ(submit(kq_, ev(1, filter::kUser, flag::kDelete)), 0);
}

TEST_F(BadList, LosesAOneshotEvent) {
  REQUIRE_KNOB(knob().efault_loses_events);
  GuardedList list(0);
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, ev(fd(), filter::kRead, flag::kAdd | flag::kOneshot)), 0);
  EXPECT_EQ(poll_into(list.data(), 4), EFAULT);
  EXPECT_TRUE(silent(kq_));
  EXPECT_EQ(submit(kq_, ev(fd(), filter::kRead, flag::kDelete)), ENOENT);
}

TEST_F(BadList, LosesAClearEvent) {
  REQUIRE_KNOB(knob().efault_loses_events);
  GuardedList list(0);
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, ev(fd(), filter::kRead, flag::kAdd | flag::kClear)), 0);
  EXPECT_EQ(poll_into(list.data(), 4), EFAULT);
  EXPECT_TRUE(silent(kq_));
  put(pipe_.far, 1);
  EXPECT_EQ(only_event(kq_).data, 2);
}

TEST_F(BadList, DisablesADispatchKnote) {
  REQUIRE_KNOB(knob().efault_loses_events);
  GuardedList list(0);
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, ev(fd(), filter::kRead, flag::kAdd | flag::kDispatch)), 0);
  EXPECT_EQ(poll_into(list.data(), 4), EFAULT);
  EXPECT_TRUE(silent(kq_));
  ASSERT_EQ(submit(kq_, ev(fd(), filter::kRead, flag::kEnable)), 0);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
}

TEST_F(BadList, DoesNotLoseALevelEvent) {
  GuardedList list(0);
  put(pipe_.far, 1);
  ASSERT_EQ(submit(kq_, ev(fd(), filter::kRead, flag::kAdd)), 0);
  EXPECT_EQ(poll_into(list.data(), 4), EFAULT);
  EXPECT_EQ(poll_events(kq_).size(), 1u);
}

TEST_F(BadList, AFaultInTheSecondBatchFailsTheCallAndLosesBoth) {
  REQUIRE_KNOB(knob().efault_loses_events && knob().changes_per_copy == 8);
  GuardedList list(8);
  for (uintptr_t i = 0; i < 10; ++i) {
    ASSERT_EQ(submit(kq_, {ev(i, filter::kUser, flag::kAdd | flag::kOneshot), trigger(i)}), 0);
  }
  EXPECT_EQ(poll_into(list.data(), 10), EFAULT);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(BadList, EventsBeyondTheRoomAreNeitherWrittenNorLost) {
  GuardedList list(4);
  for (uintptr_t i = 0; i < 6; ++i) {
    ASSERT_EQ(submit(kq_, {ev(i, filter::kUser, flag::kAdd | flag::kOneshot), trigger(i)}), 0);
  }
  EXPECT_EQ(subject().kevent(kq_, nullptr, 0, list.data(), 4, &kNoWait), 4);
  EXPECT_EQ(poll_events(kq_).size(), 2u);
}

}  // namespace
}  // namespace kqtorture
