// EVFILT_USER, as FreeBSD's filt_user*: a latch, set by NOTE_TRIGGER, and flags and data of the
// user's own.
#include "internal.h"

namespace kq {
namespace {

// NOTE_TRIGGER in the change that creates the knote does not trigger it, and the fflags are stored
// raw, control bits included: both are FreeBSD's.
int attach(Kqueue*, Knote*) { return 0; }

void detach(Kqueue*, Knote*) {}

bool evaluate(Kqueue*, Knote* knote, When) { return knote->triggered; }

void touch(Kqueue*, Knote* knote, const struct kevent& change) {
  if (change.fflags & NOTE_TRIGGER) knote->triggered = true;
  const uint32_t flags = change.fflags & NOTE_FFLAGSMASK;
  switch (change.fflags & NOTE_FFCTRLMASK) {
    case NOTE_FFAND:
      knote->saved_fflags &= flags;
      break;
    case NOTE_FFOR:
      knote->saved_fflags |= flags;
      break;
    case NOTE_FFCOPY:
      knote->saved_fflags = flags;
      break;
    default:
      break;
  }
  knote->saved_data = change.data;
  // EV_CLEAR in any change resets the latch, a trigger of the same change included.
  if (change.flags & EV_CLEAR) {
    knote->triggered = false;
    knote->event.data = 0;
    knote->event.fflags = 0;
  }
}

void process(Kqueue*, Knote* knote, struct kevent* out) {
  *out = knote->event;
  out->fflags = knote->saved_fflags;
  out->data = knote->saved_data;
  if (knote->event.flags & EV_CLEAR) {
    knote->triggered = false;
    knote->event.data = 0;
    knote->event.fflags = 0;
  }
}

}  // namespace

const FilterOps kUserFilter = {false, attach, detach, evaluate, touch, process};

}  // namespace kq
