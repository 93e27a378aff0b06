// The functions behind those that this program exports in their place.
#pragma once

#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <time.h>

#include <cstddef>

namespace kqtorture::sched {

#define KQ_REAL(name) decltype(&::name) name

struct Real {
  Real();

  void* (*dlsym)(void*, const char*);
  long (*syscall)(long, ...);
  KQ_REAL(pthread_create);
  KQ_REAL(pthread_join);
  KQ_REAL(pthread_detach);
  KQ_REAL(pthread_exit);
  KQ_REAL(pthread_cancel);
  KQ_REAL(pthread_testcancel);
  KQ_REAL(pthread_setcancelstate);
  KQ_REAL(pthread_setcanceltype);
  KQ_REAL(pthread_kill);
  KQ_REAL(pthread_sigmask);
  KQ_REAL(pthread_once);
  KQ_REAL(pthread_mutex_lock);
  KQ_REAL(pthread_mutex_trylock);
  KQ_REAL(pthread_mutex_timedlock);
  KQ_REAL(pthread_mutex_clocklock);
  KQ_REAL(pthread_mutex_unlock);
  KQ_REAL(pthread_mutex_destroy);
  KQ_REAL(pthread_cond_wait);
  KQ_REAL(pthread_cond_timedwait);
  KQ_REAL(pthread_cond_clockwait);
  KQ_REAL(pthread_cond_signal);
  KQ_REAL(pthread_cond_broadcast);
  KQ_REAL(pthread_cond_destroy);
  KQ_REAL(pthread_rwlock_rdlock);
  KQ_REAL(pthread_rwlock_tryrdlock);
  KQ_REAL(pthread_rwlock_wrlock);
  KQ_REAL(pthread_rwlock_trywrlock);
  KQ_REAL(pthread_rwlock_unlock);
  KQ_REAL(pthread_spin_lock);
  KQ_REAL(pthread_spin_trylock);
  KQ_REAL(pthread_spin_unlock);
  KQ_REAL(pthread_barrier_wait);
  KQ_REAL(pthread_barrier_init);
  KQ_REAL(pthread_barrier_destroy);
  KQ_REAL(sem_wait);
  KQ_REAL(sem_trywait);
  KQ_REAL(sem_timedwait);
  KQ_REAL(sem_post);
  KQ_REAL(sched_yield);
  int (*raise)(int);
  int (*cxa_guard_acquire)(void*);
  void (*cxa_guard_release)(void*);
  void (*cxa_guard_abort)(void*);

  ssize_t (*read)(int, void*, size_t);
  ssize_t (*write)(int, const void*, size_t);
  KQ_REAL(readv);
  KQ_REAL(writev);
  KQ_REAL(recv);
  KQ_REAL(recvfrom);
  KQ_REAL(recvmsg);
  KQ_REAL(send);
  KQ_REAL(sendto);
  KQ_REAL(sendmsg);
  KQ_REAL(accept);
  KQ_REAL(accept4);
  KQ_REAL(connect);
  KQ_REAL(poll);
  KQ_REAL(ppoll);
  KQ_REAL(select);
  KQ_REAL(pselect);
  KQ_REAL(epoll_create);
  KQ_REAL(epoll_create1);
  KQ_REAL(epoll_ctl);
  KQ_REAL(epoll_wait);
  KQ_REAL(epoll_pwait);
  int (*eventfd)(unsigned, int);
  KQ_REAL(timerfd_create);
  KQ_REAL(timerfd_settime);
  KQ_REAL(timerfd_gettime);
  int (*signalfd)(int, const sigset_t*, int);
  int (*inotify_init)();
  int (*inotify_init1)(int);
  int (*inotify_add_watch)(int, const char*, unsigned);
  int (*inotify_rm_watch)(int, int);
  int (*pipe)(int[2]);
  int (*pipe2)(int[2], int);
  KQ_REAL(socket);
  KQ_REAL(socketpair);
  KQ_REAL(shutdown);
  KQ_REAL(bind);
  KQ_REAL(listen);
  int (*open)(const char*, int, ...);
  int (*close)(int);
  int (*dup)(int);
  int (*dup2)(int, int);
  int (*dup3)(int, int, int);
  int (*fcntl)(int, int, ...);
  int (*ioctl)(int, unsigned long, ...);

  KQ_REAL(clock_gettime);
  int (*gettimeofday)(struct timeval*, void*);
  KQ_REAL(time);
  KQ_REAL(nanosleep);
  KQ_REAL(clock_nanosleep);
  int (*usleep)(unsigned);
  unsigned (*sleep)(unsigned);

  void* (*memcpy)(void*, const void*, size_t);
  void* (*memmove)(void*, const void*, size_t);
  void* (*memset)(void*, int, size_t);
  void* (*malloc)(size_t);
  void (*free)(void*);
  void* (*calloc)(size_t, size_t);
  void* (*realloc)(void*, size_t);
  void* (*memalign)(size_t, size_t);
  size_t (*malloc_usable_size)(void*);
};

#undef KQ_REAL

const Real& real();

}  // namespace kqtorture::sched
