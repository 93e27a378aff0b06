// What libkq knows of each signal of the process: how often it was posted, who counts it, and what
// the program wants done with it. How a post is seen is told in signal_watch.cpp.
#pragma once

#include <signal.h>

#include <cstdint>

namespace kq {

// The thread sanitizer's runtime must not be entered from a signal handler that may have
// interrupted it: what runs in one is compiled without it, atomic operations included.
#if defined(__clang__)
#define KQ_SIGNAL_SAFE __attribute__((disable_sanitizer_instrumentation, noinline))
#else
#define KQ_SIGNAL_SAFE __attribute__((no_sanitize("thread"), noinline))
#endif

inline constexpr int kSignals = 64;  // Linux's, 1 to 64

// Can a handler be installed for it? Every other number is watched in vain. (32 and 33 are the C
// library's own.)
inline bool catchable(uintptr_t signal) {
  const bool special = signal == SIGKILL || signal == SIGSTOP || signal == 32 || signal == 33;
  return signal >= 1 && signal <= kSignals && !special;
}

// Makes the descriptors that watching the signal takes, one for each signal and one for all;
// called without any lock. Returns 0 or an errno.
int provide_signal(int signal);
// They are not needed after all, unless others watch signals: close_retired_bells() closes them.
void give_up_signal(int signal);
// The one that every post of the signal makes ready (an edge), and the one that becomes ready when
// a signal is watched that all threads block. -1: none yet.
int signal_bell(int signal);
int pending_bell();

// One more, or one less, knote counts the signal. False: the descriptors are not there (any more).
bool watch_signal(int signal);
void unwatch_signal(int signal);
// Closes the descriptors of signals that are not watched any more; called without any lock.
void close_retired_bells();

// Posts of the signal so far; only differences mean something.
uint64_t posts_of(int signal);
// The signals that anybody counts; bit n - 1 stands for signal n.
uint64_t watched_signals();
// Counts those that are pending because every thread blocks them.
void count_pending_signals();
// Is one of those counted that was still pending when last seen?
bool counted_while_pending();

// In a forked child: the program's own dispositions are put back, and nothing is watched.
void forget_signals();

// What the handlers of watched signals have done in this thread: how often one ran that the program
// asked for, and how often only libkq's own, for a signal that is ignored.
struct HandlerRuns {
  unsigned asked_for, ignored;
};
HandlerRuns handler_runs();

// sigaction(2) as the program sees it. act and old may be null.
int set_disposition(int signal, const struct sigaction* act, struct sigaction* old);

// Before a program is executed, which inherits what is ignored, the kernel ignores what this one
// does, and nothing of that is counted; after an exec that failed it is as it was.
void hand_over_ignored(bool before_exec);

}  // namespace kq
