// The functions of libkq's rooms, by file. Unless told otherwise the caller holds kqueue->lock.
#pragma once

#include "descriptor_table.h"
#include "knote.h"

namespace kq {

// --- filters ------------------------------------------------------------------------------------

// When a filter is evaluated: kScan relies on the edges that the scan has just taken in; kNow asks
// the object.
enum class When { kScan, kNow };

struct FilterOps {
  bool about_descriptor;
  // Connects a new knote with its object. Returns 0 or an errno.
  int (*attach)(Kqueue*, Knote*);
  void (*detach)(Kqueue*, Knote*);
  // Is the condition true? Updates event.data, .fflags and EV_EOF.
  bool (*evaluate)(Kqueue*, Knote*, When);
  // A change of an existing knote; null: interest and data are overwritten.
  void (*touch)(Kqueue*, Knote*, const struct kevent& change);
  // Fills *out for a delivery that is not a ONESHOT's, and resets what EV_CLEAR resets; null: the
  // event as evaluated.
  void (*process)(Kqueue*, Knote*, struct kevent* out);
};

// Null: no such filter (EINVAL). attach == null: the filter's slot is empty (ENXIO).
const FilterOps* find_filter(int16_t filter);

extern const FilterOps kReadFilter, kWriteFilter;  // descriptor_filter.cpp
extern const FilterOps kUserFilter;                // user_filter.cpp
extern const FilterOps kTimerFilter;               // timer_filter.cpp

inline Direction direction_of(const Knote* knote) {
  return knote->event.filter == EVFILT_WRITE ? kOut : kIn;
}

// --- registration.cpp: descriptors in the epoll instances
// -----------------------------------------

// What an item of epoll says about itself when it becomes ready.
enum class Token : uint32_t { kWake = 0xfffffff0, kSecond, kTimer, kRealTimer, kInotify };
uint64_t token_data(Token token);

// Creates the registration of fd in kqueue and puts it into the slot; the caller holds the slot's
// lock. flags: of fcntl(F_GETFL). Null with *error set.
Registration* create_registration(Kqueue* kqueue, Slot* slot, int fd, int flags, int* error);
// Removes it with all its knotes. still_open: the number still refers to its file.
void destroy_registration(Slot* slot, Registration* registration, bool still_open);
// As far as that goes without the slot's lock: removes the knotes, leaves a shell marked stale.
void abandon_registration(Registration* registration);
// Does the number still refer to the file that was registered?
bool still_registered(Registration* registration);
// Puts the item of a direction into an epoll instance, or takes it out. Returns 0 or an errno.
int watch_direction(Registration* registration, Direction direction);
void unwatch_direction(Registration* registration, Direction direction);
// The registration an edge belongs to, or null when it is a late one.
Registration* find_registration(Kqueue* kqueue, uint64_t data, Direction* direction);
// The private epoll instance, eventfd and the like that a kqueue makes on demand: registers fd
// level-triggered. Returns 0 or an errno.
int add_internal_item(Kqueue* kqueue, int fd, Token token);

// --- object.cpp: what kind of thing a descriptor is, and what it holds
// -----------------------------

// Finds out the kind, for create_registration. Returns 0 or an errno.
int classify(Registration* registration, const Slot* slot, int flags);

// --- file_watch.cpp: regular files, through inotify
// ------------------------------------------------

int watch_file(Registration* registration);
void unwatch_file(Registration* registration);
void take_in_file_events(Kqueue* kqueue);

// --- timer_filter.cpp
// -----------------------------------------------------------------------------

void take_in_timers(Kqueue* kqueue, TimerHeap* heap);

// --- change.cpp: the changelist
// --------------------------------------------------------------------

// Applies one change; returns 0 or an errno. scan_follows: this call goes on to scan, so
// evaluating a descriptor may be left to the scan. A change that created its knote has its fflags
// zeroed, which its receipt shows. Takes and releases the locks itself.
int apply_change(Kqueue* kqueue, struct kevent* change, bool scan_follows);
// Marks the knote active and, if enabled, queues it.
void activate(Kqueue* kqueue, Knote* knote);
// Removes a knote from queue, object and registration or hash table, and frees it.
void drop_knote(Kqueue* kqueue, Knote* knote);

// --- scan.cpp
// ---------------------------------------------------------------------------------------

// Takes in what the kernel has for this kqueue: activates knotes, delivers nothing.
void take_in(Kqueue* kqueue);
// The object of a knote did something.
void object_event(Kqueue* kqueue, Knote* knote);
// Makes the kqueue's descriptors readable exactly while the queue is not empty.
void publish(Kqueue* kqueue);
// The scan of one kevent() call, called without the lock. deadline: nanoseconds of CLOCK_MONOTONIC,
// 0 for a poll, INT64_MAX without limit. Returns the number of events or -1 with errno.
int scan(Kqueue* kqueue, struct kevent* events, int room, int64_t deadline);
int64_t now_ns(bool realtime);

// --- user_memory.cpp
// --------------------------------------------------------------------------------

// How many of count entries, from the first, lie in readable (writable) memory, judged in the
// chunks of 8 that the kernel copies in.
int readable_entries(const struct kevent* list, int count);
int writable_entries(struct kevent* list, int count);
bool readable(const void* memory, size_t size);

}  // namespace kq
