// Kept as text, each function by itself, so that a program has only those that it uses: a reader
// goes through all of it, and a compiler warns of what is there for nothing.
#include "scenario/c_runtime.h"

#include <algorithm>
#include <span>
#include <string>

#include "scenario/c_runtime_objects.h"

namespace kqtorture {
namespace {

constexpr std::string_view kHeaders = R"(#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include <sys/types.h>
)"
                                      "#include "
                                      "<sys/event.h>\n"
                                      R"(#include <sys/mman.h>
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
)";

constexpr CPiece kPieces[] = {
    {"cannot", R"(
static void cannot(const char *what)
{
  printf("cannot here: %s: %s\n", what, strerror(errno));
  exit(77);
}
)"},
    {"now", R"(
static double now(void) /* in seconds */
{
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}
)"},
    {"sleep_us", R"(
static void sleep_us(long us)
{
  const struct timespec time = {us / 1000000, us % 1000000 * 1000};
  nanosleep(&time, NULL);
}
)"},
    {"interrupted", R"(
static void interrupted(int number) /* by SIGALRM: the call that sleeps returns EINTR */
{
  (void)number;
}
)"},
    {"interruptible", R"(
static void interruptible(void)
{
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = interrupted;
  sigaction(SIGALRM, &action, NULL);
}
)"},
    {"change", R"(
static struct kevent change(uintptr_t ident, int filter, unsigned flags, unsigned fflags,
                            long long data, uintptr_t udata)
{
  struct kevent event;
  memset(&event, 0, sizeof event);
  EV_SET(&event, ident, filter, flags, fflags, data, (void *)udata);
  return event;
}
)"},
    {"before_fault", R"(
/* Room for n entries, behind which memory ends. */
static void *before_fault(size_t n)
{
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  const size_t size = (n * sizeof(struct kevent) + page - 1) / page * page;
  char *memory = mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
  if (memory == MAP_FAILED || mprotect(memory + size, page, PROT_NONE) != 0) cannot("mmap");
  return memory + size - n * sizeof(struct kevent);
}
)"},
    {"answer", R"(
struct answer {
  atomic_int done;
  long long value; /* what the call returned, */
  int error;       /* errno if that was -1, */
  double began, ended;
  struct kevent events[ROOM]; /* and the events */
};
static struct answer answers[CALLS];
)"},
    {"random_state", R"(
static _Thread_local uint64_t random_state; /* 0: calls are not delayed */
)"},
    {"jitter", R"(
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
)"},
    {"begin_call", R"(
static void begin_call(int call)
{
  answers[call].began = now();
  errno = 0;
}
)"},
    {"show_event", R"(
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
)"},
    {"show_answer", R"(
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
)"},
    {"end_call", R"(
static void end_call(int call, long long value)
{
  const int error = errno;
  answers[call].ended = now();
  answers[call].value = value;
  answers[call].error = value < 0 ? error : 0;
  atomic_store(&answers[call].done, 1);
}
)"},
    {"await_call", R"(
static void await_call(int call)
{
  while (!atomic_load(&answers[call].done)) sched_yield();
}
)"},
    {"want", R"(
struct want {
  uintptr_t ident;
  int filter;
  unsigned long flags, flag_bits;   /* the bits of the flags that are looked at */
  unsigned long fflags, fflag_bits;
  int has_data, has_udata; /* are these looked at? */
  long long data;
  uintptr_t udata;
};
)"},
    {"is_event", R"(
static int is_event(const struct kevent *event, const struct want *want)
{
  return event->ident == want->ident && (long)event->filter == (long)want->filter &&
         ((event->flags ^ want->flags) & want->flag_bits) == 0 &&
         ((event->fflags ^ want->fflags) & want->fflag_bits) == 0 &&
         (!want->has_data || event->data == want->data) &&
         (!want->has_udata || (uintptr_t)event->udata == want->udata);
}
)"},
    {"event_at", R"(
static int event_at(int call, int index, struct want want)
{
  return is_event(&answers[call].events[index], &want);
}
)"},
    {"has_event", R"(
static int has_event(int call, struct want want)
{
  long long i;
  for (i = 0; i < answers[call].value; i++)
    if (is_event(&answers[call].events[i], &want)) return 1;
  return 0;
}
)"},
    {"returned", R"(
static int returned(int call, long long value)
{
  return answers[call].done && answers[call].value == value;
}
)"},
    {"failed", R"(
static int failed(int call, int error)
{
  return returned(call, -1) && answers[call].error == error;
}
)"},
    {"wrongs", R"(
static int wrongs;
)"},
    {"must", R"(
static void must(int holds, const char *contract)
{
  if (holds) return;
  wrongs++;
  printf("  ^ WRONG. The contract: %s\n", contract);
}
)"},
    {"show_run", R"(
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
)"},
    {"thread", R"(
static struct {
  pthread_t id;
  atomic_int waits, finished; /* is it in a call without a time limit? has it come to its end? */
} thread[THREADS];
static atomic_int arrived;
)"},
    {"meet", R"(
static void meet(const void *seed) /* the threads begin together */
{
  random_state = *(const uint64_t *)seed;
  atomic_fetch_add(&arrived, 1);
  while (atomic_load(&arrived) < THREADS) sched_yield();
}
)"},
    {"see_through", R"(
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
)"},
    {"end_of", R"(
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
)"},
};

// Without comments and strings, which may say anything.
std::string code_of(std::string_view text) {
  std::string code;
  for (size_t i = 0; i < text.size(); i++) {
    if (text.substr(i, 2) == "/*") {
      i = std::min(text.find("*/", i + 2), text.size() - 2) + 1;
    } else if (text[i] == '"') {
      for (i++; i < text.size() && text[i] != '"'; i++) i += text[i] == '\\';
      code += '0';
    } else {
      code += text[i];
    }
  }
  return code;
}

bool occurs(std::string_view name, std::string_view code) {
  const auto is_part = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  for (size_t at = code.find(name); at != std::string_view::npos; at = code.find(name, at + 1)) {
    const size_t end = at + name.size();
    const bool begins = at == 0 || !is_part(code[at - 1]);
    if (begins && (end == code.size() || !is_part(code[end]))) return true;
  }
  return false;
}

void prepend_needed(std::span<const CPiece> pieces, std::string* code, std::string* functions) {
  for (size_t i = pieces.size(); i-- > 0;) {
    if (!occurs(pieces[i].name, *code)) continue;
    functions->insert(0, pieces[i].text);
    *code += code_of(pieces[i].text);
  }
}

}  // namespace

std::string_view c_headers() { return kHeaders; }

std::string c_functions(std::string_view body) {
  std::string code = code_of(body);
  std::string functions;
  prepend_needed(c_object_pieces(), &code, &functions);
  prepend_needed(kPieces, &code, &functions);
  return functions;
}

}  // namespace kqtorture
