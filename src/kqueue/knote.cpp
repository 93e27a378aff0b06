// Where knotes live, and the lists they are in. The first knote of a registration lives in it, any
// other is allocated; those that are not about a descriptor are found through a hash table.
#include <new>

#include "internal.h"

namespace kq {

void KnoteList::link(Knote* knote) {
  knote->queue_prev = tail_;
  knote->queue_next = nullptr;
  if (tail_) {
    tail_->queue_next = knote;
  } else {
    head_ = knote;
  }
  tail_ = knote;
}

void KnoteList::unlink(Knote* knote) {
  if (knote->queue_prev) {
    knote->queue_prev->queue_next = knote->queue_next;
  } else {
    head_ = knote->queue_next;
  }
  if (knote->queue_next) {
    knote->queue_next->queue_prev = knote->queue_prev;
  } else {
    tail_ = knote->queue_prev;
  }
  knote->queue_prev = knote->queue_next = nullptr;
}

void Queue::push_back(Knote* knote) {
  link(knote);
  knote->status |= kQueued;
  size_.store(size() + 1, std::memory_order_relaxed);
}

void Queue::remove(Knote* knote) {
  unlink(knote);
  knote->status &= static_cast<uint8_t>(~kQueued);
  size_.store(size() - 1, std::memory_order_relaxed);
}

void Draining::push_back(Knote* knote) {
  link(knote);
  knote->status |= kDraining;
}

void Draining::remove(Knote* knote) {
  unlink(knote);
  knote->status &= static_cast<uint8_t>(~kDraining);
}

namespace {

size_t bucket_of(const Kqueue* kqueue, uintptr_t ident, int16_t filter) {
  uint64_t key = (uint64_t{ident} ^ (static_cast<uint64_t>(static_cast<uint16_t>(filter)) << 48)) *
                 0x9E3779B97F4A7C15u;
  return static_cast<size_t>(key >> 32) & (kqueue->bucket_count - 1);
}

bool is_own(const Knote* knote) {
  return knote->registration && knote == &knote->registration->own;
}

void put_out_of_use(Knote* own) {
  own->registration->has_own = false;
  Knote* const next = own->next;
  *own = Knote{};
  own->next = next;
}

void free_knote(Knote* knote) {
  switch (knote->event.filter) {
    case EVFILT_TIMER:
      delete static_cast<TimerKnote*>(knote);
      break;
    case EVFILT_SIGNAL:
      delete static_cast<SignalKnote*>(knote);
      break;
    case EVFILT_PROC:
      delete static_cast<ProcessKnote*>(knote);
      break;
    default:
      delete knote;
  }
}

// Of one that is not its registration's own.
void unlink(Kqueue* kqueue, Knote* knote) {
  Knote** link = knote->registration
                     ? &knote->registration->own.next
                     : &kqueue->buckets[bucket_of(kqueue, knote->event.ident, knote->event.filter)];
  while (*link != knote) link = &(*link)->next;
  *link = knote->next;
  if (!knote->registration) --kqueue->hashed;
}

}  // namespace

Knote* find_hashed(Kqueue* kqueue, uintptr_t ident, int16_t filter) {
  if (kqueue->bucket_count == 0) return nullptr;
  Knote* knote = kqueue->buckets[bucket_of(kqueue, ident, filter)];
  while (knote && (knote->event.ident != ident || knote->event.filter != filter)) {
    knote = knote->next;
  }
  return knote;
}

bool reserve_hashed(Kqueue* kqueue) {
  if (kqueue->hashed < kqueue->bucket_count) return true;
  const size_t old_count = kqueue->bucket_count;
  const size_t count = old_count ? old_count * 2 : 16;
  auto** grown = static_cast<Knote**>(__builtin_calloc(count, sizeof(Knote*)));
  if (!grown) return old_count != 0;  // longer chains will do
  Knote** old = kqueue->buckets;
  kqueue->buckets = grown;
  kqueue->bucket_count = count;
  for (size_t i = 0; i < old_count; ++i) {
    while (Knote* knote = old[i]) {
      old[i] = knote->next;
      Knote*& head = grown[bucket_of(kqueue, knote->event.ident, knote->event.filter)];
      knote->next = head;
      head = knote;
    }
  }
  __builtin_free(old);
  return true;
}

Knote* allocate_knote(int16_t filter, Registration* registration) {
  if (registration && !registration->has_own) return &registration->own;
  switch (filter) {
    case EVFILT_TIMER:
      return new (std::nothrow) TimerKnote;
    case EVFILT_SIGNAL:
      return new (std::nothrow) SignalKnote;
    case EVFILT_PROC:
      return new (std::nothrow) ProcessKnote;
    default:
      return new (std::nothrow) Knote;
  }
}

void insert_knote(Kqueue* kqueue, Knote* knote) {
  if (is_own(knote)) {
    knote->registration->has_own = true;
    return;
  }
  Knote*& head = knote->registration
                     ? knote->registration->own.next
                     : kqueue->buckets[bucket_of(kqueue, knote->event.ident, knote->event.filter)];
  knote->next = head;
  head = knote;
  if (!knote->registration) ++kqueue->hashed;
}

void discard_knote(Knote* knote) {
  if (is_own(knote)) {
    put_out_of_use(knote);
  } else {
    free_knote(knote);
  }
}

void drop_knote(Kqueue* kqueue, Knote* knote) {
  if (knote->status & kQueued) kqueue->queue.remove(knote);
  if (knote->pending) kqueue->pending.remove(knote);
  if (knote->status & kDraining) kqueue->draining.remove(knote);
  find_filter(knote->event.filter)->detach(kqueue, knote);
  if (is_own(knote)) {
    put_out_of_use(knote);
    return;
  }
  unlink(kqueue, knote);
  if (knote->event.filter == EVFILT_PROC) {
    knote->next = kqueue->dead_processes.load(std::memory_order_relaxed);
    kqueue->dead_processes.store(static_cast<ProcessKnote*>(knote), std::memory_order_relaxed);
    return;
  }
  if (kqueue->closing) {
    knote->next = kqueue->dead_knotes;
    kqueue->dead_knotes = knote;
    return;
  }
  free_knote(knote);
}

void bury(Kqueue* kqueue) {
  while (Knote* knote = kqueue->dead_knotes) {
    kqueue->dead_knotes = knote->next;
    free_knote(knote);
  }
  while (Registration* registration = kqueue->dead_registrations) {
    kqueue->dead_registrations = registration->slot_next;
    delete registration;
  }
  free_dead_watches(kqueue);
}

}  // namespace kq
