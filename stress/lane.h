// One thread of a race: its luck, its calls, its log and its accusation.
//
// Every call on the subject is written into the thread's own log (scenario/recorder.h), from which
// the checker of histories judges the round. Nothing in a lane is written by two threads, and the
// few words that the supervisor reads while a race runs are relaxed atomics on a cache line of
// their own. So the harness orders nothing between the threads: whatever happens-before there is
// comes from the subject, and ThreadSanitizer sees what is missing.
#pragma once

#include <time.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scenario/random.h"
#include "scenario/recorder.h"
#include "subject/subject.h"

namespace kqtorture {

// Nanoseconds of a clock that all threads share.
uint64_t now_ns();

Kevent make_change(uintptr_t ident, int16_t filter, uint16_t flags, void* udata = nullptr,
                   uint32_t fflags = 0, intptr_t data = 0);

// Who broke which rule, seen by the harness or by a race itself; what the checker of histories sees
// becomes one, too. `message` names the rule broken in general words, the same for every
// occurrence; `facts` are this one's.
struct Accusation {
  std::string verdict, rule, message;
  std::vector<std::string> facts;
  uint64_t time = 0;
};

// What all lanes of a round hear. Relaxed: they order nothing.
struct alignas(64) Signals {
  std::atomic<bool> stop{false};      // wind down: start nothing new
  std::atomic<bool> guilty{false};    // somebody accused: leave at once
  std::atomic<bool> released{false};  // waiters were told to leave, by signal too
};

class Lane {
 public:
  // Kinds of work that a race counts (Race::work).
  static constexpr size_t kMostWork = 16;

  Lane(int index, const Subject& subject, RecordedThread* log, Signals* signals);

  // spread: of the pauses (jitter.h), in nanoseconds.
  void begin_round(uint64_t round, uint64_t seed, uint64_t spread);
  int index() const { return index_; }
  uint64_t round() const { return round_; }
  const Subject& subject() const { return subject_; }
  Random& random() { return random_; }

  // The subject's calls, recorded; errors are -1 and errno.
  int kevent(int kq, const Kevent* changes, int nchanges, Kevent* events, int nevents,
             const timespec* timeout);
  // A supervisor's, when everybody else sleeps.
  int probe(int kq, Kevent* events, int nevents);
  // One change without room for an error entry. Returns 0 or the errno.
  int change(int kq, const Kevent& change);
  int kqueue();
  // Non-blocking ends. False: there are none, errno says why.
  bool pipe(int ends[2]);
  bool socketpair(int ends[2]);
  int close(int fd);
  int dup(int fd);
  int dup2(int from, int to);
  ssize_t write(int fd, size_t size);
  // Reads until less comes than was asked for; returns the sum.
  size_t drain(int fd);

  // A udata that no other change of the round carries.
  void* fresh_udata();

  bool stopping() const { return signals_->stop.load(std::memory_order_relaxed); }
  bool guilty() const { return signals_->guilty.load(std::memory_order_relaxed); }
  bool released() const { return signals_->released.load(std::memory_order_relaxed); }
  // Ends the round. The first accusation of a lane counts.
  void accuse(Accusation accusation);
  const std::optional<Accusation>& accusation() const { return accusation_; }

  // A pause of a random length, mostly none, sometimes long enough for the other threads to pass.
  void jitter();

  // Counts a piece of work done in this round, by its number in Race::work().
  void count(size_t work) { ++work_[work]; }
  uint64_t counted(size_t work) const { return work_[work]; }

  // Read by the supervisor at any time.
  uint64_t steps() const { return log_.recorded(); }
  bool in_call() const { return in_call_.load(std::memory_order_relaxed); }

 private:
  // After every call: a log that is nearly full ends the round before it has to be cut.
  void look_at_log();
  template <typename Result>
  Result logged(Result result);

  const int index_;
  const Subject& subject_;
  RecordedThread& log_;
  Signals* const signals_;
  // Do these calls come from the host, so that ThreadSanitizer's view of them is not the subject's?
  const bool hosts_pipe2_, hosts_socketpair_, hosts_close_, hosts_dup_, hosts_dup2_;
  Random random_{0};
  uint64_t round_ = 0;
  uint64_t spread_ = 0;
  uint64_t serial_ = 0;
  std::array<uint64_t, kMostWork> work_{};
  std::optional<Accusation> accusation_;
  alignas(64) std::atomic<bool> in_call_{false};
};

}  // namespace kqtorture
