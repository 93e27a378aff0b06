// EV_CLEAR with many writers: is every edge told once? (I9, I15)
//
// Several threads write to the same objects while several workers wait for them. An activation is
// handed to one call; what is there when everybody sleeps has been told; and no delivery comes
// without an activation or a change that found the condition true. On a socket READ and WRITE are
// two knotes of one number, where an edge of the one must not fire the other.
#include <gtest/gtest.h>

#include "key_race.h"

namespace kqtorture {
namespace {

class EdgeAccounting : public testing::TestWithParam<SlotKind> {};

TEST_P(EdgeAccounting, EveryEdgeIsToldOnce) {
  KeyRace::Plan plan;
  plan.kind = GetParam();
  plan.creation = flag::kClear;
  plan.steps = {{"writes", 6, Act::kReady, 0, 0, 1},
                {"large writes", 2, Act::kReady, 0, 0, 512},
                {"drains", 2, Act::kDrain},
                {"polls", 1, Act::kPoll}};
  run_keys(plan);
}

TEST_P(EdgeAccounting, EdgesOfReadAndWriteAreTwo) {
  KeyRace::Plan plan;
  plan.kind = GetParam();
  plan.creation = flag::kClear;
  plan.steps = {{"writes", 6, Act::kReady, 0, 0, 1},
                {"drains", 2, Act::kDrain},
                {"adds of WRITE", 2, Act::kChange, flag::kAdd | flag::kClear, 0, 0, filter::kWrite},
                {"deletes of WRITE", 1, Act::kChange, flag::kDelete, 0, 0, filter::kWrite}};
  run_keys(plan);
}

INSTANTIATE_TEST_SUITE_P(Stress, EdgeAccounting,
                         testing::Values(SlotKind::kPipe, SlotKind::kSocketPair), slot_name);

}  // namespace
}  // namespace kqtorture
