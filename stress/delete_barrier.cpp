// EV_DELETE is a barrier: a call that begins after it had ended returns nothing of the knote. (I1)
//
// A call that overlaps the DELETE may still return the event, even after the DELETE has returned
// (I1'); one that begins later may not, the deleting thread's own poll included. Level-triggered
// knotes on objects that are ready all the time give every scan something to return.
#include <gtest/gtest.h>

#include "key_race.h"

namespace kqtorture {
namespace {

class DeleteBarrier : public testing::TestWithParam<SlotKind> {};

TEST_P(DeleteBarrier, NothingIsDeliveredByACallThatBeganAfterIt) {
  KeyRace::Plan plan;
  plan.kind = GetParam();
  plan.steps = {{"adds", 4, Act::kChange, flag::kAdd},
                {"adds with CLEAR", 1, Act::kChange, flag::kAdd | flag::kClear},
                {"deletes", 4, Act::kChange, flag::kDelete},
                {"deletes with room", 2, Act::kBatch, flag::kDelete},
                {"polls", 3, Act::kPoll},
                {"activations", 3, Act::kReady}};
  run_keys(plan);
}

INSTANTIATE_TEST_SUITE_P(Stress, DeleteBarrier, all_objects(), slot_name);

}  // namespace
}  // namespace kqtorture
