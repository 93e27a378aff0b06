// The functions of libkq's rooms, by file. Unless told otherwise the caller holds kqueue->lock.
#pragma once

#include <sys/epoll.h>

#include "descriptor_table.h"
#include "knote.h"

namespace kq {

// --- filters ------------------------------------------------------------------------------------

// Negative answers of attach, instead of an errno: the kqueue lacks one of the descriptors that are
// made on demand. They are made without any lock (provide()), and the change starts again.
enum Need : int {
  kNeedSecondEpoll = -1,
  kNeedInotify = -2,
  kNeedProbe = -3,
  kNeedProcess = -4,
  kNeedSignal = -5
};

// When a filter is evaluated: kScan relies on the edges that the scan has just taken in, kPolled on
// what poll(2) has just said about hang-ups; kNow asks the object.
enum class When { kScan, kPolled, kNow };

struct FilterOps {
  bool about_descriptor;
  // Connects a new knote with its object. Returns 0, an errno, or a Need.
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

extern const FilterOps kReadFilter, kWriteFilter;     // descriptor_filter.cpp
extern const FilterOps kEmptyFilter;                  // empty_filter.cpp
extern const FilterOps kVnodeFilter;                  // vnode_filter.cpp
extern const FilterOps kUserFilter;                   // user_filter.cpp
extern const FilterOps kTimerFilter;                  // timer_filter.cpp
extern const FilterOps kSignalFilter;                 // signal_filter.cpp
extern const FilterOps kProcFilter, kProcdescFilter;  // process_filter.cpp

// What epoll reports of an object's end besides readiness.
inline constexpr uint32_t kHangup = EPOLLHUP | EPOLLRDHUP | EPOLLERR;

inline Direction direction_of(const Knote* knote) {
  const int16_t filter = knote->event.filter;
  return filter == EVFILT_WRITE || filter == EVFILT_EMPTY ? kOut : kIn;
}
// Do epoll's edges of the direction concern it? A vnode's notes are not among them.
inline bool heeds(const Knote* knote, Direction direction) {
  return knote->event.filter != EVFILT_VNODE && direction_of(knote) == direction;
}

// --- registration.cpp: descriptors in the epoll instances
// -----------------------------------------

// What an item of epoll says about itself when it becomes ready.
enum class Token : uint32_t {
  kWake = 0xfffffff0,
  kSecond,
  kTimer,
  kRealTimer,
  kInotify,
  kProbe,
  kSignal,         // with the signal's number
  kPendingSignal,  // signals that every thread blocks
  kProcess,        // with the process's number
};
uint64_t token_data(Token token);

// Creates the registration of fd in kqueue and puts it into the slot; the caller holds the slot's
// lock. Null with *error set.
Registration* create_registration(Kqueue* kqueue, Slot* slot, int fd, int* error);
// Removes it with all its knotes. still_open: the number still refers to its file.
void destroy_registration(Slot* slot, Registration* registration, bool still_open);
// As far as that goes without the slot's lock: removes the knotes, leaves a shell marked stale.
void abandon_registration(Registration* registration);
// Does the number still refer to the file that was registered?
bool still_registered(Registration* registration);
// Did it at some moment since the clock showed that?
bool registered_since(Registration* registration, uint64_t clock);
// Puts the item of a direction into an epoll instance, or takes it out. Returns 0, an errno or a
// Need.
int watch_direction(Registration* registration, Direction direction);
void unwatch_direction(Registration* registration, Direction direction);
// The registration an edge belongs to, or null when it is a late one.
Registration* find_registration(Kqueue* kqueue, uint64_t data, Direction* direction);
// Registers a descriptor of libkq's own, level-triggered. Returns 0 or an errno.
int add_internal_item(Kqueue* kqueue, int fd, Token token);
// Makes what the kqueue lacks; called without any lock. Returns 0 or an errno.
int provide(Kqueue* kqueue, Need need);
// The same for any such descriptor: fd becomes *member, unless another thread was first.
int install(Kqueue* kqueue, int fd, int* member, Token token);

// --- object.cpp: what kind of thing a descriptor is, and what it holds
// -----------------------------

// Finds out the kind, if that has not been done. Returns 0 or an errno.
int classify(Registration* registration);

// --- file_watch.cpp: files, through inotify
// --------------------------------------------------------

// Lets the registration hear what the knote's filter wants to know. Returns 0, an errno or a Need.
int watch_file(Registration* registration, const Knote* knote);
void unwatch_file(Registration* registration);
void free_dead_watches(Kqueue* kqueue);

// --- vnode_filter.cpp: what inotify says
// -----------------------------------------------------------

uint32_t file_bits(mode_t mode, const Knote* knote);
void take_in_file_events(Kqueue* kqueue);

// --- empty_filter.cpp
// -----------------------------------------------------------------------------

void take_in_probe(Kqueue* kqueue);
// Makes the timerfd for it; called without any lock. Returns 0 or an errno.
int provide_probe(Kqueue* kqueue);

// --- timer_filter.cpp
// -----------------------------------------------------------------------------

void take_in_timers(Kqueue* kqueue, TimerHeap* heap);
// Makes room for a timer that the change moves, perhaps to the other clock; false without memory.
bool reserve_timer(Kqueue* kqueue, const struct kevent& change);
// Makes the timerfd of one clock; called without any lock. Returns 0 or an errno.
int provide_timerfd(Kqueue* kqueue, bool realtime);

// --- signal_filter.cpp, process_filter.cpp
// -----------------------------------------------------------------------------

void take_in_signal(Kqueue* kqueue, int signal);
void take_in_pending_signals(Kqueue* kqueue);
void take_in_process(Kqueue* kqueue, uint32_t pid);
// A pidfd of libkq's own; called without any lock. Returns 0 or an errno.
int open_process(uintptr_t ident, int* pidfd);
// What an unprivileged process cannot see of another.
inline bool asks_for_the_unseen(uint32_t fflags) {
  return fflags & (NOTE_FORK | NOTE_EXEC | NOTE_TRACK);
}
// Closes the descriptors of SIGNAL and PROC knotes that are gone; called without any lock.
void close_left_over(Kqueue* kqueue);

// --- knote.cpp: where knotes live
// -----------------------------------------------------------------------------

// A knote for the registration (null: for a filter that is not about a descriptor), or null.
Knote* allocate_knote(int16_t filter, Registration* registration);
// Gives back one that was not inserted.
void discard_knote(Knote* knote);
// Makes room in the hash table; false without memory.
bool reserve_hashed(Kqueue* kqueue);
// Puts the knote where its registration, or find_hashed(), finds it.
void insert_knote(Kqueue* kqueue, Knote* knote);
Knote* find_hashed(Kqueue* kqueue, uintptr_t ident, int16_t filter);
// Removes a knote from queue, object and registration or hash table, and frees it.
void drop_knote(Kqueue* kqueue, Knote* knote);
// Frees what closes have left.
void bury(Kqueue* kqueue);

// --- change.cpp: the changelist
// --------------------------------------------------------------------

// What the changes of one kevent() call share.
struct Call {
  bool taken_in = false;  // what the kernel had before this call is in the queue
};

// Applies one change; returns 0 or an errno. A change that created its knote has its fflags zeroed,
// which its receipt shows. Takes and releases the locks itself.
int apply_change(Kqueue* kqueue, struct kevent* change, Call* call);
// Applies the first of these changes that only modify knotes that exist, with one lock for all.
// Returns how many; the one behind them is a case for apply_change().
int apply_modifications(Kqueue* kqueue, const struct kevent* changes, int count, Call* call);
// Marks the knote active and, if enabled, queues it.
void activate(Kqueue* kqueue, Knote* knote);
// What the kernel has pending was active before anything this call activates.
void take_in_before(Kqueue* kqueue, Call* call);

// --- pending.cpp: evaluations that wait for the end of the changelist
// ---------------------------------------------------------------------

// May the evaluation of this knote wait?
bool can_wait(const Knote* knote);
// Evaluates all that wait, and activates those that are true.
void settle_pending(Kqueue* kqueue, Call* call);

// --- scan.cpp
// ---------------------------------------------------------------------------------------

// Takes in what the kernel has for this kqueue: activates knotes, delivers nothing.
void take_in(Kqueue* kqueue);
// The object of a knote did something.
void object_event(Kqueue* kqueue, Knote* knote);
// Makes the kqueue's descriptors readable exactly while the queue is not empty.
void publish(Kqueue* kqueue);
// The scan of one kevent() call, called without the lock. deadline: nanoseconds of CLOCK_MONOTONIC,
// 0 for a poll, INT64_MAX without limit. since: the kqueue's clock when the call began. Returns the
// number of events or -1 with errno.
int scan(Kqueue* kqueue, struct kevent* events, int room, int64_t deadline, uint64_t since);
// Advances the kqueue's clock and returns the new time.
inline uint64_t tick(Kqueue* kqueue) {
  return kqueue->clock.fetch_add(1, std::memory_order_acq_rel) + 1;
}
int64_t now_ns(bool realtime);

// --- waiters.cpp: who waits where
// -----------------------------------------------------------------------------

// One call's place among the threads that wait on a kqueue, given up with the scope.
class Waiter {
 public:
  explicit Waiter(Kqueue* kqueue) : kqueue_(kqueue) {}
  ~Waiter();
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  // With the lock: after sleep(), before the queue is looked at.
  void wake();
  // With the lock: nothing was found, sleep() comes next.
  void take_place();
  // With the lock: the call ends.
  void leave();
  // Without it: sleeps until something may have happened. Returns 0 or an errno.
  int sleep(int64_t deadline);

 private:
  enum class Place : uint8_t { kNone, kWatch, kBench };
  Kqueue* const kqueue_;
  Place place_ = Place::kNone;
  bool heard_ = false;     // the bell rang for this one
  bool standing_ = false;  // there is no room for a bench
};

// --- user_memory.cpp
// --------------------------------------------------------------------------------

// How many of count entries, from the first, lie in readable memory, in the chunks of 8 that the
// kernel copies in; or in writable memory, one by one.
int readable_entries(const struct kevent* list, int count);
int writable_entries(struct kevent* list, int count);
bool readable(const void* memory, size_t size);
// &list[index] for a list that may be null, wild, or shorter than that.
template <typename Entry>
Entry* entry_at(Entry* list, int index) {
  return reinterpret_cast<Entry*>(reinterpret_cast<uintptr_t>(list) +
                                  static_cast<uintptr_t>(index) * sizeof(Entry));
}

}  // namespace kq
