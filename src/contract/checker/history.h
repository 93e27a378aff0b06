// What did every thread ask, when, and what came back?
//
// A history is the log of a run: per thread the calls it made, one after the other, each with the
// time just before it and the time just after it, on a clock that all threads share. Nothing else
// is known about the order of two calls, so nothing else is recorded: calls whose times touch
// overlap. Operations are plain values of 64 bytes beside one array of events, so that a recorder
// writes them without allocating and a checker reads ten million of them in one pass.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "contract/operation.h"
#include "contract/vocabulary.h"

namespace kqtorture::contract {

// The end of a call that had not returned when the recording ended.
inline constexpr uint64_t kUnreturned = UINT64_MAX;

// Two clocks may drift apart by a hundred parts in a million, and an end is measured after the
// fact, by a tick at either end (in nanoseconds).
inline constexpr double kClockTolerance = 1.005;
inline constexpr double kClockGrain = 1000;

// In brackets at OpKind (operation.h): the operands. Here they are: fd, fd2 and amount as there; of
// the pairs (kPipe, kStreamPair, kDgramPair, kTcpPair) fd and fd2 are the new descriptors; every
// other call that creates one (kKqueue, kUnixListener, kTcpListener, kEventfd, kFile,
// kProcdesc, kDirectory, kConnect, kAccept, kDup) returns it in `value`, and kDup2 returns fd2.
struct alignas(64) HistoryOp {
  uint64_t begin = 0;
  uint64_t end = kUnreturned;
  OpKind kind = OpKind::kKevent;
  Timeout timeout = Timeout::kZero;  // kKevent
  // kKevent: a probe of the supervisor with a zero timeout. When it began, every other call in
  // flight was a kevent() asleep in its wait, all its changes done.
  bool quiescent = false;
  // kKevent: the changelist could not be read, not even its first entry: it changed nothing.
  bool unreadable = false;
  int32_t fd = -1;
  int32_t fd2 = -1;
  int32_t error = 0;   // errno when value is -1
  int64_t value = 0;   // what the call returned
  int64_t amount = 0;  // kKevent with a kFinite timeout: its nanoseconds
  // kKevent: counts as they were passed, possibly negative, and where the lists are in the thread's
  // events: `changes` changes, then `seen` entries of the returned list.
  int32_t nchanges = 0;
  int32_t nevents = 0;
  uint32_t first = 0;
  uint16_t changes = 0;
  uint16_t seen = 0;

  bool returned() const { return end != kUnreturned; }
};
static_assert(sizeof(HistoryOp) == 64);
// A call with longer lists is not recorded; it truncates its thread's log.
inline constexpr size_t kLongestList = UINT16_MAX;

// One thread's log, wherever it is kept.
struct ThreadLog {
  std::span<const HistoryOp> ops;
  std::span<const Event> events;
  // The log ends here because its memory was used up: what the thread did in calls that began at
  // this time or later is unknown.
  uint64_t truncated = kUnreturned;

  std::span<const Event> changes(const HistoryOp& op) const {
    return events.subspan(op.first, op.changes);
  }
  std::span<const Event> seen(const HistoryOp& op) const {
    return events.subspan(op.first + op.changes, op.seen);
  }
};

// What the checker looks at.
struct HistoryView {
  double ns_per_tick = 1;  // of the times
  std::vector<ThreadLog> threads;
};

// A history that owns its logs.
struct History {
  struct Thread {
    std::vector<HistoryOp> ops;
    std::vector<Event> events;
    uint64_t truncated = kUnreturned;

    // Appends a call, copying its lists; op.first, changes and seen are set.
    void add(const HistoryOp& call, std::span<const Event> changes = {},
             std::span<const Event> seen = {});
  };
  double ns_per_tick = 1;
  std::vector<Thread> threads;

  HistoryView view() const;
};
History copy_of(const HistoryView& view);

// Which call: the `op`th of a thread.
struct OpRef {
  uint32_t thread = 0;
  uint32_t op = 0;
  friend bool operator==(const OpRef&, const OpRef&) = default;
};

// Is the history one at all? Times in order within each thread, lists inside the events, kinds and
// counts known. Empty when it is, else one clear line.
std::string malformed(const HistoryView& view);

uint64_t operations(const HistoryView& view);

// One call in words: "kevent(5, {USER ident 1 flags ADD ...}, room 4, forever) = 1 {...}".
std::string to_text(const ThreadLog& log, const HistoryOp& op);

}  // namespace kqtorture::contract
