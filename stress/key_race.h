// A race told as a table: which calls are to meet on one key, how often each.
//
// Every driver makes one of the steps of the table on one of the slots, again and again; workers
// take what is delivered. A race is then its rule and its rows. Every row counts how often its call
// succeeded, and a row that never did fails the case: it has not been exercised.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "kqueue_race.h"

namespace kqtorture {

enum class Act {
  kChange,     // kevent() with one change, without room for events
  kBatch,      // the change and one of another row, with room: what is due comes along
  kPoll,       // a zero-timeout call
  kReady,      // a byte is written, a USER knote triggered
  kDrain,      // the object is emptied
  kReopen,     // both ends are closed and opened anew
  kReplace,    // dup2() onto the reading end
  kDuplicate,  // the reading end gets a second number, or loses it
};

struct Step {
  const char* name;  // of what is counted, in the plural: "deletes"
  unsigned weight;
  Act act = Act::kChange;
  // Of kChange and kBatch. Every change carries a udata of its own.
  uint16_t flags = 0;
  uint32_t fflags = 0;
  intptr_t data = 0;
  int16_t filter = 0;  // 0: the slot's own
  int error = 0;       // with which it is to fail, to be counted
};

class KeyRace : public KqueueRace {
 public:
  struct Plan {
    SlotKind kind = SlotKind::kPipe;
    std::vector<Step> steps;
    uint16_t creation = 0;  // EV_ADD with these flags before the race; 0: the steps create
    // The handler of a DISPATCH event enables the knote again; of a ONESHOT event, and of a final
    // one, adds it again.
    bool rearm = false;
    int workers = 0;  // 0: half of the threads
  };
  explicit KeyRace(Plan plan);

  void setup(Lane& self) override;
  std::vector<const char*> work() const override;

 protected:
  void drive(Lane& self) override;
  void handle(Lane& self, const Kevent& event, std::vector<Kevent>* pending) override;
  // A step by its weight.
  size_t draw(Lane& self) const;
  // One step on a slot.
  void make(Lane& self, size_t step, Slot* slot);
  const Plan& plan() const { return plan_; }
  // The number of the deliveries among the kinds of work.
  size_t deliveries() const { return plan_.steps.size(); }

 private:
  Kevent change_of(Lane& self, const Step& step, const Slot& slot, bool* usable) const;
  void trigger(Lane& self, size_t step, Slot* slot);

  const Plan plan_;
  unsigned weights_ = 0;
};

// The current case as this race.
void run_keys(const KeyRace::Plan& plan);
// Of knotes with EV_DISPATCH that some of the steps force; skipped where nothing can be forced.
void run_forced_keys(SlotKind kind, std::vector<Step> steps);
// Objects that a step makes ready and nobody drains, each with a level-triggered knote.
KeyRace::Plan ready_keys(SlotKind kind);

// For suites that run once for every kind of object.
inline auto all_objects() {
  return testing::Values(SlotKind::kPipe, SlotKind::kSocketPair, SlotKind::kUser);
}
inline std::string slot_name(const testing::TestParamInfo<SlotKind>& instance) {
  return name_of(instance.param);
}

}  // namespace kqtorture
