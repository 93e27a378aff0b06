/* A subject that loads well and takes the process down, or stops it, in kevent(). */
#include <stdlib.h>
#include <unistd.h>

int kqueue(void) { return dup(0); }

int kevent(void) {
#if defined(KQ_CRASH)
  *(volatile int*)16 = 1;
  return 0;
#elif defined(KQ_EXIT)
  _exit(0);
#else
  for (;;) pause();
#endif
}
