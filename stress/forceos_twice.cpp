// EV_FORCEONESHOT against a second EV_FORCEONESHOT: repeating it changes nothing. (I6 a, 2.5)
//
// Several threads force the same knote, which may be enabled, disabled by its delivery, or in the
// hands of a scan: one final event all told, and ENOENT for whoever comes after it.
#include <gtest/gtest.h>

#include "key_race.h"

namespace kqtorture {
namespace {

class ForceosTwice : public testing::TestWithParam<SlotKind> {};

TEST_P(ForceosTwice, TwoForcingsAreOneFinalEvent) {
  run_forced_keys(GetParam(),
                  {{"forcings", 6, Act::kChange, flag::kForceOneshot},
                   {"enabled forcings", 1, Act::kChange, flag::kForceOneshot | flag::kEnable},
                   {"forcings with room", 1, Act::kBatch, flag::kForceOneshot},
                   {"adds", 2, Act::kChange, flag::kAdd | flag::kDispatch},
                   {"activations", 1, Act::kReady}});
}

INSTANTIATE_TEST_SUITE_P(Stress, ForceosTwice, all_objects(), slot_name);

}  // namespace
}  // namespace kqtorture
