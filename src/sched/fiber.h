// How one thread of the runtime stops and another goes on.
//
// Every thread of the runtime is a real pthread, so that it has a stack, thread-local variables and
// a pthread_t of its own. Either it also runs as itself, one at a time, handing on a token (the
// portable way: some microseconds a switch); or it is parked for good and lends its stack and its
// thread-local storage to the one thread that runs everything (a fiber: some ten nanoseconds).
#pragma once

#include <pthread.h>

#include <cstdint>
#include <memory>
#include <string>

namespace kqtorture::sched {

class Carrier {
 public:
  static constexpr uint32_t kOutside = UINT32_MAX;  // the thread that called start()

  virtual ~Carrier() = default;
  // Makes `count` threads; `entry` is what each runs when it is switched to for the first time
  // since rewind(). Its last act is finish(), after which it returns, should that return.
  virtual bool start(uint32_t count, void (*entry)(uint32_t thread), std::string* why_not) = 0;
  // The thread begins anew at its entry. False when it is in the middle of something that it cannot
  // be taken out of.
  virtual bool rewind(uint32_t thread) = 0;
  // Called on `from`; returns when somebody switches back to it.
  virtual void switch_to(uint32_t from, uint32_t to) = 0;
  // Called on `from`, which is done.
  virtual void finish(uint32_t from, uint32_t to) = 0;
  virtual pthread_t handle(uint32_t thread) const = 0;
  // Addresses of its stack: [low, high).
  virtual uintptr_t stack_low(uint32_t thread) const = 0;
  virtual uintptr_t stack_high(uint32_t thread) const = 0;
};

// Null, with the reason, where the processor or the system has not what it needs.
std::unique_ptr<Carrier> make_fibers(std::string* why_not);
std::unique_ptr<Carrier> make_token_threads();

}  // namespace kqtorture::sched
