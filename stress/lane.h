// One thread of a race: its luck, its calls, its log and its accusation.
//
// Nothing in a lane is written by two threads, and the few words that the supervisor reads while a
// race runs are relaxed atomics on a cache line of their own. So the harness orders nothing between
// the threads: whatever happens-before there is comes from the subject, and ThreadSanitizer sees
// what is missing.
#pragma once

#include <time.h>

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scenario/random.h"
#include "subject/subject.h"

namespace kqtorture {

// Nanoseconds of a clock that all threads share. Times that are equal order nothing.
uint64_t now_ns();

// A delivery says which arming of which knote it answers by a token in udata that is never used
// twice in a round, and not soon after it.
class Token {
 public:
  Token(uint64_t round, int lane, uint64_t serial)
      : bits_(((round & 0xffff) << 48) | (static_cast<uint64_t>(lane + 1) << 40) | serial) {}
  explicit Token(const Kevent& event) : bits_(reinterpret_cast<uintptr_t>(event.udata)) {}

  void* udata() const { return reinterpret_cast<void*>(bits_); }
  uint64_t bits() const { return bits_; }
  uint64_t round() const { return bits_ >> 48; }
  int lane() const { return static_cast<int>((bits_ >> 40) & 0xff) - 1; }
  uint64_t serial() const { return bits_ & 0xffffffffff; }
  std::string text() const;

 private:
  uint64_t bits_;
};
static_assert(sizeof(void*) == 8, "the races keep 64-bit tokens in udata");

Kevent make_change(uintptr_t ident, int16_t filter, uint16_t flags, void* udata,
                   uint32_t fflags = 0, intptr_t data = 0);

enum class Deed : uint8_t { kChange, kDelivery, kEmpty, kFailed, kClose, kOpen, kWrite };

struct LogEntry {
  uint64_t begin, end;
  Kevent event;  // the change, the delivery, or ident of the descriptor
  int result;    // of the call
  int error;     // errno when result is -1
  Deed deed;
};

// Who broke which rule. `message` names the rule broken in general words, the same for every
// occurrence; `facts` are this one's.
struct Accusation {
  std::string verdict, rule, message;
  std::vector<std::string> facts;
  int16_t filter = 0;
  uintptr_t ident = 0;
  uint64_t time = 0;
};

// What all lanes of a round hear. Relaxed: they order nothing.
struct alignas(64) Signals {
  std::atomic<bool> stop{false};      // wind down: start nothing new
  std::atomic<bool> guilty{false};    // somebody accused: leave at once
  std::atomic<bool> released{false};  // waiters were told to leave, by signal too
};

struct Call {
  uint64_t begin = 0, end = 0;
  int result = 0;
  int error = 0;
};

class Lane {
 public:
  Lane(int index, const Subject& subject, Signals* signals);

  void begin_round(uint64_t round, uint64_t seed);
  int index() const { return index_; }
  uint64_t round() const { return round_; }
  const Subject& subject() const { return subject_; }
  Random& random() { return random_; }

  // The subject's kevent(), stamped and logged.
  Call kevent(int kq, const Kevent* changes, int nchanges, Kevent* events, int nevents,
              const timespec* timeout);
  // One change without room for an error entry. Returns 0 or the errno.
  int change(int kq, const Kevent& change, Call* call = nullptr);
  // Logs a call on a descriptor that the race made itself.
  void log_call(Deed deed, uintptr_t ident, uint64_t begin, int result);

  bool stopping() const { return signals_->stop.load(std::memory_order_relaxed); }
  bool guilty() const { return signals_->guilty.load(std::memory_order_relaxed); }
  bool released() const { return signals_->released.load(std::memory_order_relaxed); }
  // Ends the round. The first accusation of a lane counts.
  void accuse(Accusation accusation);
  const std::optional<Accusation>& accusation() const { return accusation_; }

  // A pause of a random length, mostly none, sometimes long enough for the other threads to pass.
  void jitter();

  // Read by the supervisor at any time.
  uint64_t steps() const { return steps_.load(std::memory_order_relaxed); }
  bool in_call() const { return in_call_.load(std::memory_order_relaxed); }

  // Read after the threads have ended.
  uint64_t operations() const { return operations_; }
  uint64_t deliveries() const { return deliveries_; }
  const std::vector<LogEntry>& log() const { return log_; }

 private:
  LogEntry& append(Deed deed);

  const int index_;
  const Subject& subject_;
  Signals* const signals_;
  Random random_{0};
  uint64_t round_ = 0;
  uint64_t operations_ = 0, deliveries_ = 0;
  std::optional<Accusation> accusation_;
  std::vector<LogEntry> log_;  // a ring once it is full
  size_t log_next_ = 0;
  alignas(64) std::atomic<uint64_t> steps_{0};
  std::atomic<bool> in_call_{false};
};

}  // namespace kqtorture
