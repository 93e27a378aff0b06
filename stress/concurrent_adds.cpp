// Concurrent first EV_ADDs of one key: one knote, and all of them succeed. (I23)
//
// All drivers add and delete the same few keys, so that most ADDs find the key absent, or being
// added by somebody else. Two knotes of one key would show as two deliveries, as one that a DELETE
// leaves behind, or as the udata of an ADD that another has overwritten.
#include <gtest/gtest.h>

#include "key_race.h"

namespace kqtorture {
namespace {

class ConcurrentAdds : public testing::TestWithParam<SlotKind> {};

TEST_P(ConcurrentAdds, MakeOneKnote) {
  KeyRace::Plan plan;
  plan.kind = GetParam();
  plan.steps = {{"adds", 6, Act::kChange, flag::kAdd},
                {"adds with ONESHOT", 2, Act::kChange, flag::kAdd | flag::kOneshot},
                {"adds with room", 2, Act::kBatch, flag::kAdd},
                {"deletes", 4, Act::kChange, flag::kDelete},
                {"activations", 2, Act::kReady}};
  run_keys(plan);
}

INSTANTIATE_TEST_SUITE_P(Stress, ConcurrentAdds, all_objects(), slot_name);

}  // namespace
}  // namespace kqtorture
