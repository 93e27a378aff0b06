// A POSIX timer that signals the thread it was made for; on macOS, which has none, the process's
// interval timer.
#include "engine/watch.h"

#include <sys/time.h>
#include <unistd.h>

#include <atomic>

#if defined(__linux__)
#include <sys/syscall.h>
#endif

namespace kqtorture {
namespace {

// Long enough not to disturb a call that is on its way, short enough to wait for.
constexpr time_t kPatienceSeconds = 1;

// Threads of a free run are signalled side by side.
std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler must not block");

void on_signal(int) { interrupted.store(true, std::memory_order_relaxed); }

}  // namespace

int interrupting_signal() {
#if defined(SIGRTMIN)
  return SIGRTMIN + 3;
#else
  return SIGALRM;
#endif
}

void install_interrupting_handler() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  sigaction(interrupting_signal(), &action, nullptr);
}

Watch::Watch() {
  install_interrupting_handler();
#if defined(__APPLE__)
  works_ = true;
#else
  sigevent event{};
  event.sigev_signo = interrupting_signal();
#if defined(__linux__)
  event.sigev_notify = SIGEV_THREAD_ID;
#if !defined(sigev_notify_thread_id)
#define sigev_notify_thread_id _sigev_un._tid
#endif
  event.sigev_notify_thread_id = static_cast<pid_t>(syscall(SYS_gettid));
#else
  event.sigev_notify = SIGEV_SIGNAL;
#endif
  works_ = timer_create(CLOCK_MONOTONIC, &event, &timer_) == 0;
#endif
}

Watch::~Watch() {
#if !defined(__APPLE__)
  if (works_) timer_delete(timer_);
#endif
}

void Watch::arm() {
  interrupted.store(false, std::memory_order_relaxed);
  if (!works_) return;
#if defined(__APPLE__)
  const itimerval time{{kPatienceSeconds, 0}, {kPatienceSeconds, 0}};
  setitimer(ITIMER_REAL, &time, nullptr);
#else
  const itimerspec time{{kPatienceSeconds, 0}, {kPatienceSeconds, 0}};
  timer_settime(timer_, 0, &time, nullptr);
#endif
}

bool Watch::disarm() {
  if (works_) {
#if defined(__APPLE__)
    const itimerval never{};
    setitimer(ITIMER_REAL, &never, nullptr);
#else
    const itimerspec never{};
    timer_settime(timer_, 0, &never, nullptr);
#endif
  }
  return interrupted.load(std::memory_order_relaxed);
}

}  // namespace kqtorture
