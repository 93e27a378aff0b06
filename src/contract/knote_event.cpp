// What does an object's activity do to a knote? (2.7)
#include "contract/knote.h"
#include "contract/queue.h"

namespace kqtorture::contract {
namespace {

// What a host that looks only at scans had to show is gone again, whatever a low-water mark of 0
// makes of the rest: it may be seen or not. A ONESHOT keeps its place.
void fade(Knote* knote) {
  if (knote->active == Active::kPending) knote->active = Active::kMaybe;
  const bool open = knote->place_hi == Knote::kOpenTick && !knote->is(flag::kOneshot);
  if (open && knote->queued == Tri::kYes) knote->queued = Tri::kMaybe;
}

}  // namespace

bool object_event(const Host& host, const Evaluation& now, Tri happened, uint32_t tick,
                  Knote* knote) {
  const bool at_once = host.activation == Observed::kAtOnce;
  if (at_once && happened == Tri::kYes) {
    knote->data = now.data;
    knote->eof = now.eof;
    knote->fflags = now.fflags;
    knote->fflags_or = now.fflags_or;
  } else {
    knote->data = knote->data.join(now.data);
    knote->eof = tri_join(knote->eof, now.eof);
    if (knote->fflags == knote->fflags_or) knote->fflags_or = now.fflags;
    if (now.fflags_or != now.fflags) knote->fflags_or = now.fflags_or;
  }
  if (!at_once && happened != Tri::kYes && now.shows != Tri::kYes) fade(knote);
  if (happened == Tri::kNo) return false;
  if (now.ready == Tri::kNo) {
    return host.queues_unready && !knote->disabled && enter_queue_unready(tick, knote);
  }
  Active active = Active::kMaybe;
  if (happened == Tri::kYes) {
    active = at_once && now.ready == Tri::kYes ? Active::kYes : Active::kPending;
    // Ready by its low-water mark alone: the host has perhaps nothing to show for it.
    if (!at_once && now.ready == Tri::kYes && now.shows != Tri::kYes) active = Active::kMaybe;
  }
  raise_active(active, knote);
  if (knote->disabled) return false;
  const bool open = host.order == Order::kUntilScan;
  return enter_queue(tick, open ? Knote::kOpenTick : tick, knote);
}

void convert_by_death(Knote* knote) {
  knote->flags |= flag::kOneshot;
  knote->eof = Tri::kYes;
  knote->converted = true;
}

void come_back(const Evaluation& now, Knote* knote) {
  knote->delivered = false;
  if (!knote->forced && (possible(now.ready) || knote->active != Active::kNo)) {
    knote->active = Active::kMaybe;
  }
  if (!knote->disabled && knote->active != Active::kNo) {
    if (!possible(knote->queued)) knote->place_lo = 0;
    if (!knote->forced) knote->queued = Tri::kMaybe;
    knote->place_hi = Knote::kOpenTick;
  }
  knote->data = knote->data.join({0, INT64_MAX}).join(now.data);
  knote->eof = Tri::kMaybe;
}

}  // namespace kqtorture::contract
