// Signals that a thread sends to itself.
//
// The kernel is asked what is to be done with the signal, and nothing else: a handler is called
// here, as any function, where the signal was raised. So it runs on the thread that is meant, at
// the step that a schedule says, and others may go first at each of its system calls. What the
// kernel would do while it runs a handler, block the signal and those of the mask, is done to the
// thread's own mask.
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "sched/calls.h"

using namespace kqtorture::sched;

namespace kqtorture::sched {
namespace {

// The kernel's own struct, whose set of signals is 64 bits.
struct Disposition {
  void* handler = nullptr;
  unsigned long flags = 0;
  void* restorer = nullptr;
  uint64_t mask = 0;
};
constexpr long kSetBytes = 8;

constexpr uint64_t bit_of(int signal) { return uint64_t{1} << (signal - 1); }

uint64_t mask_of(const Thread& thread) {
  uint64_t mask;
  memcpy(&mask, &thread.mask, sizeof mask);
  return mask;
}

void set_mask(Thread* thread, uint64_t mask) { memcpy(&thread->mask, &mask, sizeof mask); }

bool discarded(int signal) {
  return signal == SIGCHLD || signal == SIGURG || signal == SIGWINCH || signal == SIGCONT;
}

void call_handler(const Disposition& disposition, int signal) {
  if (!(disposition.flags & SA_SIGINFO)) {
    reinterpret_cast<void (*)(int)>(disposition.handler)(signal);
    return;
  }
  siginfo_t info{};
  info.si_signo = signal;
  info.si_code = SI_TKILL;
  info.si_pid = getpid();
  info.si_uid = getuid();
  ucontext_t context{};
  reinterpret_cast<void (*)(int, siginfo_t*, void*)>(disposition.handler)(signal, &info, &context);
}

}  // namespace

long raise_call(int signal, uintptr_t site) {
  if (signal < 0 || signal > 64) return -EINVAL;
  Core& core = Core::get();
  core.step(Step::kWrite, kKernelObject, site);
  if (signal == 0) return 0;
  Thread* const thread = self();
  const uint64_t mask = mask_of(*thread);
  if (mask & bit_of(signal)) core.unsupported("raise() of a signal that the thread blocks");
  Disposition disposition;
  if (real().syscall(SYS_rt_sigaction, signal, nullptr, &disposition, kSetBytes) != 0) {
    return -errno;
  }
  if (disposition.handler == reinterpret_cast<void*>(SIG_IGN)) return 0;
  if (disposition.handler == reinterpret_cast<void*>(SIG_DFL)) {
    if (discarded(signal)) return 0;
    core.unsupported("raise() of a signal that ends or stops the process");
  }
  if (disposition.flags & SA_RESETHAND) {
    const Disposition by_default;
    real().syscall(SYS_rt_sigaction, signal, &by_default, nullptr, kSetBytes);
  }
  const uint64_t itself = disposition.flags & SA_NODEFER ? 0 : bit_of(signal);
  set_mask(thread, mask | disposition.mask | itself);
  call_handler(disposition, signal);
  set_mask(thread, mask);
  return 0;
}

long signal_mask_call(int how, const uint64_t* set, uint64_t* old) {
  Thread* const thread = self();
  const uint64_t before = mask_of(*thread);
  if (set != nullptr) {
    switch (how) {
      case SIG_BLOCK:
        set_mask(thread, before | *set);
        break;
      case SIG_UNBLOCK:
        set_mask(thread, before & ~*set);
        break;
      case SIG_SETMASK:
        set_mask(thread, *set);
        break;
      default:
        return -EINVAL;
    }
  }
  if (old != nullptr) *old = before;
  return 0;
}

}  // namespace kqtorture::sched

KQ_REPLACE(int, raise, (int signal)) {
  if (!controlled()) return real().raise(signal);
  return static_cast<int>(for_libc(raise_call(signal, KQ_HERE)));
}
