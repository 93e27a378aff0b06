// The changelist: what FreeBSD's kqueue_register() does, in its order of checks, with the
// strictness of 2006 in front: an unknown flag is refused before anything else of its change is
// looked at.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "internal.h"
#include "signal_watch.h"
#include "system_calls.h"

namespace kq {

namespace {

constexpr uint16_t kUnknownFlags = 0x0C00;
constexpr uint16_t kActions =
    EV_ADD | EV_DELETE | EV_ENABLE | EV_DISABLE | EV_FORCEONESHOT | EV_KEEPUDATA;

const FilterOps kEmptySlot = {false, nullptr, nullptr, nullptr, nullptr, nullptr};

const FilterOps* const kFilters[EVFILT_SYSCOUNT] = {
    &kReadFilter,  &kWriteFilter, &kEmptySlot,  // AIO
    &kVnodeFilter, &kProcFilter,  &kSignalFilter, &kTimerFilter, &kProcdescFilter,
    &kEmptySlot,  // FS
    &kEmptySlot,  // LIO
    &kUserFilter,
    &kEmptySlot,  // SENDFILE
    &kEmptyFilter,
};

void activate_in_order(Kqueue* kqueue, Knote* knote, Call* call) {
  if (!knote->disabled() && !(knote->status & kQueued)) {
    settle_pending(kqueue, call);
    take_in_before(kqueue, call);
  }
  activate(kqueue, knote);
}

// Evaluates an enabled knote; activates it if its condition is true, or if it still was active.
void evaluate_change(Kqueue* kqueue, const FilterOps* ops, Knote* knote, Call* call) {
  if (knote->disabled() || knote->pending) return;
  const bool queued = knote->status & kQueued;
  if (queued && ops->about_descriptor && !knote->oneshot()) return;  // the scan evaluates it
  if (!queued && can_wait(knote)) {
    kqueue->pending.push_back(knote);
    return;
  }
  if (ops->evaluate(kqueue, knote, When::kNow) || (knote->status & kActive)) {
    activate_in_order(kqueue, knote, call);
  }
}

// epoll reports one timerfd for all timers, in the place of whichever expired first, or is listed
// still from its last report. What was told in between must not come behind a timer that this
// change starts or enables; there is an order to keep with signals and processes alone, since what
// descriptors do may be noticed late.
void take_in_before_timer(Kqueue* kqueue, const FilterOps* ops) {
  if (ops == &kTimerFilter && kqueue->signals + kqueue->processes > 0) take_in(kqueue);
}

// A change of an existing knote.
void modify(Kqueue* kqueue, const FilterOps* ops, Knote* knote, const struct kevent& change,
            Call* call) {
  if (change.flags & (EV_ADD | EV_ENABLE)) take_in_before_timer(kqueue, ops);
  // A ONESHOT is delivered as the change found it that activated it, not as this one leaves it; and
  // with a low-water mark the evaluation cannot wait any more.
  const bool settle = knote->oneshot() || (change.fflags & NOTE_LOWAT);
  if (knote->pending && settle) settle_pending(kqueue, call);
  if (change.flags & EV_FORCEONESHOT) {
    knote->event.flags |= EV_ONESHOT;
    knote->forced = true;
    activate_in_order(kqueue, knote, call);
  }
  if (change.flags & EV_ENABLE) {
    knote->status &= static_cast<uint8_t>(~kDisabled);
  } else if (change.flags & EV_DISABLE) {
    knote->status |= kDisabled;
    if (knote->status & kQueued) kqueue->queue.remove(knote);
    if (knote->pending) kqueue->pending.remove(knote);
    if (knote->status & kDraining) kqueue->draining.remove(knote);
  }
  if (!(change.flags & EV_KEEPUDATA)) knote->event.udata = change.udata;
  if (ops->touch) {
    ops->touch(kqueue, knote, change);
  } else {
    knote->saved_fflags = change.fflags;
    knote->saved_data = change.data;
  }
  evaluate_change(kqueue, ops, knote, call);
}

// Creates a knote; registration is null for filters that are not about a descriptor. Returns 0 or
// an errno, and then nothing has changed.
int create(Kqueue* kqueue, const FilterOps* ops, Registration* registration,
           const struct kevent& change, Call* call) {
  Knote* knote = allocate_knote(change.filter, registration);
  if (!knote) return ENOMEM;
  knote->registration = registration;
  knote->event = change;
  knote->event.flags = static_cast<uint16_t>(change.flags & ~kActions);
  knote->event.fflags = 0;
  knote->event.data = 0;
  knote->saved_fflags = change.fflags;
  knote->saved_data = change.data;
  if (change.flags & EV_DISABLE) knote->status |= kDisabled;
  // A new item of epoll reports the state of its object as if that were an edge: just what an
  // ordinary knote needs. A disabled knote is not evaluated, and a ONESHOT is evaluated once.
  // EVFILT_EMPTY may be true where epoll has nothing to say.
  const bool own_evaluation =
      knote->disabled() || knote->oneshot() || change.filter == EVFILT_EMPTY;
  if (!registration && !reserve_hashed(kqueue)) {
    discard_knote(knote);
    return ENOMEM;
  }
  // Nor may what this knote has jump the queue, be it evaluated here or in the second instance.
  const bool simple =
      !registration || (!own_evaluation && registration->place[kIn] == Place::kNone &&
                        registration->place[kOut] == Place::kNone);
  if (!simple) take_in_before(kqueue, call);
  take_in_before_timer(kqueue, ops);
  // A new item's first edge must not overtake what earlier changes activate.
  const auto unwatched = [&] {
    return registration && registration->place[direction_of(knote)] == Place::kNone;
  };
  if (unwatched()) settle_pending(kqueue, call);
  // Only now: an edge that nobody waits for any more ends the watch.
  const bool fresh_item = unwatched();
  if (const int error = ops->attach(kqueue, knote)) {
    discard_knote(knote);
    return error;
  }
  insert_knote(kqueue, knote);
  if (registration) {
    const Place place = registration->place[direction_of(knote)];
    if (fresh_item && place != Place::kNone) {
      call->taken_in = false;
      // A low-water mark of nothing is met where epoll sees nothing.
      const bool edge_tells = !own_evaluation && !(change.fflags & NOTE_LOWAT);
      if (edge_tells && place == Place::kMain) return 0;
      // That of the other direction, if there is one just now, is another knote's.
      if (own_evaluation) registration->mute = uint8_t{1} << direction_of(knote) & 3;
      take_in(kqueue);
      registration->mute = 0;
      if (edge_tells) return 0;
    }
  }
  evaluate_change(kqueue, ops, knote, call);
  return 0;
}

Registration* find_registration(Slot* slot, Kqueue* kqueue) {
  Registration* registration = slot->registrations;
  while (registration && registration->kqueue != kqueue) registration = registration->slot_next;
  return registration;
}

Knote* find_knote(Registration* registration, int16_t filter) {
  Knote* knote = registration ? registration->knotes() : nullptr;
  while (knote && knote->event.filter != filter) knote = knote->next;
  return knote;
}

int create_on_descriptor(Kqueue* kqueue, const FilterOps* ops, Slot* slot,
                         Registration* registration, const struct kevent& change, Call* call) {
  const bool fresh = registration == nullptr;
  if (fresh) {
    int error;
    registration = create_registration(kqueue, slot, static_cast<int>(change.ident), &error);
    if (!registration) return error;
  }
  const int error = create(kqueue, ops, registration, change, call);
  if (error && fresh) destroy_registration(slot, registration, true);
  return error;
}

void delete_on_descriptor(Kqueue* kqueue, Slot* slot, Registration* registration, Knote* knote) {
  const Direction direction = direction_of(knote);
  drop_knote(kqueue, knote);
  if (!registration->knotes()) {
    destroy_registration(slot, registration, true);
  } else {
    bool heeded = false, file = false;
    for (const Knote* other = registration->knotes(); other; other = other->next) {
      heeded |= heeds(other, direction);
      file |= other->event.filter == EVFILT_READ || other->event.filter == EVFILT_VNODE;
    }
    if (!heeded) unwatch_direction(registration, direction);
    if (!file) unwatch_file(registration);
  }
}

int change_descriptor(Kqueue* kqueue, const FilterOps* ops, const struct kevent& change, Call* call,
                      bool* created) {
  if (change.ident > INT_MAX) return EBADF;
  const int fd = static_cast<int>(change.ident);
  Slot* slot = change.flags & EV_ADD ? allocate_slot(fd) : find_slot(fd);
  if (!slot) {
    // Never seen, or no memory for it.
    if (sys::fcntl(fd, F_GETFD) < 0) return EBADF;
    return change.flags & EV_ADD ? ENOMEM : ENOENT;
  }
  // The number of a kqueue whose close nobody saw may be another file's by now.
  if (change.flags & EV_ADD && slot->kqueue) check_binding(fd);
  MutexGuard slot_guard(slot_lock(fd));
  MutexGuard guard(&kqueue->lock);
  Registration* registration = find_registration(slot, kqueue);
  const bool doubt = registration && (registration->stale || registration->doubtful);
  if (registration && (change.flags & EV_ADD || doubt) && !still_registered(registration)) {
    // The number was closed without anybody telling us, or is being closed.
    destroy_registration(slot, registration, false);
    registration = nullptr;
  } else if (doubt && slot->closing == 0) {
    registration->doubtful = false;
  }
  Knote* knote = find_knote(registration, change.filter);
  if (!knote) {
    if (slot->internal) return EBADF;
    // Elsewhere epoll or the object answers that.
    const bool ask = slot->kqueue || !(change.flags & EV_ADD);
    if (ask && sys::fcntl(fd, F_GETFD) < 0) return EBADF;
    int error;
    if (slot->kqueue == kqueue) {
      error = EINVAL;
    } else if (!(change.flags & EV_ADD)) {
      error = ENOENT;
    } else {
      error = create_on_descriptor(kqueue, ops, slot, registration, change, call);
    }
    if (is_internal(fd)) {
      // Open it was, but for libkq's own use.
      registration = find_registration(slot, kqueue);
      if (registration) destroy_registration(slot, registration, true);
      return EBADF;
    }
    *created = error == 0;
    return error;
  }
  if (change.flags & EV_DELETE) {
    delete_on_descriptor(kqueue, slot, registration, knote);
  } else {
    modify(kqueue, ops, knote, change, call);
  }
  return 0;
}

int change_hashed(Kqueue* kqueue, const FilterOps* ops, const struct kevent& change, Call* call,
                  bool* created) {
  MutexGuard guard(&kqueue->lock);
  Knote* knote = find_hashed(kqueue, change.ident, change.filter);
  if (!knote) {
    if (!(change.flags & EV_ADD)) return ENOENT;
    if (!ops->attach) return ENXIO;
    const int error = create(kqueue, ops, nullptr, change, call);
    *created = error == 0;
    return error;
  }
  if (change.flags & EV_DELETE) {
    drop_knote(kqueue, knote);
  } else if (change.filter == EVFILT_PROC && asks_for_the_unseen(change.fflags)) {
    return ENOTSUP;
  } else if (change.filter == EVFILT_TIMER && !reserve_timer(kqueue, change)) {
    return ENOMEM;
  } else {
    modify(kqueue, ops, knote, change, call);
  }
  return 0;
}

// The knote a change modifies, if that is all it does and the knote is there for it to do.
Knote* find_modified(Kqueue* kqueue, const FilterOps* ops, const struct kevent& change) {
  if (change.filter == EVFILT_PROC && asks_for_the_unseen(change.fflags)) return nullptr;
  if (!ops->about_descriptor) return find_hashed(kqueue, change.ident, change.filter);
  const NumberEntry* entry = kqueue->registrations.find(change.ident);
  Registration* registration = entry ? entry->registration : nullptr;
  const bool sure = registration && !registration->stale && !registration->doubtful;
  return sure ? find_knote(registration, change.filter) : nullptr;
}

}  // namespace

int apply_modifications(Kqueue* kqueue, const struct kevent* changes, int count, Call* call) {
  // Whatever may be refused, creates, destroys, or wants an answer.
  constexpr uint16_t kOther = EV_ADD | EV_DELETE | EV_RECEIPT | kUnknownFlags;
  constexpr uint16_t kContradiction = EV_ENABLE | EV_DISABLE;
  const auto eligible = [](const struct kevent& change) {
    return !(change.flags & kOther) && (change.flags & kContradiction) != kContradiction;
  };
  if (count == 0 || !eligible(changes[0])) return 0;
  MutexGuard guard(&kqueue->lock);
  int applied = 0;
  for (; applied < count && eligible(changes[applied]); ++applied) {
    struct kevent change = changes[applied];
    change.flags &= static_cast<uint16_t>(~EV_SYSFLAGS);
    const FilterOps* ops = find_filter(change.filter);
    Knote* knote = ops ? find_modified(kqueue, ops, change) : nullptr;
    if (!knote) break;
    modify(kqueue, ops, knote, change, call);
  }
  return applied;
}

const FilterOps* find_filter(int16_t filter) {
  if (filter >= 0 || filter < -EVFILT_SYSCOUNT) return nullptr;
  return kFilters[~filter];
}

void take_in_before(Kqueue* kqueue, Call* call) {
  const size_t items = kqueue->live_registrations + kqueue->signals + kqueue->processes;
  if (call->taken_in || items == 0) return;
  take_in(kqueue);
  call->taken_in = true;
}

void activate(Kqueue* kqueue, Knote* knote) {
  if (knote->pending) kqueue->pending.remove(knote);
  if (knote->status & kDraining) kqueue->draining.remove(knote);
  knote->status |= kActive;
  if (!(knote->status & (kDisabled | kQueued))) kqueue->queue.push_back(knote);
}

int apply_change(Kqueue* kqueue, struct kevent* user_change, Call* call) {
  if (user_change->flags & kUnknownFlags) return EINVAL;
  struct kevent change = *user_change;
  change.flags &= static_cast<uint16_t>(~EV_SYSFLAGS);
  if ((change.flags & EV_ENABLE) && (change.flags & EV_DISABLE)) return EINVAL;
  const FilterOps* ops = find_filter(change.filter);
  if (!ops) return EINVAL;
  if ((change.flags & EV_ADD) && (change.flags & EV_KEEPUDATA)) return EINVAL;
  if (change.filter == EVFILT_TIMER && (change.flags & EV_ADD)) {
    if (const int error = provide_timerfd(kqueue, change.fflags & NOTE_ABSTIME)) return error;
  }
  // Of a PROC knote data means nothing: there a new one finds its pidfd, and takes it over.
  int pidfd = -1;
  if (change.filter == EVFILT_PROC) change.data = pidfd;
  int signal = 0;  // whose descriptors were made for this change
  bool created = false;
  int error;
  for (;;) {
    error = ops->about_descriptor ? change_descriptor(kqueue, ops, change, call, &created)
                                  : change_hashed(kqueue, ops, change, call, &created);
    if (error >= 0) break;
    int failure = 0;
    if (error == kNeedProcess) {
      failure = open_process(change.ident, &pidfd);
      change.data = pidfd;
    } else if (error == kNeedSignal) {
      signal = static_cast<int>(change.ident);
      failure = provide_signal(signal);
    } else {
      failure = provide(kqueue, static_cast<Need>(error));
    }
    if (failure != 0) {
      error = failure;
      break;
    }
  }
  if (signal > 0 && error != 0) give_up_signal(signal);
  if (!created) close_internal(pidfd);
  if (created) user_change->fflags = 0;
  return error;
}

}  // namespace kq
