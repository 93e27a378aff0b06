// close() and dup2() of a watched descriptor: does the number start anew? (I2)
//
// Drivers lead descriptor numbers from life to life while workers deliver: open, EV_ADD, close or
// replace by dup2, open again, often the same number at once; some lives keep their file alive
// through a duplicate, which is where emulations forget the knote. A call that began after the
// close had ended returns nothing of the old life, and the new owner of the number finds no knote
// there. In the first race a number is led by one thread alone; in the second others add knotes to
// it at the very moment it is closed: EBADF or success, but a knote added before a close is gone
// after it.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>

#include "key_race.h"

namespace kqtorture {
namespace {

class ReopeningRace : public KeyRace {
 public:
  ReopeningRace(SlotKind kind, bool strangers) : KeyRace(plan(kind)), strangers_(strangers) {}

 protected:
  void drive(Lane& self) override {
    if (strangers_) return KeyRace::drive(self);
    const auto drivers = static_cast<size_t>(std::max(1, threads() - half()));
    const size_t mine = static_cast<size_t>(self.index() - half());
    const size_t turns = std::max<size_t>(1, slots().size() / drivers);
    const size_t number = mine + drivers * self.random().below(turns);
    if (number < slots().size()) make(self, draw(self), slots()[number].get());
  }

 private:
  static Plan plan(SlotKind kind) {
    Plan plan;
    plan.kind = kind;
    plan.steps = {{"adds", 3, Act::kChange, flag::kAdd},
                  {"adds with CLEAR", 2, Act::kChange, flag::kAdd | flag::kClear},
                  {"adds with ONESHOT", 1, Act::kChange, flag::kAdd | flag::kOneshot},
                  {"adds with DISPATCH", 1, Act::kChange, flag::kAdd | flag::kDispatch},
                  {"enables", 1, Act::kChange, flag::kEnable},
                  {"deletes", 1, Act::kChange, flag::kDelete},
                  {"activations", 4, Act::kReady},
                  {"closes", 3, Act::kReopen},
                  {"replacements", 1, Act::kReplace},
                  {"duplicates", 1, Act::kDuplicate}};
    return plan;
  }
  const bool strangers_;
};

class CloseReopen : public testing::TestWithParam<SlotKind> {
 protected:
  void SetUp() override {
    if (!environment().profile->close_detected) {
      GTEST_SKIP() << "the profile says that close() leaves knotes behind";
    }
  }
};

TEST_P(CloseReopen, NewOwnerOfANumberInheritsNothing) {
  run_race(current_case(), [] { return std::make_unique<ReopeningRace>(GetParam(), false); });
}

TEST_P(CloseReopen, KnoteAddedWhileItsNumberIsClosedDoesNotOutliveTheClose) {
  run_race(current_case(), [] { return std::make_unique<ReopeningRace>(GetParam(), true); });
}

INSTANTIATE_TEST_SUITE_P(Stress, CloseReopen,
                         testing::Values(SlotKind::kPipe, SlotKind::kSocketPair),
                         [](const auto& instance) { return std::string(name_of(instance.param)); });

}  // namespace
}  // namespace kqtorture
