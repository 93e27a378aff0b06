// EV_ONESHOT: is an event that several threads wait for handed to exactly one of them? (I4)
//
// Drivers add ONESHOT knotes, make their objects ready from before to long after, and take some
// back with EV_DELETE, while several workers wait with room for few events. A knote was delivered
// once, or the EV_DELETE that succeeded took it back, never both; after either no change but an ADD
// finds it; and what is ready when everybody sleeps has been delivered.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "key_race.h"

namespace kqtorture {
namespace {

class OneshotWaiters : public testing::TestWithParam<SlotKind> {
 protected:
  static void run(uint16_t more_flags) {
    run_race(current_case(), [more_flags] {
      const uint16_t add = flag::kAdd | flag::kOneshot | more_flags;
      KeyRace::Plan plan;
      plan.kind = GetParam();
      plan.workers = std::max(2, environment().settings.threads * 2 / 3);
      plan.steps = {{"adds", 6, Act::kChange, add},
                    {"activations", 6, Act::kReady},
                    {"deletes", 1, Act::kChange, flag::kDelete},
                    {"enables", 1, Act::kChange, flag::kEnable},
                    {"adds with room", 1, Act::kBatch, add}};
      return std::make_unique<KeyRace>(plan);
    });
  }
};

TEST_P(OneshotWaiters, EventIsHandedToOneOfThem) { run(0); }
TEST_P(OneshotWaiters, EventWithClearIsHandedToOneOfThem) { run(flag::kClear); }

INSTANTIATE_TEST_SUITE_P(Stress, OneshotWaiters,
                         testing::Values(SlotKind::kPipe, SlotKind::kSocketPair, SlotKind::kUser),
                         [](const auto& instance) { return std::string(name_of(instance.param)); });

}  // namespace
}  // namespace kqtorture
