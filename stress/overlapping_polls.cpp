// Zero-timeout polls that overlap: does each see what is ready all the time? (I8', I8'')
//
// Every object is ready before the race and stays so; every knote is level-triggered. A poll that
// returns nothing has missed it. While another scan holds the knote some platforms do miss it, and
// the profile says so.
//
// This race has a ledger of its own: whether an empty poll beside another scan was legal is not a
// question of the order of events, so the checker judges only polls that nothing overlaps.
#include <gtest/gtest.h>

#include <memory>

#include "key_race.h"

namespace kqtorture {
namespace {

class OverlappingPolls : public KeyRace {
 public:
  explicit OverlappingPolls(SlotKind kind) : KeyRace(ready_keys(kind)) {}

  void setup(Lane& self) override {
    KeyRace::setup(self);
    for (size_t i = 0; i < slots().size(); ++i) make(self, 0, slots()[i].get());
  }
  std::vector<const char*> work() const override {
    return {"activations", "deliveries", "polls that returned something"};
  }

 protected:
  void drive(Lane& self) override {
    static constexpr timespec kZero{0, 0};
    Kevent events[8];
    const int room = 1 + static_cast<int>(self.random().below(8));
    const int count = self.kevent(kq(), nullptr, 0, events, room, &kZero);
    if (count > 0) return self.count(2);
    // Who has seen the round stop may have deleted everything.
    if (count < 0 || self.stopping() || profile().overlapping_poll_may_miss) return;
    self.accuse(
        {"lost",
         "I8''",
         "a poll returned nothing although level-triggered knotes were ready all the time",
         {"T" + std::to_string(self.index()) + " polled with room for " + std::to_string(room)},
         0});
  }
  // The objects stay ready: nobody drains them.
  void handle(Lane& self, const Kevent&, std::vector<Kevent>*) override { self.count(1); }
};

class PollsThatOverlap : public testing::TestWithParam<SlotKind> {};

TEST_P(PollsThatOverlap, EachSeeWhatIsReadyAllTheTime) {
  run_race(current_case(), [] { return std::make_unique<OverlappingPolls>(GetParam()); });
}

INSTANTIATE_TEST_SUITE_P(Stress, PollsThatOverlap, all_objects(), slot_name);

}  // namespace
}  // namespace kqtorture
