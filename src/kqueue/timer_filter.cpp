// EVFILT_TIMER, as FreeBSD's filt_timer*: one heap and one timerfd per clock and kqueue.
//
// A timer is in the heap until it expires. Then it stays out, however short its period, until its
// event is delivered: how many periods have passed is computed from the clock at that moment. So a
// timer of a nanosecond that nobody collects, or one that is disabled, costs nothing.
#include <errno.h>
#include <limits.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"
#include "system_calls.h"

namespace kq {
namespace {

constexpr uint32_t kUnits = NOTE_SECONDS | NOTE_MSECONDS | NOTE_USECONDS | NOTE_NSECONDS;
constexpr int64_t kFar = INT64_MAX / 2;  // nanoseconds; longer times are clamped to it

TimerHeap* heap_of(Kqueue* kqueue, const TimerKnote* timer) {
  return &kqueue->heaps[timer->absolute];
}

void place(TimerHeap* heap, size_t i, TimerKnote* timer) {
  heap->items[i] = timer;
  timer->heap_index = static_cast<int64_t>(i);
}

void sift_up(TimerHeap* heap, size_t i) {
  TimerKnote* timer = heap->items[i];
  for (; i > 0 && heap->items[(i - 1) / 2]->deadline > timer->deadline; i = (i - 1) / 2) {
    place(heap, i, heap->items[(i - 1) / 2]);
  }
  place(heap, i, timer);
}

void sift_down(TimerHeap* heap, size_t i) {
  TimerKnote* timer = heap->items[i];
  const size_t size = heap->items.size();
  for (size_t child; (child = 2 * i + 1) < size; i = child) {
    if (child + 1 < size && heap->items[child + 1]->deadline < heap->items[child]->deadline) {
      ++child;
    }
    if (heap->items[child]->deadline >= timer->deadline) break;
    place(heap, i, heap->items[child]);
  }
  place(heap, i, timer);
}

void heap_remove(TimerHeap* heap, TimerKnote* timer) {
  if (timer->heap_index < 0) return;
  const size_t i = static_cast<size_t>(timer->heap_index);
  TimerKnote* last = heap->items[heap->items.size() - 1];
  heap->items.pop_back();
  timer->heap_index = -1;
  if (last == timer) return;
  place(heap, i, last);
  sift_up(heap, i);
  sift_down(heap, static_cast<size_t>(last->heap_index));
}

// Room was reserved when the timer was created.
void heap_insert(TimerHeap* heap, TimerKnote* timer) {
  heap->items.push_back(timer);
  sift_up(heap, heap->items.size() - 1);
}

// Sets the timerfd to the earliest deadline. An absolute time that has passed fires at once.
void arm(TimerHeap* heap) {
  const int64_t deadline = heap->items.size() ? heap->items[0]->deadline : -1;
  if (deadline == heap->armed) return;
  heap->armed = deadline;
  itimerspec value{};
  if (deadline >= 0) {
    value.it_value.tv_sec = deadline / 1000000000;
    value.it_value.tv_nsec = deadline % 1000000000;
    if (deadline == 0) value.it_value.tv_nsec = 1;  // zero would disarm
  }
  const int flags = TFD_TIMER_ABSTIME | (heap->realtime ? TFD_TIMER_CANCEL_ON_SET : 0);
  sys::timerfd_settime(heap->fd, flags, &value);
}

// filt_timervalidate(): nanoseconds, or -1 for parameters that mean nothing.
int64_t requested_ns(const Knote* knote) {
  const uint32_t unit = knote->saved_fflags & kUnits;
  if ((knote->saved_fflags & ~(kUnits | NOTE_ABSTIME)) != 0) return -1;
  if (unit != 0 && (unit & (unit - 1)) != 0) return -1;
  if (knote->saved_data < 0) return -1;
  const int64_t scale = unit == NOTE_SECONDS    ? 1000000000
                        : unit == NOTE_USECONDS ? 1000
                        : unit == NOTE_NSECONDS ? 1
                                                : 1000000;
  int64_t result;
  if (__builtin_mul_overflow(int64_t{knote->saved_data}, scale, &result)) return kFar;
  return result < kFar ? result : kFar;
}

// Starts the timer with its saved parameters. Returns 0 or an errno.
int start(Kqueue* kqueue, TimerKnote* timer) {
  // A period of zero means one unit, but for a ONESHOT, which expires at once.
  if (timer->saved_data == 0 && !timer->oneshot()) timer->saved_data = 1;
  const int64_t span = requested_ns(timer);
  if (span < 0) return EINVAL;
  const bool absolute = timer->saved_fflags & NOTE_ABSTIME;
  TimerHeap* heap = &kqueue->heaps[absolute];
  // Every timer can return to its heap without needing memory.
  if (!heap->items.reserve(heap->reserved + 1)) return ENOMEM;
  ++heap->reserved;
  timer->absolute = absolute;
  timer->period = absolute || timer->oneshot() ? 0 : span;
  timer->deadline = absolute ? span : now_ns(false) + span;
  heap_insert(heap, timer);
  arm(heap);
  return 0;
}

void stop(Kqueue* kqueue, TimerKnote* timer) {
  if (timer->deadline < 0) return;  // did not start
  TimerHeap* heap = heap_of(kqueue, timer);
  heap_remove(heap, timer);
  --heap->reserved;
  timer->deadline = -1;
  arm(heap);
}

// Adds the expirations up to now to the count, and moves the deadline past it.
void count_expirations(TimerKnote* timer, int64_t now) {
  if (timer->deadline < 0 || now < timer->deadline) return;
  if (timer->period == 0) {
    timer->event.data = 1;
    return;
  }
  const int64_t periods = 1 + (now - timer->deadline) / timer->period;
  timer->event.data += periods;
  timer->deadline += periods * timer->period;
}

int attach(Kqueue* kqueue, Knote* knote) {
  auto* timer = static_cast<TimerKnote*>(knote);
  timer->deadline = -1;
  // A relative timer counts its expirations between deliveries.
  if (!(timer->saved_fflags & NOTE_ABSTIME)) timer->event.flags |= EV_CLEAR;
  return start(kqueue, timer);
}

void detach(Kqueue* kqueue, Knote* knote) { stop(kqueue, static_cast<TimerKnote*>(knote)); }

bool evaluate(Kqueue*, Knote* knote, When) { return knote->event.data != 0; }

// EV_ADD of a timer that exists starts it anew and throws away what it had counted, a forced
// activation included. The change succeeds even if its parameters mean nothing; then the timer is
// dead, and says so in an event with EV_ERROR.
void touch(Kqueue* kqueue, Knote* knote, const struct kevent& change) {
  if (!(change.flags & EV_ADD)) return;
  auto* timer = static_cast<TimerKnote*>(knote);
  stop(kqueue, timer);
  if (knote->status & kQueued) kqueue->queue.remove(knote);
  knote->status &= static_cast<uint8_t>(~kActive);
  knote->event.data = 0;
  knote->event.flags &= static_cast<uint16_t>(~EV_ERROR);
  knote->saved_fflags = change.fflags;
  knote->saved_data = change.data;
  if (const int error = start(kqueue, timer)) {
    knote->event.flags |= EV_ERROR;
    knote->event.data = error;
  }
}

void process(Kqueue* kqueue, Knote* knote, struct kevent* out) {
  auto* timer = static_cast<TimerKnote*>(knote);
  if (timer->period > 0 && timer->heap_index < 0 && timer->deadline >= 0) {
    count_expirations(timer, now_ns(false));
    TimerHeap* heap = heap_of(kqueue, timer);
    heap_insert(heap, timer);
    arm(heap);
  }
  *out = knote->event;
  if (knote->event.flags & EV_CLEAR) {
    knote->event.data = 0;
    knote->event.fflags = 0;
  }
}

}  // namespace

const FilterOps kTimerFilter = {false, attach, detach, evaluate, touch, process};

int64_t now_ns(bool realtime) {
  timespec now;
  clock_gettime(realtime ? CLOCK_REALTIME : CLOCK_MONOTONIC, &now);
  return now.tv_sec * int64_t{1000000000} + now.tv_nsec;
}

bool reserve_timer(Kqueue* kqueue, const struct kevent& change) {
  if (!(change.flags & EV_ADD)) return true;
  TimerHeap* heap = &kqueue->heaps[(change.fflags & NOTE_ABSTIME) != 0];
  return heap->items.reserve(heap->reserved + 1);
}

int provide_timerfd(Kqueue* kqueue, bool realtime) {
  TimerHeap* heap = &kqueue->heaps[realtime];
  {
    MutexGuard guard(&kqueue->lock);
    heap->realtime = realtime;
    if (heap->fd >= 0) return 0;
  }
  const auto create = [](int clock) {
    return sys::timerfd_create(clock, TFD_NONBLOCK | TFD_CLOEXEC);
  };
  return install(kqueue, make_internal(create, realtime ? CLOCK_REALTIME : CLOCK_MONOTONIC),
                 &heap->fd, realtime ? Token::kRealTimer : Token::kTimer);
}

void take_in_timers(Kqueue* kqueue, TimerHeap* heap) {
  uint64_t ticks;
  // Fails with ECANCELED when the wall clock was set: then the deadlines are looked at again, too.
  [[maybe_unused]] const ssize_t unused = sys::read(heap->fd, &ticks, sizeof ticks);
  heap->armed = -1;
  const int64_t now = now_ns(heap->realtime);
  while (heap->items.size() && heap->items[0]->deadline <= now) {
    TimerKnote* timer = heap->items[0];
    heap_remove(heap, timer);
    count_expirations(timer, now);
    activate(kqueue, timer);
  }
  arm(heap);
}

}  // namespace kq
