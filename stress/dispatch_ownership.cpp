// EV_DISPATCH: is an event active in one thread at a time? (I5, I5')
//
// Two races. In the first only the handler enables its knote again, so handlers of one knote must
// never overlap. In the second a storm of other threads enables knotes at any moment, also while
// they are enabled or being delivered: then two handlers may overlap legally, but an ENABLE that
// finds its knote enabled grants nothing, and a kqueue that delivers twice for one arming has no
// order that explains it.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <tuple>

#include "exclusive_race.h"

namespace kqtorture {
namespace {

class DispatchOwnership : public testing::TestWithParam<std::tuple<SlotKind, bool>> {
 protected:
  KeyRace::Plan plan(std::vector<Step> steps) const {
    KeyRace::Plan plan;
    plan.kind = std::get<0>(GetParam());
    plan.creation = flag::kDispatch | (std::get<1>(GetParam()) ? flag::kClear : 0);
    plan.rearm = true;
    plan.steps = std::move(steps);
    return plan;
  }
  void SetUp() override {
    if (std::get<1>(GetParam()) &&
        environment().profile->dispatch_clear == contract::DispatchClear::kClearOnly) {
      GTEST_SKIP() << "the profile says that EV_CLEAR makes EV_DISPATCH ineffective";
    }
  }
};

TEST_P(DispatchOwnership, HandlersOfOneKnoteNeverOverlap) {
  run_race(current_case(), [this] {
    return std::make_unique<ExclusiveRace>(
        plan({{"activations", 3, Act::kReady}, {"polls", 1, Act::kPoll}}));
  });
}

TEST_P(DispatchOwnership, RedundantEnableGrantsNoSecondDelivery) {
  run_race(current_case(), [this] {
    return std::make_unique<KeyRace>(plan({{"activations", 2, Act::kReady},
                                           {"enables", 5, Act::kChange, flag::kEnable},
                                           {"enables with room", 1, Act::kBatch, flag::kEnable}}));
  });
}

INSTANTIATE_TEST_SUITE_P(Stress, DispatchOwnership,
                         testing::Combine(testing::Values(SlotKind::kPipe, SlotKind::kSocketPair,
                                                          SlotKind::kUser),
                                          testing::Bool()),
                         [](const auto& instance) {
                           return std::string(name_of(std::get<0>(instance.param))) +
                                  (std::get<1>(instance.param) ? "WithClear" : "");
                         });

}  // namespace
}  // namespace kqtorture
