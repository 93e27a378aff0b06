// Workers that hand objects to one another through EV_DISPATCH: only the handler enables its knote
// again, so handlers of one knote exclude each other.
//
// That an event comes twice is the checker's to see. What no history shows is whether the kqueue
// orders memory between one handler and the next: so handlers touch plain data, and a kqueue that
// hands over without it, or hands over twice, is a data race to ThreadSanitizer.
#pragma once

#include <vector>

#include "key_race.h"
#include "sanitizer.h"

namespace kqtorture {

class ExclusiveRace : public KeyRace {
 public:
  // No step may enable a knote, nor add one: those are the handlers' rights.
  explicit ExclusiveRace(Plan plan)
      : KeyRace(std::move(plan)), handled_(static_cast<size_t>(settings().objects)) {}

  void setup(Lane& self) override {
    KeyRace::setup(self);
    for (const Handled& object : handled_) armed(&object, opaque());
  }

 protected:
  void handle(Lane& self, const Kevent& event, std::vector<Kevent>* pending) override {
    if (const Slot* slot = slot_at(event)) {
      Handled& object = handled_[slot->number()];
      delivered(&object, opaque());
      ++object.times;
      self.jitter();
      ++object.times;
      armed(&object, opaque());
    }
    KeyRace::handle(self, event, pending);
  }

 private:
  struct alignas(64) Handled {
    uint64_t times = 0;  // plain on purpose
  };
  std::vector<Handled> handled_;
};

}  // namespace kqtorture
