// Fibers: x86-64 only, since the switch is written by hand, and only where the kernel lets a
// program set the base of its thread-local storage (Linux 5.9).
#include "sched/fiber.h"

#if defined(__x86_64__) && defined(__linux__)

#include <immintrin.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/auxv.h>

#include <atomic>
#include <vector>

#include "sched/real.h"

// Saves what a called function must preserve on the stack, changes stack and thread-local storage,
// and restores. rdi: where to save the stack pointer, rsi: the new one, rdx: the new base.
asm(R"(
.text
.globl kqtorture_switch
.hidden kqtorture_switch
.type kqtorture_switch, @function
kqtorture_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  wrfsbase %rdx
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size kqtorture_switch, .-kqtorture_switch

.globl kqtorture_fiber_begin
.hidden kqtorture_fiber_begin
.type kqtorture_fiber_begin, @function
kqtorture_fiber_begin:
  xorl %ebp, %ebp
  movl %ebx, %edi
  call *%r12
  ud2
.size kqtorture_fiber_begin, .-kqtorture_fiber_begin
)");

extern "C" void kqtorture_switch(void** save, void* stack, uint64_t thread_base);
extern "C" void kqtorture_fiber_begin();

namespace kqtorture::sched {
namespace {

constexpr size_t kStackBytes = size_t{1} << 20;
// Between the frames of the parked thread, which the kernel returns to if a signal finds it, and
// those of the fiber.
constexpr uintptr_t kApart = 16384;
constexpr unsigned long kFsgsbase = 2;  // in AT_HWCAP2

struct Fiber {
  void* stack = nullptr;  // pointer, while it does not run
  uint64_t base = 0;      // of its thread-local storage
  uintptr_t low = 0, high = 0;
  pthread_t handle{};
  uint32_t index = 0;
  std::atomic<uint32_t> parked{0};
};

__attribute__((target("fsgsbase"))) uint64_t thread_base() { return _readfsbase_u64(); }

void* park(void* argument) {
  auto* fiber = static_cast<Fiber*>(argument);
  fiber->base = thread_base();
  fiber->high = (reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) - kApart) & ~uintptr_t{63};
  fiber->low = fiber->high - kStackBytes + 4 * kApart;
  fiber->parked.store(1, std::memory_order_release);
  std::atomic<uint32_t> never{0};
  while (true) real().syscall(SYS_futex, &never, FUTEX_WAIT_PRIVATE, 0, nullptr, nullptr, 0);
  return nullptr;
}

class Fibers : public Carrier {
 public:
  bool start(uint32_t count, void (*entry)(uint32_t), std::string* why_not) override {
    entry_ = entry;
    fibers_ = std::vector<Fiber>(count);
    outside_.base = thread_base();
    // Nobody but the carrier handles signals.
    sigset_t all, before;
    sigfillset(&all);
    real().pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, kStackBytes + 4 * kApart);
    int error = 0;
    for (uint32_t i = 0; i < count && error == 0; i++) {
      fibers_[i].index = i;
      error = real().pthread_create(&fibers_[i].handle, &attributes, park, &fibers_[i]);
      while (error == 0 && fibers_[i].parked.load(std::memory_order_acquire) == 0) {
        real().sched_yield();
      }
    }
    pthread_attr_destroy(&attributes);
    real().pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (error != 0) *why_not = "no thread can be made";
    return error == 0;
  }

  bool rewind(uint32_t thread) override {
    Fiber& fiber = fibers_[thread];
    // What kqtorture_switch pops, then a return address; at the entry the stack is as the calling
    // convention has it.
    auto* stack = reinterpret_cast<uint64_t*>(fiber.high);
    *--stack = 0;
    *--stack = 0;
    *--stack = reinterpret_cast<uint64_t>(&kqtorture_fiber_begin);
    *--stack = 0;                                   // rbp
    *--stack = thread;                              // rbx
    *--stack = reinterpret_cast<uint64_t>(entry_);  // r12
    for (int i = 0; i < 3; i++) *--stack = 0;       // r13 to r15
    fiber.stack = stack;
    return true;
  }

  void switch_to(uint32_t from, uint32_t to) override {
    Fiber& next = of(to);
    kqtorture_switch(&of(from).stack, next.stack, next.base);
  }

  void finish(uint32_t from, uint32_t to) override { switch_to(from, to); }

  pthread_t handle(uint32_t thread) const override { return fibers_[thread].handle; }
  uintptr_t stack_low(uint32_t thread) const override { return fibers_[thread].low; }
  uintptr_t stack_high(uint32_t thread) const override { return fibers_[thread].high; }

 private:
  Fiber& of(uint32_t thread) { return thread == kOutside ? outside_ : fibers_[thread]; }

  void (*entry_)(uint32_t) = nullptr;
  std::vector<Fiber> fibers_;
  Fiber outside_;
};

}  // namespace

std::unique_ptr<Carrier> make_fibers(std::string* why_not) {
  if (getauxval(AT_HWCAP2) & kFsgsbase) return std::make_unique<Fibers>();
  *why_not = "the kernel does not let a program set the base of its thread-local storage";
  return nullptr;
}

}  // namespace kqtorture::sched

#else

namespace kqtorture::sched {

std::unique_ptr<Carrier> make_fibers(std::string* why_not) {
  *why_not = "fibers are made for Linux on x86-64 only";
  return nullptr;
}

}  // namespace kqtorture::sched

#endif
