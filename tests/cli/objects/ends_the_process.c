/* A subject that accepts every change, has no event for anybody, and on some changes takes the
   process down or never returns: DELETE crashes, DISABLE hangs, ENABLE exits. */
#include <stdint.h>
#include <sys/types.h>
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

int kqueue(void) { return dup(0); }

int kevent(int kq, const struct kevent* changes, int nchanges, struct kevent* events, int nevents,
           const struct timespec* timeout) {
  (void)kq, (void)events, (void)nevents, (void)timeout;
  for (int i = 0; i < nchanges; i++) {
    if (changes[i].flags & 0x2) *(volatile int*)16 = 1;
    if (changes[i].flags & 0x4) _exit(3);
    if (changes[i].flags & 0x8) {
      for (;;) pause();
    }
  }
  return 0;
}
