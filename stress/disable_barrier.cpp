// EV_DISABLE is a barrier: a call that begins after it had ended returns nothing, until somebody
// enables the knote again; then it returns what is true by then. (I3, I8)
//
// A disabled knote may stay in the queue (2.1), where a scan in progress finds it: what was
// disabled under its hands must not come out of the next one.
#include <gtest/gtest.h>

#include "key_race.h"

namespace kqtorture {
namespace {

class DisableBarrier : public testing::TestWithParam<SlotKind> {};

TEST_P(DisableBarrier, NothingIsDeliveredByACallThatBeganAfterIt) {
  KeyRace::Plan plan;
  plan.kind = GetParam();
  plan.creation = flag::kClear;
  plan.steps = {{"disables", 4, Act::kChange, flag::kDisable},
                {"disables with room", 2, Act::kBatch, flag::kDisable},
                {"enables", 3, Act::kChange, flag::kEnable},
                {"polls", 2, Act::kPoll},
                {"activations", 3, Act::kReady}};
  run_keys(plan);
}

TEST_P(DisableBarrier, NothingLevelTriggeredIsDeliveredEither) {
  KeyRace::Plan plan;
  plan.kind = GetParam();
  plan.steps = {{"adds", 1, Act::kChange, flag::kAdd},
                {"disables", 4, Act::kChange, flag::kDisable},
                {"enables", 3, Act::kChange, flag::kEnable},
                {"polls", 2, Act::kPoll},
                {"activations", 3, Act::kReady},
                {"deletes", 1, Act::kChange, flag::kDelete}};
  run_keys(plan);
}

INSTANTIATE_TEST_SUITE_P(Stress, DisableBarrier, all_objects(), slot_name);

}  // namespace
}  // namespace kqtorture
