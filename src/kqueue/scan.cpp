// The scan: taking in what happened, and handing out events.
//
// The queue holds the knotes in the order of their activation. A scan walks it once: what is not
// true any more drops out, what is delivered leaves or, for a level knote, goes to the tail. All
// of it happens under the kqueue's lock, so a knote is in one scan at a time, and a change, a close
// or another scan sees it either before or after. Nobody sleeps with the lock: sleepers poll(2) the
// epoll instance, which takes nothing out of it, and look again (waiters.cpp).
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"
#include "signal_watch.h"
#include "system_calls.h"

namespace kq {
namespace {

// An edge of one direction of a descriptor.
void take_in_edge(Kqueue* kqueue, const epoll_event& edge, uint64_t clock) {
  Direction direction;
  Registration* registration = find_registration(kqueue, edge.data.u64, &direction);
  if (!registration) return;
  registration->poll_flags |= static_cast<uint16_t>(edge.events & kHangup);
  if (registration->last_edge != clock) registration->edge_in = false;
  if (direction == kIn && (edge.events & EPOLLIN)) registration->edge_in = true;
  registration->last_edge = clock;
  if (registration->mute >> direction & 1) return;
  bool anybody = false;
  for (Knote *knote = registration->knotes(), *next; knote; knote = next) {
    next = knote->next;
    if (!heeds(knote, direction)) continue;
    anybody = true;
    object_event(kqueue, knote);
  }
  if (!anybody) unwatch_direction(registration, direction);
}

// Takes everything out of one epoll instance. Items of libkq's own stay ready and come back in
// every round, so the number of rounds is limited by the number of edges that can be pending.
void take_in_instance(Kqueue* kqueue, int instance) {
  epoll_event events[128];
  const size_t items = kqueue->live_registrations + kqueue->signals + kqueue->processes;
  for (size_t rounds = items / 64 + 2; rounds > 0; --rounds) {
    const uint64_t clock = kqueue->clock.load(std::memory_order_acquire);
    const int count = sys::epoll_take(instance, events, 128);
    for (int i = 0; i < count; ++i) {
      switch (static_cast<Token>(events[i].data.u64 >> 32)) {
        case Token::kWake:
          break;
        case Token::kSecond:
          take_in_instance(kqueue, kqueue->second_epoll);
          break;
        case Token::kTimer:
          take_in_timers(kqueue, &kqueue->heaps[0]);
          break;
        case Token::kRealTimer:
          take_in_timers(kqueue, &kqueue->heaps[1]);
          break;
        case Token::kInotify:
          take_in_file_events(kqueue);
          break;
        case Token::kProbe:
          take_in_probe(kqueue);
          break;
        case Token::kSignal:
          take_in_signal(kqueue, static_cast<int>(events[i].data.u64 & 0xff));
          break;
        case Token::kPendingSignal:
          take_in_pending_signals(kqueue);
          break;
        case Token::kProcess:
          take_in_process(kqueue, static_cast<uint32_t>(events[i].data.u64));
          break;
        default:
          take_in_edge(kqueue, events[i], clock);
      }
    }
    if (count < 128) return;
  }
}

// Delivers the head of the queue into *out, or finds that there is nothing to deliver any more.
bool deliver(Kqueue* kqueue, Knote* knote, struct kevent* out, uint64_t since) {
  const FilterOps* ops = find_filter(knote->event.filter);
  Registration* registration = knote->registration;
  kqueue->queue.remove(knote);
  if (!knote->oneshot() && !ops->evaluate(kqueue, knote, When::kScan)) {
    knote->status &= static_cast<uint8_t>(~kActive);
    if (registration && registration->stale) abandon_registration(registration);
    return false;
  }
  if (knote->event.flags & EV_DROP) {  // its process is gone, and nobody asked for that
    drop_knote(kqueue, knote);
    return false;
  }
  // The object may be another one by now, if somebody closed the number behind our back.
  if (registration && !registered_since(registration, since)) {
    abandon_registration(registration);
    return false;
  }
  if (knote->oneshot()) {  // evaluation may have made it one: the object is dead
    *out = knote->event;
    if (knote->forced) out->flags |= EV_FORCEONESHOT;
    drop_knote(kqueue, knote);
    // A kqueue is not kept watched for the next knote: that would forbid the opposite watch.
    if (registration && registration->child()) abandon_registration(registration);
    return true;
  }
  if (ops->process) {
    ops->process(kqueue, knote, out);
  } else {
    *out = knote->event;
    if (knote->event.flags & EV_CLEAR) {
      knote->event.data = 0;
      knote->event.fflags = 0;
    }
  }
  if (knote->event.flags & EV_DISPATCH) knote->status |= kDisabled;
  if (knote->event.flags & (EV_CLEAR | EV_DISPATCH)) {
    knote->status &= static_cast<uint8_t>(~kActive);
  } else {
    knote->walk = kqueue->walk;
    kqueue->queue.push_back(knote);
  }
  return true;
}

// One pass over the queue, up to the first knote that it put back itself. (Their number would not
// do: an object found dead takes all its knotes off the queue at once.) A fault of the user's
// memory loses the events of its chunk, as in the kernel, where the state has changed before the
// copy. Returns the number delivered, or -EFAULT.
int walk_queue(Kqueue* kqueue, struct kevent* events, int room, uint64_t since) {
  const size_t most = kqueue->queue.size();
  if (most == 0) return 0;
  if (static_cast<size_t>(room) > most) room = static_cast<int>(most);
  const int writable = writable_entries(events, room);
  const int faulting_chunk_end = (writable / 8 + 1) * 8;
  if (writable < room && faulting_chunk_end < room) room = faulting_chunk_end;
  ++kqueue->walk;
  int delivered = 0;
  while (delivered < room && !kqueue->queue.empty()) {
    Knote* const knote = kqueue->queue.front();
    if (knote->walk == kqueue->walk) break;
    struct kevent lost;
    struct kevent* out = delivered < writable ? entry_at(events, delivered) : &lost;
    if (deliver(kqueue, knote, out, since)) ++delivered;
  }
  return delivered > writable ? -EFAULT : delivered;
}

// Brings the queues of the kqueues that this one watches up to date, innermost first; never two
// locks at a time. The kernel allows no circles and few levels, which bounds the recursion.
void take_in_children(Kqueue* kqueue) {
  constexpr int kBatch = 16;
  Kqueue* children[kBatch];
  int fd = 0;
  for (int count = kBatch; count == kBatch;) {
    count = 0;
    {
      MutexGuard guard(&kqueue->lock);
      if (kqueue->children == 0) return;
      while (count < kBatch) {
        const Registration* registration = kqueue->registrations.from(fd);
        if (!registration) break;
        fd = registration->fd + 1;
        if (!registration->child()) continue;
        children[count] = registration->child();
        children[count++]->references.fetch_add(1, std::memory_order_relaxed);
      }
    }
    for (int i = 0; i < count; ++i) {
      take_in_children(children[i]);
      {
        MutexGuard guard(&children[i]->lock);
        take_in(children[i]);
        publish(children[i]);
      }
      release(children[i]);
    }
  }
}

}  // namespace

void object_event(Kqueue* kqueue, Knote* knote) {
  // A ONESHOT is delivered as it was when its object last did something; everything else is
  // evaluated when it is delivered. Below a low-water mark nothing has happened.
  const bool judge = knote->oneshot() || (knote->saved_fflags & NOTE_LOWAT);
  if (judge && !find_filter(knote->event.filter)->evaluate(kqueue, knote, When::kScan)) return;
  activate(kqueue, knote);
}

void take_in(Kqueue* kqueue) {
  take_in_instance(kqueue, kqueue->epoll);
  // No edge tells that one that was pending has been taken.
  if (kqueue->signals > 0 && counted_while_pending()) take_in_pending_signals(kqueue);
}

void publish(Kqueue* kqueue) {
  const bool ready = !kqueue->queue.empty();
  if (ready == kqueue->wake_set) return;
  kqueue->wake_set = ready;
  uint64_t value = 1;
  [[maybe_unused]] ssize_t unused = ready ? sys::write(kqueue->wake, &value, sizeof value)
                                          : sys::read(kqueue->wake, &value, sizeof value);
}

int scan(Kqueue* kqueue, struct kevent* events, int room, int64_t deadline, uint64_t since) {
  Waiter waiter(kqueue);
  bool interrupted = false;
  for (;;) {
    take_in_children(kqueue);
    int result;
    bool wait = false;
    {
      MutexGuard guard(&kqueue->lock);
      waiter.wake();
      bury(kqueue);
      kqueue->scan_began = tick(kqueue);
      take_in(kqueue);
      Call call{true};
      settle_pending(kqueue, &call);
      result = walk_queue(kqueue, events, room, since);
      publish(kqueue);
      wait = result == 0 && !interrupted && deadline != 0 &&
             (deadline == INT64_MAX || now_ns(false) < deadline);
      if (wait) {
        waiter.take_place();
      } else {
        waiter.leave();
      }
    }
    close_left_over(kqueue);
    if (result == 0 && interrupted) result = -EINTR;
    if (result < 0) {
      errno = -result;
      return -1;
    }
    if (!wait) return result;
    const HandlerRuns before = handler_runs();
    if (const int error = waiter.sleep(deadline)) {
      // A signal that is watched is an event first, if it is one of this kqueue, and no
      // interruption at all for a program that ignores it.
      const HandlerRuns after = handler_runs();
      interrupted = after.asked_for != before.asked_for;
      if (error == EINTR && (interrupted || after.ignored != before.ignored)) continue;
      errno = error;
      return -1;
    }
  }
}

}  // namespace kq
