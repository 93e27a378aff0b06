// EVFILT_SIGNAL, as FreeBSD's filt_signal*: how often the signal was posted since the last
// delivery. Each knote remembers how far it has counted, so several kqueues, or several knotes of
// different kqueues, all get the whole number; EV_CLEAR is implied. The counting is
// signal_watch.cpp's.
//
// In the kqueue's epoll instance there is one edge-triggered item for each knote, its signal's
// bell: so activations keep their order among those of descriptors. The item of the descriptor
// that tells of blocked signals is one for all.
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "internal.h"
#include "signal_watch.h"
#include "system_calls.h"

namespace kq {
namespace {

int add_edge(Kqueue* kqueue, int fd, Token token, uint32_t number) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = token_data(token) | number;
  if (sys::epoll_ctl(kqueue->epoll, EPOLL_CTL_ADD, fd, &event) == 0) return 0;
  return errno == EEXIST ? 0 : errno == ENOSPC ? ENOMEM : errno;
}

void remove_edge(Kqueue* kqueue, int fd) {
  epoll_event unused{};
  sys::epoll_ctl(kqueue->epoll, EPOLL_CTL_DEL, fd, &unused);
}

int attach(Kqueue* kqueue, Knote* knote) {
  knote->event.flags |= EV_CLEAR;
  const uintptr_t ident = knote->event.ident;
  if (!catchable(ident)) return 0;  // nobody ever sees one
  const int signal = static_cast<int>(ident);
  if (!watch_signal(signal)) return kNeedSignal;
  static_cast<SignalKnote*>(knote)->seen = posts_of(signal);
  int error = add_edge(kqueue, pending_bell(), Token::kPendingSignal, 0);
  if (error == 0) {
    error = add_edge(kqueue, signal_bell(signal), Token::kSignal, static_cast<uint32_t>(signal));
  }
  if (error != 0) {
    if (kqueue->signals == 0) remove_edge(kqueue, pending_bell());
    unwatch_signal(signal);
    return error;
  }
  ++kqueue->signals;
  // A bell that has rung before is ready at once, and would keep its place in front of what
  // happens before the next post.
  take_in(kqueue);
  return 0;
}

void detach(Kqueue* kqueue, Knote* knote) {
  if (!catchable(knote->event.ident)) return;
  const int signal = static_cast<int>(knote->event.ident);
  remove_edge(kqueue, signal_bell(signal));
  if (--kqueue->signals == 0) remove_edge(kqueue, pending_bell());
  unwatch_signal(signal);
}

bool evaluate(Kqueue*, Knote* knote, When) {
  if (!catchable(knote->event.ident)) return false;
  const uint64_t posts = posts_of(static_cast<int>(knote->event.ident));
  knote->event.data = static_cast<intptr_t>(posts - static_cast<SignalKnote*>(knote)->seen);
  return knote->event.data != 0;
}

void process(Kqueue*, Knote* knote, struct kevent* out) {
  *out = knote->event;
  static_cast<SignalKnote*>(knote)->seen += static_cast<uint64_t>(knote->event.data);
  knote->event.data = 0;
  knote->event.fflags = 0;
}

}  // namespace

const FilterOps kSignalFilter = {false, attach, detach, evaluate, nullptr, process};

void take_in_signal(Kqueue* kqueue, int signal) {
  Knote* knote = find_hashed(kqueue, static_cast<uintptr_t>(signal), EVFILT_SIGNAL);
  if (knote && evaluate(kqueue, knote, When::kScan)) activate(kqueue, knote);
}

void take_in_pending_signals(Kqueue* kqueue) {
  count_pending_signals();
  for (uint64_t rest = watched_signals(); rest != 0; rest &= rest - 1) {
    take_in_signal(kqueue, __builtin_ctzll(rest) + 1);
  }
}

}  // namespace kq
