// What would a kqueue answer that follows the contract to the letter?
//
// The prediction uses the parts of the judgement (the plan of a call, the view of a scan) and makes
// the choices that the judgement leaves open: due means delivered, numbers are the smallest. step()
// makes the other choices too.
#include <algorithm>
#include <cerrno>
#include <memory>

#include "contract/kevent_call.h"
#include "contract/model.h"
#include "contract/process.h"
#include "contract/scan.h"

namespace kqtorture::contract {
namespace {

// Doubts that step() enumerates: 2^6 outcomes are what a test looks at.
constexpr int kMostDoubts = 6;

Event predicted_event(const Context& context, const ScanView::Slot& slot, bool largest) {
  const Knote& knote = context.state->knote[slot.knote];
  const Expected expected = expected_event(context.profile, knote, slot.now);
  Event event;
  event.ident = knote.ident;
  event.filter = knote.filter;
  event.udata = knote.udata;
  event.flags =
      static_cast<uint16_t>(expected.flags | (largest ? expected.flags_maybe & flag::kEof : 0));
  event.fflags = largest ? expected.fflags_or : expected.fflags;
  if (knote.filter == filter::kVnode && (largest || event.fflags == 0)) {
    event.fflags |= expected.fflags_maybe;
  }
  event.data = largest ? expected.data.hi : expected.data.lo;
  // Of a timer that may or may not have expired: when it is delivered it has, but for a forced one.
  if (knote.filter == filter::kTimer && event.data == 0 && expected.data.hi > 0) event.data = 1;
  return event;
}

int collect_due(const State& state, const ScanView& view, int* order) {
  int count = 0;
  for (int i = 0; i < view.count; i++) {
    if (view.slot[i].due == Tri::kYes) order[count++] = i;
  }
  std::stable_sort(order, order + count, [&](int a, int b) {
    return state.knote[view.slot[a].knote].place_lo < state.knote[view.slot[b].knote].place_lo;
  });
  return count;
}

struct Prediction {
  const Op& op;
  Event* events;
  int capacity;
  bool largest;
};

// The deliveries of a scan whose every slot is due or not.
Answer predict_scan(const Context& context, const Prediction& want, const Plan& plan,
                    const ScanView& view, Outcome* outcome) {
  int order[kMaxKnotes];
  const int due = collect_due(*context.state, view, order);
  const Op& op = want.op;
  const int64_t returned = std::min<int64_t>(plan.entries + due, plan.room);
  if (op.events_writable != Op::kAll && due > 0 && returned > op.events_writable) {
    *outcome = Outcome::failed(EFAULT);
    return Answer::kAccepted;
  }
  if (returned > want.capacity) return Answer::kUndecided;
  for (int64_t i = plan.entries; i < returned; i++) {
    want.events[i] = predicted_event(context, view.slot[order[i - plan.entries]], want.largest);
  }
  outcome->value = returned;
  outcome->events = want.events;
  return Answer::kAccepted;
}

// Everything but the deliveries. True: a scan follows.
bool predict_plan(const Context& context, const Prediction& want, Plan* plan, Outcome* outcome,
                  Answer* answer) {
  plan_kevent(context, want.op, plan);
  *answer = Answer::kAccepted;
  switch (plan->what) {
    case Plan::kUndecided:
      *answer = Answer::kUndecided;
      return false;
    case Plan::kFails:
      *outcome = Outcome::failed(plan->error);
      return false;
    case Plan::kReturns:
      outcome->value = 0;
      return false;
    case Plan::kEntries:
    case Plan::kScans:
      break;
  }
  if (plan->entries > want.capacity) {
    *answer = Answer::kUndecided;
    return false;
  }
  for (int i = 0; i < plan->entries; i++) {
    const Entry& entry = plan->entry[i];
    want.events[i] = entry_event(context.profile, entry, *entry.given);
  }
  outcome->value = plan->entries;
  outcome->events = want.events;
  return plan->what == Plan::kScans;
}

int64_t readable_bytes(const State& state, const Op& op) {
  const Descriptor* descriptor = state.find_descriptor(op.fd);
  const Object& object = state.object[descriptor->object];
  const End& here = object.end[descriptor->end];
  switch (object.kind) {
    case ObjectKind::kDgram:
      return here.datagrams > 0 ? here.sizes[0] : 0;
    case ObjectKind::kFile:
      return std::max<int64_t>(static_cast<int64_t>(object.counter) - object.offset, 0);
    default:
      return here.inbox.lo;
  }
}

Outcome predict_read(const Host& host, const State& state, const Op& op) {
  const Descriptor* descriptor = state.find_descriptor(op.fd);
  const Object& object = state.object[descriptor->object];
  Outcome outcome;
  if (object.kind == ObjectKind::kEventfd) {
    if (op.amount < 8) return Outcome::failed(EINVAL);
    if (object.counter == 0) return Outcome::failed(EAGAIN);
    outcome.value = 8;
    outcome.counter = object.counter;
    return outcome;
  }
  if (object.kind == ObjectKind::kPipe && descriptor->end == 1 && !host.pipe_bidirectional) {
    return Outcome::failed(EBADF);
  }
  if (object.kind == ObjectKind::kKqueue || object.kind == ObjectKind::kListener) {
    return Outcome::failed(EINVAL);
  }
  outcome.value = std::min(op.amount, readable_bytes(state, op));
  if (outcome.value > 0 || object.kind == ObjectKind::kFile || op.amount == 0) return outcome;
  const bool ended = object.kind == ObjectKind::kPipe
                         ? object.end[1 - descriptor->end].closed
                         : certain(object.end[descriptor->end].no_receive);
  return ended ? outcome : Outcome::failed(EAGAIN);
}

Outcome predict_write(const Host& host, const State& state, const Op& op) {
  const Descriptor* descriptor = state.find_descriptor(op.fd);
  const Object& object = state.object[descriptor->object];
  const End& here = object.end[descriptor->end];
  Outcome outcome;
  outcome.value = op.amount;
  switch (object.kind) {
    case ObjectKind::kPipe:
      if (descriptor->end == 0 && !host.pipe_bidirectional) return Outcome::failed(EBADF);
      return object.end[1 - descriptor->end].closed ? Outcome::failed(EPIPE) : outcome;
    case ObjectKind::kStream:
    case ObjectKind::kTcp:
      return here.sent_all || certain(here.no_send) ? Outcome::failed(EPIPE) : outcome;
    case ObjectKind::kDgram:
      return object.end[1 - descriptor->end].closed ? Outcome::failed(ECONNREFUSED) : outcome;
    case ObjectKind::kEventfd: {
      const uint64_t added = static_cast<uint64_t>(op.amount);
      if (added == UINT64_MAX) return Outcome::failed(EINVAL);
      if (added > UINT64_MAX - 1 - object.counter) return Outcome::failed(EAGAIN);
      outcome.value = 8;
      return outcome;
    }
    case ObjectKind::kFile:
      return outcome;
    default:
      return Outcome::failed(EINVAL);
  }
}

Outcome predict_other(const State& state, const Op& op, const Outcome& descriptors) {
  const Descriptor* descriptor = state.find_descriptor(op.fd);
  const Object& object = state.object[descriptor->object];
  const bool socket = object.kind == ObjectKind::kStream || object.kind == ObjectKind::kTcp;
  Outcome outcome = descriptors;
  switch (op.kind) {
    case OpKind::kConnect:
      return object.kind == ObjectKind::kListener ? outcome : Outcome::failed(EINVAL);
    case OpKind::kAccept:
      if (object.kind != ObjectKind::kListener) return Outcome::failed(EINVAL);
      return object.waiting > 0 ? outcome : Outcome::failed(EAGAIN);
    case OpKind::kDup2:
      if (op.fd2 < 0 || op.fd2 >= kBeyondAnyLimit) return Outcome::failed(EBADF);
      outcome.value = op.fd2;
      return outcome;
    case OpKind::kShutdown:
      if (!socket) return Outcome::failed(ENOTSOCK);
      return op.amount < 0 || op.amount > 2 ? Outcome::failed(EINVAL) : outcome;
    case OpKind::kSeek:
      if (object.kind != ObjectKind::kFile) return Outcome::failed(ESPIPE);
      outcome.value = op.amount;
      return op.amount < 0 ? Outcome::failed(EINVAL) : outcome;
    case OpKind::kTruncate:
      if (object.kind != ObjectKind::kFile || op.amount < 0) return Outcome::failed(EINVAL);
      return outcome;
    case OpKind::kChmod:
      return object.kind == ObjectKind::kFile ? outcome : Outcome::failed(EINVAL);
    case OpKind::kLink:
    case OpKind::kUnlink:
    case OpKind::kRename:
      if (object.kind != ObjectKind::kFile) return Outcome::failed(EINVAL);
      return object.links > 0 ? outcome : Outcome::failed(ENOENT);
    case OpKind::kReplace: {
      if (object.kind != ObjectKind::kFile) return Outcome::failed(EINVAL);
      if (object.links == 0) return Outcome::failed(ENOENT);
      const Descriptor* other = state.find_descriptor(op.fd2);
      if (other == nullptr) return Outcome::failed(EBADF);
      const Object& over = state.object[other->object];
      const bool files = over.kind == ObjectKind::kFile && other->object != descriptor->object;
      if (!files) return Outcome::failed(EINVAL);
      return over.links > 0 ? outcome : Outcome::failed(ENOENT);
    }
    case OpKind::kEntryMade:
    case OpKind::kEntryGone:
    case OpKind::kEntryRenamed: {
      if (object.kind != ObjectKind::kDirectory) return Outcome::failed(ENOTDIR);
      const bool any = op.amount != 0 ? object.offset > 0 : object.counter > 0;
      return any || op.kind == OpKind::kEntryMade ? outcome : Outcome::failed(ENOENT);
    }
    default:
      return outcome;
  }
}

Outcome predict_object_op(const Host& host, const State& state, const Op& op,
                          const Outcome& descriptors) {
  if (op.kind < OpKind::kConnect || op.kind == OpKind::kAwait) return descriptors;
  if (op.kind >= OpKind::kSignal && op.kind <= OpKind::kReap) {
    return predict_process_op(state, op, descriptors);
  }
  if (state.find_descriptor(op.fd) == nullptr) return Outcome::failed(EBADF);
  if (op.kind == OpKind::kRead) return predict_read(host, state, op);
  if (op.kind == OpKind::kWrite) return predict_write(host, state, op);
  return predict_other(state, op, descriptors);
}

// Splits the slots into due, not due and doubtful; -1 when there are too many doubts.
int collect_doubts(const ScanView& view, int* doubts) {
  int count = 0;
  for (int i = 0; i < view.count; i++) {
    if (view.slot[i].due != Tri::kMaybe) continue;
    if (count == kMostDoubts) return -1;
    doubts[count++] = i;
  }
  return count;
}

}  // namespace

Answer Model::predict(const State& state, const Op& op, Event* events, int capacity,
                      Outcome* outcome) const {
  if (op.kind != OpKind::kKevent) {
    Outcome descriptors = *outcome;
    descriptors.value = descriptors.error = 0;
    *outcome = predict_object_op(host_, state, op, descriptors);
    return Answer::kAccepted;
  }
  State scratch = state;
  const Context context = {profile_, host_, &scratch, nullptr, nullptr};
  const Prediction want = {op, events, capacity, false};
  Plan plan;
  Answer answer;
  if (!predict_plan(context, want, &plan, outcome, &answer)) return answer;
  ScanView view;
  open_scan(context, plan.kqueue, &view);
  return predict_scan(context, want, plan, view, outcome);
}

int Model::step(const State& state, const Op& op, const Outcome& descriptors,
                const std::function<bool(const Outcome&, const StateSet&)>& visit) const {
  auto after = std::make_unique<StateSet>();
  int visited = 0;
  const auto offer = [&](const Outcome& outcome) {
    after->count = 1;
    after->state[0] = state;
    if (check(after.get(), op, outcome, nullptr) != Answer::kAccepted) return true;
    visited++;
    return visit(outcome, *after);
  };
  Event events[kMaxKnotes + kMaxEntries];
  Outcome outcome = descriptors;
  const Answer answer = predict(state, op, events, kMaxKnotes + kMaxEntries, &outcome);
  if (answer != Answer::kAccepted) return 0;
  State scratch = state;
  const Context context = {profile_, host_, &scratch, nullptr, nullptr};
  Prediction want = {op, events, kMaxKnotes + kMaxEntries, false};
  Plan plan;
  Answer planned = Answer::kAccepted;
  const bool scans =
      op.kind == OpKind::kKevent && predict_plan(context, want, &plan, &outcome, &planned);
  if (!scans) {
    offer(outcome);
    return visited;
  }
  ScanView view;
  open_scan(context, plan.kqueue, &view);
  int doubts[kMostDoubts];
  const int count = collect_doubts(view, doubts);
  for (int world = 0; world < 1 << std::max(count, 0); world++) {
    ScanView chosen = view;
    for (int i = 0; i < count; i++) chosen.slot[doubts[i]].due = tri((world >> i & 1) != 0);
    for (const bool largest : {false, true}) {
      want.largest = largest;
      Outcome one;
      if (predict_scan(context, want, plan, chosen, &one) != Answer::kAccepted) continue;
      if (!offer(one)) return visited;
    }
  }
  return visited;
}

}  // namespace kqtorture::contract
