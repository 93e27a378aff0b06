// How a knote enters and leaves the queue of its kqueue.
//
// The queue is not a list here: each queued knote has an interval of places, because an activation
// that the host shows late takes its place late. Two knotes with disjoint intervals are ordered.
#pragma once

#include <algorithm>

#include "contract/knote.h"

namespace kqtorture::contract {

// To be called after `active` was raised on an enabled knote. A knote that is in the queue keeps
// its place; one that may be in it takes a place between the old and the new. True: it was outside,
// or may have been.
inline bool enter_queue(uint32_t lo, uint32_t hi, Knote* knote) {
  if (knote->queued == Tri::kYes || knote->active == Active::kNo) return false;
  const bool anew = knote->queued == Tri::kNo;
  knote->queued = knote->active == Active::kYes ? Tri::kYes : Tri::kMaybe;
  knote->place_lo = anew ? lo : std::min(knote->place_lo, lo);
  knote->place_hi = anew ? hi : std::max(knote->place_hi, hi);
  return true;
}

// The knote may be put into the queue for a scan to look at, though nothing is known to be ready.
inline bool enter_queue_unready(uint32_t tick, Knote* knote) {
  if (certain(knote->queued)) return false;
  if (!possible(knote->queued)) knote->place_lo = tick;
  knote->queued = Tri::kMaybe;
  knote->place_hi = Knote::kOpenTick;
  return true;
}

inline void leave_queue(Knote* knote) {
  knote->queued = Tri::kNo;
  knote->place_lo = knote->place_hi = 0;
}

// `active` only ever rises, but by a scan, a delivery or the restart of a timer.
inline void raise_active(Active active, Knote* knote) {
  knote->active = std::max(knote->active, active);
  knote->delivered = false;
}

}  // namespace kqtorture::contract
