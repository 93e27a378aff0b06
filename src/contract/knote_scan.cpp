// What does a scan do with a knote? (2.3, 2.4)
#include "contract/knote.h"
#include "contract/queue.h"
#include "contract/user.h"

namespace kqtorture::contract {
namespace {

bool oneshot_checked(const Profile& profile, const Knote& knote) {
  switch (profile.oneshot_check) {
    case OneshotCheck::kNever:
      return false;
    case OneshotCheck::kUserAndTimer:
      return knote.filter == filter::kUser || knote.filter == filter::kTimer;
    case OneshotCheck::kAlways:
      return !knote.converted;
  }
  return false;
}

// Delivered as it was stored, whatever the object says now.
bool delivered_unseen(const Profile& profile, const Knote& knote) {
  return knote.is(flag::kOneshot) && !oneshot_checked(profile, knote);
}

Tri as_tri(Active active) {
  if (active == Active::kNo) return Tri::kNo;
  return active == Active::kYes ? Tri::kYes : Tri::kMaybe;
}

}  // namespace

void begin_scan(const Evaluation& now, uint32_t tick, Knote* knote) {
  if (knote->disabled) return;
  if (knote->active == Active::kPending) {
    if (now.ready == Tri::kYes) {
      knote->active = Active::kYes;
      knote->queued = Tri::kYes;
    } else if (now.ready == Tri::kNo) {
      knote->active = Active::kMaybe;
    }
  }
  if (knote->place_hi != Knote::kOpenTick) return;
  knote->place_hi = tick;
  // What takes its place only now, because its host looks only now, takes none if there is nothing
  // any more. A ONESHOT was evaluated when it was activated.
  const bool looked_at = knote->object != Knote::kNoObject && !knote->is(flag::kOneshot);
  if (looked_at && now.ready != Tri::kYes && knote->queued == Tri::kYes) {
    knote->queued = Tri::kMaybe;
    if (knote->active == Active::kYes) knote->active = Active::kMaybe;
  }
}

Tri deliverable(const Profile& profile, const Knote& knote, const Evaluation& now) {
  if (knote.disabled || knote.dropped || knote.orphan != Orphan::kNo) return Tri::kNo;
  const Tri active = as_tri(knote.active);
  return delivered_unseen(profile, knote) ? active : tri_and(active, now.ready);
}

Expected expected_event(const Profile& profile, const Knote& knote, const Evaluation& now) {
  Expected expected;
  expected.flags = knote.flags;
  expected.flags_maybe = knote.flags_maybe;
  if (profile.echo_actions) expected.flags_maybe |= flag::kActions;
  const bool unseen = delivered_unseen(profile, knote);
  const Tri eof = unseen ? knote.eof : now.eof;
  if (eof == Tri::kYes) expected.flags |= flag::kEof;
  if (eof == Tri::kMaybe) expected.flags_maybe |= flag::kEof;
  if (knote.filter == filter::kUser) {
    if (!knote.is(flag::kOneshot) || !profile.user_oneshot_zeroed) {
      expected.fflags = expected.fflags_or = knote.sfflags;
      expected.data = Range::exactly(knote.sdata);
    }
    if (profile.shows_interest) {
      expected.fflags &= ~(note::kFfCtrlMask | note::kTrigger);
      expected.fflags_or = expected.fflags;
    }
    return expected;
  }
  if (knote.filter == filter::kVnode) {
    expected.fflags = expected.fflags_or = now.fflags;
    expected.fflags_maybe = now.fflags_maybe;
    return expected;
  }
  expected.data = unseen ? knote.data : now.data;
  if (!unseen) expected.data.lo = std::max(expected.data.lo, now.ready_data);
  expected.fflags = unseen ? knote.fflags : now.fflags;
  expected.fflags_or = unseen ? knote.fflags_or : now.fflags_or;
  if (profile.shows_interest) {
    expected.fflags = knote.sfflags;
    // An error takes their place, that of a pipe included.
    expected.fflags_or = eof != Tri::kNo ? kAnyErrno : knote.sfflags;
  }
  return expected;
}

bool deliver(const Profile& profile, uint16_t flags, const Evaluation& now, bool more_may_come,
             uint32_t tick, Knote* knote) {
  // What was open about the flags is settled by what was seen.
  const uint16_t shown = static_cast<uint16_t>(knote->flags | (knote->flags_maybe & flags));
  if ((shown & flag::kOneshot) != 0) return false;
  const bool clear = (shown & flag::kClear) != 0;
  const bool only_clear = clear && profile.dispatch_clear == DispatchClear::kClearOnly;
  const bool dispatch = (shown & flag::kDispatch) != 0 && !only_clear;
  if (knote->filter == filter::kUser) {
    delivered_user(
        profile,
        static_cast<uint16_t>((clear ? flag::kClear : 0) | (dispatch ? flag::kDispatch : 0)),
        knote);
  }
  if ((shown & flag::kError) != 0) {
    // A timer's failed restart was reported; whether the mark stays is not said.
    knote->flags = static_cast<uint16_t>(knote->flags & ~flag::kError);
    knote->flags_maybe |= flag::kError;
  }
  if (knote->object != Knote::kNoObject) {
    knote->data = now.data;
    knote->eof = now.eof;
    knote->fflags = now.fflags;
    knote->fflags_or = now.fflags_or;
  }
  const bool expires_again = knote->periodic && timer_runs(*knote);
  if (!knote->periodic && timer_runs(*knote)) {
    knote->timer = TimerState::kStopped;  // this was its one expiration
    knote->data = Range::exactly(1);
  }
  if (clear) {
    knote->data = expires_again ? Range{0, INT64_MAX} : Range::exactly(0);
    knote->fflags = knote->fflags_or = 0;
    knote->notes = knote->notes_maybe = 0;
  }
  if (!clear && !dispatch) {
    knote->active = Active::kYes;
    knote->queued = Tri::kYes;
    knote->place_lo = knote->place_hi = tick;
    return true;
  }
  leave_queue(knote);
  knote->active = Active::kNo;
  knote->delivered = true;
  if (dispatch) knote->disabled = knote->spent = true;
  if (expires_again || more_may_come) {
    knote->active = Active::kMaybe;
    if (!knote->disabled) enter_queue(tick, Knote::kOpenTick, knote);
  }
  return true;
}

void pass_over(const Evaluation& now, bool more_may_come, Knote* knote) {
  if (knote->disabled) {
    leave_queue(knote);
    return;
  }
  if (knote->object != Knote::kNoObject) {
    knote->data = now.data;
    knote->eof = now.eof;
  }
  if (more_may_come) {
    if (knote->active == Active::kYes) knote->active = Active::kMaybe;
    knote->queued = Tri::kMaybe;
    knote->place_hi = Knote::kOpenTick;
    return;
  }
  knote->active = Active::kNo;
  leave_queue(knote);
}

}  // namespace kqtorture::contract
