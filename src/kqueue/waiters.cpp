// Who waits where, when several threads wait on one kqueue.
//
// poll(2) on the epoll instance wakes every thread that sleeps in it, for each event: with many
// waiters most of the work would be to wake up and find nothing. So one of them watches the
// instance, and the others sleep on a bench, a second epoll instance, which wakes one of its
// sleepers each time its bell is rung (the bell is an edge-triggered eventfd). Who watches and
// leaves, because it has events, because its time is up, because a signal came or it was cancelled,
// rings for the next, who looks at the queue first and then goes on watching. So while anybody
// waits there is always one who watches, or who was rung for and has yet to wake up.
//
// A watcher may leave events behind: its successor looks before it sleeps. Nothing else has to
// wake the bench, since whatever is added to the queue makes the instance readable.
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "internal.h"
#include "system_calls.h"

namespace kq {
namespace {

timespec time_left(int64_t deadline) {
  const int64_t span = deadline - now_ns(false);
  if (span <= 0) return {0, 0};
  return {span / 1000000000, span % 1000000000};
}

// Returns 0 or an errno.
int watch_instance(int epoll, int64_t deadline) {
  pollfd item{epoll, POLLIN, 0};
  const timespec left = time_left(deadline);
  const int result = ppoll(&item, 1, deadline == INT64_MAX ? nullptr : &left, nullptr);
  return result < 0 ? errno : 0;
}

// Returns how often the bell was heard, 0 or 1, or -1 with errno. libc's call, which can be
// cancelled; an older one does not know it, and rounds the time up to milliseconds.
int rest(int bench, int64_t deadline) {
  epoll_event event;
  const timespec left = time_left(deadline);
#if defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 35)
  const int heard =
      epoll_pwait2(bench, &event, 1, deadline == INT64_MAX ? nullptr : &left, nullptr);
  if (heard >= 0 || errno != ENOSYS) return heard;
#endif
#endif
  const int64_t most = INT32_MAX / 1000 - 1;
  const int64_t seconds = left.tv_sec < most ? left.tv_sec : most;
  const int64_t milliseconds = seconds * 1000 + (left.tv_nsec + 999999) / 1000000;
  return epoll_wait(bench, &event, 1, deadline == INT64_MAX ? -1 : static_cast<int>(milliseconds));
}

void ring(Waiters* waiters) {
  waiters->rung = true;
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t unused = sys::write(waiters->bell, &one, sizeof one);
}

// Nobody is left to hear the bell.
void unring(Waiters* waiters) {
  epoll_event event;
  sys::epoll_take(waiters->bench, &event, 1);
  waiters->rung = false;
  waiters->watched = false;
}

// Makes the bench, without any lock. Without the descriptors for it all watch.
bool provide_bench(Kqueue* kqueue) {
  int bell = make_internal([](int) { return sys::eventfd(EFD_NONBLOCK | EFD_CLOEXEC); });
  int bench = bell < 0 ? -1 : make_internal([](int) { return sys::epoll_create(EPOLL_CLOEXEC); });
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  bool made = bench >= 0 && sys::epoll_ctl(bench, EPOLL_CTL_ADD, bell, &event) == 0;
  {
    MutexGuard guard(&kqueue->lock);
    Waiters& waiters = kqueue->waiters;
    if (made && waiters.bench < 0) {
      waiters.bench = bench;
      waiters.bell = bell;
      bench = bell = -1;
    }
    made = waiters.bench >= 0;
  }
  close_internal(bench);
  close_internal(bell);
  return made;
}

}  // namespace

Waiter::~Waiter() {
  if (place_ == Place::kNone) return;
  const int error = errno;
  {
    MutexGuard guard(&kqueue_->lock);
    Waiters& waiters = kqueue_->waiters;
    // A thread that is cancelled may have heard the bell, and cannot tell. A second watcher does no
    // harm.
    if (place_ == Place::kBench && waiters.rung && waiters.resting > 1) ring(&waiters);
    wake();
    leave();
  }
  errno = error;
}

void Waiter::wake() {
  if (place_ != Place::kBench) return;
  Waiters& waiters = kqueue_->waiters;
  --waiters.resting;
  place_ = Place::kNone;
  if (heard_) {
    heard_ = false;
    waiters.rung = false;
    place_ = Place::kWatch;
  } else if (waiters.rung && waiters.resting == 0) {
    unring(&waiters);
  }
}

void Waiter::take_place() {
  Waiters& waiters = kqueue_->waiters;
  if (place_ == Place::kWatch) return;
  if (!waiters.watched) {
    waiters.watched = true;
    place_ = Place::kWatch;
  } else if (waiters.bench >= 0) {
    ++waiters.resting;
    place_ = Place::kBench;
  }
}

void Waiter::leave() {
  if (place_ == Place::kWatch) {
    Waiters& waiters = kqueue_->waiters;
    if (waiters.resting > 0) {
      ring(&waiters);
    } else {
      waiters.watched = false;
    }
  }
  place_ = Place::kNone;
}

int Waiter::sleep(int64_t deadline) {
  if (place_ == Place::kNone && !standing_) {
    if (provide_bench(kqueue_)) return 0;
    standing_ = true;
  }
  if (place_ != Place::kBench) return watch_instance(kqueue_->epoll, deadline);
  const int heard = rest(kqueue_->waiters.bench, deadline);
  heard_ = heard > 0;
  return heard < 0 ? errno : 0;
}

}  // namespace kq
