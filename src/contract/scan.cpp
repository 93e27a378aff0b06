// A scan is judged in three passes: every delivery against its knote, then what is missing, then
// the knotes move on. Nothing is changed before the judgement is made.
#include "contract/scan.h"

#include "contract/evaluate.h"
#include "contract/objects.h"
#include "contract/queue.h"
#include "contract/vnode.h"

namespace kqtorture::contract {
namespace {

ScanView::Slot* find_slot(const State& state, const Event& event, ScanView* view) {
  for (int i = 0; i < view->count; i++) {
    const Knote& knote = state.knote[view->slot[i].knote];
    if (knote.ident == event.ident && knote.filter == event.filter) return &view->slot[i];
  }
  return nullptr;
}

Answer refuse_order(const Context& context, const Knote& knote, int index) {
  return context.refuse(Verdict::kWrongAnswer, "I16", index, [&] {
    return "out of order: " + filter_name(knote.filter) + " ident " + std::to_string(knote.ident) +
           (index < 0 ? " was activated before what was delivered"
                      : " was activated before what stands in front of it");
  });
}

// Where in the queue the last delivery stood: how far the scan came.
struct Reach {
  uint32_t least = 0;
  uint32_t most = 0;
};

// Checks every delivery.
Answer match_deliveries(const Context& context, uint8_t kqueue, const Outcome& seen, int first,
                        ScanView* view, Reach* reach) {
  const State& state = *context.state;
  for (int i = first; i < seen.value; i++) {
    const Event& event = seen.events[i];
    ScanView::Slot* slot = find_slot(state, event, view);
    if (slot == nullptr) return refuse_unknown(context, kqueue, event, i);
    const Knote& knote = state.knote[slot->knote];
    if (slot->delivered) {
      return context.refuse(Verdict::kDuplicate, "I7", i,
                            [&] { return "the call returned {" + to_text(event) + "} twice"; });
    }
    if (slot->due == Tri::kNo) return refuse_undue(context, knote, slot->now, event, i);
    const Answer answer = compare_event(context, knote, slot->now, event, i);
    if (answer != Answer::kAccepted) return answer;
    slot->delivered = true;
    *reach = {std::max(reach->least, knote.place_lo), knote.place_hi};
    if (reach->least > reach->most) return refuse_order(context, knote, i);
  }
  return Answer::kAccepted;
}

// What the scan did to a knote that it did not deliver.
void leave_slot(const Context& context, bool full, Reach reach, ScanView::Slot& slot) {
  Knote& knote = context.state->knote[slot.knote];
  if (!possible(knote.queued)) return;
  const bool passed = !full || knote.place_hi < reach.least;
  if (knote.dropped && !knote.disabled) {
    slot.gone = passed;
    const bool before = knote.place_lo > reach.most;
    if (!passed && !before) context.undecided();
    return;
  }
  if (passed) {
    pass_over(slot.now, more_may_come(context, knote), &knote);
    return;
  }
  if (slot.due != Tri::kYes) leave_undue(context, knote.place_lo <= reach.most, &knote);
}

Answer check_missing(const Context& context, bool full, Reach reach, const ScanView& view) {
  for (int i = 0; i < view.count; i++) {
    const ScanView::Slot& slot = view.slot[i];
    if (slot.delivered || slot.due != Tri::kYes) continue;
    const Knote& knote = context.state->knote[slot.knote];
    if (!full) return refuse_lost(context, knote);
    if (knote.place_hi < reach.least) return refuse_order(context, knote, -1);
  }
  return Answer::kAccepted;
}

bool watches_kqueue(const State& state, const Knote& knote) {
  return knote.object != Knote::kNoObject && state.object[knote.object].kind == ObjectKind::kKqueue;
}

// Where a kqueue counts as readable at times that nothing marks (I17), whoever watches it may be
// woken at such times, long before this scan looks, and a ONESHOT then tells how many were queued
// at that moment.
void hint(const Evaluation& now, Knote* knote) {
  if (knote->disabled || !possible(now.ready)) return;
  knote->data = knote->data.join(now.data);
  if (knote->active == Active::kNo) {
    knote->active = Active::kMaybe;
    enter_queue(0, Knote::kOpenTick, knote);
  } else if (possible(knote->queued)) {
    knote->place_lo = 0;
  }
}

}  // namespace

bool more_may_come(const Context& context, const Knote& knote) {
  if (knote.filter == filter::kVnode) return false;
  if (knote.object == Knote::kNoObject) return timer_runs(knote);
  const Object& object = context.state->object[knote.object];
  if (object.kind == ObjectKind::kFile) return !context.host.file_activity_seen;
  if (object.kind == ObjectKind::kKqueue) {
    // Nothing marks the moments at which a kqueue counts as readable (I17), nor those at which a
    // task gets round to telling whoever watches it (2.14).
    const NestedPropagation nested = context.profile.nested;
    if (context.host.queues_unready || nested == NestedPropagation::kAsync ||
        nested == NestedPropagation::kAsyncDrained) {
      return true;
    }
  }
  // Of TCP activations cannot be counted: an acknowledgement is one, too (I9(b)).
  return object.kind == ObjectKind::kTcp || object.end[knote.end].under_way;
}

void open_scan(const Context& context, uint8_t kqueue, ScanView* view) {
  State& state = *context.state;
  state.tick++;
  view->count = 0;
  for (int i = 0; i < state.knotes; i++) {
    Knote& knote = state.knote[i];
    if (knote.kqueue != kqueue) continue;
    ScanView::Slot& slot = view->slot[view->count++];
    slot.knote = static_cast<uint8_t>(i);
    slot.delivered = slot.gone = false;
    slot.now = evaluate(context.profile, context.host, state, knote);
    if (context.host.queues_unready && watches_kqueue(state, knote)) {
      hint(slot.now, &knote);
    }
    begin_scan(slot.now, state.tick, &knote);
    slot.due = deliverable(context.profile, knote, slot.now);
  }
}

void leave_undue(const Context& context, bool reached, Knote* knote) {
  // It may not have been in the queue yet, and enter it behind whatever this scan put back.
  if (more_may_come(context, *knote)) knote->place_hi = Knote::kOpenTick;
  if (!reached) return;
  knote->queued = Tri::kMaybe;
  if (!knote->disabled && knote->active == Active::kYes) knote->active = Active::kMaybe;
}

void deliver_slot(const Context& context, uint16_t flags, ScanView::Slot* slot) {
  State& state = *context.state;
  Knote& knote = state.knote[slot->knote];
  state.tick++;
  slot->delivered = true;
  const bool more = more_may_come(context, knote);
  slot->gone = !deliver(context.profile, flags, slot->now, more, state.tick, &knote);
}

void end_scan(const Context& context, ScanView* view) {
  for (int i = view->count - 1; i >= 0; i--) {
    if (view->slot[i].gone) remove_knote(context, view->slot[i].knote, Removal::kOneshot);
  }
}

Answer judge_scan(const Context& context, uint8_t kqueue, const Op& op, const Outcome& seen,
                  int first, int64_t room) {
  ScanView view;
  open_scan(context, kqueue, &view);
  if (seen.value > room) {
    return context.refuse(Verdict::kWrongAnswer, "1.3", -1, [&] {
      return std::to_string(seen.value) + " events were returned into room for " +
             std::to_string(room);
    });
  }
  if (op.events_writable != Op::kAll && seen.value > op.events_writable) {
    return context.refuse(Verdict::kWrongAnswer, "2.12", -1, [&] {
      return std::to_string(seen.value) + " events were returned into a list that faults at " +
             std::to_string(op.events_writable);
    });
  }
  Reach reach;
  Answer answer = match_deliveries(context, kqueue, seen, first, &view, &reach);
  if (answer != Answer::kAccepted) return answer;
  const bool full = seen.value == room;
  answer = check_missing(context, full, reach, view);
  if (answer != Answer::kAccepted) return answer;
  if (seen.value == 0 && op.timeout == Timeout::kForever) {
    return context.refuse(Verdict::kWrongAnswer, "I14", -1,
                          [] { return std::string("a call without a timeout returned 0"); });
  }
  for (int i = 0; i < view.count; i++) {
    if (!view.slot[i].delivered) leave_slot(context, full, reach, view.slot[i]);
  }
  for (int i = 0; i < view.count; i++) {
    taken_in(!full && !view.slot[i].delivered, &context.state->knote[view.slot[i].knote]);
  }
  for (int i = first; i < seen.value; i++) {
    was_shown(seen.events[i],
              &context.state->knote[find_slot(*context.state, seen.events[i], &view)->knote]);
    deliver_slot(context, seen.events[i].flags, find_slot(*context.state, seen.events[i], &view));
  }
  if (!full) context.state->object[kqueue].stale_hint = false;
  end_scan(context, &view);
  return Answer::kAccepted;
}

}  // namespace kqtorture::contract
