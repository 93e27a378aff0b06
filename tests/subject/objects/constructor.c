/* A subject that takes the process down, or stops it, while it is being loaded. */
#include <stdlib.h>
#include <unistd.h>

int kqueue(void) { return -1; }
int kevent(void) { return -1; }

__attribute__((constructor)) static void on_load(void) {
#if defined(KQ_CRASH)
  abort();
#elif defined(KQ_EXIT)
  exit(0); /* the code of a clean run, so that only the missing announcement tells */
#else
  for (;;) pause();
#endif
}
