/*
 * A TCP socket that was never connected has nothing to tell: no bytes, no room, no end.
 *
 * Rule 3.2 of the contract. Written by hand: the sockets of litmus programs are connected.
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
#include <sys/socket.h>
#include <netinet/in.h>
#include <errno.h>
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

int main(void)
{
  static const struct timespec no_wait = {0, 0};
  static const int filters[2] = {EVFILT_READ, EVFILT_WRITE};
  int i, wrongs = 0;
  for (i = 0; i < 2; i++) { /* each in a kqueue of its own */
    const int kq = kqueue(), fd = socket(AF_INET, SOCK_STREAM, 0);
    struct kevent change, event;
    int count;
    if (kq < 0 || fd < 0) cannot("a socket");
    EV_SET(&change, (uintptr_t)fd, filters[i], EV_ADD, 0, 0, 0);
    if (kevent(kq, &change, 1, NULL, 0, &no_wait) != 0) cannot("EV_ADD");
    count = kevent(kq, NULL, 0, &event, 1, &no_wait);
    printf("%s: kevent = %d", filters[i] == EVFILT_READ ? "EVFILT_READ" : "EVFILT_WRITE", count);
    if (count == 1) printf(" { flags 0x%x }", (unsigned)event.flags);
    printf("\n");
    if (count == 0) continue;
    wrongs++;
    puts("  ^ WRONG. The contract: a socket that is not connected is silent");
  }
  puts(wrongs != 0 ? "SHOWN: not what the contract says" : "holds");
  return wrongs != 0;
}
