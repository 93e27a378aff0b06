/*
 * A change for which there is no descriptor left says so. The kqueue is open, so EBADF, which says
 * that it is not, is no answer; EMFILE, ENFILE and ENOMEM are, and so is success.
 *
 * Rule 1.3 of the contract. Written by hand: litmus programs do not use descriptors up.
 *
 * On a BSD or macOS:  cc -pthread repro.c && ./a.out
 * With a library:     cc -pthread repro.c $(pkg-config --cflags --libs kq) && ./a.out
 * Exit code: 0 it holds, 1 the bug is shown, 77 it cannot be tried here.
 */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include <sys/types.h>
#include <sys/event.h>
#include <sys/resource.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void cannot(const char *what)
{
  printf("cannot here: %s: %s\n", what, strerror(errno));
  exit(77);
}

#if defined(EVFILT_USER)

int main(void)
{
  static const struct timespec no_wait = {0, 0};
  const struct rlimit few = {64, 64};
  const int kq = kqueue();
  struct kevent change, event;
  int taken[64], count = 0, result, error, wrongs;
  if (kq < 0) cannot("kqueue");
  EV_SET(&change, 1, EVFILT_USER, EV_ADD, 0, 0, 0);
  if (kevent(kq, &change, 1, NULL, 0, &no_wait) != 0) cannot("EV_ADD of a USER knote");
  if (setrlimit(RLIMIT_NOFILE, &few) != 0) cannot("setrlimit");
  while (count < 64 && (taken[count] = dup(STDOUT_FILENO)) >= 0) count++;
  if (count == 0 || count == 64 || errno != EMFILE) cannot("dup");

  EV_SET(&change, 2, EVFILT_USER, EV_ADD, 0, 0, 0);
  errno = 0;
  result = kevent(kq, &change, 1, NULL, 0, &no_wait);
  error = errno;
  while (count > 0) close(taken[--count]);
  printf("kevent (2 USER ADD) = %d", result);
  if (result != 0) printf(" ERR#%d '%s'", error, strerror(error));
  printf("\n");
  wrongs = result != 0 && (result != -1 || (error != EMFILE && error != ENFILE && error != ENOMEM));
  if (wrongs != 0) puts("  ^ WRONG. The contract: EMFILE, ENFILE or ENOMEM");

  /* And nothing else has come of it. */
  EV_SET(&change, 1, EVFILT_USER, 0, NOTE_TRIGGER, 0, 0);
  if (kevent(kq, &change, 1, NULL, 0, &no_wait) != 0) cannot("a trigger");
  result = kevent(kq, NULL, 0, &event, 1, &no_wait);
  printf("kevent room=1 = %d\n", result);
  if (result != 1 || event.ident != 1) {
    wrongs++;
    puts("  ^ WRONG. The contract: the knote that was there is delivered");
  }
  puts(wrongs != 0 ? "SHOWN: not what the contract says" : "holds");
  return wrongs != 0;
}

#else
int main(void)
{
  errno = ENOSYS;
  cannot("<sys/event.h> has no EVFILT_USER");
}
#endif
