// close() of a kqueue that threads wait in. (I20, 2.9)
//
// Victims are kqueues that are closed and opened anew, often under the same number, while threads
// register, trigger and wait in them. A call that begins after the close had ended is EBADF, or
// belongs to the number's new owner, of whom it must tell the truth; a call under way returns by
// its event, its timeout or EBADF, as the profile says, and touches nobody else's memory.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>

#include "kqueue_race.h"

namespace kqtorture {
namespace {

class ClosingRace : public KqueueRace {
 public:
  ClosingRace() : KqueueRace(1) {}
  ~ClosingRace() override {
    for (std::atomic<int>& victim : victims_) {
      if (victim >= 0) subject().close(victim);
    }
  }

  void setup(Lane& self) override {
    KqueueRace::setup(self);
    add_slot(self, SlotKind::kPipe);
    slots()[0]->fill(self);
    for (std::atomic<int>& victim : victims_) victim = self.kqueue();
  }

  std::vector<const char*> work() const override {
    return {"kqueues closed", "adds", "triggers", "waits", "deliveries"};
  }

 protected:
  void drive(Lane& self) override {
    std::atomic<int>& victim = self.random().element(victims_);
    const int kq = victim.load(std::memory_order_relaxed);
    if (kq < 0) return;
    switch (self.random().below(8)) {
      case 0:
        return reopen(self, &victim);
      case 1:
      case 2:
        return add(self, kq);
      case 3:
      case 4:
        if (self.change(kq, make_change(kIdent, filter::kUser, 0, self.fresh_udata(),
                                        note::kTrigger)) == 0) {
          self.count(2);
        }
        return;
      default:
        return wait(self, kq);
    }
  }

 private:
  static constexpr uintptr_t kIdent = 5'000'000;

  void reopen(Lane& self, std::atomic<int>* victim) {
    const int old = victim->exchange(-1, std::memory_order_relaxed);
    if (old < 0) return;
    if (self.close(old) == 0) self.count(0);
    victim->store(self.kqueue(), std::memory_order_relaxed);
  }

  void add(Lane& self, int kq) {
    Kevent change =
        make_change(kIdent, filter::kUser, flag::kAdd | flag::kClear, self.fresh_udata());
    if (self.random().chance(1, 3)) {
      change.flags = flag::kAdd | flag::kOneshot;
      slots()[0]->key(filter::kRead, &change);
    }
    if (self.change(kq, change) == 0) self.count(1);
  }

  // With a timeout: on some platforms nothing else would ever end a wait in a closed kqueue.
  void wait(Lane& self, int kq) {
    const timespec moment{0, static_cast<long>(self.random().below(3)) * 50'000};
    Kevent events[2];
    const int count = self.kevent(kq, nullptr, 0, events, 2, &moment);
    self.count(3);
    for (int i = 0; i < count; ++i) self.count(4);
  }

  std::array<std::atomic<int>, 3> victims_{-1, -1, -1};
};

TEST(CloseKqueue, UnderWaitersLeavesNothingToItsSuccessor) {
  run_race(current_case(), [] { return std::make_unique<ClosingRace>(); });
}

}  // namespace
}  // namespace kqtorture
