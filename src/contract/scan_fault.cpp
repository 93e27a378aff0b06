// What does a call swallow that fails while it delivers? (2.12, I21)
//
// The knotes have changed before their events are copied out, a chunk at a time. So everything up
// to the end of the faulting chunk is consumed. Which knotes that was is not seen: each knote of
// which it is unknown whether it was due splits the state.
#include <algorithm>

#include "contract/evaluate.h"
#include "contract/objects.h"
#include "contract/scan.h"

namespace kqtorture::contract {
namespace {

// Knotes that were perhaps due; each doubles the states.
constexpr int kMostFaultDoubts = 3;

struct Doubts {
  int count = 0;
  int slot[kMostFaultDoubts];
};

// The slots that are due in this world, in the order of the queue; -1 when the order is unknown.
int order_due(const State& state, const ScanView& view, int* order) {
  int count = 0;
  for (int i = 0; i < view.count; i++) {
    if (view.slot[i].due == Tri::kYes) order[count++] = i;
  }
  std::sort(order, order + count, [&](int a, int b) {
    return state.knote[view.slot[a].knote].place_lo < state.knote[view.slot[b].knote].place_lo;
  });
  return count;
}

bool ordered(const State& state, const ScanView& view, const int* order, int count) {
  for (int i = 1; i < count; i++) {
    const Knote& before = state.knote[view.slot[order[i - 1]].knote];
    const Knote& after = state.knote[view.slot[order[i]].knote];
    if (before.place_hi >= after.place_lo) return false;
  }
  return true;
}

enum class World : uint8_t { kExplains, kDoesNot, kUnknown };

// One way in which it may have been: every slot is due or is not.
World swallow(const Context& context, int64_t writable, int64_t room, ScanView* view) {
  State& state = *context.state;
  int order[kMaxKnotes];
  const int due = order_due(state, *view, order);
  if (due <= writable) return World::kDoesNot;
  const int64_t chunk = context.profile.chunk;
  const int64_t chunk_end = (writable / chunk + 1) * chunk;
  const int64_t consumed = std::min({static_cast<int64_t>(due), room, chunk_end});
  const bool full = consumed == std::min(room, chunk_end);
  const bool all = consumed == due;
  const bool known = ordered(state, *view, order, due);
  if (!all && !known) return World::kUnknown;
  const uint32_t from = state.tick + 1;
  for (int i = 0; i < consumed; i++) {
    deliver_slot(context, state.knote[view->slot[order[i]].knote].flags, &view->slot[order[i]]);
  }
  for (int i = 0; i < view->count; i++) {
    ScanView::Slot& slot = view->slot[i];
    Knote& knote = state.knote[slot.knote];
    if (slot.delivered) {
      // Level knotes went to the tail in an order that nobody saw.
      if (possible(knote.queued) && knote.place_lo >= from && !known) {
        knote.place_lo = from;
        knote.place_hi = std::max(knote.place_hi, state.tick);
      }
    } else if (!full && possible(knote.queued)) {
      pass_over(slot.now, more_may_come(context, knote), &knote);
    } else if (possible(knote.queued) && slot.due != Tri::kYes) {
      leave_undue(context, true, &knote);
    }
  }
  end_scan(context, view);
  return World::kExplains;
}

}  // namespace

Answer judge_faulting_scan(const Context& context, uint8_t kqueue, int64_t writable, int64_t room) {
  ScanView view;
  open_scan(context, kqueue, &view);
  Doubts doubts;
  for (int i = 0; i < view.count; i++) {
    // One that a scan removes in silence: whether it came so far is not worth knowing.
    if (context.state->knote[view.slot[i].knote].dropped) return context.undecided();
    if (view.slot[i].due != Tri::kMaybe) continue;
    if (doubts.count == kMostFaultDoubts) return context.undecided();
    doubts.slot[doubts.count++] = i;
  }
  const State before = *context.state;
  bool explained = false;
  for (int world = 0; world < 1 << doubts.count; world++) {
    ScanView chosen = view;
    for (int i = 0; i < doubts.count; i++) {
      const bool due = (world >> i & 1) != 0;
      chosen.slot[doubts.slot[i]].due = tri(due);
    }
    if (explained) {
      // The state of this context is taken; the others go where the model keeps them.
      if (context.forks == nullptr || context.forks->count == StateSet::kCapacity) {
        return context.undecided();
      }
      State& fork = context.forks->state[context.forks->count];
      fork = before;
      Context other = context;
      other.state = &fork;
      const World what = swallow(other, writable, room, &chosen);
      if (what == World::kUnknown) return context.undecided();
      if (what == World::kExplains) context.forks->count++;
      continue;
    }
    *context.state = before;
    const World what = swallow(context, writable, room, &chosen);
    if (what == World::kUnknown) return context.undecided();
    explained = what == World::kExplains;
  }
  if (explained) return Answer::kAccepted;
  return context.refuse(Verdict::kWrongErrno, "2.12", -1, [&] {
    return "the call failed with EFAULT though at most " + std::to_string(writable) +
           " events were due";
  });
}

}  // namespace kqtorture::contract
