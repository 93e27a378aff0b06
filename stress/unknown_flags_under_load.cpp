// Unknown flags: refused with EINVAL, and nothing changed, while events are being delivered. (1.1,
// I18)
//
// Intruders throw changes with 0x0400 and 0x0800 at knotes that workers hand to one another, with
// every other flag and with poisoned udata, interest and triggers, alone and among good changes. A
// change that was refused too late shows in what comes afterwards: a delivery that nothing armed,
// a udata that nobody set, a knote that is gone. Where the platform accepts unknown flags instead,
// they must come back on every delivery of the knote created with them.
#include <errno.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "exclusive_race.h"

namespace kqtorture {
namespace {

// The unknown flags of the profile: no meaning, and not reserved.
uint16_t unknown_flags() {
  const contract::Profile& profile = *environment().profile;
  return static_cast<uint16_t>((flag::kUnknown400 | flag::kUnknown800) &
                               ~(profile.known_flags | profile.sysflags));
}

class Intruders : public ExclusiveRace {
 public:
  explicit Intruders(SlotKind kind) : ExclusiveRace(plan(kind)) {}

  std::vector<const char*> work() const override {
    std::vector<const char*> names = KeyRace::work();
    names.insert(names.end(), {"changes refused", "changes refused among good ones"});
    return names;
  }

 protected:
  void drive(Lane& self) override {
    if (self.random().chance(1, 4)) return KeyRace::drive(self);
    const Kevent bad = bad_change(self);
    if (self.random().chance(1, 2)) {
      if (self.change(kq(), bad) == EINVAL) self.count(refused());
      return;
    }
    // Between two changes that must be applied, or with room to be told.
    const Kevent good =
        make_change(absent(), filter::kUser, flag::kAdd | flag::kClear, self.fresh_udata());
    const Kevent list[] = {good, bad, good};
    Kevent entries[3];
    const timespec poll{0, 0};
    const int room = static_cast<int>(self.random().below(4));
    const int count = self.kevent(kq(), list, 3, entries, room, &poll);
    if (count == 1 && entries[0].flags == flag::kError) self.count(refused() + 1);
  }

 private:
  static Plan plan(SlotKind kind) {
    Plan plan;
    plan.kind = kind;
    plan.creation = flag::kDispatch;
    plan.rearm = true;
    plan.steps = {{"activations", 1, Act::kReady}};
    return plan;
  }
  size_t refused() const { return deliveries() + 1; }
  static uintptr_t absent() { return 3000000; }

  // Everything that a change can say, plus an unknown flag.
  Kevent bad_change(Lane& self) {
    Random& random = self.random();
    const Slot& slot = any_slot(self);
    Kevent change = make_change(absent(), filter::kUser, 0, self.fresh_udata());
    if (!random.chance(1, 8)) slot.key(slot.filter(), &change);
    const uint16_t known = static_cast<uint16_t>(random.next()) & 0x03ff;
    change.flags = random.pick<uint16_t>({0, flag::kAdd, flag::kEnable, flag::kDisable,
                                          flag::kDelete, flag::kForceOneshot, known}) |
                   random.pick<uint16_t>({flag::kUnknown400, flag::kUnknown800,
                                          flag::kUnknown400 | flag::kUnknown800});
    change.fflags = change.filter == filter::kUser ? note::kTrigger | note::kFfCopy | 0xbad
                                                   : random.pick<uint32_t>({0, note::kLowat});
    change.data = 1;
    return change;
  }
};

class UnknownFlagsUnderLoad : public testing::TestWithParam<SlotKind> {};

TEST_P(UnknownFlagsUnderLoad, AreRefusedAndChangeNothing) {
  if (environment().profile->unknown_flags != contract::UnknownFlags::kRefused) {
    GTEST_SKIP() << "the profile accepts unknown flags";
  }
  run_race(current_case(), [] { return std::make_unique<Intruders>(GetParam()); });
}

TEST_P(UnknownFlagsUnderLoad, ComeBackOnEveryDelivery) {
  if (environment().profile->unknown_flags == contract::UnknownFlags::kRefused) {
    GTEST_SKIP() << "the profile does not accept unknown flags";
  }
  run_race(current_case(), [] {
    KeyRace::Plan plan;
    plan.kind = GetParam();
    plan.creation = flag::kDispatch | unknown_flags();
    plan.rearm = true;
    plan.steps = {{"activations", 1, Act::kReady}};
    return std::make_unique<ExclusiveRace>(plan);
  });
}

INSTANTIATE_TEST_SUITE_P(Stress, UnknownFlagsUnderLoad,
                         testing::Values(SlotKind::kPipe, SlotKind::kSocketPair, SlotKind::kUser),
                         [](const auto& instance) { return std::string(name_of(instance.param)); });

}  // namespace
}  // namespace kqtorture
