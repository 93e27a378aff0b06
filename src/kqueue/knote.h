// The data of libkq: knotes, registrations, kqueues. What guards what is told at the top of
// kevent.cpp.
#pragma once

#include <pthread.h>
#include <sys/event.h>
#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace kq {

struct Kqueue;
struct Registration;

// A knote is on the queue at most once, and never while it is disabled.
enum Status : uint8_t {
  kActive = 1,    // the filter was true when last evaluated, or an activation waits to be evaluated
  kQueued = 2,    // on the kqueue's queue
  kDisabled = 4,  // object activity sets kActive only
  kDraining = 8,  // on Kqueue::draining, and then not queued
};

struct Knote {
  Knote* queue_prev = nullptr;
  Knote* queue_next = nullptr;
  Knote* next = nullptr;                 // in the same hash bucket, or of the same registration
  Registration* registration = nullptr;  // null for filters that are not about a descriptor
  struct kevent event = {};              // as it would be delivered: flags, fflags, data, udata
  intptr_t saved_data = 0;               // what the user asked for
  uint32_t saved_fflags = 0;
  uint32_t walk = 0;  // the walk over the queue that last put it back, as Kqueue::walk counts
  uint8_t status = 0;
  bool pending = false;    // on Kqueue::pending, and then not queued
  bool forced = false;     // EV_FORCEONESHOT: the coming event is the final one
  bool triggered = false;  // EVFILT_USER: the latch

  bool oneshot() const { return event.flags & EV_ONESHOT; }
  bool disabled() const { return status & kDisabled; }
};

struct TimerKnote : Knote {
  int64_t deadline = 0;  // next expiry in nanoseconds of its clock
  int64_t period = 0;    // nanoseconds; 0: expires once
  int64_t heap_index = -1;
  bool absolute = false;  // on CLOCK_REALTIME, else CLOCK_MONOTONIC
};

struct SignalKnote : Knote {
  uint64_t seen = 0;  // of the posts of its signal
};

struct ProcessKnote : Knote {
  int pidfd = -1;  // libkq's own
};

// Knotes in a row. A knote is on one of the lists below at most.
class KnoteList {
 public:
  bool empty() const { return head_ == nullptr; }
  Knote* front() const { return head_; }

 protected:
  void link(Knote* knote);
  void unlink(Knote* knote);

 private:
  Knote* head_ = nullptr;
  Knote* tail_ = nullptr;
};

// The knotes in the order in which they became active; the scan consumes from the head.
class Queue : public KnoteList {
 public:
  size_t size() const { return size_.load(std::memory_order_relaxed); }
  void push_back(Knote* knote);
  void remove(Knote* knote);

 private:
  std::atomic<size_t> size_{0};  // read without the lock by a kqueue that watches this one
};

// The knotes that a change wants evaluated, in the order of the changes; see pending.cpp.
class Pending : public KnoteList {
 public:
  void push_back(Knote* knote);
  void remove(Knote* knote);
};

// The EVFILT_EMPTY knotes whose sockets still hold something, and do not tell when they are empty.
class Draining : public KnoteList {
 public:
  void push_back(Knote* knote);
  void remove(Knote* knote);
};

enum class Kind : uint8_t {
  kUnknown,  // has not been evaluated yet
  kPipe,     // pipe(2)
  kFifo,     // a named FIFO
  kStream,   // connection-oriented socket
  kPacket,   // datagram or seqpacket socket
  kTty,      // terminal, slave side of a pty
  kFile,     // regular file or directory: no poll(2), watched through inotify
  kKqueue,   // another kqueue
  kOther,    // eventfd, pty master, and whatever else can be polled
};

enum Direction : uint8_t { kIn = 0, kOut = 1 };
inline constexpr int kDirections = 2;

// Which epoll instance holds the item of a direction. An edge-triggered item that asked for input
// and output at once could not tell a read edge from a write edge; so the first direction of a
// descriptor goes to the main instance, and the other, if it comes, to the second.
enum class Place : uint8_t { kNone, kMain, kSecond };

// One descriptor number in one kqueue, with its knotes: one allocation of 136 bytes, for as long as
// it has one knote only.
struct Registration {
  Kqueue* kqueue = nullptr;
  Registration* slot_next = nullptr;  // the same number in another kqueue
  union {
    uint64_t inode = 0;  // of all others, once their kind is known
    Kqueue* watched;     // of kKqueue, see child()
  };
  uint64_t last_edge = 0;  // Kqueue::clock just before the last edge was taken in
  int fd = -1;
  int watch = -1;           // of inotify; see file_watch.h
  uint16_t poll_flags = 0;  // EPOLLHUP, EPOLLRDHUP, EPOLLERR as the last edges reported them
  Kind kind = Kind::kUnknown;
  Place place[kDirections] = {Place::kNone, Place::kNone};
  bool internet : 1 = false;  // kStream: TCP rather than a local socket
  bool readable : 1 = true;   // the access mode of the descriptor
  bool writable : 1 = true;
  uint8_t mute : 2 = 0;        // edges of these directions are swallowed: the caller evaluates
  bool stale : 1 = false;      // found to belong to a file that is no longer at this number
  bool doubtful : 1 = false;   // made while its number was being closed: may be too late
  bool edge_in : 1 = false;    // the last edge said that there is input
  bool countless : 1 = false;  // does not tell how much there is to be read (an eventfd)
  bool has_own : 1 = false;    // the next is one of its knotes, not just room for one
  Knote own;

  // The knotes, linked by Knote::next, or null.
  Knote* knotes() { return has_own ? &own : own.next; }
  // The kqueue watched, its slot's (rebind() sees to that); null if none is.
  Kqueue* child() const { return kind == Kind::kKqueue ? watched : nullptr; }
};

static_assert(sizeof(void*) != 8 || sizeof(Registration) <= 136);

// A growing array that never throws.
template <typename T>
class Array {
 public:
  size_t size() const { return size_; }
  T& operator[](size_t i) { return items_[i]; }
  const T& operator[](size_t i) const { return items_[i]; }
  bool reserve(size_t count);
  bool push_back(const T& value);
  void pop_back() { --size_; }
  void release();

 private:
  T* items_ = nullptr;
  size_t size_ = 0, capacity_ = 0;
};

struct NumberEntry {
  Registration* registration;
  uint32_t generation;  // of the entry: tells a late edge of a predecessor
};

// The registrations of one kqueue by descriptor number, in pages that are made when needed. What is
// found here under Kqueue::lock needs no slot lock, unless it is to be destroyed.
class NumberIndex {
 public:
  // Makes room for the number; false without memory.
  bool reserve(int fd);
  // The entry of a number that has room.
  NumberEntry& operator[](int fd) { return pages_[page_of(fd)][fd % kPage]; }
  // The same for any number; null without room.
  NumberEntry* find(uintptr_t fd) {
    if (fd / kPage >= pages_.size() || !pages_[fd / kPage]) return nullptr;
    return &pages_[fd / kPage][fd % kPage];
  }
  // The registration with the lowest number that is at least fd, or null.
  Registration* from(int fd);
  void release();

 private:
  static constexpr int kPage = 64;
  static size_t page_of(int fd) { return static_cast<size_t>(fd) / kPage; }
  Array<NumberEntry*> pages_;
};

// Timers of one clock, earliest first, behind one timerfd.
struct TimerHeap {
  Array<TimerKnote*> items;
  size_t reserved = 0;  // timers that may come back to the heap at any time
  int fd = -1;
  int64_t armed = -1;  // the deadline the timerfd is set to; -1: none
  bool realtime = false;
};

struct FileWatch;

// The files that are watched, by the number inotify has for each; see file_watch.h.
struct FileWatches {
  FileWatch** buckets = nullptr;
  size_t bucket_count = 0, count = 0;
  size_t moving = 0;  // directories that an entry has just left
};

// The threads that wait on one kqueue; see waiters.cpp.
struct Waiters {
  int bench = -1;   // an epoll instance in which those sleep that do not watch; made when needed
  int bell = -1;    // an eventfd in it
  int resting = 0;  // threads on the bench, or on their way to it
  bool watched = false;  // a thread watches the kqueue's instance, or has been rung for
  bool rung = false;     // for one that has not woken up yet
};

struct Kqueue {
  pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  std::atomic<int> references{0};  // descriptors and calls in progress
  Kqueue* list_prev = nullptr;     // all kqueues of the process
  Kqueue* list_next = nullptr;

  int epoll = -1;         // a private descriptor of the instance that users hold descriptors of
  int wake = -1;          // eventfd, in epoll: readable while the queue is not empty
  int second_epoll = -1;  // in epoll; created when needed
  int inotify = -1;       // in epoll; created when needed
  int probe = -1;         // timerfd, in epoll; created when needed: see empty_filter.cpp
  bool wake_set = false;
  Waiters waiters;

  Queue queue;
  Pending pending;
  uint32_t walk = 0;  // counts walks over the queue; wraps
  // Counts calls and scans, so that an edge can be said to have come after one of them began.
  std::atomic<uint64_t> clock{0};
  uint64_t scan_began = 0;  // the clock at the begin of the scan that holds the lock, or last did
  NumberIndex registrations;
  size_t live_registrations = 0;
  size_t children = 0;   // registrations that watch a kqueue
  size_t signals = 0;    // knotes with a signal's bell in epoll
  size_t processes = 0;  // PROC knotes
  // Those that are gone, whose descriptors are to be closed without this lock.
  std::atomic<ProcessKnote*> dead_processes{nullptr};
  FileWatches files;
  Draining draining;
  int64_t probe_interval = 0;  // nanoseconds; see empty_filter.cpp

  // What a close removes is freed by the next call on the kqueue: close() may run in a signal
  // handler that has interrupted malloc().
  bool closing = false;
  Knote* dead_knotes = nullptr;
  Registration* dead_registrations = nullptr;
  FileWatch* dead_watches = nullptr;

  Knote** buckets = nullptr;  // knotes that are not about a descriptor, by ident
  size_t bucket_count = 0, hashed = 0;
  TimerHeap heaps[2];  // [absolute]
};

template <typename T>
bool Array<T>::reserve(size_t count) {
  if (count <= capacity_) return true;
  size_t capacity = capacity_ ? capacity_ : 8;
  while (capacity < count) capacity *= 2;
  void* grown = __builtin_realloc(items_, capacity * sizeof(T));
  if (!grown) return false;
  items_ = static_cast<T*>(grown);
  capacity_ = capacity;
  return true;
}

template <typename T>
bool Array<T>::push_back(const T& value) {
  if (!reserve(size_ + 1)) return false;
  items_[size_++] = value;
  return true;
}

template <typename T>
void Array<T>::release() {
  __builtin_free(items_);
  items_ = nullptr;
  size_ = capacity_ = 0;
}

inline bool NumberIndex::reserve(int fd) {
  while (pages_.size() <= page_of(fd)) {
    if (!pages_.push_back(nullptr)) return false;
  }
  NumberEntry*& page = pages_[page_of(fd)];
  if (!page) page = static_cast<NumberEntry*>(__builtin_calloc(kPage, sizeof *page));
  return page != nullptr;
}

inline Registration* NumberIndex::from(int fd) {
  for (size_t page = page_of(fd), at = static_cast<size_t>(fd) % kPage; page < pages_.size();
       ++page, at = 0) {
    for (; pages_[page] && at < kPage; ++at) {
      if (pages_[page][at].registration) return pages_[page][at].registration;
    }
  }
  return nullptr;
}

inline void NumberIndex::release() {
  for (size_t i = 0; i < pages_.size(); ++i) __builtin_free(pages_[i]);
  pages_.release();
}

// Every lock of libkq is held through one of these. A signal handler that calls close() while its
// own thread holds one finds holds_lock() true, and does the bare call.
class MutexGuard {
 public:
  explicit MutexGuard(pthread_mutex_t* mutex) : mutex_(mutex) {
    held_ = held_ + 1;
    pthread_mutex_lock(mutex_);
  }
  ~MutexGuard() {
    pthread_mutex_unlock(mutex_);
    held_ = held_ - 1;
  }
  MutexGuard(const MutexGuard&) = delete;
  MutexGuard& operator=(const MutexGuard&) = delete;

  static bool holds_lock() { return held_ > 0; }

 private:
  pthread_mutex_t* mutex_;
  // In the static TLS block, where every lock finds it without a call.
  static thread_local volatile int held_ __attribute__((tls_model("initial-exec")));
};

}  // namespace kq
