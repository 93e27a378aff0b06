/*
 * A kqueue that has been closed takes no changes.
 *
 * Held to the contract of profile: strict-2006
 * Seed: 1
 *
 * On a BSD or macOS:  cc -pthread repro.c && ./a.out
 * With a library:     cc -pthread repro.c $(pkg-config --cflags --libs kq) && ./a.out
 * Exit code: 0 it holds, 1 the bug is shown, 77 it cannot be tried here.
 *
 * The program, as kqtorture writes it (docs/litmus.md):
 *   title A kqueue that has been closed takes no changes.
 *   
 *   user u 1
 *   kqueue k
 *   
 *   thread T1
 *     close k
 *     kevent k (u USER ADD)
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

#if defined(EVFILT_USER)

enum { CALLS = 2, ROOM = 1 }; /* entries of an event list */
#define ALL 0xffffffffUL
enum { CAME_TO_ITS_END = 42, STANDS_STILL = 77 };
static const struct {
  const char *thread, *text;
  int room;
} calls[CALLS] = {
  {"T1", "close k", 0},
  {"T1", "kevent k (u USER ADD)", 0},
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

static void sleep_us(long us)
{
  const struct timespec time = {us / 1000000, us % 1000000 * 1000};
  nanosleep(&time, NULL);
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

static int returned(int call, long long value)
{
  return answers[call].done && answers[call].value == value;
}

static int failed(int call, int error)
{
  return returned(call, -1) && answers[call].error == error;
}

static int wrongs;

static void must(int holds, const char *contract)
{
  if (holds) return;
  wrongs++;
  printf("  ^ WRONG. The contract: %s\n", contract);
}

/* What became of the process: 0, 1 or 77 as its exit code, 2 for any other end. */
static int end_of(pid_t process)
{
  int status = 0, looks;
  pid_t got = 0;
  for (looks = 0; looks < 600000 && got == 0; looks++) {
    got = waitpid(process, &status, WNOHANG);
    if (got == 0) sleep_us(looks < 2000 ? 50 : 100);
  }
  if (got == 0) {
    kill(process, SIGKILL);
    waitpid(process, &status, 0);
    printf("the process stands still\n");
    return 2;
  }
  if (WIFSIGNALED(status)) {
    printf("the process was ended by signal %d\n", WTERMSIG(status));
    return 2;
  }
  status = WEXITSTATUS(status);
  if (status == CAME_TO_ITS_END) return 0;
  if (status == 1 || status == 77) return status;
  printf("the process ended by itself, with %d\n", status);
  return 2;
}

static int kq_k;

static void make_objects(void)
{
  kq_k = kqueue();
  if (kq_k < 0) cannot("kqueue");
}

static void thread_of_T1(void)
{

  /* close k */
  begin_call(0);
  end_call(0, close(kq_k));
  show_answer(0);

  /* kevent k (u USER ADD) */
  {
    struct kevent in[1];
    in[0] = change(1, EVFILT_USER, EV_ADD, 0, 0, 0);
    begin_call(1);
    end_call(1, kevent(kq_k, in, 1, NULL, 0, &no_wait));
  }
  show_answer(1);
  must((failed(1, EBADF) || failed(1, ENOENT)),
       "kevent k (u USER ADD) => EBADF");
}

static int run_once(int last)
{
  signal(SIGPIPE, SIG_IGN);
  interruptible();
  make_objects();
  thread_of_T1();
  if (wrongs != 0 || last) fflush(stdout);
  return wrongs != 0 ? 1 : CAME_TO_ITS_END;
}

/* Each round in a process of its own. Arguments: how many. */
int main(int argc, char **argv)
{
  const unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 0) : 1000;
  unsigned long round;
  static char output[1 << 16];
  setvbuf(stdout, output, _IOFBF, sizeof output);
  printf("%lu rounds\n", rounds);
  for (round = 1; round <= rounds; round++) {
    pid_t process;
    int end;
    fflush(stdout);
    process = fork();
    if (process < 0) cannot("fork");
    if (process == 0) _exit(run_once(round == rounds));
    end = end_of(process);
    if (end == 77) return 77;
    if (end == 0) continue;
    printf("SHOWN in round %lu\n", round);
    return 1;
  }
  puts("holds: not seen");
  return 0;
}

#else
int main(void)
{
  puts("cannot here: <sys/event.h> has not all of EVFILT_USER");
  return 77;
}
#endif
