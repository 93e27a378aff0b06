// Timers that are added, added again, disabled and deleted while they expire. (3.4, I1, I4)
//
// Periods are about as long as the calls that race with them, so that the expiry meets the change.
// Never early, never more expirations than periods have passed, nothing of a deleted timer, and one
// delivery of a ONESHOT one; a timer that is added again starts anew, with nothing left of before.
#include <gtest/gtest.h>

#include "key_race.h"

namespace kqtorture {
namespace {

TEST(TimersReadded, ExpireInOneOrderWithTheirChanges) {
  KeyRace::Plan plan;
  plan.kind = SlotKind::kTimer;
  if (environment().profile->timer_units == contract::TimerUnits::kMillisecondsOnly) {
    GTEST_SKIP() << "the profile has timers of whole milliseconds only";
  }
  const bool bits = environment().profile->timer_units == contract::TimerUnits::kBits;
  const uint32_t us = bits ? note::kUseconds : 2;
  plan.steps = {{"adds", 3, Act::kChange, flag::kAdd, us, 30},
                {"adds of long ones", 1, Act::kChange, flag::kAdd, us, 100'000},
                {"adds with ONESHOT", 3, Act::kChange, flag::kAdd | flag::kOneshot, us, 15},
                {"adds with DISPATCH", 1, Act::kChange, flag::kAdd | flag::kDispatch, us, 10},
                {"disables", 1, Act::kChange, flag::kDisable},
                {"enables", 2, Act::kChange, flag::kEnable},
                {"deletes", 3, Act::kChange, flag::kDelete},
                {"polls", 2, Act::kPoll}};
  run_keys(plan);
}

}  // namespace
}  // namespace kqtorture
