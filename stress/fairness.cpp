// Fairness: is every knote that stays ready returned in its turn? (I16)
//
// One consumer with little room, more level-triggered knotes than fit, all of them ready all the
// time, while other threads keep writing to some of them. Of n knotes and room for m each comes
// back within ceil(n/m) + 1 calls.
//
// This race has a ledger of its own: an order of events that explains the history says nothing
// about whose turn it was.
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "key_race.h"

namespace kqtorture {
namespace {

class FairRace : public KeyRace {
 public:
  explicit FairRace(SlotKind kind) : KeyRace(ready_keys(kind)) {}

  // Nobody sleeps: the consumer polls.
  bool waits(int) const override { return false; }

  void setup(Lane& self) override {
    KeyRace::setup(self);
    for (size_t i = 0; i < slots().size(); ++i) make(self, 0, slots()[i].get());
    room_ = 1 + self.random().below(4);
  }

  void thread(Lane& self) override {
    if (self.index() == 0) return consume(self);
    KeyRace::thread(self);
  }

  std::vector<const char*> work() const override { return {"activations", "knotes returned"}; }

 private:
  void consume(Lane& self) {
    static constexpr timespec kZero{0, 0};
    std::vector<Kevent> events(room_);
    std::vector<uint64_t> last(slots().size());
    const uint64_t turns = (slots().size() + room_ - 1) / room_ + 1;
    for (uint64_t call = 1; !self.stopping() && !self.guilty(); ++call) {
      const int count =
          self.kevent(kq(), nullptr, 0, events.data(), static_cast<int>(room_), &kZero);
      for (int i = 0; i < count; ++i) {
        if (const Slot* slot = slot_at(events[i])) last[slot->number()] = call;
        self.count(1);
      }
      for (size_t i = 0; i < last.size(); ++i) {
        if (call - last[i] < turns) continue;
        self.accuse({"lost",
                     "I16",
                     "a knote that stays ready was passed over",
                     {"slot " + std::to_string(i) + " did not come in " +
                      std::to_string(call - last[i]) + " calls with room for " +
                      std::to_string(room_) + " of " + std::to_string(last.size()) + " knotes"},
                     0});
        return;
      }
    }
  }

  size_t room_ = 1;
};

class Fairness : public testing::TestWithParam<SlotKind> {};

TEST_P(Fairness, EveryReadyKnoteComesInItsTurn) {
  run_race(current_case(), [] { return std::make_unique<FairRace>(GetParam()); });
}

INSTANTIATE_TEST_SUITE_P(Stress, Fairness, all_objects(), slot_name);

}  // namespace
}  // namespace kqtorture
