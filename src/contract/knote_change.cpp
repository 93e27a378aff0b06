// What does a change do to one knote? (2.2, 2.4, 2.5)
#include <cerrno>

#include "contract/knote.h"
#include "contract/queue.h"
#include "contract/timer.h"
#include "contract/user.h"

namespace kqtorture::contract {
namespace {

bool touches_itself(int16_t number) { return number == filter::kUser || number == filter::kTimer; }

bool is_about_a_process(int16_t number) {
  return number == filter::kProc || number == filter::kProcdesc;
}

// The knote's condition is in the knote.
bool evaluates_itself(const Knote& knote) {
  return knote.object == Knote::kNoObject || is_about_a_process(knote.filter);
}

// libkqueue's modify hook: does it run for this change?
bool modify_hook_runs(const Event& change) {
  if (has(change, flag::kAdd | flag::kReceipt) || change.flags == 0) return true;
  return has(change, flag::kEnable) && (change.fflags & note::kTrigger) != 0;
}

bool writes_udata(const Profile& profile, const Event& change) {
  switch (profile.udata_writers) {
    case UdataWriters::kAllChanges:
      return true;
    case UdataWriters::kAllButKeepUdata:
      return !has(change, flag::kKeepUdata);
    case UdataWriters::kAddAndUser:
      return has(change, flag::kAdd) || change.filter == filter::kUser;
    case UdataWriters::kAllButUser:
      return change.filter != filter::kUser;
    case UdataWriters::kModifyHook:
      return modify_hook_runs(change);
  }
  return true;
}

// Where no change does, what USER and TIMER make of theirs is not a look at an object.
bool reevaluates(const Profile& profile, const Event& change, bool was_disabled) {
  if (was_disabled) return true;
  switch (profile.reevaluates) {
    case Reevaluates::kEveryChange:
      return true;
    case Reevaluates::kAddOnly:
      return has(change, flag::kAdd) || change.filter == filter::kUser;
    case Reevaluates::kNever:
      return touches_itself(change.filter) && modify_hook_runs(change);
  }
  return true;
}

// The object as it is found by a change: its state replaces what was accumulated.
void evaluate_at_change(const Host& host, const Evaluation& now, Knote* knote) {
  const bool late = host.registration == Observed::kAtScan && !evaluates_itself(*knote);
  if (late) {
    knote->data = knote->data.join(now.data);
    knote->eof = tri_join(knote->eof, now.eof);
  } else {
    knote->data = now.data;
    knote->eof = now.eof;
  }
  knote->fflags = now.fflags;
  knote->fflags_or = now.fflags_or;
  if (now.ready == Tri::kMaybe) raise_active(Active::kMaybe, knote);
  if (now.ready == Tri::kYes) raise_active(late ? Active::kPending : Active::kYes, knote);
}

// The place in the queue that a change gives.
bool enqueue_at_change(const Host& host, uint32_t tick, Knote* knote) {
  const bool watches = knote->object != Knote::kNoObject;
  if (knote->active == Active::kNo) {
    return watches && host.queues_unready && enter_queue_unready(tick, knote);
  }
  // A timer is as late as it likes, its place in the queue included (3.4: no upper bound).
  const bool open = (watches && host.order == Order::kUntilScan) || knote->filter == filter::kTimer;
  return enter_queue(tick, open ? Knote::kOpenTick : tick, knote);
}

void force(const Profile& profile, const Host& host, uint32_t tick, Knote* knote) {
  knote->flags |= flag::kOneshot;
  if (profile.final_event_marked) knote->flags |= flag::kForceOneshot;
  knote->forced = true;
  knote->active = Active::kYes;
  // Before DISABLE is looked at: a knote that was enabled is queued even if it ends disabled.
  if (!knote->disabled) enter_queue(tick, tick, knote);
  // How often a timer has expired is not sure before somebody was told (3.4: no upper bound).
  if (knote->filter == filter::kTimer && timer_runs(*knote)) knote->data.lo = 0;
  // An emulation may not have kept the last value of a knote that it does not watch (section 9).
  const bool counts = knote->filter == filter::kSignal || is_about_a_process(knote->filter);
  if (knote->disabled && host.activation == Observed::kAtScan && !counts) {
    knote->data = knote->data.join(Range::exactly(0));
  }
}

void disable(const Profile& profile, Knote* knote) {
  knote->disabled = true;
  if (profile.disable_queue == DisableQueue::kUnlinks) leave_queue(knote);
}

// The flags that a new knote keeps.
uint16_t stored_flags(const Profile& profile, uint16_t given) {
  uint16_t dropped = profile.echo_actions ? 0 : flag::kActions;
  if (profile.has_forceoneshot) dropped |= flag::kForceOneshot;
  return static_cast<uint16_t>(given & ~dropped);
}

}  // namespace

Evaluation evaluate_self(const Knote& knote) {
  Evaluation now;
  if (knote.filter == filter::kUser) {
    now.ready = knote.latch;
  } else if (is_about_a_process(knote.filter)) {
    now.ready = tri(knote.fflags != 0);
    now.eof = knote.eof;
    now.data = knote.data;
    now.fflags = knote.fflags;
    now.fflags_or = knote.fflags_or;
  } else {
    now.ready = knote.data.lo > 0 ? Tri::kYes : tri(knote.data.hi > 0);
    if (knote.data.lo == 0 && knote.data.hi > 0) now.ready = Tri::kMaybe;
    now.data = knote.data;
  }
  return now;
}

Interest interest_after(const Profile& profile, const Event& change, const Knote& knote) {
  const bool overwritten = profile.interest_overwritten || has(change, flag::kAdd);
  if (touches_itself(knote.filter) || !overwritten) return {knote.sfflags, knote.sdata};
  return {change.fflags, change.data};
}

ChangeResult apply_change(const Profile& profile, const Host& host, const Event& change,
                          const Evaluation& now, uint32_t tick, Knote* knote) {
  ChangeResult result;
  const bool add_wins =
      has(change, flag::kAdd) && profile.add_delete_existing == AddDeleteExisting::kModifies;
  if (has(change, flag::kDelete) && !add_wins) {
    result.what = Changed::kDeleted;
    return result;
  }
  const Knote before = *knote;
  if (profile.has_forceoneshot && has(change, flag::kForceOneshot))
    force(profile, host, tick, knote);
  const bool enabled = has(change, flag::kEnable) && knote->disabled;
  if (has(change, flag::kEnable)) knote->disabled = knote->spent = false;
  if (has(change, flag::kDisable)) disable(profile, knote);
  // Where DISABLE unlinks, ENABLE starts from what the object says now.
  if (enabled && profile.disable_queue == DisableQueue::kUnlinks) knote->active = Active::kNo;
  if (writes_udata(profile, change)) knote->udata = change.udata;
  if (profile.readd_sets_dispatch && has(change, flag::kAdd)) {
    knote->flags =
        static_cast<uint16_t>((knote->flags & ~flag::kDispatch) | (change.flags & flag::kDispatch));
  }
  if (knote->filter == filter::kUser) {
    if (profile.udata_writers != UdataWriters::kModifyHook || modify_hook_runs(change)) {
      touch_user(profile, change, knote);
    }
  } else if (knote->filter == filter::kTimer) {
    result.error = touch_timer(profile, change, tick, knote);
    if (result.error != 0) {
      *knote = before;
      result.what = Changed::kRefused;
      return result;
    }
  } else {
    const Interest interest = interest_after(profile, change, *knote);
    knote->sfflags = interest.sfflags;
    knote->sdata = interest.sdata;
  }
  if (knote->disabled) {
    // By FORCEONESHOT, before it was disabled.
    result.queued_anew = possible(knote->queued) && before.queued != Tri::kYes;
    return result;
  }
  if (reevaluates(profile, change, enabled)) {
    const bool itself = evaluates_itself(*knote);
    evaluate_at_change(host, itself ? evaluate_self(*knote) : now, knote);
  }
  if (enqueue_at_change(host, tick, knote)) result.queued_anew = true;
  if (knote->active == Active::kNo) return result;
  if (enabled && !host.disabled_keeps_place) knote->place_hi = std::max(knote->place_hi, tick);
  if (before.queued != Tri::kYes) result.queued_anew = true;
  return result;
}

ChangeResult create_knote(const Profile& profile, const Host& host, const Event& change,
                          const Evaluation& now, uint32_t tick, Knote* knote) {
  ChangeResult result;
  knote->flags = stored_flags(profile, change.flags);
  knote->udata = change.udata;
  knote->sfflags = change.fflags;
  knote->sdata = change.data;
  if (knote->filter == filter::kUser) {
    create_user(profile, change, knote);
  } else if (knote->filter == filter::kTimer) {
    result.error = timer_error(profile, change.fflags, change.data, change.flags);
    if (result.error != 0) {
      result.what = Changed::kRefused;
      return result;
    }
    knote->flags |= implied_timer_flags(profile, change.fflags);
    start_timer(profile, change.fflags, change.data, knote);
  } else if (knote->filter == filter::kSignal || is_about_a_process(knote->filter)) {
    knote->flags |= flag::kClear;
    // A history does not tell when a process ends; its last event does.
    if (is_about_a_process(knote->filter)) knote->flags_maybe |= flag::kOneshot;
  }
  knote->disabled = has(change, flag::kDisable);
  const bool evaluated =
      !knote->disabled || profile.disabled_creation == DisabledCreation::kEvaluatedThenDisabled;
  if (!evaluated) return result;
  evaluate_at_change(host, evaluates_itself(*knote) ? evaluate_self(*knote) : now, knote);
  enqueue_at_change(host, tick, knote);
  if (knote->disabled) disable(profile, knote);
  result.queued_anew = possible(knote->queued);
  return result;
}

}  // namespace kqtorture::contract
