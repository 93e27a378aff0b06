// What is left of a call when the changes are taken away that failed for want of memory?
#include "engine/want.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <vector>

#include "contract/vocabulary.h"

namespace kqtorture {
namespace {

using contract::Event;
using Answer = WithoutWant::Answer;

Event change(uintptr_t ident, int flags) {
  Event event{};
  event.ident = ident;
  event.filter = contract::filter::kUser;
  event.flags = static_cast<uint16_t>(flags);
  return event;
}

Event entry(uintptr_t ident, int error) {
  Event event = change(ident, contract::flag::kError);
  event.data = error;
  return event;
}

class Want : public ::testing::Test {
 protected:
  Answer take(std::vector<Event> changes, int room, std::vector<Event> entries) {
    changes_ = std::move(changes);
    entries_ = std::move(entries);
    contract::Op op;
    op.nchanges = static_cast<int>(changes_.size());
    op.changes = changes_.data();
    op.nevents = room;
    contract::Outcome seen;
    seen.value = static_cast<int64_t>(entries_.size());
    seen.events = entries_.data();
    return want_.take(op, seen);
  }
  Answer fails(std::vector<Event> changes) {
    changes_ = std::move(changes);
    contract::Op op;
    op.nchanges = static_cast<int>(changes_.size());
    op.changes = changes_.data();
    return want_.take(op, contract::Outcome::failed(ENOMEM));
  }

  static constexpr int kAdd = contract::flag::kAdd;
  static constexpr int kEnable = contract::flag::kEnable;
  std::vector<Event> changes_, entries_;
  WithoutWant want_;
};

TEST_F(Want, WithoutItTheCallIsAsItWas) {
  EXPECT_EQ(take({change(1, kAdd)}, 4, {}), Answer::kNothing);
  EXPECT_EQ(take({change(1, kEnable)}, 4, {entry(1, ENOENT)}), Answer::kNothing);
}

TEST_F(Want, TheChangeAndItsEntryGoTogether) {
  ASSERT_EQ(take({change(1, kAdd), change(2, kAdd), change(3, kEnable)}, 4,
                 {entry(2, ENOMEM), entry(3, ENOENT)}),
            Answer::kTaken);
  ASSERT_EQ(want_.op().nchanges, 2);
  EXPECT_EQ(want_.op().changes[0].ident, 1u);
  EXPECT_EQ(want_.op().changes[1].ident, 3u);
  EXPECT_EQ(want_.op().nevents, 3);
  ASSERT_EQ(want_.outcome().value, 1);
  EXPECT_EQ(want_.outcome().events[0].data, ENOENT);
}

TEST_F(Want, WhereNoEntryIsLeftNothingWasWaitedFor) {
  ASSERT_EQ(take({change(1, kAdd), change(2, kAdd)}, 4, {entry(1, ENOMEM)}), Answer::kTaken);
  EXPECT_EQ(want_.op().nchanges, 1);
  EXPECT_EQ(want_.op().nevents, 0);
  EXPECT_EQ(want_.outcome().value, 0);
}

TEST_F(Want, WithoutRoomOneChangeIsKnownAndOneOfTwoIsNot) {
  ASSERT_EQ(fails({change(1, kAdd)}), Answer::kTaken);
  EXPECT_EQ(want_.op().nchanges, 0);
  EXPECT_EQ(want_.outcome().value, 0);
  EXPECT_EQ(fails({change(1, kAdd), change(2, kAdd)}), Answer::kUnknown);
}

TEST_F(Want, OfTwoChangesThatLookAlikeNobodyKnowsWhich) {
  EXPECT_EQ(take({change(1, kAdd), change(1, kEnable)}, 4, {entry(1, ENOMEM)}), Answer::kUnknown);
}

TEST_F(Want, WhatMakesNoKnoteNeedsNoMemory) {
  EXPECT_EQ(fails({change(1, kEnable)}), Answer::kWrong);
  EXPECT_EQ(take({change(1, kEnable)}, 4, {entry(1, ENOMEM)}), Answer::kWrong);
  EXPECT_EQ(take({change(1, kAdd)}, 4, {entry(2, ENOMEM)}), Answer::kWrong);
}

}  // namespace
}  // namespace kqtorture
