/*
 * The error of a socket is told in fflags and stays on the socket: who asks for SO_ERROR afterwards
 * still learns of it, and every knote of the socket tells it.
 *
 * Rules 3.1 and 3.2 of the contract. Written by hand: litmus programs have no refused connection.
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
#include <arpa/inet.h>
#include <netinet/in.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const struct timespec no_wait = {0, 0};
static int wrongs;

static void cannot(const char *what)
{
  printf("cannot here: %s: %s\n", what, strerror(errno));
  exit(77);
}

static void must(int holds, const char *contract)
{
  if (holds) return;
  wrongs++;
  printf("  ^ WRONG. The contract: %s\n", contract);
}

/* A port of the loopback that nobody listens at: it was bound a moment ago. */
static struct sockaddr_in nobody(void)
{
  struct sockaddr_in address;
  socklen_t size = sizeof address;
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0) cannot("bind");
  if (getsockname(fd, (struct sockaddr *)&address, &size) != 0) cannot("getsockname");
  close(fd);
  return address;
}

static int pending_error(int fd)
{
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) cannot("SO_ERROR");
  printf("SO_ERROR = %d\n", error);
  return error;
}

int main(void)
{
  const struct sockaddr_in address = nobody();
  const int kq = kqueue(), fd = socket(AF_INET, SOCK_STREAM, 0);
  struct kevent change, events[2];
  int count, i;
  if (kq < 0 || fd < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0) cannot("a socket");
  if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0) {
    errno = EISCONN;
    cannot("somebody listens at the port");
  }
  if (errno == ECONNREFUSED) cannot("a connect() that is refused later");

  EV_SET(&change, (uintptr_t)fd, EVFILT_WRITE, EV_ADD, 0, 0, 0);
  if (kevent(kq, &change, 1, NULL, 0, &no_wait) != 0) cannot("EV_ADD of a WRITE knote");
  count = kevent(kq, NULL, 0, events, 1, NULL);
  printf("kevent: %d, fflags %u\n", count, count == 1 ? (unsigned)events[0].fflags : 0);
  must(count == 1 && (events[0].flags & EV_EOF) != 0 && events[0].fflags == ECONNREFUSED,
       "WRITE fires with EV_EOF and the error in fflags");

  EV_SET(&change, (uintptr_t)fd, EVFILT_READ, EV_ADD, 0, 0, 0);
  if (kevent(kq, &change, 1, NULL, 0, &no_wait) != 0) cannot("EV_ADD of a READ knote");
  count = kevent(kq, NULL, 0, events, 2, &no_wait);
  printf("kevent: %d\n", count);
  must(count == 2, "READ and WRITE fire");
  for (i = 0; i < count; i++) {
    printf("  filter %d, fflags %u\n", (int)events[i].filter, (unsigned)events[i].fflags);
    must(events[i].fflags == ECONNREFUSED, "every knote of the socket tells the error");
  }
  must(pending_error(fd) == ECONNREFUSED, "to be told an error is not to take it");
  puts(wrongs != 0 ? "SHOWN: not what the contract says" : "holds");
  return wrongs != 0;
}
