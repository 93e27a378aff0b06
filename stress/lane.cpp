// The calls of a lane. A call is stamped as close around the subject's kevent() as can be: the
// barriers of the contract are judged by when a call began, and slack only makes them weaker.
#include "lane.h"

#include <errno.h>
#include <sched.h>

#include <chrono>
#include <utility>

namespace kqtorture {
namespace {

// A round logs some thousands of entries per lane; what a full ring drops is older than any event
// that a finding still shows.
constexpr size_t kLogCapacity = size_t{1} << 14;

}  // namespace

uint64_t now_ns() {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                   std::chrono::steady_clock::now().time_since_epoch())
                                   .count());
}

std::string Token::text() const {
  if (bits_ == 0) return "0";
  return std::to_string(round()) + "." + (lane() < 0 ? "?" : std::to_string(lane())) + "." +
         std::to_string(serial());
}

Kevent make_change(uintptr_t ident, int16_t filter, uint16_t flags, void* udata, uint32_t fflags,
                   intptr_t data) {
  return Kevent{ident, filter, flags, fflags, data, udata};
}

Lane::Lane(int index, const Subject& subject, Signals* signals)
    : index_(index), subject_(subject), signals_(signals) {
  log_.reserve(kLogCapacity);
}

void Lane::begin_round(uint64_t round, uint64_t seed) {
  round_ = round;
  random_ = Random(seed);
  log_.clear();
  log_next_ = 0;
  accusation_.reset();
}

LogEntry& Lane::append(Deed deed) {
  if (log_.size() < kLogCapacity) {
    log_.emplace_back();
    log_.back().deed = deed;
    return log_.back();
  }
  LogEntry& entry = log_[log_next_];
  log_next_ = (log_next_ + 1) % kLogCapacity;
  entry.deed = deed;
  return entry;
}

Call Lane::kevent(int kq, const Kevent* changes, int nchanges, Kevent* events, int nevents,
                  const timespec* timeout) {
  Call call;
  in_call_.store(true, std::memory_order_relaxed);
  call.begin = now_ns();
  call.result = subject_.kevent(kq, changes, nchanges, events, nevents, timeout);
  call.error = call.result < 0 ? errno : 0;
  call.end = now_ns();
  in_call_.store(false, std::memory_order_relaxed);
  if (call.result > nevents) {
    accuse({"wrong-answer",
            "I13",
            "kevent() returned more events than there was room for",
            {},
            0,
            0,
            0});
    call.result = 0;
  }
  steps_.store(steps_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  operations_ += 1 + static_cast<uint64_t>(nchanges);

  const auto log = [&](Deed deed, const Kevent& event) {
    LogEntry& entry = append(deed);
    entry.begin = call.begin;
    entry.end = call.end;
    entry.event = event;
    entry.result = call.result;
    entry.error = call.error;
  };
  for (int i = 0; i < nchanges; ++i) log(Deed::kChange, changes[i]);
  for (int i = 0; i < call.result; ++i) {
    log(Deed::kDelivery, events[i]);
    if (!(events[i].flags & flag::kError)) ++deliveries_;
  }
  if (nchanges == 0 && call.result <= 0) {
    log(call.result < 0 ? Deed::kFailed : Deed::kEmpty, Kevent{});
  }
  return call;
}

int Lane::change(int kq, const Kevent& change, Call* call) {
  const Call made = kevent(kq, &change, 1, nullptr, 0, nullptr);
  if (call) *call = made;
  return made.result < 0 ? made.error : 0;
}

void Lane::log_call(Deed deed, uintptr_t ident, uint64_t begin, int result) {
  LogEntry& entry = append(deed);
  entry.begin = begin;
  entry.end = now_ns();
  entry.event = Kevent{};
  entry.event.ident = ident;
  entry.result = result;
  entry.error = 0;
  ++operations_;
  steps_.store(steps_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

void Lane::accuse(Accusation accusation) {
  if (!accusation_) {
    accusation.time = now_ns();
    accusation_ = std::move(accusation);
  }
  signals_->guilty.store(true, std::memory_order_relaxed);
}

void Lane::jitter() {
  // Half of all pauses are none: the tightest races are back to back. A yield lets another thread
  // in for a whole time slice, which on few cores no spin can do; it costs microseconds, hence
  // rare.
  const size_t choice = random_.below(64);
  if (choice < 32) return;
  if (choice == 63) {
    sched_yield();
    return;
  }
  const size_t spins = random_.below(choice < 56 ? 64 : 2048);
  for (size_t i = 0; i < spins; ++i) std::atomic_signal_fence(std::memory_order_seq_cst);
}

}  // namespace kqtorture
