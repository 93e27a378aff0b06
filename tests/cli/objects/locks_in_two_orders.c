/* A subject with two locks: a change of ident 1 takes them in one order, any other in the other. It
   has no events. */
#include <pthread.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

struct kevent {
  uintptr_t ident;
  int16_t filter;
  uint16_t flags;
  uint32_t fflags;
  intptr_t data;
  void* udata;
};

static pthread_mutex_t left = PTHREAD_MUTEX_INITIALIZER, right = PTHREAD_MUTEX_INITIALIZER;
static int counter;

static void with(pthread_mutex_t* first, pthread_mutex_t* second) {
  pthread_mutex_lock(first);
  pthread_mutex_lock(second);
  counter++;
  pthread_mutex_unlock(second);
  pthread_mutex_unlock(first);
}

int kqueue(void) { return dup(0); }

int kevent(int kq, const struct kevent* changes, int nchanges, struct kevent* events, int nevents,
           const struct timespec* timeout) {
  (void)kq, (void)events, (void)nevents, (void)timeout;
  for (int i = 0; i < nchanges; i++) {
    if (changes[i].ident == 1) {
      with(&left, &right);
    } else {
      with(&right, &left);
    }
  }
  return 0;
}
