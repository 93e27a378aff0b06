// How posts of signals are counted.
//
// Linux tells nobody that a signal was posted; it runs a handler, and one that is ignored or
// discarded by default it drops at once. So while a signal is watched libkq has a handler of its
// own for it, which counts, rings the signal's bell (an eventfd), and then does what the program
// wants: calls its handler, or nothing. sigaction() and its relatives are interposed
// (interpose_signals.cpp) and show and change what the program wants, never what the kernel holds.
// A signal whose default action stops or ends the process is left alone as long as it has that
// action. A child that was forked, and the program that is executed, get the program's own
// dispositions back.
//
// A signal that every thread blocks runs no handler. It is seen to be pending (a signalfd says
// when to look) and counted then, once: Linux merges posts of a signal that is pending already.
// When its handler does run, later, that is no second post: see Word.
//
// THE LOCK is a spin lock that is held with all signals blocked, so that a handler never finds it
// held by the thread it has interrupted. It is taken under Kqueue::lock, and nothing under it. What
// handlers read they read without it, under a version that the writer makes odd meanwhile.
#include "signal_watch.h"

#include <dlfcn.h>
#include <errno.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "internal.h"
#include "system_calls.h"

namespace kq {
namespace {

// The number of posts, above two flags about a pending signal: kCounted, that it is in the number
// already; kGone, that it has been seen not to be pending since. What is pending again after that
// is another post. (Whoever sees it gone cannot know whether its handler is about to run, or
// whether the program has taken it with sigwait(3).)
enum Word : uint64_t { kCounted = 1, kGone = 2, kOnePost = 4 };

// Written by builtins, not std::atomic, whose functions would be instrumented.
struct Watched {
  uint64_t word = 0;
  int bell = -1;
  int knotes = 0;           // under the lock, as the next
  struct sigaction wanted;  // the program's disposition, while knotes > 0
  uint32_t version = 0;
  void* handler = nullptr;  // of wanted; these two for the handler
  int flags = 0;
};

Watched watched[kSignals + 1];
int pending_descriptor = -1;
uint64_t watched_set = 0;  // bit n - 1: signal n has knotes
int owner = 0;             // the process that watches signals, or has; 0: none has
int lock_word = 0;
// Handlers that are about to ring right now: as long as there are any, no bell is taken away.
int ringing = 0;
int retired[kSignals + 1];  // descriptors that nobody uses any more
int retired_count = 0;

thread_local volatile unsigned asked_for __attribute__((tls_model("initial-exec"))) = 0;
thread_local volatile unsigned ignored __attribute__((tls_model("initial-exec"))) = 0;

using KernelSet = uint64_t;

class SignalLock {
 public:
  KQ_SIGNAL_SAFE SignalLock() {
    const KernelSet all = ~KernelSet{0};
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &old_, sizeof old_);
    while (__atomic_exchange_n(&lock_word, 1, __ATOMIC_ACQUIRE) != 0) syscall(SYS_sched_yield);
  }
  KQ_SIGNAL_SAFE ~SignalLock() {
    __atomic_store_n(&lock_word, 0, __ATOMIC_RELEASE);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &old_, nullptr, sizeof old_);
  }
  SignalLock(const SignalLock&) = delete;
  SignalLock& operator=(const SignalLock&) = delete;

 private:
  KernelSet old_ = 0;
};

using Sigaction = int (*)(int, const struct sigaction*, struct sigaction*);

// A sanitizer that starts up may ask for it before it can be called itself.
KQ_SIGNAL_SAFE Sigaction real_sigaction() {
  static void* found = nullptr;
  void* function = __atomic_load_n(&found, __ATOMIC_ACQUIRE);
  if (!function) function = dlsym(RTLD_NEXT, "sigaction");
  __atomic_store_n(&found, function, __ATOMIC_RELEASE);
  return reinterpret_cast<Sigaction>(function);
}

KQ_SIGNAL_SAFE bool discarded_by_default(int signal) {
  return signal == SIGCHLD || signal == SIGURG || signal == SIGWINCH || signal == SIGCONT;
}

KQ_SIGNAL_SAFE bool ever_watched() { return __atomic_load_n(&owner, __ATOMIC_ACQUIRE) != 0; }

// Does the state belong to this process, or to the parent whose memory this child has?
KQ_SIGNAL_SAFE bool own_process() {
  return __atomic_load_n(&owner, __ATOMIC_ACQUIRE) == static_cast<int>(syscall(SYS_getpid));
}

// Never by memcpy(), which sanitizers replace.
KQ_SIGNAL_SAFE void copy(struct sigaction* to, const struct sigaction* from) {
  using Part __attribute__((may_alias)) = unsigned long;
  static_assert(sizeof *to % sizeof(Part) == 0);
  auto* target = reinterpret_cast<Part*>(to);
  const auto* source = reinterpret_cast<const Part*>(from);
  for (size_t i = 0; i < sizeof *to / sizeof(Part); ++i) {
    __atomic_store_n(&target[i], __atomic_load_n(&source[i], __ATOMIC_RELAXED), __ATOMIC_RELAXED);
  }
}

KQ_SIGNAL_SAFE void ring(const Watched* signal) {
  __atomic_add_fetch(&ringing, 1, __ATOMIC_SEQ_CST);
  const int bell = __atomic_load_n(&signal->bell, __ATOMIC_SEQ_CST);
  const uint64_t one = 1;
  if (bell >= 0) syscall(SYS_write, bell, &one, sizeof one);
  __atomic_sub_fetch(&ringing, 1, __ATOMIC_SEQ_CST);
}

KQ_SIGNAL_SAFE void count_handled(Watched* signal) {
  uint64_t old = __atomic_load_n(&signal->word, __ATOMIC_ACQUIRE);
  uint64_t next;
  do {
    next = old & kCounted ? old & ~uint64_t{kCounted | kGone} : old + kOnePost;
  } while (!__atomic_compare_exchange_n(&signal->word, &old, next, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_ACQUIRE));
  if (!(old & kCounted)) ring(signal);
}

void counting_handler(int signal, siginfo_t* info, void* context);

// What the kernel is to do while the program wants this.
KQ_SIGNAL_SAFE void install(int signal, const struct sigaction* wanted) {
  struct sigaction action;
  copy(&action, wanted);
  const bool nothing = wanted->sa_handler == SIG_IGN ||
                       (wanted->sa_handler == SIG_DFL && discarded_by_default(signal));
  if (nothing) {
    // As little as possible is to be noticed of a handler that the program does not know of.
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART | SA_ONSTACK;
    // Who ignores SIGCHLD has no zombies.
    const bool reaps = wanted->sa_handler == SIG_IGN || (wanted->sa_flags & SA_NOCLDWAIT);
    if (signal == SIGCHLD && reaps) action.sa_flags |= SA_NOCLDWAIT;
    if (signal == SIGCHLD) action.sa_flags |= wanted->sa_flags & SA_NOCLDSTOP;
  }
  if (nothing || wanted->sa_handler != SIG_DFL) {
    action.sa_flags = (action.sa_flags | SA_SIGINFO) & ~static_cast<int>(SA_RESETHAND);
    action.sa_sigaction = counting_handler;
  }
  real_sigaction()(signal, &action, nullptr);  // found long before a handler needs it
}

// Remembers what the program wants; with the lock.
KQ_SIGNAL_SAFE void want(Watched* signal, const struct sigaction* wanted) {
  __atomic_add_fetch(&signal->version, 1, __ATOMIC_SEQ_CST);
  copy(&signal->wanted, wanted);
  __atomic_store_n(&signal->handler, reinterpret_cast<void*>(wanted->sa_handler), __ATOMIC_SEQ_CST);
  __atomic_store_n(&signal->flags, wanted->sa_flags, __ATOMIC_SEQ_CST);
  __atomic_add_fetch(&signal->version, 1, __ATOMIC_SEQ_CST);
}

// A handler for one delivery: after it the default action is in force, and for SIGCHLD and its
// like libkq goes on counting. False: another thread was first.
KQ_SIGNAL_SAFE bool use_up(int signal) {
  SignalLock lock;
  Watched* const state = &watched[signal];
  if (!(state->flags & static_cast<int>(SA_RESETHAND))) return false;
  struct sigaction fallback;
  copy(&fallback, &state->wanted);
  fallback.sa_handler = SIG_DFL;
  fallback.sa_flags &= ~static_cast<int>(SA_RESETHAND | SA_SIGINFO);
  want(state, &fallback);
  install(signal, &fallback);
  return true;
}

KQ_SIGNAL_SAFE void read_wanted(const Watched* signal, void** handler, int* flags) {
  for (;;) {
    const uint32_t before = __atomic_load_n(&signal->version, __ATOMIC_SEQ_CST);
    *handler = __atomic_load_n(&signal->handler, __ATOMIC_SEQ_CST);
    *flags = __atomic_load_n(&signal->flags, __ATOMIC_SEQ_CST);
    const bool stable =
        before % 2 == 0 && before == __atomic_load_n(&signal->version, __ATOMIC_SEQ_CST);
    if (stable) return;
    syscall(SYS_sched_yield);
  }
}

KQ_SIGNAL_SAFE void counting_handler(int signal, siginfo_t* info, void* context) {
  const int error = errno;
  Watched* const state = &watched[signal];
  const bool own = own_process();
  if (own) count_handled(state);
  void* handler;
  int flags;
  read_wanted(state, &handler, &flags);
  const auto simple = reinterpret_cast<void (*)(int)>(handler);
  bool runs = simple != SIG_IGN && simple != SIG_DFL;
  if (runs && own && (flags & static_cast<int>(SA_RESETHAND))) runs = use_up(signal);
  if (runs) {
    asked_for = asked_for + 1;
  } else {
    ignored = ignored + 1;
  }
  // Became the default while this was on its way: then the kernel decides anew.
  const bool again = !runs && simple != SIG_IGN && !discarded_by_default(signal);
  if (again) syscall(SYS_tgkill, syscall(SYS_getpid), syscall(SYS_gettid), signal);
  errno = error;
  if (!runs) return;
  if (flags & SA_SIGINFO) {
    reinterpret_cast<void (*)(int, siginfo_t*, void*)>(handler)(signal, info, context);
  } else {
    simple(signal);
  }
}

KQ_SIGNAL_SAFE bool is_ours(const struct sigaction& action) {
  return (action.sa_flags & SA_SIGINFO) && action.sa_sigaction == counting_handler;
}

// The signals that are watched, for the signalfd. With the lock.
KQ_SIGNAL_SAFE void publish_watched_set(uint64_t set) {
  __atomic_store_n(&watched_set, set, __ATOMIC_RELEASE);
  if (pending_descriptor >= 0) {
    syscall(SYS_signalfd4, pending_descriptor, &set, sizeof set, SFD_NONBLOCK | SFD_CLOEXEC);
  }
}

KQ_SIGNAL_SAFE int make_bell(int* member, int (*create)(int)) {
  if (__atomic_load_n(member, __ATOMIC_ACQUIRE) >= 0) return 0;
  int fd = make_internal(create);
  if (fd < 0) return errno;
  {
    SignalLock lock;
    if (*member < 0) {
      __atomic_store_n(member, fd, __ATOMIC_RELEASE);
      fd = -1;
    }
  }
  close_internal(fd);
  return 0;
}

KQ_SIGNAL_SAFE uint64_t pending_now() {
  KernelSet set = 0;
  syscall(SYS_rt_sigpending, &set, sizeof set);
  return set;
}

// Nobody watches it any more. Who may be writing to it keeps it where it is: it serves the next.
KQ_SIGNAL_SAFE void retire(int* member) {
  const int fd = *member;
  if (fd < 0) return;
  __atomic_store_n(member, -1, __ATOMIC_SEQ_CST);
  if (__atomic_load_n(&ringing, __ATOMIC_SEQ_CST) != 0 || retired_count > kSignals) {
    __atomic_store_n(member, fd, __ATOMIC_SEQ_CST);
    return;
  }
  retired[retired_count] = fd;
  __atomic_store_n(&retired_count, retired_count + 1, __ATOMIC_RELAXED);
}

KQ_SIGNAL_SAFE int take_retired() {
  if (__atomic_load_n(&retired_count, __ATOMIC_RELAXED) == 0) return -1;
  SignalLock lock;
  if (retired_count == 0) return -1;
  __atomic_store_n(&retired_count, retired_count - 1, __ATOMIC_RELAXED);
  return retired[retired_count];
}

// Signal is, or is not, pending and blocked. A handler that runs meanwhile changes the word, and
// then everything is looked at again.
KQ_SIGNAL_SAFE void look_at_pending(int signal) {
  Watched* const state = &watched[signal];
  for (;;) {
    uint64_t old = __atomic_load_n(&state->word, __ATOMIC_ACQUIRE);
    const bool pending = pending_now() >> (signal - 1) & 1;
    uint64_t next = old;
    bool counted = false;
    if (pending && (!(old & kCounted) || (old & kGone))) {
      next = ((old | kCounted) & ~uint64_t{kGone}) + kOnePost;
      counted = true;
    } else if (!pending && (old & kCounted)) {
      next = old | kGone;
    }
    if (next == old) return;
    if (!__atomic_compare_exchange_n(&state->word, &old, next, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE)) {
      continue;
    }
    if (counted) ring(state);
    return;
  }
}

}  // namespace

int provide_signal(int signal) {
  const auto bell = [](int) { return sys::eventfd(EFD_NONBLOCK | EFD_CLOEXEC); };
  const auto pending = [](int) {
    const KernelSet none = 0;
    return static_cast<int>(
        syscall(SYS_signalfd4, -1, &none, sizeof none, SFD_NONBLOCK | SFD_CLOEXEC));
  };
  if (const int error = make_bell(&pending_descriptor, pending)) return error;
  return make_bell(&watched[signal].bell, bell);
}

void give_up_signal(int signal) {
  SignalLock lock;
  if (watched[signal].knotes == 0) retire(&watched[signal].bell);
  if (watched_set == 0) retire(&pending_descriptor);
}

KQ_SIGNAL_SAFE int signal_bell(int signal) {
  return __atomic_load_n(&watched[signal].bell, __ATOMIC_ACQUIRE);
}

KQ_SIGNAL_SAFE int pending_bell() { return __atomic_load_n(&pending_descriptor, __ATOMIC_ACQUIRE); }

KQ_SIGNAL_SAFE bool watch_signal(int signal) {
  SignalLock lock;
  Watched* const state = &watched[signal];
  if (state->bell < 0 || pending_descriptor < 0) return false;
  if (state->knotes++ > 0) return true;
  __atomic_store_n(&owner, static_cast<int>(syscall(SYS_getpid)), __ATOMIC_RELEASE);
  struct sigaction before;
  real_sigaction()(signal, nullptr, &before);
  // What is pending was posted before anybody counted.
  state->word &= ~uint64_t{kCounted | kGone};
  if (pending_now() >> (signal - 1) & 1) state->word |= kCounted;
  want(state, &before);
  publish_watched_set(watched_set | uint64_t{1} << (signal - 1));
  install(signal, &before);
  return true;
}

KQ_SIGNAL_SAFE void unwatch_signal(int signal) {
  SignalLock lock;
  Watched* const state = &watched[signal];
  if (--state->knotes > 0) return;
  publish_watched_set(watched_set & ~(uint64_t{1} << (signal - 1)));
  struct sigaction now;
  // Whoever went past us to the kernel has the last word.
  if (real_sigaction()(signal, nullptr, &now) == 0 && is_ours(now)) {
    real_sigaction()(signal, &state->wanted, nullptr);
  }
  retire(&state->bell);
  if (watched_set == 0) retire(&pending_descriptor);
}

void close_retired_bells() {
  for (int fd; (fd = take_retired()) >= 0;) close_internal(fd);
}

KQ_SIGNAL_SAFE uint64_t posts_of(int signal) {
  return __atomic_load_n(&watched[signal].word, __ATOMIC_ACQUIRE) / kOnePost;
}

KQ_SIGNAL_SAFE void count_pending_signals() {
  const uint64_t pending = pending_now();
  for (uint64_t rest = watched_signals(); rest != 0; rest &= rest - 1) {
    const int signal = __builtin_ctzll(rest) + 1;
    const uint64_t word = __atomic_load_n(&watched[signal].word, __ATOMIC_ACQUIRE);
    if ((pending >> (signal - 1) & 1) || (word & kCounted)) look_at_pending(signal);
  }
}

KQ_SIGNAL_SAFE bool counted_while_pending() {
  for (uint64_t rest = watched_signals(); rest != 0; rest &= rest - 1) {
    const Watched& signal = watched[__builtin_ctzll(rest) + 1];
    const uint64_t word = __atomic_load_n(&signal.word, __ATOMIC_ACQUIRE);
    if ((word & kCounted) && !(word & kGone)) return true;
  }
  return false;
}

KQ_SIGNAL_SAFE uint64_t watched_signals() {
  return __atomic_load_n(&watched_set, __ATOMIC_ACQUIRE);
}

KQ_SIGNAL_SAFE void forget_signals() {
  __atomic_store_n(&lock_word, 0, __ATOMIC_RELAXED);
  if (!ever_watched()) return;
  for (int signal = 1; signal <= kSignals; ++signal) {
    Watched* const state = &watched[signal];
    struct sigaction now;
    // The version may be odd for ever: the thread that was writing is not in this process.
    if (state->version % 2 != 0) ++state->version;
    if (state->knotes > 0 && real_sigaction()(signal, nullptr, &now) == 0 && is_ours(now)) {
      real_sigaction()(signal, &state->wanted, nullptr);
    }
    state->knotes = 0;
    state->bell = -1;
  }
  watched_set = 0;
  pending_descriptor = -1;
  ringing = retired_count = 0;
  owner = 0;
}

KQ_SIGNAL_SAFE HandlerRuns handler_runs() { return {asked_for, ignored}; }

KQ_SIGNAL_SAFE int set_disposition(int signal, const struct sigaction* act, struct sigaction* old) {
  const auto real = real_sigaction();
  if (!ever_watched() || !catchable(static_cast<uintptr_t>(signal))) {
    return real(signal, act, old);
  }
  Watched* const state = &watched[signal];
  if (!own_process()) {
    // A child with the parent's memory, or one that was forked past us: the kernel's answer about
    // the child, in the program's words.
    const int result = real(signal, act, old);
    if (result == 0 && old && is_ours(*old)) copy(old, &state->wanted);
    return result;
  }
  SignalLock lock;
  if (state->knotes == 0) return real(signal, act, old);
  struct sigaction before;
  copy(&before, &state->wanted);
  if (act) {
    want(state, act);
    install(signal, act);
  }
  if (old) copy(old, &before);  // which may be *act
  return 0;
}

// In a child of vfork this changes the child's table in the kernel, and nothing in the memory that
// it shares with its parent.
KQ_SIGNAL_SAFE void hand_over_ignored(bool before_exec) {
  for (uint64_t rest = ever_watched() ? watched_signals() : 0; rest != 0; rest &= rest - 1) {
    const int signal = __builtin_ctzll(rest) + 1;
    const struct sigaction* const wanted = &watched[signal].wanted;
    if (wanted->sa_handler != SIG_IGN) continue;
    if (!before_exec) install(signal, wanted);
    if (before_exec) real_sigaction()(signal, wanted, nullptr);
  }
}

}  // namespace kq
