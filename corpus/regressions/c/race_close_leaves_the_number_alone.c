/*
 * Who takes the number of a kqueue that is closed is left alone: a pipe that dup2() puts there gets
 * no bytes that nobody wrote, though threads wait in the kqueue meanwhile.
 *
 * Rules I20 and 2.9 of the contract. Written by hand: litmus programs do not see who wrote a byte.
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
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { WAITERS = 3 };

static void cannot(const char *what)
{
  printf("cannot here: %s: %s\n", what, strerror(errno));
  exit(77);
}

static void sleep_ms(long ms)
{
  const struct timespec time = {0, ms * 1000000};
  nanosleep(&time, NULL);
}

static void *wait_in(void *kq)
{
  static const struct timespec limit = {0, 5000000};
  struct kevent event;
  kevent(*(int *)kq, NULL, 0, &event, 1, &limit);
  return NULL;
}

/* How many bytes the pipe holds that nobody wrote. */
static long round_of(void)
{
  pthread_t threads[WAITERS];
  char bytes[16];
  int fd[2], i, kq = kqueue();
  long found;
  if (kq < 0 || pipe(fd) != 0) cannot("a kqueue and a pipe");
  if (fcntl(fd[0], F_SETFL, O_NONBLOCK) != 0) cannot("fcntl");
  for (i = 0; i < WAITERS; i++) {
    errno = pthread_create(&threads[i], NULL, wait_in, &kq);
    if (errno != 0) cannot("a thread");
  }
  sleep_ms(1); /* so that they wait; no verdict comes from it */
  if (dup2(fd[1], kq) != kq) cannot("dup2");
  for (i = 0; i < WAITERS; i++) pthread_join(threads[i], NULL);
  sleep_ms(1);
  found = (long)read(fd[0], bytes, sizeof bytes);
  close(kq);
  close(fd[0]);
  close(fd[1]);
  return found;
}

/* Argument: how many rounds. */
int main(int argc, char **argv)
{
  const unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 0) : 1000;
  unsigned long round;
  printf("%lu rounds\n", rounds);
  for (round = 1; round <= rounds; round++) {
    const long found = round_of();
    if (found <= 0) continue;
    printf("a pipe that nobody wrote into holds %ld bytes\n", found);
    printf("  ^ WRONG. The contract: the close of a kqueue touches no other file\n");
    printf("SHOWN in round %lu\n", round);
    return 1;
  }
  puts("holds: not seen");
  return 0;
}
