// The checks of a change stand here in FreeBSD's order, one function per group, because that order
// decides the errno of a change that breaks several rules.
#include "contract/change.h"

#include <cerrno>

#include "contract/evaluate.h"
#include "contract/objects.h"
#include "contract/process.h"
#include "contract/unseen.h"
#include "contract/vnode.h"

namespace kqtorture::contract {
namespace {

ChangeOutcome fail(const Event& change, int error, int error_or = 0) {
  ChangeOutcome outcome;
  outcome.what = ChangeOutcome::kFailed;
  outcome.error = error;
  outcome.error_or = error_or;
  outcome.flags = change.flags;
  return outcome;
}

ChangeOutcome undecided() {
  ChangeOutcome outcome;
  outcome.what = ChangeOutcome::kUndecided;
  return outcome;
}

bool modelled(int16_t number) {
  return watches_descriptor(number) || number == filter::kUser || number == filter::kTimer ||
         number == filter::kSignal || number == filter::kProc;
}

bool unmodelled(const Profile& profile, const Host& host, int16_t number) {
  const bool freebsds =
      number == filter::kVnode || number == filter::kEmpty || number == filter::kProcdesc;
  if (freebsds && !profile.freebsd_files) return true;
  return number < 0 && number > -32 && (host.unmodelled_filters & (1u << -number)) != 0;
}

// Is `inner` reachable from `outer` by watching?
bool watches(const State& state, uint8_t outer, uint8_t inner, int depth) {
  if (outer == inner) return true;
  if (depth == 0) return false;
  for (int i = 0; i < state.knotes; i++) {
    const Knote& knote = state.knote[i];
    if (knote.kqueue != outer || knote.object == Knote::kNoObject) continue;
    if (state.object[knote.object].kind != ObjectKind::kKqueue) continue;
    if (watches(state, knote.object, inner, depth - 1)) return true;
  }
  return false;
}

int depth_below(const State& state, uint8_t kqueue, int limit) {
  int deepest = 0;
  for (int i = 0; limit > 0 && i < state.knotes; i++) {
    const Knote& knote = state.knote[i];
    if (knote.kqueue != kqueue || knote.object == Knote::kNoObject) continue;
    if (state.object[knote.object].kind != ObjectKind::kKqueue) continue;
    deepest = std::max(deepest, 1 + depth_below(state, knote.object, limit - 1));
  }
  return deepest;
}

// A kqueue that is to be watched by `kqueue`.
ChangeOutcome attach_kqueue(const Context& context, uint8_t kqueue, const Event& change,
                            uint8_t watched) {
  const Profile& profile = context.profile;
  if (change.filter != filter::kRead) return fail(change, profile.nested_other_filter_errno);
  if (profile.nested == NestedPropagation::kUnsupported) return undecided();
  if (watched == kqueue && profile.self_watch == SelfWatch::kRefused) return fail(change, EINVAL);
  if (profile.cycles_refused && watches(*context.state, watched, kqueue, kMaxObjects)) {
    return fail(change, EINVAL);
  }
  const int limit = context.host.nesting_limit;
  if (limit != 0 && (watches(*context.state, watched, kqueue, kMaxObjects) ||
                     depth_below(*context.state, watched, limit) + 2 > limit)) {
    return undecided();
  }
  if (profile.nested_depth != 0 &&
      depth_below(*context.state, watched, profile.nested_depth) >= profile.nested_depth) {
    return fail(change, EINVAL);
  }
  return {};
}

ChangeOutcome attach_pipe_write(const Context& context, const Event& change,
                                const Descriptor& target) {
  const Object& pipe = context.state->object[target.object];
  const bool mine = target.end == 1 || context.host.pipe_bidirectional;
  if (!mine || !pipe.end[1 - target.end].closed) return {};
  switch (context.profile.dead_pipe_write) {
    case DeadPipeWrite::kRefusedEpipe:
      return fail(change, EPIPE);
    case DeadPipeWrite::kUnknown:
      return undecided();
    case DeadPipeWrite::kAccepted:
      break;
  }
  return {};
}

bool is_socket(ObjectKind kind) {
  return kind == ObjectKind::kStream || kind == ObjectKind::kTcp || kind == ObjectKind::kDgram ||
         kind == ObjectKind::kListener;
}

// Does the object take a knote of this filter?
ChangeOutcome attach(const Context& context, uint8_t kqueue, const Event& change,
                     const Descriptor& target) {
  const Object& object = context.state->object[target.object];
  if (object.kind == ObjectKind::kKqueue) {
    return attach_kqueue(context, kqueue, change, target.object);
  }
  const bool directory = object.kind == ObjectKind::kDirectory;
  if (change.filter == filter::kVnode && object.kind != ObjectKind::kFile && !directory) {
    return fail(change, EINVAL);
  }
  if (change.filter == filter::kEmpty && !is_socket(object.kind)) return fail(change, EINVAL);
  const bool described = object.kind == ObjectKind::kProcdesc;
  if (change.filter == filter::kProcdesc && !described) return fail(change, EINVAL);
  // On Linux poll(2) knows such descriptors, and so does an emulation on it.
  if (described && change.filter != filter::kProcdesc) return undecided();
  if (directory && is_descriptor_filter(change.filter)) return undecided();
  if (object.kind == ObjectKind::kPipe && change.filter == filter::kWrite) {
    return attach_pipe_write(context, change, target);
  }
  return {};
}

ChangeOutcome create(const Context& context, uint8_t kqueue, const Event& change,
                     const Descriptor* target) {
  State& state = *context.state;
  if (has(change, flag::kDelete) &&
      context.profile.add_delete_absent == AddDeleteAbsent::kNotFound) {
    return fail(change, ENOENT);
  }
  if (state.knotes == kMaxKnotes) return undecided();
  // Where they are not cleared they come back, and what they mean then nobody says.
  if (has(change, flag::kError | flag::kEof)) return undecided();
  ChangeOutcome outcome;
  Knote knote;
  knote.ident = change.ident;
  knote.filter = change.filter;
  knote.kqueue = kqueue;
  Evaluation now;
  if (target != nullptr) {
    outcome = attach(context, kqueue, change, *target);
    outcome.created = true;
    if (outcome.what != ChangeOutcome::kDone) return outcome;
    if (change.filter == filter::kVnode) look_at_files(context, kqueue);
    knote.object = target->object;
    knote.end = target->end;
    now = evaluate_object(context.profile, context.host, state, target->object, target->end,
                          change.filter, {change.fflags, change.data});
  }
  if (change.filter == filter::kSignal || change.filter == filter::kProc) {
    int error = 0;
    if (!attaches(context, change, &error)) return undecided();
    if (error != 0) {
      outcome = fail(change, error);
      outcome.created = true;
      return outcome;
    }
  }
  const ChangeResult result =
      create_knote(context.profile, context.host, change, now, state.tick, &knote);
  if (result.what == Changed::kRefused) {
    outcome = fail(change, result.error);
    outcome.created = true;
    return outcome;
  }
  const bool process = knote.filter == filter::kProc || knote.filter == filter::kProcdesc;
  if (process && note_if_ended(context, &knote)) {
    wake_parents(context, kqueue, Tri::kNo);
  }
  task_may_look(context, &knote);
  state.knote[state.knotes++] = knote;
  if (target != nullptr && state.object[target->object].kind == ObjectKind::kKqueue) {
    state.object[target->object].watchers++;
    state.nesting++;
  }
  if (result.queued_anew) wake_parents(context, kqueue, Tri::kNo);
  outcome.created = true;
  outcome.flags = change.flags;
  return outcome;
}

ChangeOutcome modify(const Context& context, uint8_t kqueue, const Event& change, int index) {
  State& state = *context.state;
  Knote& knote = state.knote[index];
  if (knote.filter == filter::kProc && refuses_notes(context, change)) {
    return fail(change, ENOTSUP);
  }
  Evaluation now;
  if (knote.object != Knote::kNoObject) {
    now = evaluate_object(context.profile, context.host, state, knote.object, knote.end,
                          knote.filter, interest_after(context.profile, change, knote));
    if (knote.converted) now.ready = now.eof = Tri::kYes;
    if (knote.filter == filter::kVnode) {
      now = evaluate_vnode(knote);
      if (!has(change, flag::kDelete)) look_at_files(context, kqueue);
    }
  }
  const Tri was_queued = knote.queued;
  const ChangeResult result =
      apply_change(context.profile, context.host, change, now, state.tick, &knote);
  ChangeOutcome outcome;
  outcome.flags = change.flags;
  switch (result.what) {
    case Changed::kRefused:
      return fail(change, result.error);
    case Changed::kDeleted:
      remove_knote(context, index, Removal::kDeleted);
      break;
    case Changed::kApplied:
      task_may_look(context, &knote);
      if (result.queued_anew) wake_parents(context, kqueue, was_queued);
      break;
  }
  return outcome;
}

// ENABLE together with DISABLE, where it is not refused.
void resolve_enable_disable(const Profile& profile, Event* change) {
  if (!has(*change, flag::kEnable) || !has(*change, flag::kDisable)) return;
  const uint16_t loser =
      profile.enable_disable == EnableDisable::kDisables ? flag::kEnable : flag::kDisable;
  change->flags = static_cast<uint16_t>(change->flags & ~loser);
}

// A filter that is in the table but not there.
ChangeOutcome empty_slot(const Profile& profile, const Event& change) {
  if (profile.empty_slot_attaches && !has(change, flag::kAdd)) return fail(change, ENOENT);
  ChangeOutcome outcome = fail(change, profile.empty_slot_errno, profile.empty_slot_errno_or);
  outcome.created = profile.empty_slot_attaches;
  return outcome;
}

}  // namespace

// In FreeBSD's order; platforms that order these checks differently give the same errno for what
// they have in common.
ChangeOutcome check_words(const Profile& profile, const Host& host, Event* change) {
  const uint16_t unknown =
      static_cast<uint16_t>(change->flags & ~(profile.known_flags | profile.sysflags));
  if (profile.unknown_flags == UnknownFlags::kRefused && unknown != 0) {
    return fail(*change, EINVAL);
  }
  if (change->filter == 0) {
    ChangeOutcome skipped;
    skipped.what = ChangeOutcome::kSkipped;
    if (profile.filter_zero == FilterZero::kSkipped) return skipped;
    if (profile.filter_zero == FilterZero::kRefused) return fail(*change, EINVAL);
    change->filter = filter::kRead;
  }
  change->flags = static_cast<uint16_t>(change->flags & ~profile.sysflags);
  if (profile.enable_disable == EnableDisable::kRefused && has(*change, flag::kEnable) &&
      has(*change, flag::kDisable)) {
    return fail(*change, EINVAL);
  }
  if (unmodelled(profile, host, change->filter)) return undecided();
  if (change->filter > 0 || change->filter < profile.lowest_filter) {
    return fail(*change, profile.out_of_range_errno);
  }
  if (profile.has_keepudata && has(*change, flag::kAdd) && has(*change, flag::kKeepUdata)) {
    return fail(*change, EINVAL);
  }
  if (profile.dispatch_oneshot_refused && has(*change, flag::kDispatch) &&
      has(*change, flag::kOneshot)) {
    return fail(*change, EINVAL);
  }
  if (profile.flag_clash && has(*change, flag::kForceOneshot | flag::kKeepUdata)) {
    return undecided();
  }
  if (!modelled(change->filter)) return empty_slot(profile, *change);
  resolve_enable_disable(profile, change);
  return {};
}

ChangeOutcome change_state(const Context& context, uint8_t kqueue, const Event& change) {
  State& state = *context.state;
  state.tick++;
  Event simple = change;
  const ChangeOutcome words = check_words(context.profile, context.host, &simple);
  if (words.what != ChangeOutcome::kDone) return words;
  const Profile& profile = context.profile;
  const Descriptor* target = nullptr;
  if (state.orphans > 0 && watches_descriptor(simple.filter)) {
    if (has(simple, flag::kAdd)) {
      find_out(context, kqueue, simple.ident);
    } else if (orphans_hold(context, kqueue, simple.ident)) {
      const int orphan = state.find_knote(kqueue, simple.filter, simple.ident);
      const bool is = orphan >= 0 && state.knote[orphan].orphan != Orphan::kNo;
      if (is) return modify(context, kqueue, simple, orphan);
    }
  }
  const int index = state.find_knote(kqueue, simple.filter, simple.ident);
  if (watches_descriptor(simple.filter)) {
    if (simple.ident <= INT32_MAX) target = state.find_descriptor(static_cast<int>(simple.ident));
    const bool adds = has(simple, flag::kAdd);
    if (target == nullptr) {
      const bool knote_first = profile.closed_descriptor == CheckOrder::kKnoteFirst;
      return fail(simple, knote_first && !adds ? ENOENT : EBADF);
    }
    if (target->object == kqueue && profile.self_watch == SelfWatch::kRefused &&
        profile.closed_descriptor == CheckOrder::kDescriptorFirst) {
      return fail(simple, EINVAL);
    }
  }
  if (index >= 0) return modify(context, kqueue, simple, index);
  if (!has(simple, flag::kAdd)) return fail(simple, ENOENT);
  return create(context, kqueue, simple, target);
}

}  // namespace kqtorture::contract
