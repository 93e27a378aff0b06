// The portable carrier: threads that hand on a token, on one processor, where the next one to run
// finds everything in the cache and the switch is one system call on either side.
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>

#include <atomic>
#include <climits>
#include <vector>

#include "sched/fiber.h"
#include "sched/real.h"

namespace kqtorture::sched {
namespace {

constexpr size_t kTokenStackBytes = size_t{1} << 20;

struct Holder {
  std::atomic<uint32_t> token{0};
  pthread_t handle{};
  uint32_t index = 0;
  void (*entry)(uint32_t) = nullptr;
  uintptr_t low = 0, high = 0;
  bool begun = false;  // switched to since rewind()
  std::atomic<uint32_t> made{0};
};

void give(Holder* holder) {
  holder->token.store(1, std::memory_order_release);
  real().syscall(SYS_futex, &holder->token, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

void await(Holder* holder) {
  while (holder->token.load(std::memory_order_acquire) == 0) {
    real().syscall(SYS_futex, &holder->token, FUTEX_WAIT_PRIVATE, 0, nullptr, nullptr, 0);
  }
  holder->token.store(0, std::memory_order_relaxed);
}

void* hold(void* argument) {
  auto* holder = static_cast<Holder*>(argument);
  holder->high = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  holder->low = holder->high - kTokenStackBytes + 16384;
  holder->made.store(1, std::memory_order_release);
  while (true) {
    await(holder);
    holder->entry(holder->index);
  }
  return nullptr;
}

class TokenThreads : public Carrier {
 public:
  bool start(uint32_t count, void (*entry)(uint32_t), std::string* why_not) override {
    const int processor = sched_getcpu();
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(processor < 0 ? 0 : static_cast<size_t>(processor), &one);
    sched_setaffinity(0, sizeof one, &one);  // where that is refused it is slower, no more
    holders_ = std::vector<Holder>(count);
    sigset_t all, before;
    sigfillset(&all);
    real().pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, kTokenStackBytes);
    int error = 0;
    for (uint32_t i = 0; i < count && error == 0; i++) {
      Holder& holder = holders_[i];
      holder.index = i;
      holder.entry = entry;
      error = real().pthread_create(&holder.handle, &attributes, hold, &holder);
      while (error == 0 && holder.made.load(std::memory_order_acquire) == 0) real().sched_yield();
    }
    pthread_attr_destroy(&attributes);
    real().pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (error != 0) *why_not = "no thread can be made";
    return error == 0;
  }

  // A thread that is done waits for the token at its beginning; one that is not stays where it is.
  bool rewind(uint32_t thread) override { return !holders_[thread].begun; }

  void switch_to(uint32_t from, uint32_t to) override {
    Holder& next = of(to);
    next.begun = true;
    give(&next);
    await(&of(from));
  }

  // It goes back to its beginning, and the token to another.
  void finish(uint32_t from, uint32_t to) override {
    of(from).begun = false;
    of(to).begun = true;
    give(&of(to));
  }

  pthread_t handle(uint32_t thread) const override { return holders_[thread].handle; }
  uintptr_t stack_low(uint32_t thread) const override { return holders_[thread].low; }
  uintptr_t stack_high(uint32_t thread) const override { return holders_[thread].high; }

 private:
  Holder& of(uint32_t thread) { return thread == kOutside ? outside_ : holders_[thread]; }

  std::vector<Holder> holders_;
  Holder outside_;
};

}  // namespace

std::unique_ptr<Carrier> make_token_threads() { return std::make_unique<TokenThreads>(); }

}  // namespace kqtorture::sched
