// Time is not known here, so a timer is far, soon, or in between; durations are compared, never
// added, because intervals that overflow are legal.
#include "contract/timer.h"

#include <cerrno>

#include "contract/queue.h"

namespace kqtorture::contract {
namespace {

constexpr Range kAnyCount = {0, INT64_MAX};

int64_t unit_ns(const Profile& profile, uint32_t fflags) {
  if (profile.timer_units == TimerUnits::kMillisecondsOnly) return 1'000'000;
  switch (fflags & note::kTimerUnits) {
    case note::kSeconds:
      return 1'000'000'000;
    case note::kUseconds:
      return 1'000;
    case note::kNseconds:
      return 1;
    default:
      return 1'000'000;
  }
}

bool is_absolute(const Profile& profile, uint32_t fflags) {
  return profile.timer_absolute && (fflags & note::kAbstime) != 0;
}

bool two_units(uint32_t fflags) {
  const uint32_t units = fflags & note::kTimerUnits;
  return (units & (units - 1)) != 0;
}

// data * unit against a limit, without overflow.
bool at_most(int64_t data, int64_t unit, int64_t limit) { return data <= limit / unit; }

TimerState relative_state(int64_t data, int64_t unit) {
  if (at_most(data, unit, kSoonNs)) return TimerState::kSoon;
  return at_most(data, unit, kFarNs - 1) ? TimerState::kSlow : TimerState::kFar;
}

TimerState absolute_state(int64_t data, int64_t unit) {
  constexpr int64_t kSecond = 1'000'000'000;
  if (at_most(data, unit, kSurelyPast * kSecond)) return TimerState::kSoon;
  return at_most(data, unit, kSurelyFuture * kSecond) ? TimerState::kSlow : TimerState::kFar;
}

}  // namespace

int timer_error(const Profile& profile, uint32_t fflags, int64_t data, uint16_t flags) {
  constexpr uint32_t kKnown = note::kTimerUnits | note::kAbstime;
  if (profile.timer_unknown_notes_refused && (fflags & ~kKnown) != 0) return EINVAL;
  if (profile.timer_units != TimerUnits::kMillisecondsOnly && two_units(fflags)) return EINVAL;
  if (profile.timer_negative_refused && data < 0) return EINVAL;
  if (profile.timer_zero_refused && data == 0) return EINVAL;
  if (profile.timer_absolute_before_boot_refused && is_absolute(profile, fflags)) {
    // Zero means one unit, or, of a ONESHOT timer, the epoch itself: both are before the boot.
    (void)flags;
    if (absolute_state(data, unit_ns(profile, fflags)) == TimerState::kSoon) return EINVAL;
  }
  return 0;
}

uint16_t implied_timer_flags(const Profile& profile, uint32_t fflags) {
  if (!is_absolute(profile, fflags)) return flag::kClear;
  uint16_t flags = 0;
  if (profile.timer_absolute_clears) flags |= flag::kClear;
  if (profile.timer_absolute_oneshot) flags |= flag::kOneshot;
  return flags;
}

void start_timer(const Profile& profile, uint32_t fflags, int64_t data, Knote* knote) {
  knote->sfflags = fflags;
  knote->sdata = data;
  const int64_t unit = unit_ns(profile, fflags);
  const bool absolute = is_absolute(profile, fflags);
  knote->timer = absolute ? absolute_state(data, unit) : relative_state(data, unit);
  knote->periodic = !absolute && !knote->is(flag::kOneshot);
  knote->data = Range::exactly(0);
  knote->eof = Tri::kNo;
  if (knote->timer == TimerState::kSoon || knote->timer == TimerState::kSlow) {
    knote->data = knote->periodic ? kAnyCount : Range{0, 1};
  }
}

int touch_timer(const Profile& profile, const Event& change, uint32_t tick, Knote* knote) {
  if ((change.flags & flag::kAdd) == 0) return 0;  // only an ADD restarts a timer
  const int error = timer_error(profile, change.fflags, change.data, knote->flags);
  const bool late = error != 0 && profile.timer_bad_readd == TimerBadReadd::kEventLater;
  if (error != 0 && !late) return error;
  if (profile.timer_readd == TimerReadd::kIgnoredUntilExpiry) {
    // The new interval counts from an expiration that nobody can date.
    if (knote->timer != TimerState::kFar) knote->timer = TimerState::kSlow;
    return 0;
  }
  if (profile.timer_readd == TimerReadd::kResetsAndReplacesFlags) {
    knote->flags =
        static_cast<uint16_t>(change.flags | implied_timer_flags(profile, change.fflags));
    knote->flags_maybe = 0;
  }
  // Undelivered expirations are discarded, and so is a forced activation (2.5).
  knote->active = Active::kNo;
  leave_queue(knote);
  if (late) {
    knote->flags |= flag::kError;
    knote->timer = TimerState::kStopped;
    knote->data = Range::exactly(error);
    return 0;
  }
  if (knote->is(flag::kError)) {
    // Whether an earlier failure's mark survives a good re-ADD is not said.
    knote->flags = static_cast<uint16_t>(knote->flags & ~flag::kError);
    knote->flags_maybe |= flag::kError;
  }
  // Nor whether a timer that was absolute becomes CLEAR with a relative interval.
  knote->flags_maybe |= static_cast<uint16_t>(implied_timer_flags(profile, change.fflags) &
                                              flag::kClear & ~knote->flags);
  start_timer(profile, change.fflags, change.data, knote);
  if (possible(evaluate_self(*knote).ready)) {
    knote->active = Active::kMaybe;
    if (!knote->disabled) enter_queue(tick, Knote::kOpenTick, knote);
  }
  return 0;
}

bool settle_timer(uint32_t tick, Knote* knote) {
  if (knote->filter != filter::kTimer || knote->timer != TimerState::kSoon) return false;
  // A forced event does not wait for an expiration, and may come before one that is late.
  const bool forced = knote->forced && knote->active == Active::kYes;
  if (knote->data.lo == 0 && !forced) knote->data.lo = 1;
  if (!knote->periodic) knote->timer = TimerState::kStopped;
  knote->active = Active::kYes;
  if (knote->disabled) return false;
  return enter_queue(tick, tick, knote);
}

}  // namespace kqtorture::contract
