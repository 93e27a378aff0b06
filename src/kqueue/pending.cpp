// Evaluations that wait for the end of the changelist.
//
// FreeBSD evaluates a knote's filter in the change that creates, enables or modifies it, and again
// in the scan that delivers it. The second decides; the first only has to find out whether the
// knote is queued at all. So that answer is got for the whole changelist at once, with one poll(2):
// when the scan of the same call begins, when the call ends without one, or before a change that
// activates something, which must not overtake what earlier changes activate. A scan of another
// thread settles what it finds: then the change took effect before that scan. Nothing waits when
// the call has ended, so poll(2) on the kqueue's descriptor always tells the truth.
#include <errno.h>
#include <poll.h>

#include "internal.h"
#include "system_calls.h"

namespace kq {

void Pending::push_back(Knote* knote) {
  link(knote);
  knote->pending = true;
}

void Pending::remove(Knote* knote) {
  unlink(knote);
  knote->pending = false;
}

namespace {

constexpr int kBatch = 64;  // a usual length of lists; half a KiB of stack

short wanted(const Knote* knote) { return direction_of(knote) == kOut ? POLLOUT : POLLIN; }

// What the filter says of an object of which poll(2) has just said this. Input or room for output,
// and nothing else, needs no second look but for a ONESHOT, whose data is shown as it is now.
bool holds(Kqueue* kqueue, Knote* knote, short state) {
  Registration* registration = knote->registration;
  if (state & POLLNVAL) registration->stale = true;
  if (state & POLLNVAL) return false;
  // A ONESHOT that was active while it was disabled is delivered all the same, as it is now.
  if (state == 0 && !(knote->oneshot() && (knote->status & kActive))) return false;
  if (state == wanted(knote) && !knote->oneshot()) return true;
  registration->poll_flags = static_cast<uint16_t>(state & kHangup);
  return find_filter(knote->event.filter)->evaluate(kqueue, knote, When::kPolled);
}

// Takes those that are not true off the list.
void poll_batch(Kqueue* kqueue, Knote** knotes, pollfd* items, int count) {
  if (sys::poll_now(items, static_cast<unsigned>(count)) < 0) return;  // the scan evaluates them
  for (int i = 0; i < count; ++i) {
    Knote* knote = knotes[i];
    if (holds(kqueue, knote, items[i].revents)) continue;
    if (knote->oneshot() && (knote->status & kActive)) continue;
    knote->status &= static_cast<uint8_t>(~kActive);
    kqueue->pending.remove(knote);
  }
}

}  // namespace

bool can_wait(const Knote* knote) {
  const Registration* registration = knote->registration;
  // What epoll does not watch cannot be polled either, or never is ready. A low-water mark is not
  // what poll(2) goes by, and another kqueue's queue is not what its descriptor shows.
  return registration && knote->event.filter >= EVFILT_WRITE &&
         registration->place[direction_of(knote)] != Place::kNone && !registration->child() &&
         !(knote->saved_fflags & NOTE_LOWAT);
}

void settle_pending(Kqueue* kqueue, Call* call) {
  Knote* next = kqueue->pending.front();
  if (!next) return;
  while (next) {
    Knote* knotes[kBatch];
    pollfd items[kBatch];
    int count = 0;
    for (; next && count < kBatch; next = next->queue_next) {
      knotes[count] = next;
      items[count++] = {next->registration->fd, static_cast<short>(wanted(next) | POLLRDHUP), 0};
    }
    poll_batch(kqueue, knotes, items, count);
  }
  if (kqueue->pending.empty()) return;
  take_in_before(kqueue, call);
  while (Knote* knote = kqueue->pending.front()) activate(kqueue, knote);
}

}  // namespace kq
