// EV_FORCEONESHOT against EV_ENABLE: whoever comes first, there is one final event. (I6 a, d)
//
// The knote has been delivered and is disabled; its handler enables it at the moment at which
// somebody else forces it. Forced first, it waits for the ENABLE; enabled first, it is delivered at
// once, ready or not. In no order is it lost, delivered twice, or still there afterwards.
#include <gtest/gtest.h>

#include "key_race.h"

namespace kqtorture {
namespace {

class ForceosVsEnable : public testing::TestWithParam<SlotKind> {};

TEST_P(ForceosVsEnable, ForcedKnoteIsDeliveredOnceItIsEnabled) {
  run_forced_keys(GetParam(), {{"forcings", 3, Act::kChange, flag::kForceOneshot},
                               {"enables", 4, Act::kChange, flag::kEnable},
                               {"disables", 1, Act::kChange, flag::kDisable},
                               {"adds", 2, Act::kChange, flag::kAdd | flag::kDispatch},
                               {"activations", 2, Act::kReady}});
}

INSTANTIATE_TEST_SUITE_P(Stress, ForceosVsEnable, all_objects(), slot_name);

}  // namespace
}  // namespace kqtorture
