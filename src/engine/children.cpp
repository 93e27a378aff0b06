// Descriptors here are the host's, and made and closed by its own system calls: the subject under
// test, which may have interposed close(), is not to hear of them.
#include "engine/children.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__linux__)
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <new>

#include "subject/sanitizers.h"

namespace kqtorture {

#if defined(__linux__)
long (*ScriptedChild::host_syscall)(long, ...) = ::syscall;
#endif

namespace {

#if defined(__linux__)

// In the child, too: it has its parent's thread-local variables, and no other function may look.
constexpr auto& host_call = ScriptedChild::host_syscall;

// Enough for three system calls; a page more than they take.
constexpr size_t kStackBytes = 16384;

constexpr int kFirstNumber = 400;

struct Script {
  int orders;
  std::atomic<int> ready{0};
};

#if defined(__clang__)
#define KQT_BARE __attribute__((no_sanitize("address", "thread", "undefined"), noinline))
#else
#define KQT_BARE __attribute__((no_sanitize("address"), no_sanitize("thread"), noinline))
#endif

// In the child. The parent waits for `ready`, so that errno, which the two share, is nobody else's
// until then; afterwards nothing here fails.
KQT_BARE int do_nothing(void* argument) {
  auto* script = static_cast<Script*>(argument);
  unsigned char status = 99;
  host_call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  // What the program does about a signal, or libFuzzer about SIGTERM, is not the child's way to
  // end. All zero is SIG_DFL; the kernel's own struct has at most four words.
  const uint64_t to_default[4] = {};
  for (int number = 1; number < 32; number++) {
    host_call(SYS_rt_sigaction, number, to_default, nullptr, sizeof(uint64_t));
  }
  const uint64_t no_signals = 0;
  host_call(SYS_rt_sigprocmask, SIG_SETMASK, &no_signals, nullptr, sizeof no_signals);
  // Its orders on 0, and nothing else.
  host_call(SYS_dup3, script->orders, 0, 0);
  host_call(SYS_close_range, 1u, ~0u, 0u);
  __atomic_store_n(reinterpret_cast<int*>(&script->ready), 1, __ATOMIC_RELEASE);
  host_call(SYS_futex, &script->ready, 1 /* FUTEX_WAKE */, 1, nullptr, nullptr, 0);
  host_call(SYS_read, 0, &status, 1);
  host_call(SYS_exit_group, static_cast<int>(status));
  return 0;
}

// ThreadSanitizer's clone() takes its child for a fork, and would put the memory of both in order:
// there the child is a fork, made where the sanitizer does not see it.
KQT_BARE pid_t split_off(Script* script, void* stack) {
  if (!kThreadSanitizer) return clone(do_nothing, stack, CLONE_VM | SIGCHLD, script);
  const auto pid = static_cast<pid_t>(host_call(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, 0));
  if (pid == 0) do_nothing(script);
  return pid;
}

void close_end(int fd) { host_call(SYS_close, fd); }

void write_order(int orders, unsigned char order) {
  while (host_call(SYS_write, orders, &order, 1) < 0 && errno == EINTR) {
  }
}

// Out of the way of the program's numbers.
int make_pipe(int ends[2]) {
  int low[2];
  if (host_call(SYS_pipe2, low, O_CLOEXEC) != 0) return -1;
  for (int i = 0; i < 2; i++) {
    ends[i] = static_cast<int>(host_call(SYS_fcntl, low[i], F_DUPFD_CLOEXEC, kFirstNumber));
  }
  close_end(low[0]);
  close_end(low[1]);
  if (ends[0] >= 0 && ends[1] >= 0) return 0;
  for (int i = 0; i < 2; i++) {
    if (ends[i] >= 0) close_end(ends[i]);
  }
  return -1;
}

#else

int make_pipe(int ends[2]) {
  if (pipe(ends) != 0) return -1;
  fcntl(ends[0], F_SETFD, FD_CLOEXEC);
  return fcntl(ends[1], F_SETFD, FD_CLOEXEC);
}
void close_end(int fd) { close(fd); }
void write_order(int orders, unsigned char order) {
  while (write(orders, &order, 1) < 0 && errno == EINTR) {
  }
}

#endif

}  // namespace

#if defined(__linux__)

bool ScriptedChild::start() {
  int ends[2];
  if (make_pipe(ends) != 0) return false;
  if (stack_ == nullptr) {
    stack_ = mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (stack_ == MAP_FAILED) stack_ = nullptr;
  }
  pid_ = -1;
  Script* const script = stack_ == nullptr ? nullptr : new (stack_) Script{ends[0], {}};
  if (script != nullptr) pid_ = split_off(script, static_cast<char*>(stack_) + kStackBytes);
  const int error = errno;
  // Until it has closed its copies of everybody's descriptors.
  while (pid_ > 0 && script->ready.load(std::memory_order_acquire) == 0) {
    host_call(SYS_futex, &script->ready, 0 /* FUTEX_WAIT */, 0, nullptr, nullptr, 0);
  }
  return begin_life(ends, error);
}

#else

bool ScriptedChild::start() {
  int ends[2], ready[2];
  if (make_pipe(ends) != 0) return false;
  if (make_pipe(ready) != 0) {
    close_end(ends[0]);
    close_end(ends[1]);
    return false;
  }
  pid_ = fork();
  if (pid_ == 0) {
    unsigned char status = 99;
    for (int number = 1; number < 32; number++) signal(number, SIG_DFL);
    dup2(ends[0], 0);
    dup2(ready[1], 1);
    const long most = sysconf(_SC_OPEN_MAX);
    for (int fd = 2; fd < (most > 0 && most < 65536 ? most : 65536); fd++) close(fd);
    (void)!write(1, &status, 1);
    close(1);
    while (read(0, &status, 1) < 0 && errno == EINTR) {
    }
    _exit(status);
  }
  const int error = errno;
  char byte;
  close_end(ready[1]);
  while (pid_ > 0 && read(ready[0], &byte, 1) < 0 && errno == EINTR) {
  }
  close_end(ready[0]);
  return begin_life(ends, error);
}

#endif

bool ScriptedChild::begin_life(const int ends[2], int error) {
  close_end(ends[0]);
  orders_ = ends[1];
  life_ = pid_ > 0 ? Life::kAlive : Life::kNone;
  if (pid_ > 0) return true;
  close_end(orders_);
  errno = error;
  return false;
}

void ScriptedChild::clear() {
  if (life_ == Life::kAlive) kill_by(SIGKILL);
  if (life_ == Life::kZombie) reap();
  if (life_ != Life::kNone) close_end(orders_);
  life_ = Life::kNone;
  pid_ = orders_ = -1;
#if defined(__linux__)
  if (stack_ != nullptr) munmap(stack_, kStackBytes);
  stack_ = nullptr;
#endif
}

bool ScriptedChild::fresh() {
  const std::lock_guard lock(mutex_);
  return life_ == Life::kAlive;
}

void ScriptedChild::await_death() const {
  siginfo_t info;
  while (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) < 0 && errno == EINTR) {
  }
}

int ScriptedChild::exit_with(int status) {
  const std::lock_guard lock(mutex_);
  if (life_ != Life::kAlive) {
    errno = ESRCH;
    return -1;
  }
  const auto order = static_cast<unsigned char>(status);
  write_order(orders_, order);
  await_death();
  life_ = Life::kZombie;
  return 0;
}

int ScriptedChild::kill_by(int signal) {
  const std::lock_guard lock(mutex_);
  if (life_ != Life::kAlive) {
    errno = ESRCH;
    return -1;
  }
  kill(pid_, signal);
  await_death();
  life_ = Life::kZombie;
  return 0;
}

int ScriptedChild::reap() {
  const std::lock_guard lock(mutex_);
  if (life_ != Life::kZombie) {
    errno = life_ == Life::kAlive ? EAGAIN : ECHILD;
    return -1;
  }
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  life_ = Life::kReaped;
  return status;
}

}  // namespace kqtorture
