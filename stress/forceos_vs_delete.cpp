// EV_FORCEONESHOT against EV_DELETE: the final event comes, or the knote was deleted. (I6 c, e; I1)
//
// A forcing that finds the knote gone fails with ENOENT; a DELETE that finds it forced takes the
// final event back, unless a call that overlaps the DELETE has it already. A key that is added
// again meanwhile is a new life, to which no final event of the former one belongs.
#include <gtest/gtest.h>

#include "key_race.h"

namespace kqtorture {
namespace {

class ForceosVsDelete : public testing::TestWithParam<SlotKind> {};

TEST_P(ForceosVsDelete, FinalEventComesOrTheKnoteWasDeleted) {
  run_forced_keys(GetParam(),
                  {{"forcings", 3, Act::kChange, flag::kForceOneshot},
                   {"enabled forcings", 1, Act::kChange, flag::kForceOneshot | flag::kEnable},
                   {"deletes", 3, Act::kChange, flag::kDelete},
                   {"adds", 4, Act::kChange, flag::kAdd},
                   {"activations", 1, Act::kReady}});
}

INSTANTIATE_TEST_SUITE_P(Stress, ForceosVsDelete, all_objects(), slot_name);

}  // namespace
}  // namespace kqtorture
