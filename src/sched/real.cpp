// Found when they are first needed: before any constructor, if need be. What allocates is glibc's
// own by another name, since dlsym() itself allocates.
#include "sched/real.h"

#include <dlfcn.h>
#include <malloc.h>

#include <initializer_list>
#include <new>
#include <type_traits>

extern "C" {
void* __libc_malloc(size_t);
void __libc_free(void*);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);
}

namespace kqtorture::sched {
namespace {

// dlsym() is replaced, too, so it is asked for by its version: glibc moved it in 2.34.
void* find_dlsym() {
  for (const char* version : {"GLIBC_2.34", "GLIBC_2.17", "GLIBC_2.2.5"}) {
    if (void* found = dlvsym(RTLD_NEXT, "dlsym", version)) return found;
  }
  return nullptr;
}

}  // namespace

#define KQ_FIND(name) find(&name, #name)

Real::Real() {
  dlsym = reinterpret_cast<void* (*)(void*, const char*)>(find_dlsym());
  const auto find = [this](auto* function, const char* symbol) {
    *function =
        reinterpret_cast<std::remove_reference_t<decltype(*function)>>(dlsym(RTLD_NEXT, symbol));
  };
  KQ_FIND(syscall);
  KQ_FIND(pthread_create);
  KQ_FIND(pthread_join);
  KQ_FIND(pthread_detach);
  KQ_FIND(pthread_exit);
  KQ_FIND(pthread_cancel);
  KQ_FIND(pthread_testcancel);
  KQ_FIND(pthread_setcancelstate);
  KQ_FIND(pthread_setcanceltype);
  KQ_FIND(pthread_kill);
  KQ_FIND(pthread_sigmask);
  KQ_FIND(pthread_once);
  KQ_FIND(pthread_mutex_lock);
  KQ_FIND(pthread_mutex_trylock);
  KQ_FIND(pthread_mutex_timedlock);
  KQ_FIND(pthread_mutex_clocklock);
  KQ_FIND(pthread_mutex_unlock);
  KQ_FIND(pthread_mutex_destroy);
  KQ_FIND(pthread_cond_wait);
  KQ_FIND(pthread_cond_timedwait);
  KQ_FIND(pthread_cond_clockwait);
  KQ_FIND(pthread_cond_signal);
  KQ_FIND(pthread_cond_broadcast);
  KQ_FIND(pthread_cond_destroy);
  KQ_FIND(pthread_rwlock_rdlock);
  KQ_FIND(pthread_rwlock_tryrdlock);
  KQ_FIND(pthread_rwlock_wrlock);
  KQ_FIND(pthread_rwlock_trywrlock);
  KQ_FIND(pthread_rwlock_unlock);
  KQ_FIND(pthread_spin_lock);
  KQ_FIND(pthread_spin_trylock);
  KQ_FIND(pthread_spin_unlock);
  KQ_FIND(pthread_barrier_wait);
  KQ_FIND(pthread_barrier_init);
  KQ_FIND(pthread_barrier_destroy);
  KQ_FIND(sem_wait);
  KQ_FIND(sem_trywait);
  KQ_FIND(sem_timedwait);
  KQ_FIND(sem_post);
  KQ_FIND(sched_yield);
  KQ_FIND(raise);
  KQ_FIND(read);
  KQ_FIND(write);
  KQ_FIND(readv);
  KQ_FIND(writev);
  KQ_FIND(recv);
  KQ_FIND(recvfrom);
  KQ_FIND(recvmsg);
  KQ_FIND(send);
  KQ_FIND(sendto);
  KQ_FIND(sendmsg);
  KQ_FIND(accept);
  KQ_FIND(accept4);
  KQ_FIND(connect);
  KQ_FIND(poll);
  KQ_FIND(ppoll);
  KQ_FIND(select);
  KQ_FIND(pselect);
  KQ_FIND(epoll_create);
  KQ_FIND(epoll_create1);
  KQ_FIND(epoll_ctl);
  KQ_FIND(epoll_wait);
  KQ_FIND(epoll_pwait);
  KQ_FIND(eventfd);
  KQ_FIND(timerfd_create);
  KQ_FIND(timerfd_settime);
  KQ_FIND(timerfd_gettime);
  KQ_FIND(signalfd);
  KQ_FIND(inotify_init);
  KQ_FIND(inotify_init1);
  KQ_FIND(inotify_add_watch);
  KQ_FIND(inotify_rm_watch);
  KQ_FIND(pipe);
  KQ_FIND(pipe2);
  KQ_FIND(socket);
  KQ_FIND(socketpair);
  KQ_FIND(shutdown);
  KQ_FIND(bind);
  KQ_FIND(listen);
  KQ_FIND(open);
  KQ_FIND(close);
  KQ_FIND(dup);
  KQ_FIND(dup2);
  KQ_FIND(dup3);
  KQ_FIND(fcntl);
  KQ_FIND(ioctl);
  KQ_FIND(clock_gettime);
  KQ_FIND(gettimeofday);
  KQ_FIND(time);
  KQ_FIND(nanosleep);
  KQ_FIND(clock_nanosleep);
  KQ_FIND(usleep);
  KQ_FIND(sleep);
  find(&cxa_guard_acquire, "__cxa_guard_acquire");
  find(&cxa_guard_release, "__cxa_guard_release");
  find(&cxa_guard_abort, "__cxa_guard_abort");
  KQ_FIND(memcpy);
  KQ_FIND(memmove);
  KQ_FIND(memset);
  malloc = __libc_malloc;
  free = __libc_free;
  calloc = __libc_calloc;
  realloc = __libc_realloc;
  memalign = __libc_memalign;
  KQ_FIND(malloc_usable_size);
}

#undef KQ_FIND

// Not a guarded static: the guard is one of the functions looked for.
const Real& real() {
  alignas(Real) static char place[sizeof(Real)];
  static Real* made;
  if (made == nullptr) made = new (place) Real;
  return *made;
}

}  // namespace kqtorture::sched
