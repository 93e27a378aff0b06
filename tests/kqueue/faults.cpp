// libkq's imports, between libkq and the C library. Some of them are called in signal handlers, so
// nothing here is instrumented, and the state is written by builtins.
#include "faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <new>

#include "imports.h"

#if defined(__clang__)
#define KQT_BARE __attribute__((disable_sanitizer_instrumentation, noinline))
#else
#define KQT_BARE __attribute__((no_sanitize("thread", "address", "undefined"), noinline))
#endif

namespace kqtorture {
namespace {

struct State {
  int what;
  int error;
  int onwards;
  long left;
  long fired;
};

State* state = nullptr;  // in memory that forked children share
long blocks = 0;
bool spared = false;

KQT_BARE bool runs_out(Scarce what) {
  if (__atomic_load_n(&state->what, __ATOMIC_ACQUIRE) != static_cast<int>(what)) return false;
  if (spared) return false;
  const long left = __atomic_fetch_sub(&state->left, 1, __ATOMIC_ACQ_REL);
  if (left > 0 || (left < 0 && !state->onwards)) return false;
  __atomic_add_fetch(&state->fired, 1, __ATOMIC_ACQ_REL);
  errno = state->error;
  return true;
}

template <typename T>
KQT_BARE T* counted(T* block) {
  if (block != nullptr) __atomic_add_fetch(&blocks, 1, __ATOMIC_RELAXED);
  return block;
}

KQT_BARE void uncounted(void* block) {
  if (block != nullptr) __atomic_sub_fetch(&blocks, 1, __ATOMIC_RELAXED);
}

KQT_BARE void* scarce_malloc(size_t size) {
  return runs_out(Scarce::kMemory) ? nullptr : counted(malloc(size));
}

KQT_BARE void* scarce_calloc(size_t count, size_t size) {
  return runs_out(Scarce::kMemory) ? nullptr : counted(calloc(count, size));
}

KQT_BARE void* scarce_realloc(void* block, size_t size) {
  if (runs_out(Scarce::kMemory)) return nullptr;
  if (block != nullptr) return realloc(block, size);
  return counted(realloc(block, size));
}

KQT_BARE void* scarce_new(size_t size, const std::nothrow_t& nothrow) {
  return runs_out(Scarce::kMemory) ? nullptr : counted(::operator new(size, nothrow));
}

KQT_BARE void counted_free(void* block) {
  uncounted(block);
  free(block);
}

KQT_BARE void counted_delete(void* block) {
  uncounted(block);
  ::operator delete(block);
}

KQT_BARE void* scarce_mmap(void* address, size_t size, int protection, int flags, int fd,
                           off_t offset) {
  if (runs_out(Scarce::kMemory)) return MAP_FAILED;
  return mmap(address, size, protection, flags, fd, offset);
}

KQT_BARE int scarce_inotify_add_watch(int fd, const char* path, uint32_t mask) {
  return runs_out(Scarce::kKernelMemory) ? -1 : inotify_add_watch(fd, path, mask);
}

KQT_BARE bool makes_descriptor(long number, long first, long second) {
  switch (number) {
    case SYS_eventfd2:
    case SYS_epoll_create1:
    case SYS_timerfd_create:
    case SYS_inotify_init1:
    case SYS_pidfd_open:
    case SYS_pipe2:
    case SYS_openat:
    case SYS_dup:
      return true;
    case SYS_signalfd4:
      return static_cast<int>(first) == -1;
    case SYS_fcntl:
      return second == F_DUPFD || second == F_DUPFD_CLOEXEC;
    default:
      return false;
  }
}

// Called as a function with a variable list, which passes its arguments as any other does.
KQT_BARE long scarce_syscall(long number, long a, long b, long c, long d, long e, long f) {
  if (makes_descriptor(number, a, b) && runs_out(Scarce::kDescriptors)) return -1;
  const long result = syscall(number, a, b, c, d, e, f);
  // Who adds what is there already needs no memory to be told so.
  if (number == SYS_epoll_ctl && static_cast<int>(b) == EPOLL_CTL_ADD && result == 0 &&
      runs_out(Scarce::kKernelMemory)) {
    epoll_event unused{};
    syscall(SYS_epoll_ctl, a, EPOLL_CTL_DEL, c, &unused);
    errno = state->error;
    return -1;
  }
  return result;
}

template <typename Function>
void* address(Function* function) {
  return reinterpret_cast<void*>(function);
}

}  // namespace

bool prepare_faults() {
  void* page =
      mmap(nullptr, sizeof *state, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return false;
  state = static_cast<State*>(page);
  const int found =
      replace_imports("libkq.so", {
                                      {"malloc", address(scarce_malloc)},
                                      {"calloc", address(scarce_calloc)},
                                      {"realloc", address(scarce_realloc)},
                                      {"free", address(counted_free)},
                                      {"_ZnwmRKSt9nothrow_t", address(scarce_new)},
                                      {"_ZdlPv", address(counted_delete)},
                                      {"_ZdlPvm", address(counted_delete)},
                                      {"mmap", address(scarce_mmap)},
                                      {"inotify_add_watch", address(scarce_inotify_add_watch)},
                                      {"syscall", address(scarce_syscall)},
                                  });
  return found >= 7;  // libkq calls no malloc(), and one of the two that delete
}

void arm_faults(Scarce what, long successes, bool onwards, int error) {
  state->left = successes;
  state->onwards = onwards;
  state->error = error;
  __atomic_store_n(&state->what, static_cast<int>(what), __ATOMIC_RELEASE);
}

void disarm_faults() {
  __atomic_store_n(&state->what, static_cast<int>(Scarce::kNothing), __ATOMIC_RELEASE);
}

void spare_this_process() { spared = true; }

long faults() { return __atomic_load_n(&state->fired, __ATOMIC_ACQUIRE); }

long blocks_held() { return __atomic_load_n(&blocks, __ATOMIC_RELAXED); }

}  // namespace kqtorture
