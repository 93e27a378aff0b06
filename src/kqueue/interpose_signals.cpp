// The functions of libc that set what is done with a signal, interposed by name in programs that
// are linked with libkq: while a signal is watched they show and change what the program wants,
// and the kernel keeps libkq's handler (signal_watch.cpp). libc's own do not go through its
// sigaction() as others see it, so each of them is here; all are libc's, in other words.
#include <errno.h>
#include <signal.h>

#include "interpose.h"
#include "signal_watch.h"

namespace kq {
namespace {

using Handler = void (*)(int);

// Signals for which siginterrupt(3) wants system calls to fail, bit n - 1 for n.
std::atomic<uint64_t> interrupting{0};

uint64_t bit_of(int signal) { return uint64_t{1} << (signal - 1); }

// libc refuses its own signals, too.
bool refused(int signal) {
  if (catchable(static_cast<uintptr_t>(signal)) && signal > 0) return false;
  errno = EINVAL;
  return true;
}

Handler set_handler(int signal, Handler handler, int flags, bool masks_itself) {
  if (handler == SIG_ERR || refused(signal)) {
    errno = EINVAL;
    return SIG_ERR;
  }
  struct sigaction act {};
  struct sigaction old;
  act.sa_handler = handler;
  sigemptyset(&act.sa_mask);
  if (masks_itself) sigaddset(&act.sa_mask, signal);
  act.sa_flags = flags;
  return set_disposition(signal, &act, &old) < 0 ? SIG_ERR : old.sa_handler;
}

Handler bsd_handler(int signal, Handler handler) {
  const bool interrupts =
      signal > 0 && signal <= kSignals && (interrupting.load() & bit_of(signal)) != 0;
  return set_handler(signal, handler, interrupts ? 0 : SA_RESTART, true);
}

}  // namespace
}  // namespace kq

KQ_EXPORT KQ_SIGNAL_SAFE int sigaction(int signal, const struct sigaction* act,
                                       struct sigaction* old) {
  return kq::set_disposition(signal, act, old);
}

KQ_EXPORT sighandler_t signal(int signal, sighandler_t handler) {
  return kq::bsd_handler(signal, handler);
}

KQ_EXPORT sighandler_t bsd_signal(int signal, sighandler_t handler) {
  return kq::bsd_handler(signal, handler);
}

KQ_EXPORT sighandler_t ssignal(int signal, sighandler_t handler) {
  return kq::bsd_handler(signal, handler);
}

// SA_INTERRUPT, which libc sets besides, means nothing to the kernel.
KQ_EXPORT sighandler_t sysv_signal(int signal, sighandler_t handler) {
  return kq::set_handler(signal, handler, static_cast<int>(SA_RESETHAND | SA_NODEFER), false);
}

KQ_EXPORT sighandler_t __sysv_signal(int signal, sighandler_t handler) {
  return sysv_signal(signal, handler);
}

KQ_EXPORT int siginterrupt(int signal, int interrupt) {
  struct sigaction act;
  if (kq::refused(signal) || sigaction(signal, nullptr, &act) < 0) return -1;
  if (interrupt) {
    kq::interrupting.fetch_or(kq::bit_of(signal));
    act.sa_flags &= ~SA_RESTART;
  } else {
    kq::interrupting.fetch_and(~kq::bit_of(signal));
    act.sa_flags |= SA_RESTART;
  }
  return sigaction(signal, &act, nullptr);
}

KQ_EXPORT int sigignore(int signal) {
  return kq::set_handler(signal, SIG_IGN, 0, false) == SIG_ERR ? -1 : 0;
}

// System V's: SIG_HOLD blocks, anything else sets and unblocks. Returns the disposition before, or
// SIG_HOLD if the signal was blocked.
KQ_EXPORT sighandler_t sigset(int signal, sighandler_t handler) {
  sigset_t one, before;
  if (kq::refused(signal)) return SIG_ERR;
  sigemptyset(&one);
  sigaddset(&one, signal);
  if (handler == SIG_HOLD) {
    struct sigaction act;
    if (sigprocmask(SIG_BLOCK, &one, &before) < 0) return SIG_ERR;
    if (sigismember(&before, signal)) return SIG_HOLD;
    return sigaction(signal, nullptr, &act) < 0 ? SIG_ERR : act.sa_handler;
  }
  const auto old = kq::set_handler(signal, handler, 0, false);
  if (old == SIG_ERR || sigprocmask(SIG_UNBLOCK, &one, &before) < 0) return SIG_ERR;
  return sigismember(&before, signal) ? SIG_HOLD : old;
}
