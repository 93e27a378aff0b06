// NOTE_TRIGGER from many threads: triggers coalesce, bits add up, and none is lost. (I9 c, 3.3)
//
// Any number of triggers before a delivery are one delivery; a trigger after it is another. The
// bits that NOTE_FFOR, NOTE_FFAND and NOTE_FFCOPY leave behind are those of some order of the
// changes, and a trigger of a disabled knote comes out when it is enabled.
#include <gtest/gtest.h>

#include "key_race.h"

namespace kqtorture {
namespace {

KeyRace::Plan triggers(uint16_t creation) {
  KeyRace::Plan plan;
  plan.kind = SlotKind::kUser;
  plan.creation = creation;
  plan.rearm = true;
  plan.steps = {{"triggers", 4, Act::kReady},
                {"bits set", 2, Act::kChange, 0, note::kTrigger | note::kFfOr | 0x5},
                {"bits cleared", 1, Act::kChange, 0, note::kFfAnd | 0x3},
                {"bits copied", 1, Act::kChange, 0, note::kTrigger | note::kFfCopy | 0x11},
                {"disables", 1, Act::kChange, flag::kDisable},
                {"enables", 2, Act::kChange, flag::kEnable},
                {"enables that trigger", 1, Act::kChange, flag::kEnable, note::kTrigger},
                {"polls", 1, Act::kPoll}};
  return plan;
}

TEST(UserTriggers, CoalesceUntilTheyAreDelivered) { run_keys(triggers(flag::kClear)); }

TEST(UserTriggers, WaitForADisabledKnoteToBeEnabled) {
  run_keys(triggers(flag::kClear | flag::kDispatch));
}

}  // namespace
}  // namespace kqtorture
