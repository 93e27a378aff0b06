// libkq: kqueue(2) and kevent(2) over epoll.
//
// A kqueue's descriptors are descriptors of an epoll instance, so poll(2), select(2), epoll and
// another kqueue can watch it, and the kernel counts its users. Inside, it is FreeBSD's kqueue: a
// knote per (filter, ident), a queue of the active ones, and a scan that evaluates each knote again
// when it delivers it. epoll only tells that something happened (registration.cpp); what is true
// is asked of the object (descriptor_filter.cpp). What happens in user space (USER, ENABLE, what a
// full list left behind) makes an eventfd in the epoll instance readable, which wakes the sleepers.
//
// THE LOCKS
//   slot lock     one of 64, by descriptor number: the slot's registrations, and whether the number
//                 is a kqueue or libkq's own. A change of a descriptor's knotes holds it
//                 throughout, unless it only modifies a knote, which leaves the registration where
//                 it is; a close holds it to remove them, but not during the system call.
//   Kqueue::lock  everything of one kqueue: knotes, queue, registrations, timers.
//   list lock     the list of all kqueues; taken last, nothing is taken under it.
//   creation lock, duplication lock: see descriptor_table.h; the former is taken last as well, the
//                 latter first.
// Order: slot lock, then Kqueue::lock. Never two slot locks, never two kqueues' locks. Nobody
// sleeps with a lock. A scan holds Kqueue::lock only: when a ONESHOT takes the last knote of a
// registration with it, the shell stays for the next EV_ADD, the close or the end of the kqueue.
//
// THE LIFE OF A KQUEUE
//   Every descriptor that libkq knows of and every call in progress holds a reference; the last one
//   destroys it. So a kqueue that is closed while threads wait in it lives on until they return,
//   by an event, a timeout or a signal: FreeBSD's behaviour.
//
// A FORKED CHILD inherits no kqueue: its descriptors are closed and everything is forgotten
// (descriptor_table.cpp). WHAT CLOSES a descriptor is told in close_protocol.cpp.
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <new>

#include "internal.h"
#include "interpose.h"
#include "system_calls.h"

namespace kq {
namespace {

int create_kqueue(bool close_on_exec) {
  check_fork();
  if (!enter_table()) {
    errno = ENOMEM;
    return -1;
  }
  if (in_shared_memory_child()) {
    errno = ENOTSUP;  // between vfork and exec, in the parent's memory
    return -1;
  }
  auto* kqueue = new (std::nothrow) Kqueue;
  if (!kqueue) {
    errno = ENOMEM;
    return -1;
  }
  kqueue->references = 1;
  int fd = -1;
  kqueue->wake = make_internal([](int) { return sys::eventfd(EFD_NONBLOCK | EFD_CLOEXEC); });
  if (kqueue->wake >= 0) fd = sys::epoll_create(close_on_exec ? EPOLL_CLOEXEC : 0);
  if (fd >= 0) {
    // The private descriptor keeps the instance for threads that wait while the last of the user's
    // descriptors is closed.
    kqueue->epoll = duplicate_internal(fd);
  }
  int error = kqueue->epoll < 0 ? errno : add_internal_item(kqueue, kqueue->wake, Token::kWake);
  // Complete before others find it in the list: who calls on a number that was somebody else's a
  // moment ago looks there (adopt()).
  if (error == 0) list_insert(kqueue);
  if (error == 0 && !bind_descriptor(fd, kqueue)) error = ENOMEM;
  if (error != 0) {
    if (fd >= 0) sys::close(fd);
    fd = -1;
  }
  release(kqueue);
  errno = error;
  return fd;
}

int append_entry(const struct kevent& change, int error, struct kevent* events, int index) {
  struct kevent* entry = entry_at(events, index);
  if (writable_entries(entry, 1) == 1) {
    *entry = change;
    entry->flags = EV_ERROR;
    entry->data = error;
  }
  return index + 1;  // FreeBSD counts an entry whose copy failed
}

// Applies the changelist. Returns the number of entries written, or -1 with errno when the call
// ends here; *done is set when it ends with that number.
int apply_changes(Kqueue* kqueue, const struct kevent* changes, int nchanges, struct kevent* events,
                  int nevents, Call* call, bool* done) {
  constexpr int kChunk = 8;
  int entries = 0;
  for (int at = 0; at < nchanges; at += kChunk) {
    const int count = nchanges - at < kChunk ? nchanges - at : kChunk;
    const struct kevent* list = entry_at(changes, at);
    if (readable_entries(list, count) < count) {
      errno = EFAULT;
      return -1;
    }
    // A chunk is read before any of its entries is written: the lists may be the same memory.
    struct kevent chunk[kChunk];
    __builtin_memcpy(chunk, list, static_cast<size_t>(count) * sizeof chunk[0]);
    for (int i = 0; i < count; ++i) {
      i += apply_modifications(kqueue, chunk + i, count - i, call);
      if (i == count) break;
      struct kevent& change = chunk[i];
      // Filter 0 is skipped, without a receipt; but not an unknown flag with it.
      if (change.filter == 0 && !(change.flags & 0x0C00)) continue;
      const int error = apply_change(kqueue, &change, call);
      if (error == 0 && !(change.flags & EV_RECEIPT)) continue;
      // A negative count is refused only where the scan would begin: until then it is endless.
      if (nevents < 0 || entries < nevents) {
        entries = append_entry(change, error, events, entries);
      } else if (error != 0) {
        errno = error;
        return -1;
      } else {  // a receipt with no room: the rest of the changes is dropped
        *done = true;
        return 0;
      }
    }
  }
  *done = entries > 0 || nevents == 0;
  return entries;
}

// The end of the wait: INT64_MAX for none. Returns 0 or EINVAL.
int deadline_of(const timespec* timeout, int64_t* deadline) {
  *deadline = INT64_MAX;
  if (!timeout) return 0;
  if (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec > 999999999) return EINVAL;
  if (timeout->tv_sec > INT32_MAX) return 0;
  const int64_t span = timeout->tv_sec * int64_t{1000000000} + timeout->tv_nsec;
  *deadline = span == 0 ? 0 : now_ns(false) + span;
  return 0;
}

int do_kevent(Kqueue* kqueue, const struct kevent* changes, int nchanges, struct kevent* events,
              int nevents, const timespec* timeout) {
  if (nchanges < 0) {
    errno = EINVAL;
    return -1;
  }
  const uint64_t since = tick(kqueue);
  Call call;
  bool done = false;
  int result = apply_changes(kqueue, changes, nchanges, events, nevents, &call, &done);
  int64_t deadline = 0;
  if (result >= 0 && !done) {
    errno = nevents < 0 ? EINVAL : deadline_of(timeout, &deadline);
    if (errno == 0) return scan(kqueue, events, nevents, deadline, since);
    result = -1;
  }
  const int error = errno;
  if (nchanges > 0) {
    MutexGuard guard(&kqueue->lock);
    bury(kqueue);
    settle_pending(kqueue, &call);
    publish(kqueue);
  }
  close_left_over(kqueue);
  errno = error;
  return result;
}

}  // namespace
}  // namespace kq

KQ_EXPORT int kqueue(void) { return kq::create_kqueue(false); }

KQ_EXPORT int kqueue1(int flags) {
  if (flags & ~O_CLOEXEC) {
    errno = EINVAL;
    return -1;
  }
  return kq::create_kqueue(flags & O_CLOEXEC);
}

KQ_EXPORT int kqueuex(unsigned int flags) {
  if (flags & ~(KQUEUE_CLOEXEC | static_cast<unsigned>(O_CLOEXEC))) {
    errno = EINVAL;
    return -1;
  }
  return kq::create_kqueue(flags != 0);
}

KQ_EXPORT int kevent(int kq, const struct kevent* changelist, int nchanges,
                     struct kevent* eventlist, int nevents, const struct timespec* timeout) {
  timespec limit;
  if (timeout) {
    if (!kq::readable(timeout, sizeof *timeout)) {
      errno = EFAULT;
      return -1;
    }
    limit = *timeout;  // the user's copy may be overwritten while we wait
  }
  kq::Kqueue* kqueue = kq::acquire(kq);
  if (!kqueue) return -1;
  // The reference goes with the scope, also when the thread is cancelled while it waits.
  struct Holder {
    kq::Kqueue* kqueue;
    ~Holder() {
      const int error = errno;
      kq::release(kqueue);
      errno = error;
    }
  } holder{kqueue};
  return kq::do_kevent(kqueue, changelist, nchanges, eventlist, nevents,
                       timeout ? &limit : nullptr);
}
