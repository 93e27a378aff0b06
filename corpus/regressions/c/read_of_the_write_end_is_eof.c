/*
 * READ on the write end of a pipe tells that the reader has gone, and nothing before.
 *
 * Found: wrong-answer (rule I11 of the contract)
 *   wrong data in {READ ident 8 flags ADD|EOF fflags LOWAT|0x4 data 1 udata 0x0}, expected 0
 *   >> kevent k room=1 => (p.w READ ADD|EOF fflags=LOWAT|0x4 data=1)
 *      the contract: kevent k room=1 => (p.w READ ADD|EOF)
 *
 * Held to the contract of profile: libkqueue
 * Seed: 1
 *
 * On a BSD or macOS:  cc -pthread repro.c && ./a.out
 * With a library:     cc -pthread repro.c $(pkg-config --cflags --libs kq) && ./a.out
 * Exit code: 0 it holds, 1 the bug is shown, 77 it cannot be tried here.
 *
 * The program, as kqtorture writes it (docs/litmus.md):
 *   title READ on the write end of a pipe tells that the reader has gone, and nothing before.
 *   
 *   pipe p
 *   kqueue k
 *   
 *   thread T1
 *     kevent k (p.w READ ADD)
 *     write p.w 1
 *     close p.r
 *     kevent k room=1
 */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include <sys/types.h>
#include <sys/event.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#if defined(__linux__) || defined(__FreeBSD__)
#include <sys/eventfd.h>
#endif
#if defined(__linux__)
#include <sys/syscall.h>
#endif
#if defined(__FreeBSD__)
#include <sys/procdesc.h>
#endif

#if defined(NOTE_LOWAT)

enum { CALLS = 4, ROOM = 1 }; /* entries of an event list */
#define ALL 0xffffffffUL
static const struct {
  const char *thread, *text;
  int room;
} calls[CALLS] = {
  {"T1", "kevent k (p.w READ ADD)", 0},
  {"T1", "write p.w 1", 0},
  {"T1", "close p.r", 0},
  {"T1", "kevent k room=1", 1},
};
static const struct timespec no_wait = {0, 0};

static void cannot(const char *what)
{
  printf("cannot here: %s: %s\n", what, strerror(errno));
  exit(77);
}

static double now(void) /* in seconds */
{
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void interrupted(int number) /* by SIGALRM: the call that sleeps returns EINTR */
{
  (void)number;
}

static void interruptible(void)
{
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = interrupted;
  sigaction(SIGALRM, &action, NULL);
}

static struct kevent change(uintptr_t ident, int filter, unsigned flags, unsigned fflags,
                            long long data, uintptr_t udata)
{
  struct kevent event;
  memset(&event, 0, sizeof event);
  EV_SET(&event, ident, filter, flags, fflags, data, (void *)udata);
  return event;
}

struct answer {
  atomic_int done;
  long long value; /* what the call returned, */
  int error;       /* errno if that was -1, */
  double began, ended;
  struct kevent events[ROOM]; /* and the events */
};
static struct answer answers[CALLS];

static void begin_call(int call)
{
  answers[call].began = now();
  errno = 0;
}

static void show_event(const struct kevent *event)
{
  static const struct {
    long value;
    const char *name;
  } filters[] = {
    {EVFILT_READ, "EVFILT_READ"}, {EVFILT_WRITE, "EVFILT_WRITE"},
#ifdef EVFILT_VNODE
    {EVFILT_VNODE, "EVFILT_VNODE"},
#endif
#ifdef EVFILT_PROC
    {EVFILT_PROC, "EVFILT_PROC"},
#endif
#ifdef EVFILT_SIGNAL
    {EVFILT_SIGNAL, "EVFILT_SIGNAL"},
#endif
#ifdef EVFILT_TIMER
    {EVFILT_TIMER, "EVFILT_TIMER"},
#endif
#ifdef EVFILT_PROCDESC
    {EVFILT_PROCDESC, "EVFILT_PROCDESC"},
#endif
#ifdef EVFILT_EMPTY
    {EVFILT_EMPTY, "EVFILT_EMPTY"},
#endif
#ifdef EVFILT_USER
    {EVFILT_USER, "EVFILT_USER"},
#endif
  }, flags[] = {
    {EV_ADD, "EV_ADD"}, {EV_DELETE, "EV_DELETE"}, {EV_ENABLE, "EV_ENABLE"},
    {EV_DISABLE, "EV_DISABLE"}, {EV_ONESHOT, "EV_ONESHOT"}, {EV_CLEAR, "EV_CLEAR"},
#ifdef EV_RECEIPT
    {EV_RECEIPT, "EV_RECEIPT"},
#endif
#ifdef EV_DISPATCH
    {EV_DISPATCH, "EV_DISPATCH"},
#endif
#ifdef EV_FORCEONESHOT
    {EV_FORCEONESHOT, "EV_FORCEONESHOT"},
#endif
    {EV_ERROR, "EV_ERROR"}, {EV_EOF, "EV_EOF"},
  };
  unsigned long rest = event->flags;
  const char *between = "";
  size_t i;
  for (i = 0; i < sizeof filters / sizeof *filters; i++)
    if (filters[i].value == (long)event->filter) break;
  printf(" { %lu,", (unsigned long)event->ident);
  if (i < sizeof filters / sizeof *filters) printf("%s,", filters[i].name);
  else printf("%ld,", (long)event->filter);
  for (i = 0; i < sizeof flags / sizeof *flags; i++) {
    if ((rest & (unsigned long)flags[i].value) == 0) continue;
    printf("%s%s", between, flags[i].name);
    rest &= ~(unsigned long)flags[i].value;
    between = "|";
  }
  if (rest != 0 || *between == '\0') printf("%s0x%lx", between, rest);
  printf(",0x%lx,%lld,0x%lx }", (unsigned long)event->fflags, (long long)event->data,
         (unsigned long)(uintptr_t)event->udata);
}

/* As truss(1) does: the call, and what came of it. */
static void show_answer(int call)
{
  const struct answer *answer = &answers[call];
  long long i;
  if (!answer->done) {
    printf("%s = ? (it has not returned)\n", calls[call].text);
    return;
  }
  printf("%s = %lld", calls[call].text, answer->value);
  if (answer->value < 0) printf(" ERR#%d '%s'", answer->error, strerror(answer->error));
  for (i = 0; i < answer->value && i < calls[call].room; i++) show_event(&answer->events[i]);
  printf("\n");
}

static void end_call(int call, long long value)
{
  const int error = errno;
  answers[call].ended = now();
  answers[call].value = value;
  answers[call].error = value < 0 ? error : 0;
  atomic_store(&answers[call].done, 1);
}

struct want {
  uintptr_t ident;
  int filter;
  unsigned long flags, flag_bits;   /* the bits of the flags that are looked at */
  unsigned long fflags, fflag_bits;
  int has_data, has_udata; /* are these looked at? */
  long long data;
  uintptr_t udata;
};

static int is_event(const struct kevent *event, const struct want *want)
{
  return event->ident == want->ident && (long)event->filter == (long)want->filter &&
         ((event->flags ^ want->flags) & want->flag_bits) == 0 &&
         ((event->fflags ^ want->fflags) & want->fflag_bits) == 0 &&
         (!want->has_data || event->data == want->data) &&
         (!want->has_udata || (uintptr_t)event->udata == want->udata);
}

static int event_at(int call, int index, struct want want)
{
  return is_event(&answers[call].events[index], &want);
}

static int returned(int call, long long value)
{
  return answers[call].done && answers[call].value == value;
}

static int wrongs;

static void must(int holds, const char *contract)
{
  if (holds) return;
  wrongs++;
  printf("  ^ WRONG. The contract: %s\n", contract);
}

static int set_nonblocking(int fd)
{
  return fcntl(fd, F_SETFL, O_NONBLOCK) == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

static void make_pipe(int fd[2])
{
  if (pipe(fd) != 0 || !set_nonblocking(fd[0]) || !set_nonblocking(fd[1])) cannot("pipe");
}

static int fd_p_r, fd_p_w;
static int kq_k;

static void make_objects(void)
{
  int fd[2];
  make_pipe(fd);
  fd_p_r = fd[0];
  fd_p_w = fd[1];
  kq_k = kqueue();
  if (kq_k < 0) cannot("kqueue");
}

static void thread_of_T1(void)
{

  /* kevent k (p.w READ ADD) */
  {
    struct kevent in[1];
    in[0] = change((uintptr_t)fd_p_w, EVFILT_READ, EV_ADD, 0, 0, 0);
    begin_call(0);
    end_call(0, kevent(kq_k, in, 1, NULL, 0, &no_wait));
  }
  show_answer(0);
  must(returned(0, 0),
       "kevent k (p.w READ ADD) => nothing");

  /* write p.w 1 */
  begin_call(1);
  end_call(1, write(fd_p_w, &(char){0}, 1));
  show_answer(1);

  /* close p.r */
  begin_call(2);
  end_call(2, close(fd_p_r));
  show_answer(2);

  /* kevent k room=1 */
  {
    begin_call(3);
    end_call(3, kevent(kq_k, NULL, 0, answers[3].events, 1, &no_wait));
  }
  show_answer(3);
  must(returned(3, 1) &&
         event_at(3, 0, (struct want){.ident = (uintptr_t)fd_p_w, .filter = EVFILT_READ, .flags = EV_ADD | EV_EOF, .flag_bits = 49392, .fflags = 0, .fflag_bits = 4294967040u, .has_data = 1, .data = 0, .has_udata = 1, .udata = 0}),
       "kevent k room=1 => (p.w READ ADD|EOF fflags=0 data=0 udata=0)");
}

int main(void)
{
  signal(SIGPIPE, SIG_IGN);
  interruptible();
  make_objects();
  thread_of_T1();
  /* Answers that no legal order of these calls explains when they come together. */
  if (returned(0, 0) &&
      returned(1, 1) &&
      returned(2, 0) &&
      returned(3, 1) &&
         event_at(3, 0, (struct want){.ident = (uintptr_t)fd_p_w, .filter = EVFILT_READ, .flags = EV_ADD | EV_EOF, .flag_bits = ALL, .fflags = NOTE_LOWAT | 0x4, .fflag_bits = ALL, .has_data = 1, .data = 1, .has_udata = 1, .udata = 0}))
    wrongs++;
  puts(wrongs != 0 ? "SHOWN: not what the contract says" : "holds");
  return wrongs != 0;
}

#else
int main(void)
{
  puts("cannot here: <sys/event.h> has not all of NOTE_LOWAT");
  return 77;
}
#endif
