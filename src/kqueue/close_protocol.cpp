// How a descriptor number is closed without its next owner inheriting an event.
//
// A close is three steps: descriptor_closing() removes every knote of the number under the lock of
// its slot; the system call frees the number, outside any lock since it may block (a lingering
// socket, a terminal that drains); descriptor_closed() looks again. What it finds was registered in
// between: by a new owner of the number, whose epoll item still refers to the file that is open
// there, or by a thread that lost the race, whose item does not; the latter is removed, as if its
// EV_ADD had come before the close. That is FreeBSD's knote_fdclose() and the second look at the
// descriptor table that kqueue_register() takes, with the kernel's own table as the judge. A
// registration made meanwhile is doubtful: until the close has looked again, whoever would change
// or deliver it asks first.
//
// The kernel's table tells files apart, not how often one came to a number. So a duplicate that
// brings the very file back while its close is under way must not be missed. dup2() onto a number
// whose file can be closed without waiting holds the slot's lock throughout and is one step; dup()
// is one step for those who look again (duplication_lock()), and ends with removing what is
// doubtful under its result (descriptor_reopened()): the EV_ADD that made it overlaps both the
// close and the dup, and so may have come before either.
//
// THE PROOF. A close that went past us (a raw system call, or libkq was loaded late) is noticed at
// the next EV_ADD of the number and before an event of it is delivered. Who is asked?
//   The epoll instance, as a rule: adding the item again fails with EEXIST exactly while the number
//   refers to the file that was registered (still_registered()). One system call.
//   An edge, if it was taken in after the kevent() call began (registered_since()). The item lives
//   as long as its file does, so the file was alive at that moment; and a file that is open under
//   one number only, and in no other process, lives no longer than that number refers to it. Hence
//   the number still was the file's, and nothing need be asked. This takes knowing that the file is
//   not shared: libkq marks both numbers of every duplication it sees, and all numbers at a fork;
//   a mark goes when the number is closed (mark_shared(), forget_shared()). If the program's calls
//   do not reach libkq, it sees no duplication and never relies on an edge.
//   What this cannot tell is a close that nobody saw of a file whose sharing nobody saw either (a
//   raw dup, SCM_RIGHTS, posix_spawn, a file inherited by the program, a system call blocked on
//   it), when the number has a new owner that nobody registered, and the old file becomes ready.
//   Nothing of the sort concerns the closes libkq sees: those leave no knote behind.
// Edges are dated by Kqueue::clock, which every call advances when it begins: an edge is given the
// time read before the epoll_wait() that brought it, so one dated no earlier than the call's begin
// was taken in after it, whichever thread did.
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <initializer_list>

#include "internal.h"

namespace kq {

// By a close: a scan of the kqueue may be at one of the knotes. The caller holds the kqueue's lock.
static void close_registration(Slot* slot, Registration* registration, bool still_open) {
  Kqueue* kqueue = registration->kqueue;
  kqueue->closing = true;
  destroy_registration(slot, registration, still_open);
  kqueue->closing = false;
  publish(kqueue);
}

// Removes those for which gone(registration) holds; the caller holds the slot's lock.
template <typename Gone>
static void close_registrations(Slot* slot, bool still_open, Gone gone) {
  for (Registration *registration = slot->registrations, *next; registration; registration = next) {
    next = registration->slot_next;
    MutexGuard guard(&registration->kqueue->lock);
    if (gone(registration)) close_registration(slot, registration, still_open);
  }
}

void slot_closing(Slot* slot) {
  slot->owed_error = 0;
  close_registrations(slot, true, [](Registration*) { return true; });
}

void descriptor_closing(int fd) {
  Slot* slot = find_slot(fd);
  if (!slot) return;
  MutexGuard guard(slot_lock(fd));
  slot_closing(slot);
}

void descriptor_closed(int fd) {
  Slot* slot = find_slot(fd);
  // What was made before the system call is there: its maker put it there before it asked epoll.
  if (!slot || !slot->registrations) return;
  MutexGuard no_duplication(duplication_lock());
  MutexGuard guard(slot_lock(fd));
  close_registrations(slot, false, [slot](Registration* registration) {
    if (!still_registered(registration)) return true;
    registration->doubtful = slot->closing > 1;  // others are at it
    return false;
  });
}

void descriptor_reopened(int fd) {
  Slot* slot = find_slot(fd);
  if (!slot || !slot->registrations) return;
  MutexGuard guard(slot_lock(fd));
  close_registrations(slot, true,
                      [](Registration* registration) -> bool { return registration->doubtful; });
}

Kqueue* rebind(Slot* slot, Kqueue* kqueue) {
  close_registrations(slot, true, [kqueue](Registration* registration) {
    return registration->child() && registration->child() != kqueue;
  });
  return slot->kqueue.exchange(kqueue);
}

bool descriptor_duplicated(int from, int to) {
  Slot* slot = find_slot(from);
  if (!slot) return true;
  Kqueue* kqueue;
  {
    MutexGuard guard(slot_lock(from));
    kqueue = slot->kqueue;
    if (!kqueue) return true;
    kqueue->references.fetch_add(1, std::memory_order_relaxed);
  }
  const bool bound = bind_descriptor(to, kqueue);
  release(kqueue);
  return bound;
}

// The last reference: no descriptor, no call in progress. Closers still find the registrations in
// their slots until they are taken out here, one by one in the order of the locks.
static void destroy(Kqueue* kqueue) {
  list_remove(kqueue);
  for (int fd = 0;;) {
    {
      MutexGuard guard(&kqueue->lock);
      const Registration* registration = kqueue->registrations.from(fd);
      if (!registration) break;
      fd = registration->fd;
    }
    Slot* slot = find_slot(fd);
    MutexGuard guard(slot_lock(fd));
    MutexGuard kqueue_guard(&kqueue->lock);
    for (Registration *registration = slot->registrations, *next; registration;
         registration = next) {
      next = registration->slot_next;
      if (registration->kqueue == kqueue) destroy_registration(slot, registration, false);
    }
  }
  {
    MutexGuard guard(&kqueue->lock);
    for (size_t i = 0; i < kqueue->bucket_count; ++i) {
      while (Knote* knote = kqueue->buckets[i]) drop_knote(kqueue, knote);
    }
    bury(kqueue);
  }
  close_left_over(kqueue);
  for (int fd :
       {kqueue->epoll, kqueue->wake, kqueue->second_epoll, kqueue->inotify, kqueue->probe,
        kqueue->heaps[0].fd, kqueue->heaps[1].fd, kqueue->waiters.bench, kqueue->waiters.bell}) {
    close_internal(fd);
  }
  __builtin_free(kqueue->buckets);
  __builtin_free(kqueue->files.buckets);
  kqueue->registrations.release();
  for (TimerHeap& heap : kqueue->heaps) heap.items.release();
  pthread_mutex_destroy(&kqueue->lock);
  delete kqueue;
}

void release(Kqueue* kqueue) {
  if (kqueue->references.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy(kqueue);
}

}  // namespace kq
