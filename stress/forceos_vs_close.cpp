// EV_FORCEONESHOT against close(): the number's new owner gets nobody's final event. (I6 e, I2)
//
// The case for which the flag was made: a connection is closed while somebody asks for its last
// event. The forcing fails with EBADF or ENOENT when the close was first; a final event of the
// closed descriptor comes from no call that began after the close had ended.
#include <gtest/gtest.h>

#include "key_race.h"

namespace kqtorture {
namespace {

class ForceosVsClose : public testing::TestWithParam<SlotKind> {};

TEST_P(ForceosVsClose, FinalEventDoesNotOutliveTheClose) {
  if (!environment().profile->has_forceoneshot) {
    GTEST_SKIP() << "the profile has no EV_FORCEONESHOT";
  }
  if (!environment().profile->close_detected) {
    GTEST_SKIP() << "the profile says that close() leaves knotes behind";
  }
  KeyRace::Plan plan;
  plan.kind = GetParam();
  plan.creation = 0;
  plan.rearm = true;
  plan.steps = {{"adds", 4, Act::kChange, flag::kAdd | flag::kDispatch},
                {"forcings", 3, Act::kChange, flag::kForceOneshot},
                {"enabled forcings", 1, Act::kChange, flag::kForceOneshot | flag::kEnable},
                {"closes", 2, Act::kReopen},
                {"replacements", 1, Act::kReplace},
                {"activations", 1, Act::kReady}};
  run_keys(plan);
}

INSTANTIATE_TEST_SUITE_P(Stress, ForceosVsClose,
                         testing::Values(SlotKind::kPipe, SlotKind::kSocketPair), slot_name);

}  // namespace
}  // namespace kqtorture
