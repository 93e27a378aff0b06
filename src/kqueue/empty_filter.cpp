// EVFILT_EMPTY, FreeBSD's filt_soempty: nothing is left in the send buffer of a socket.
//
// A local socket says so each time its peer has read something: an edge of its output. TCP is
// silent as long as there was room all the time. So a knote whose socket has been found to hold
// something is looked at again, by a timer that runs only while there are such knotes, soon at
// first and then less often.
#include <errno.h>
#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include "internal.h"
#include "system_calls.h"

namespace kq {
namespace {

// An acknowledgement takes a round trip: from some hundred microseconds to some hundred
// milliseconds. Doubling finds it after at most twice its time, and the last step keeps a peer that
// does not read from costing more than forty looks a second.
constexpr int64_t kFirstProbe = 500 * 1000, kLastProbe = 25 * 1000 * 1000;

void arm_probe(Kqueue* kqueue, int64_t interval) {
  kqueue->probe_interval = interval;
  itimerspec value{};
  value.it_value.tv_nsec = interval;
  sys::timerfd_settime_relative(kqueue->probe, &value);
}

int attach(Kqueue* kqueue, Knote* knote) {
  Registration* registration = knote->registration;
  if (const int error = classify(registration)) return error;
  if (registration->kind != Kind::kStream && registration->kind != Kind::kPacket) return EINVAL;
  if (registration->internet && kqueue->probe < 0) return kNeedProbe;
  return watch_direction(registration, kOut);
}

void detach(Kqueue*, Knote*) {}

bool evaluate(Kqueue* kqueue, Knote* knote, When) {
  Registration* registration = knote->registration;
  int bytes = 0;
  if (sys::ioctl(registration->fd, SIOCOUTQ, &bytes) != 0) {
    if (errno == EBADF) registration->stale = true;
    bytes = 0;  // a listening socket, which holds nothing
  }
  knote->event.data = bytes;
  if (registration->stale) return false;
  constexpr uint8_t kElsewhere = kQueued | kDisabled | kDraining;
  if (bytes > 0 && registration->internet && !(knote->status & kElsewhere)) {
    if (kqueue->draining.empty()) arm_probe(kqueue, kFirstProbe);
    kqueue->draining.push_back(knote);
  }
  return bytes == 0;
}

}  // namespace

const FilterOps kEmptyFilter = {true, attach, detach, evaluate, nullptr, nullptr};

int provide_probe(Kqueue* kqueue) {
  const auto create = [](int) {
    return sys::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  };
  return install(kqueue, make_internal(create), &kqueue->probe, Token::kProbe);
}

void take_in_probe(Kqueue* kqueue) {
  uint64_t ticks;
  [[maybe_unused]] const ssize_t unused = sys::read(kqueue->probe, &ticks, sizeof ticks);
  for (Knote *knote = kqueue->draining.front(), *next; knote; knote = next) {
    next = knote->queue_next;
    // The scan sees to a number that is not open any more.
    const bool empty = evaluate(kqueue, knote, When::kNow);
    if (empty || knote->registration->stale) activate(kqueue, knote);
  }
  if (kqueue->draining.empty()) return;
  const int64_t twice = 2 * kqueue->probe_interval;
  arm_probe(kqueue, twice < kLastProbe ? twice : kLastProbe);
}

}  // namespace kq
