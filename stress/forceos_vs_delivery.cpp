// EV_FORCEONESHOT: is there exactly one last event, whatever the knote is doing? (I6, I6')
//
// This is the teardown that the flag was made for: a thread that is not the handler wants the
// connection gone. In the first race handlers own their knote (EV_DISPATCH) and only they enable it
// again, so the final event must wait for the running handler and exclude it; who gets it adds the
// key anew. In the second everything may happen at once: enabling, disabling, forcing with either,
// level-triggered knotes in the hands of several threads.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "exclusive_race.h"

namespace kqtorture {
namespace {

class ForceosVsDelivery : public testing::TestWithParam<SlotKind> {
 protected:
  void SetUp() override {
    if (!environment().profile->has_forceoneshot) {
      GTEST_SKIP() << "the profile has no EV_FORCEONESHOT";
    }
  }
};

TEST_P(ForceosVsDelivery, FinalEventComesOnceAfterTheRunningHandler) {
  run_race(current_case(), [] {
    KeyRace::Plan plan;
    plan.kind = GetParam();
    plan.creation = flag::kDispatch;
    plan.rearm = true;
    plan.steps = {{"activations", 3, Act::kReady},
                  {"forcings", 1, Act::kChange, flag::kForceOneshot},
                  {"polls", 1, Act::kPoll}};
    return std::make_unique<ExclusiveRace>(plan);
  });
}

TEST_P(ForceosVsDelivery, FinalEventComesOnceWhateverTheKnoteIsDoing) {
  run_race(current_case(), [] {
    KeyRace::Plan plan;
    plan.kind = GetParam();
    plan.steps = {{"adds", 2, Act::kChange, flag::kAdd},
                  {"adds with CLEAR", 2, Act::kChange, flag::kAdd | flag::kClear},
                  {"adds with DISPATCH", 2, Act::kChange, flag::kAdd | flag::kDispatch},
                  {"enables", 2, Act::kChange, flag::kEnable},
                  {"disables", 2, Act::kChange, flag::kDisable},
                  {"forcings", 2, Act::kChange, flag::kForceOneshot},
                  {"enabled forcings", 1, Act::kChange, flag::kForceOneshot | flag::kEnable},
                  {"disabled forcings", 1, Act::kChange, flag::kForceOneshot | flag::kDisable},
                  {"forcings with room", 1, Act::kBatch, flag::kForceOneshot},
                  {"activations", 2, Act::kReady}};
    return std::make_unique<KeyRace>(plan);
  });
}

INSTANTIATE_TEST_SUITE_P(Stress, ForceosVsDelivery,
                         testing::Values(SlotKind::kPipe, SlotKind::kSocketPair, SlotKind::kUser),
                         [](const auto& instance) { return std::string(name_of(instance.param)); });

}  // namespace
}  // namespace kqtorture
