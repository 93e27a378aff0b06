// Mutexes, conditions, and what else is locked. The real ones are taken, too, without waiting: so
// their kinds and their owners are what the subject made them, and nothing has to be known of what
// was initialised where.
#include <errno.h>

#include "sched/replace.h"

using namespace kqtorture::sched;

namespace {

// The end of a wait, in virtual nanoseconds.
uint64_t deadline_of(const timespec* time, bool realtime) {
  const uint64_t ns =
      static_cast<uint64_t>(time->tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time->tv_nsec);
  if (!realtime) return ns;
  return ns > Descriptors::kRealtime ? ns - Descriptors::kRealtime : 0;
}

bool is_invalid(const timespec* time) { return time->tv_nsec < 0 || time->tv_nsec > 999'999'999; }

int lock(pthread_mutex_t* mutex, uint64_t deadline, uintptr_t site) {
  Core& core = Core::get();
  while (true) {
    if (deadline == kNever) {
      core.before_lock(key(mutex), site);
    } else {
      core.step(Step::kLock, core.object_of(key(mutex)), site);
    }
    const int error = real().pthread_mutex_trylock(mutex);
    if (error == 0 || error == EOWNERDEAD) {
      core.taken(key(mutex));
      core.acquire(key(mutex));
      return error;
    }
    if (error != EBUSY) return error;
    const int kind = mutex->__data.__kind & 3;
    if (kind == PTHREAD_MUTEX_ERRORCHECK_NP && !core.held_by_another(key(mutex))) return EDEADLK;
    if (core.block(Why::kMutex, key(mutex), deadline, Step::kLock, core.object_of(key(mutex)),
                   site) == Wake::kTimedOut) {
      return ETIMEDOUT;
    }
  }
}

int unlock(pthread_mutex_t* mutex) {
  Core& core = Core::get();
  core.release(key(mutex));
  const int error = real().pthread_mutex_unlock(mutex);
  if (error == 0) core.given_back(key(mutex));
  return error;
}

int wait(pthread_cond_t* condition, pthread_mutex_t* mutex, uint64_t deadline, uintptr_t site) {
  Core& core = Core::get();
  core.step(Step::kWait, core.object_of(key(condition)), site);
  core.test_cancel();
  const int error = unlock(mutex);
  if (error != 0) return error;
  const Wake wake = core.block(Why::kCondition, key(condition), deadline, Step::kNotify,
                               core.object_of(key(condition)), site);
  lock(mutex, kNever, site);
  core.test_cancel();
  return wake == Wake::kTimedOut ? ETIMEDOUT : 0;
}

int notify(pthread_cond_t* condition, unsigned most, uintptr_t site) {
  Core& core = Core::get();
  core.step(Step::kNotify, core.object_of(key(condition)), site);
  core.wake(Why::kCondition, key(condition), most);
  return 0;
}

}  // namespace

KQ_REPLACE(int, pthread_mutex_lock, (pthread_mutex_t * mutex)) {
  if (!in_subject()) return real().pthread_mutex_lock(mutex);
  return lock(mutex, kNever, KQ_HERE);
}

KQ_REPLACE(int, pthread_mutex_trylock, (pthread_mutex_t * mutex)) {
  if (!in_subject()) return real().pthread_mutex_trylock(mutex);
  Core& core = Core::get();
  core.step(Step::kAtomicUpdate, core.object_of(key(mutex)), KQ_HERE);
  const int error = real().pthread_mutex_trylock(mutex);
  if (error == 0 || error == EOWNERDEAD) {
    core.taken(key(mutex));
    core.acquire(key(mutex));
  }
  return error;
}

KQ_REPLACE(int, pthread_mutex_timedlock, (pthread_mutex_t * mutex, const timespec* time)) {
  if (!in_subject()) return real().pthread_mutex_timedlock(mutex, time);
  if (is_invalid(time)) return EINVAL;
  return lock(mutex, deadline_of(time, true), KQ_HERE);
}

KQ_REPLACE(int, pthread_mutex_clocklock,
           (pthread_mutex_t * mutex, clockid_t clock, const timespec* time)) {
  if (!in_subject()) return real().pthread_mutex_clocklock(mutex, clock, time);
  if (is_invalid(time)) return EINVAL;
  return lock(mutex, deadline_of(time, clock == CLOCK_REALTIME), KQ_HERE);
}

KQ_REPLACE(int, pthread_mutex_unlock, (pthread_mutex_t * mutex)) {
  if (!in_subject()) return real().pthread_mutex_unlock(mutex);
  return unlock(mutex);
}

KQ_REPLACE(int, pthread_cond_wait, (pthread_cond_t * condition, pthread_mutex_t* mutex)) {
  if (!in_subject()) return real().pthread_cond_wait(condition, mutex);
  return wait(condition, mutex, kNever, KQ_HERE);
}

KQ_REPLACE(int, pthread_cond_timedwait,
           (pthread_cond_t * condition, pthread_mutex_t* mutex, const timespec* time)) {
  if (!in_subject()) return real().pthread_cond_timedwait(condition, mutex, time);
  if (is_invalid(time)) return EINVAL;
  // As glibc notes the clock that pthread_condattr_setclock() chose.
  const bool monotonic = condition->__data.__wrefs & 2;
  return wait(condition, mutex, deadline_of(time, !monotonic), KQ_HERE);
}

KQ_REPLACE(int, pthread_cond_clockwait,
           (pthread_cond_t * condition, pthread_mutex_t* mutex, clockid_t clock,
            const timespec* time)) {
  if (!in_subject()) return real().pthread_cond_clockwait(condition, mutex, clock, time);
  if (is_invalid(time)) return EINVAL;
  return wait(condition, mutex, deadline_of(time, clock == CLOCK_REALTIME), KQ_HERE);
}

KQ_REPLACE(int, pthread_cond_signal, (pthread_cond_t * condition)) {
  if (!in_subject()) return real().pthread_cond_signal(condition);
  return notify(condition, 1, KQ_HERE);
}

KQ_REPLACE(int, pthread_cond_broadcast, (pthread_cond_t * condition)) {
  if (!in_subject()) return real().pthread_cond_broadcast(condition);
  return notify(condition, UINT32_MAX, KQ_HERE);
}

// --- those that are tried until they are had

namespace {

template <typename Try>
int acquire(Why why, const volatile void* object, uint64_t deadline, uintptr_t site, Try attempt) {
  Core& core = Core::get();
  while (true) {
    core.step(Step::kLock, core.object_of(key(object)), site);
    const int error = attempt();
    if (error == 0) core.acquire(key(object));
    if (error != EBUSY && error != EAGAIN) return error;
    const Wake wake =
        core.block(why, key(object), deadline, Step::kLock, core.object_of(key(object)), site);
    if (wake == Wake::kTimedOut) return ETIMEDOUT;
    if (wake == Wake::kInterrupted) return EINTR;
  }
}

template <typename Try>
int attempt_once(const volatile void* object, uintptr_t site, Try attempt) {
  Core& core = Core::get();
  core.step(Step::kAtomicUpdate, core.object_of(key(object)), site);
  const int error = attempt();
  if (error == 0) core.acquire(key(object));
  return error;
}

}  // namespace

KQ_REPLACE(int, pthread_rwlock_rdlock, (pthread_rwlock_t * lock)) {
  if (!in_subject()) return real().pthread_rwlock_rdlock(lock);
  return acquire(Why::kRwlock, lock, kNever, KQ_HERE,
                 [&] { return real().pthread_rwlock_tryrdlock(lock); });
}

KQ_REPLACE(int, pthread_rwlock_tryrdlock, (pthread_rwlock_t * lock)) {
  if (!in_subject()) return real().pthread_rwlock_tryrdlock(lock);
  return attempt_once(lock, KQ_HERE, [&] { return real().pthread_rwlock_tryrdlock(lock); });
}

KQ_REPLACE(int, pthread_rwlock_wrlock, (pthread_rwlock_t * lock)) {
  if (!in_subject()) return real().pthread_rwlock_wrlock(lock);
  return acquire(Why::kRwlock, lock, kNever, KQ_HERE,
                 [&] { return real().pthread_rwlock_trywrlock(lock); });
}

KQ_REPLACE(int, pthread_rwlock_trywrlock, (pthread_rwlock_t * lock)) {
  if (!in_subject()) return real().pthread_rwlock_trywrlock(lock);
  return attempt_once(lock, KQ_HERE, [&] { return real().pthread_rwlock_trywrlock(lock); });
}

KQ_REPLACE(int, pthread_rwlock_unlock, (pthread_rwlock_t * lock)) {
  if (!in_subject()) return real().pthread_rwlock_unlock(lock);
  Core& core = Core::get();
  core.release(key(lock));
  const int error = real().pthread_rwlock_unlock(lock);
  core.wake(Why::kRwlock, key(lock));
  return error;
}

KQ_REPLACE(int, pthread_spin_lock, (pthread_spinlock_t * lock)) {
  if (!in_subject()) return real().pthread_spin_lock(lock);
  return acquire(Why::kMutex, lock, kNever, KQ_HERE,
                 [&] { return real().pthread_spin_trylock(lock); });
}

KQ_REPLACE(int, pthread_spin_unlock, (pthread_spinlock_t * lock)) {
  if (!in_subject()) return real().pthread_spin_unlock(lock);
  Core& core = Core::get();
  core.release(key(lock));
  const int error = real().pthread_spin_unlock(lock);
  core.wake(Why::kMutex, key(lock));
  return error;
}

namespace {

int wait_semaphore(sem_t* semaphore, uint64_t deadline, uintptr_t site) {
  const int error = acquire(Why::kSemaphore, semaphore, deadline, site,
                            [&] { return real().sem_trywait(semaphore) == 0 ? 0 : errno; });
  if (error == 0) return 0;
  errno = error;
  return -1;
}

}  // namespace

KQ_REPLACE(int, sem_wait, (sem_t * semaphore)) {
  if (!in_subject()) return real().sem_wait(semaphore);
  return wait_semaphore(semaphore, kNever, KQ_HERE);
}

KQ_REPLACE(int, sem_timedwait, (sem_t * semaphore, const timespec* time)) {
  if (!in_subject()) return real().sem_timedwait(semaphore, time);
  return wait_semaphore(semaphore, deadline_of(time, true), KQ_HERE);
}

KQ_REPLACE(int, sem_post, (sem_t * semaphore)) {
  if (!in_subject()) return real().sem_post(semaphore);
  Core& core = Core::get();
  core.step(Step::kNotify, core.object_of(key(semaphore)), KQ_HERE);
  core.release(key(semaphore));
  const int result = real().sem_post(semaphore);
  core.wake(Why::kSemaphore, key(semaphore), 1);
  return result;
}

// The real one is never entered: who waits in it waits for good. Its size is in its first word, as
// glibc initialises it.
KQ_REPLACE(int, pthread_barrier_wait, (pthread_barrier_t * barrier)) {
  if (!in_subject()) return real().pthread_barrier_wait(barrier);
  Core& core = Core::get();
  struct Layout {
    unsigned in, current_round, count;
  };
  const unsigned count = reinterpret_cast<const Layout*>(barrier)->count;
  core.step(Step::kNotify, core.object_of(key(barrier)), KQ_HERE);
  core.release(key(barrier));
  const bool last = core.waiting_for(Why::kBarrier, key(barrier)) + 1 >= count;
  if (last) {
    core.wake(Why::kBarrier, key(barrier));
  } else {
    core.block(Why::kBarrier, key(barrier), kNever, Step::kNotify, core.object_of(key(barrier)),
               KQ_HERE);
  }
  core.acquire(key(barrier));
  return last ? PTHREAD_BARRIER_SERIAL_THREAD : 0;
}
