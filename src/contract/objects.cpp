// Whoever changes an object calls these, so that no path forgets to tell the knotes that watch it.
// A knote is told with an evaluation made after the change.
#include "contract/objects.h"

#include <algorithm>

#include "contract/evaluate.h"
#include "contract/queue.h"
#include "contract/unseen.h"

namespace kqtorture::contract {
namespace {

Evaluation now_of(const Context& context, const Knote& knote) {
  return evaluate(context.profile, context.host, *context.state, knote);
}

// Nothing marks the moment at which a WRITE end has space again, but a knote that was found not
// ready and now is must have been activated in between. Only one that its last delivery cleared
// leaves room for doubt.
Tri space_happened(const Context& context, const Object& object, const Knote& knote, Tri had_space,
                   Tri ready) {
  if (knote.disabled || ready != Tri::kYes) return Tri::kMaybe;
  if (!knote.is(flag::kClear) && (knote.flags_maybe & flag::kClear) == 0) return Tri::kYes;
  if (had_space == Tri::kNo) return Tri::kYes;
  const bool quiet = object.kind == ObjectKind::kPipe &&
                     context.host.pipe_write_activation == WriteActivation::kOnFullToFree;
  return quiet && had_space == Tri::kYes ? Tri::kNo : Tri::kMaybe;
}

void close_end(const Context& context, int index, int end);

// The reader of a pipe is gone: WRITE knotes of the other end die with it, READ knotes of the
// other end (the reader's, when it was the writer that went) see the end of the file.
void close_pipe_end(const Context& context, int index, int end) {
  State& state = *context.state;
  const int other = 1 - end;
  if (context.profile.death_converts) {
    for (int i = 0; i < state.knotes; i++) {
      Knote& knote = state.knote[i];
      const bool attached = end == 0 || context.host.pipe_bidirectional;
      if (knote.object == index && knote.end == other && knote.filter == filter::kWrite &&
          attached) {
        convert_by_death(&knote);
      }
    }
  }
  activity(context, index, other, filter::kRead, Tri::kYes);
  activity(context, index, other, filter::kWrite, Tri::kYes);
}

void close_stream_end(const Context& context, int index, int end) {
  Object& object = context.state->object[index];
  End& here = object.end[end];
  End& peer = object.end[1 - end];
  const bool late = object.kind == ObjectKind::kTcp;
  // Over the loopback the end of the stream arrives as late as bytes do, and the peer learns that
  // nobody reads only from an answer to what it sends.
  peer.no_receive = late ? tri_or(peer.no_receive, Tri::kMaybe) : Tri::kYes;
  peer.no_send = late ? tri_or(peer.no_send, Tri::kMaybe) : Tri::kYes;
  peer.under_way = late;
  if (here.inbox.hi > 0 && context.host.reset_on_unread) {
    peer.reset = tri_or(peer.reset, Tri::kMaybe);
    if (late) peer.inbox.lo = 0;  // a reset may overtake or destroy what was sent
  }
  if (late && here.under_way) peer.reset = Tri::kMaybe;
  activity(context, index, 1 - end, filter::kRead, Tri::kYes);
  activity(context, index, 1 - end, filter::kWrite, late ? Tri::kMaybe : Tri::kYes);
}

void close_listener(const Context& context, int index) {
  const Object listener = context.state->object[index];
  for (int i = 0; i < listener.waiting; i++) {
    const int connection = listener.backlog[i];
    context.state->object[connection].end[1].embryo = false;
    context.state->object[connection].end[0].reset = Tri::kMaybe;
    close_end(context, connection, 1);
  }
}

void drop_kqueue(const Context& context, int index) {
  State& state = *context.state;
  for (int i = state.knotes - 1; i >= 0; i--) {
    if (state.knote[i].kqueue == index) remove_knote(context, i, Removal::kClosed);
  }
}

// The last descriptor of an end is closed.
void close_end(const Context& context, int index, int end) {
  Object& object = context.state->object[index];
  object.end[end].closed = true;
  const End& other = object.end[1 - end];
  const bool both = object.kind == ObjectKind::kListener || object.kind == ObjectKind::kEventfd ||
                    object.kind == ObjectKind::kFile || object.kind == ObjectKind::kKqueue ||
                    object.kind == ObjectKind::kProcdesc || object.kind == ObjectKind::kDirectory ||
                    other.closed;
  if (object.kind == ObjectKind::kListener) close_listener(context, index);
  if (object.kind == ObjectKind::kKqueue) drop_kqueue(context, index);
  if (both) {
    object.kind = ObjectKind::kFree;
    strand_orphans(context, index);
    return;
  }
  switch (object.kind) {
    case ObjectKind::kPipe:
      return close_pipe_end(context, index, end);
    case ObjectKind::kStream:
    case ObjectKind::kTcp:
      return close_stream_end(context, index, end);
    default:
      activity(context, index, 1 - end, filter::kRead, Tri::kMaybe);
      activity(context, index, 1 - end, filter::kWrite, Tri::kMaybe);
  }
}

// Kqueues may watch each other in circles: what one was told of may bring more into the queue that
// it watches, and it is told of that, too. A ONESHOT shows how many were queued by then.
void wake_again(const Context& context, uint8_t kqueue) {
  State& state = *context.state;
  for (int i = 0; i < state.knotes; i++) {
    Knote& knote = state.knote[i];
    if (knote.object != kqueue) continue;
    object_event(context.host, now_of(context, knote), Tri::kMaybe, state.tick, &knote);
  }
}

// `woken`: the kqueues that were told already, a bit each.
void wake(const Context& context, uint8_t kqueue, Tri was_queued, uint64_t woken) {
  State& state = *context.state;
  if (state.object[kqueue].watchers == 0) return;
  if ((woken >> kqueue & 1) != 0) return wake_again(context, kqueue);
  woken |= uint64_t{1} << kqueue;
  int queued = 0;
  for (int i = 0; i < state.knotes; i++) {
    queued += state.knote[i].kqueue == kqueue && possible(state.knote[i].queued);
  }
  // A platform may wake the outer kqueue only when the inner one was empty.
  Tri happened = queued == 1 && was_queued == Tri::kNo ? Tri::kYes : Tri::kMaybe;
  if (context.profile.nested == NestedPropagation::kAsync) happened = Tri::kMaybe;
  for (int i = 0; i < state.knotes; i++) {
    Knote& knote = state.knote[i];
    if (knote.object != kqueue) continue;
    const Evaluation now = now_of(context, knote);
    // As for space: an enabled knote that found nothing before was activated by what it finds now.
    const bool sure = !knote.disabled && !knote.is(flag::kClear) && certain(now.ready) &&
                      context.profile.nested != NestedPropagation::kAsync;
    const Tri was = knote.queued;
    const bool anew =
        object_event(context.host, now, sure ? Tri::kYes : happened, state.tick, &knote);
    task_may_look(context, &knote);
    // The task that tells it gives it its place.
    if (anew && context.profile.nested == NestedPropagation::kAsync) {
      knote.place_hi = Knote::kOpenTick;
    }
    if (anew) wake(context, knote.kqueue, was, woken);
  }
}

bool watches_kqueue(const State& state, const Knote& knote) {
  return knote.object != Knote::kNoObject && state.object[knote.object].kind == ObjectKind::kKqueue;
}

// Every task has run: who watches a kqueue that is readable was told, and so on outwards. Who
// watches one that is not may have been told before, or not.
void settle_tasks(const Context& context) {
  State& state = *context.state;
  bool more = context.profile.nested == NestedPropagation::kAsync && state.nesting > 0;
  while (more) {
    more = false;
    for (int i = 0; i < state.knotes; i++) {
      Knote& knote = state.knote[i];
      if (!watches_kqueue(state, knote) || knote.is(flag::kClear)) continue;
      if (knote.active != Active::kMaybe || !certain(now_of(context, knote).ready)) continue;
      knote.active = Active::kYes;
      if (!knote.disabled) enter_queue(state.tick, Knote::kOpenTick, &knote);
      more = true;
    }
  }
}

}  // namespace

void task_may_look(const Context& context, Knote* knote) {
  const bool asynchronous = context.profile.nested == NestedPropagation::kAsync;
  if (!asynchronous || !watches_kqueue(*context.state, *knote)) return;
  knote->data = knote->data.join(Range::exactly(0));
}

int new_object(const Context& context, ObjectKind kind) {
  State& state = *context.state;
  int index = 0;
  while (index < state.objects && state.object[index].kind != ObjectKind::kFree) index++;
  if (index == kMaxObjects) return kNone;
  if (index == state.objects) state.objects++;
  Object& object = state.object[index];
  object.kind = kind;
  object.counter = 0;
  object.offset = 0;
  object.links = 1;
  object.watchers = object.waiting = 0;
  object.inet = object.stale_hint = object.watches_left = false;
  for (End& end : object.end) end = End();
  return index;
}

bool open_descriptor(const Context& context, int number, int object, int end) {
  State& state = *context.state;
  if (state.descriptors == kMaxDescriptors) return false;
  Descriptor& descriptor = state.descriptor[state.descriptors++];
  descriptor.number = number;
  descriptor.object = static_cast<uint8_t>(object);
  descriptor.end = static_cast<uint8_t>(end);
  state.object[object].end[end].descriptors++;
  return true;
}

void remove_knote(const Context& context, int index, Removal why) {
  State& state = *context.state;
  const Knote& knote = state.knote[index];
  Removed& gone = state.gone[state.removed_next];
  gone = {knote.ident, knote.udata, knote.filter, knote.kqueue, why};
  state.removed_next = static_cast<uint8_t>((state.removed_next + 1) % kMaxRemoved);
  if (state.removed < kMaxRemoved) state.removed++;
  if (context.host.queues_unready) {
    Object& kqueue = state.object[knote.kqueue];
    kqueue.stale_hint = kqueue.stale_hint || possible(knote.queued);
    kqueue.watches_left = kqueue.watches_left || knote.object != Knote::kNoObject;
  }
  if (knote.object != Knote::kNoObject && state.object[knote.object].kind == ObjectKind::kKqueue) {
    state.object[knote.object].watchers--;
    state.nesting--;
  }
  state.orphans = static_cast<uint8_t>(state.orphans - (knote.orphan != Orphan::kNo));
  for (int i = index + 1; i < state.knotes; i++) state.knote[i - 1] = state.knote[i];
  state.knotes--;
}

void drop_descriptor(const Context& context, int number) {
  State& state = *context.state;
  int at = 0;
  while (state.descriptor[at].number != number) at++;
  const Descriptor closed = state.descriptor[at];
  state.descriptor[at] = state.descriptor[--state.descriptors];
  if (--state.object[closed.object].end[closed.end].descriptors == 0) {
    close_end(context, closed.object, closed.end);
  }
}

void close_descriptor(const Context& context, int number) {
  State& state = *context.state;
  for (int i = state.knotes - 1; i >= 0; i--) {
    const Knote& knote = state.knote[i];
    if (knote.object == Knote::kNoObject || knote.ident != static_cast<uint64_t>(number)) continue;
    // A kqueue that never learns of a close keeps a knote of which the contract says nothing.
    if (!context.profile.close_detected) state.undecided = true;
    remove_knote(context, i, Removal::kClosed);
  }
  drop_descriptor(context, number);
}

void tell(const Context& context, int index, Tri happened) {
  State& state = *context.state;
  Knote& knote = state.knote[index];
  const Evaluation now = now_of(context, knote);
  const Tri was_queued = knote.queued;
  const bool anew = object_event(context.host, now, happened, state.tick, &knote);
  if (anew) wake_parents(context, knote.kqueue, was_queued);
}

void activity(const Context& context, int object, int end, int16_t filter, Tri happened) {
  const State& state = *context.state;
  const bool forgotten = filter == filter::kRead && state.object[object].end[end].forgotten;
  if (forgotten && happened == Tri::kYes) happened = Tri::kMaybe;
  for (int i = 0; i < state.knotes; i++) {
    const Knote& knote = state.knote[i];
    if (knote.object == object && knote.end == end && knote.filter == filter) {
      tell(context, i, happened);
    }
    // What changes about an end's sending may have emptied it.
    if (knote.object == object && knote.end == end && knote.filter == filter::kEmpty &&
        filter == filter::kWrite) {
      tell(context, i, happened == Tri::kNo ? Tri::kNo : Tri::kMaybe);
    }
  }
}

Tri own_end_told(const Context& context, const Object& object) {
  const bool all_told = object.kind == ObjectKind::kPipe &&
                        context.host.pipe_write_activation == WriteActivation::kUnknown;
  return all_told ? Tri::kMaybe : Tri::kNo;
}

void taken_out(const Context& context, int object, int end, Tri had_space) {
  const State& state = *context.state;
  for (int i = 0; i < state.knotes; i++) {
    const Knote& knote = state.knote[i];
    if (knote.object != object) continue;
    if (knote.end == end && knote.filter == filter::kRead) {
      tell(context, i, own_end_told(context, state.object[object]));
    }
    if (knote.end == 1 - end && knote.filter == filter::kEmpty) {
      tell(context, i, now_of(context, knote).ready == Tri::kYes ? Tri::kYes : Tri::kMaybe);
    }
    if (knote.end == 1 - end && knote.filter == filter::kWrite) {
      const Tri ready = now_of(context, knote).ready;
      tell(context, i, space_happened(context, state.object[object], knote, had_space, ready));
    }
  }
}

void may_reset(const Context& context, int object) {
  for (int end = 0; end < 2; end++) {
    End& here = context.state->object[object].end[end];
    if (here.closed) continue;
    here.reset = Tri::kMaybe;
    here.no_receive = tri_or(here.no_receive, Tri::kMaybe);
    here.no_send = tri_or(here.no_send, Tri::kMaybe);
    here.inbox.lo = 0;
    here.under_way = true;
    activity(context, object, end, filter::kRead, Tri::kMaybe);
    activity(context, object, end, filter::kWrite, Tri::kMaybe);
  }
}

void wake_parents(const Context& context, uint8_t kqueue, Tri was_queued) {
  if (context.state->nesting > 0) wake(context, kqueue, was_queued, 0);
}

void settle(const Context& context) {
  State& state = *context.state;
  state.tick++;
  for (int i = 0; i < state.objects; i++) {
    Object& object = state.object[i];
    if (object.kind == ObjectKind::kFree) continue;
    for (int end = 0; end < 2; end++) {
      End& here = object.end[end];
      if (!here.under_way) continue;
      // What does not fit the window waits at the sender until somebody reads, and the end of the
      // stream behind it.
      const int64_t sure = context.host.inet_sure_bytes;
      const bool all = object.kind != ObjectKind::kTcp || here.inbox.hi <= sure;
      here.under_way = !all;
      if (!possible(here.reset)) {
        here.inbox.lo = all ? here.inbox.hi : std::max(here.inbox.lo, sure);
        if (all && possible(here.no_receive)) here.no_receive = Tri::kYes;
      }
      activity(context, i, end, filter::kRead, Tri::kMaybe);
      activity(context, i, end, filter::kWrite, Tri::kMaybe);
    }
  }
  for (int i = 0; i < state.knotes; i++) {
    Knote& knote = state.knote[i];
    const Tri was_queued = knote.queued;
    if (settle_timer(state.tick, &knote)) wake_parents(context, knote.kqueue, was_queued);
    const bool nested = watches_kqueue(state, knote) && !knote.is(flag::kClear);
    // What an asynchronous propagation had not done yet, it has now.
    if (nested && context.profile.nested != NestedPropagation::kAsync &&
        knote.active == Active::kMaybe) {
      knote.active = Active::kPending;
    }
  }
  settle_tasks(context);
}

}  // namespace kqtorture::contract
