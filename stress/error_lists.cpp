// Changelists that fail in part, under load: one entry per change that failed or wanted a receipt,
// in order, and the other changes applied. (I13, I18, I19, 1.5)
//
// Lists are up to twelve changes long, beyond the eight that a kernel reads at a time, with room
// for all entries, for some, or for none, while workers take what the good changes bring about.
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "key_race.h"

namespace kqtorture {
namespace {

constexpr size_t kLongest = 12;

class ErrorLists : public KeyRace {
 public:
  ErrorLists() : KeyRace(plan()) {}

  std::vector<const char*> work() const override {
    return {"activations", "deliveries", "lists told in full", "lists cut short", "empty answers"};
  }

 protected:
  void drive(Lane& self) override {
    if (self.random().chance(1, 4)) return KeyRace::drive(self);
    std::vector<Kevent> changes(1 + self.random().below(kLongest));
    for (Kevent& change : changes) change = any_change(self);
    std::vector<Kevent> entries(self.random().chance(1, 2) ? changes.size()
                                                           : self.random().below(changes.size()));
    static constexpr timespec kZero{0, 0};
    const int count = self.kevent(kq(), changes.data(), static_cast<int>(changes.size()),
                                  entries.data(), static_cast<int>(entries.size()), &kZero);
    self.count(count > 0 ? 2 : count < 0 ? 3 : 4);
  }

 private:
  static Plan plan() {
    Plan plan;
    plan.steps = {{"activations", 1, Act::kReady}};
    return plan;
  }

  Kevent any_change(Lane& self) {
    Random& random = self.random();
    const uint16_t receipt = random.chance(1, 4) ? flag::kReceipt : 0;
    Kevent change = make_change(0, 0, receipt, self.fresh_udata());
    any_slot(self).key(filter::kRead, &change);
    switch (random.below(8)) {
      case 0:
        change.flags |= flag::kEnable | flag::kDisable;  // EINVAL, where it is
        break;
      case 1:
        change.ident = uintptr_t{1} << 40;  // EBADF
        change.flags |= flag::kAdd;
        break;
      case 2:
        change.filter = 7;  // no such filter
        change.flags |= flag::kAdd;
        break;
      case 3:
        change.ident = 4'000'000;
        change.filter = filter::kUser;
        change.flags |= flag::kEnable;  // ENOENT
        break;
      case 4:
        change.flags |= flag::kDelete;  // perhaps ENOENT
        break;
      default:
        change.flags |= flag::kAdd | flag::kClear;
        break;
    }
    return change;
  }
};

TEST(ErrorListsUnderLoad, TellEachFailureOnceAndApplyTheRest) {
  run_race(current_case(), [] { return std::make_unique<ErrorLists>(); });
}

}  // namespace
}  // namespace kqtorture
