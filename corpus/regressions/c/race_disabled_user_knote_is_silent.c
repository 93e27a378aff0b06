/*
 * Once a DISABLE of a USER knote has returned, no call that begins afterwards returns its event.
 *
 * Found: phantom (rule I3 of the contract)
 *   {USER ident 1 flags ADD|DISABLE|CLEAR fflags 0x1 data 0 udata 0x0} came from a disabled knote that had nothing left to tell
 *   no order explains this run:
 *       begin us     end us main B C
 *            0.0       14.1    * . .  kevent k (u USER ADD|CLEAR) => nothing
 *           60.1       61.1    . . *  kevent k => nothing
 *           63.3       66.9    . * .  trigger k u => 0
 *   >>      64.9      110.3    . . *  kevent k room=1 => (u USER ADD|DISABLE|CLEAR fflags=0x1)
 *           67.4       85.3    . * .  kevent k (u USER DISABLE) => nothing
 *           85.7       87.8    . * .  kevent k (u USER 0 fflags=FFOR|0x1) => nothing
 *
 * Held to the contract of profile: libkqueue
 * Seed: 2
 *
 * On a BSD or macOS:  cc -pthread repro.c && ./a.out
 * With a library:     cc -pthread repro.c $(pkg-config --cflags --libs kq) && ./a.out
 * Exit code: 0 it holds, 1 the bug is shown, 77 it cannot be tried here.
 *
 * The program, as kqtorture writes it (docs/litmus.md):
 *   title Once a DISABLE of a USER knote has returned, no call that begins afterwards returns its event.
 *   
 *   user u 1
 *   kqueue k
 *   
 *   setup
 *     kevent k (u USER ADD|CLEAR)
 *   
 *   thread B
 *     trigger k u
 *     kevent k (u USER DISABLE)
 *     kevent k (u USER 0 fflags=FFOR|0x1)
 *   
 *   thread C
 *     kevent k
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

#if defined(EVFILT_USER) && defined(NOTE_FFOR) && defined(NOTE_TRIGGER)

enum { CALLS = 6, ROOM = 1 }; /* entries of an event list */
#define ALL 0xffffffffUL
enum { CAME_TO_ITS_END = 42, STANDS_STILL = 77 };
enum { THREADS = 2, QUIET = 20 };
static void probe_all(void);
static const struct {
  const char *thread, *text;
  int room;
} calls[CALLS] = {
  {"main", "kevent k (u USER ADD|CLEAR)", 0},
  {"B", "trigger k u", 0},
  {"B", "kevent k (u USER DISABLE)", 0},
  {"B", "kevent k (u USER 0 fflags=FFOR|0x1)", 0},
  {"C", "kevent k", 0},
  {"C", "kevent k room=1", 1},
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

static _Thread_local uint64_t random_state; /* 0: calls are not delayed */

/* Lets calls meet in many ways: half of them begin up to six microseconds later. */
static void jitter(void)
{
  double until;
  if (random_state == 0) return;
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  if (random_state & 1) return;
  until = now() + (double)(random_state / 2 % 6000) * 1e-9;
  while (now() < until)
    continue;
}

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

static void await_call(int call)
{
  while (!atomic_load(&answers[call].done)) sched_yield();
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

static void show_run(void) /* all calls, in the order in which they began */
{
  double first = -1, last = -1;
  for (;;) {
    int call, next = -1;
    for (call = 0; call < CALLS; call++) {
      if (answers[call].began <= last) continue;
      if (next < 0 || answers[call].began < answers[next].began) next = call;
    }
    if (next < 0) return;
    last = answers[next].began;
    if (last == 0) continue; /* was not called */
    if (first < 0) first = last;
    printf("%10.1f us  ", (last - first) * 1e6);
    if (answers[next].done) printf("to %10.1f us", (answers[next].ended - first) * 1e6);
    else printf("%16s", "");
    printf("  %-6s ", calls[next].thread);
    show_answer(next);
  }
}

static struct {
  pthread_t id;
  atomic_int waits, finished; /* is it in a call without a time limit? has it come to its end? */
} thread[THREADS];
static atomic_int arrived;

static void meet(const void *seed) /* the threads begin together */
{
  random_state = *(const uint64_t *)seed;
  atomic_fetch_add(&arrived, 1);
  while (atomic_load(&arrived) < THREADS) sched_yield();
}

/* Waits for the threads. Those that sleep when nothing moves any more are interrupted. */
static void see_through(void)
{
  int quiet = 0, looks = 0, before = -1;
  for (;;) {
    int i, done = 0, all = 1;
    for (i = 0; i < CALLS; i++) done += atomic_load(&answers[i].done);
    for (i = 0; i < THREADS; i++) all = all && atomic_load(&thread[i].finished);
    if (all) break;
    quiet = done == before ? quiet + 1 : 0;
    looks = done == before ? looks + 1 : 0;
    before = done;
    if (looks > 300000) {
      printf("the threads stand still\n");
      show_run();
      fflush(stdout);
      _exit(STANDS_STILL);
    }
    if (quiet >= QUIET) {
      if (quiet == QUIET) probe_all();
      for (i = 0; i < THREADS; i++)
        if (atomic_load(&thread[i].waits)) pthread_kill(thread[i].id, SIGALRM);
      sleep_us(1000);
    }
    sleep_us(quiet < 20 ? 20 : 200);
  }
  for (quiet = 0; quiet < THREADS; quiet++) pthread_join(thread[quiet].id, NULL);
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

static volatile int kq_k;

static void make_objects(void)
{
  kq_k = kqueue();
  if (kq_k < 0) cannot("kqueue");
}

static void setup(void)
{

  /* kevent k (u USER ADD|CLEAR) */
  {
    struct kevent in[1];
    in[0] = change(1, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, 0);
    begin_call(0);
    end_call(0, kevent(kq_k, in, 1, NULL, 0, &no_wait));
  }
}

static void *thread_of_B(void *seed)
{
  meet(seed);

  /* trigger k u */
  await_call(4);
  jitter();
  {
    struct kevent in[1];
    in[0] = change(1, EVFILT_USER, 0, NOTE_TRIGGER, 0, 0);
    begin_call(1);
    end_call(1, kevent(kq_k, in, 1, NULL, 0, &no_wait));
  }

  /* kevent k (u USER DISABLE) */
  jitter();
  {
    struct kevent in[1];
    in[0] = change(1, EVFILT_USER, EV_DISABLE, 0, 0, 0);
    begin_call(2);
    end_call(2, kevent(kq_k, in, 1, NULL, 0, &no_wait));
  }

  /* kevent k (u USER 0 fflags=FFOR|0x1) */
  jitter();
  {
    struct kevent in[1];
    in[0] = change(1, EVFILT_USER, 0, NOTE_FFOR | 0x1, 0, 0);
    begin_call(3);
    end_call(3, kevent(kq_k, in, 1, NULL, 0, &no_wait));
  }
  atomic_store(&thread[0].finished, 1);
  return NULL;
}

static void *thread_of_C(void *seed)
{
  meet(seed);

  /* kevent k */
  jitter();
  {
    begin_call(4);
    end_call(4, kevent(kq_k, NULL, 0, NULL, 0, &no_wait));
  }

  /* kevent k room=1 */
  jitter();
  {
    begin_call(5);
    end_call(5, kevent(kq_k, NULL, 0, answers[5].events, 1, &no_wait));
  }
  atomic_store(&thread[1].finished, 1);
  return NULL;
}

static void probe_all(void)
{
}

static int run_once(uint64_t seed, int last)
{
  static void *(*const bodies[THREADS])(void *) = {thread_of_B, thread_of_C};
  static uint64_t seeds[THREADS];
  int i;
  signal(SIGPIPE, SIG_IGN);
  interruptible();
  make_objects();
  setup();
  for (i = 0; i < THREADS; i++) {
    seeds[i] = (seed * 64 + (uint64_t)i + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
    errno = pthread_create(&thread[i].id, NULL, bodies[i], &seeds[i]);
    if (errno != 0) cannot("a thread");
  }
  see_through();
  /* Answers that no legal order of these calls explains when they come together. */
  if (returned(0, 0) &&
      returned(4, 0) &&
      returned(1, 0) &&
      returned(5, 1) &&
         event_at(5, 0, (struct want){.ident = 1, .filter = EVFILT_USER, .flags = EV_ADD | EV_DISABLE | EV_CLEAR, .flag_bits = 65520, .fflags = 0x1, .fflag_bits = ALL, .has_data = 1, .data = 0, .has_udata = 1, .udata = 0}) &&
      returned(2, 0) &&
      returned(3, 0))
    wrongs++;
  if (wrongs != 0 || last) show_run();
  fflush(stdout);
  return wrongs != 0 ? 1 : CAME_TO_ITS_END;
}

/* Each round in a process of its own. Arguments: how many, and the seed of the delays. */
int main(int argc, char **argv)
{
  const unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 0) : 10000;
  const unsigned long long seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 2ULL;
  unsigned long round;
  printf("%lu rounds, seed %llu\n", rounds, seed);
  for (round = 1; round <= rounds; round++) {
    pid_t process;
    int end;
    fflush(stdout);
    process = fork();
    if (process < 0) cannot("fork");
    if (process == 0) _exit(run_once(seed + round, round == rounds));
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
  puts("cannot here: <sys/event.h> has not all of EVFILT_USER, NOTE_FFOR, NOTE_TRIGGER");
  return 77;
}
#endif
