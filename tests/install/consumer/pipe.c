/*
 * The smallest C program that uses a kqueue: a pipe becomes readable, and its closed descriptor,
 * although another owner gets the number, fires no more. The second half only holds when libkq's
 * close() took the place of libc's, so it also shows that the program was linked well.
 */
#include <stdio.h>
#include <sys/event.h>
#include <unistd.h>

static int fail(const char* what) {
  fprintf(stderr, "consumer/pipe: %s\n", what);
  return 1;
}

int main(void) {
  const struct timespec now = {0, 0};
  struct kevent change, event;
  int first[2], second[2];
  const int kq = kqueue();
  if (kq < 0 || pipe(first) != 0) return fail("no kqueue or no pipe");

  EV_SET(&change, first[0], EVFILT_READ, EV_ADD, 0, 0, "mine");
  if (write(first[1], "abc", 3) != 3) return fail("write");
  if (kevent(kq, &change, 1, &event, 1, &now) != 1) return fail("a readable pipe gave no event");
  if (event.ident != (uintptr_t)first[0] || event.filter != EVFILT_READ || event.data != 3) {
    return fail("not the event that was asked for");
  }

  const int number = first[0];
  if (close(first[0]) != 0 || pipe(second) != 0) return fail("close or pipe");
  if (second[0] != number) return fail("the number was not used again");
  if (write(second[1], "x", 1) != 1) return fail("write to the new owner");
  if (kevent(kq, NULL, 0, &event, 1, &now) != 0) return fail("a closed descriptor fired");
  return 0;
}
