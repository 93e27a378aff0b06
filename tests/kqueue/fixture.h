// The ground that every conformance case stands on: the subject, opened once per program, its
// profile's knobs, and wrappers that make a case read like the rule it tests.
//
// Nothing here touches a descriptor other than through the subject, so the same cases run against
// the emulator, a kernel, or a stranger's shared object. Waiting never has an upper bound that
// decides: patience only says when to look, and the verdict is taken with the waiter parked.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <ostream>
#include <string>
#include <thread>
#include <vector>

#include "gates.h"
#include "subject/subject.h"
#include "traits.h"

namespace kqtorture {

// The program's subject and its profile's row; main() has opened it.
const Subject& subject();
const Traits& knob();
void set_subject(std::unique_ptr<Subject> opened);

// Whether a descriptor of the subject is one of the host: only then may the host's poll, epoll,
// ioctl or lseek see it.
bool host_descriptors();
// Whether the subject gets the caller's own pointers, bad ones included, and looks at them.
bool raw_pointers();

// A gate keeps a case from a subject whose profile does not promise what the case asks. With
// KQ_GATES=open in the environment it lets the case run all the same (gates.h).
#define GATE(condition, reason) \
  if (!(condition) && !gate_is_open(reason)) GTEST_SKIP() << (reason)
#define REQUIRE_KNOB(condition) \
  GATE(condition, std::string("profile ") + knob().name + " does not promise " #condition)
#define REQUIRE_HOST_DESCRIPTORS() \
  if (!host_descriptors()) GTEST_SKIP() << "the subject's descriptors mean nothing to the host"
#define REQUIRE_RAW_POINTERS() \
  if (!raw_pointers()) GTEST_SKIP() << "the subject sees copies only, or does not check pointers"

// A descriptor of the subject, closed through the subject.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd() { reset(); }
  operator int() const { return fd_; }
  int release();
  // Closes; the number stays known only to the caller.
  void reset();

 private:
  int fd_ = -1;
};

Kevent ev(uintptr_t ident, int16_t filter, uint16_t flags, uint32_t fflags = 0, intptr_t data = 0,
          void* udata = nullptr);
inline void* tag(uintptr_t number) { return reinterpret_cast<void*>(number); }
// A change of an existing USER knote that triggers it.
Kevent trigger(uintptr_t ident, uint32_t fflags = 0, intptr_t data = 0, void* udata = nullptr);
void PrintTo(const Kevent& event, std::ostream* out);

// What one kevent() call came to. entries holds count elements, or none when count is -1.
struct Outcome {
  int count = -1;
  int error = 0;
  std::vector<Kevent> entries;
};

inline constexpr timespec kNoWait{0, 0};

Outcome call(int kq, const std::vector<Kevent>& changes, int room,
             const timespec* timeout = &kNoWait);
// Applies changes with no room for entries or events; returns 0 or the call's errno.
int submit(int kq, const std::vector<Kevent>& changes);
int submit(int kq, const Kevent& change);
// Polls with a zero timeout; a failing call fails the test and counts as no events.
std::vector<Kevent> poll_events(int kq, int room = 64);
::testing::AssertionResult silent(int kq);
// Polls once and expects exactly one event, which it returns; else the test fails.
Kevent only_event(int kq);
// Waits for something that takes its own time (an expiry, network arrival), as Waiter does.
Kevent wait_event(int kq);
// The delivered flags, without the action bits that some profiles echo.
uint16_t flags_of(const Kevent& event);
// The flags of a final event that FORCEONESHOT asked for, given those of the knote.
uint16_t final_flags(uint16_t behaviour);
// The idents of the events, in order.
std::vector<uintptr_t> idents(const std::vector<Kevent>& events);

// A thread inside one kevent() call.
class Waiter {
 public:
  explicit Waiter(int kq, int room = 8, const timespec* timeout = nullptr,
                  std::vector<Kevent> changes = {});
  Waiter(Waiter&&) = default;
  ~Waiter();

  // Returns when the thread sleeps, or has returned, or cannot be observed; no verdict.
  void wait_until_parked() const;
  bool returned() const;
  pthread_t native_handle() { return thread_.native_handle(); }
  // Waits for the call to return. Should it sleep on, quiescent, although the test says that an
  // event is due, the test fails and tells a lost wake-up (a poll finds the event) from a lost
  // event (it does not).
  Outcome join();

 private:
  struct State;
  std::shared_ptr<State> state_;
  std::thread thread_;
};

// Nanoseconds of the monotonic clock.
int64_t now_ns();
void sleep_ms(int milliseconds);

// The common fixture: one kqueue.
class KqueueTest : public ::testing::Test {
 protected:
  void SetUp() override;
  Fd kq_;
};

}  // namespace kqtorture
