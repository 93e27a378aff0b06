// What does the exhaustive sweep combine?
//
// Every flag word meets a knote of every filter in every state that it can be in. A combination of
// filter, creation, state and object is a case; a case says by which steps a fresh fixture is
// brought there, and by which steps one finds out afterwards what the word has done. Combinations
// that no sequence of operations reaches are cases too, with the reason in place of the steps, so
// that a printed total leaves nothing out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "contract/profile.h"
#include "scenario/program.h"

namespace kqtorture {

// All values of a flags field of 16 bits.
inline constexpr uint32_t kSweepWords = 65536;

// A filter with what it watches and what the word's change carries besides the word.
enum class SweepTarget : uint8_t {
  kReadPipe,
  kReadSocket,
  kReadLowat,  // a socket with a low-water mark, which the change sets out of reach
  kWritePipe,
  kWriteSocket,
  kEmptySocket,  // a local one: the other side has read everything, or not
  kVnodeFile,    // interested in writes, as is the change; ready: written to
  kProcdesc,     // of a child; ready: of a zombie
  kUser,         // the change carries FFOR|0x4
  kUserTrigger,  // and TRIGGER
  kTimer,        // absolute times: far away (idle) or long past (ready)
  kTimerBad,     // the change carries parameters that no timer takes
  kSignal,       // ignored, handled, and left to a default by turns
  kProc,         // a child; ready: a zombie
  kProcExit,     // one that ends after the word
  kUnimplemented,
  kZero,
  kPositive,
  kBelow,  // below the table
};
inline constexpr int kSweepTargets = 19;

enum class SweepCreation : uint8_t { kLevel, kClear, kOneshot, kDispatch, kDispatchClear };
inline constexpr int kSweepCreations = 5;

enum class SweepState : uint8_t {
  kAbsent,
  kEnabled,         // and not in the queue
  kDisabled,        // from its creation on
  kQueued,          // enabled, and found due
  kDelivered,       // disabled by its delivery
  kDisabledQueued,  // found due, then disabled by a change: FreeBSD leaves it in the queue
};
inline constexpr int kSweepStates = 6;

// Of a descriptor: nothing to be done, something, or the other end is closed. Of USER: the latch.
// Of TIMER: far away, or expired. Of VNODE: the notes of the knote. Of SIGNAL: its count. Of PROC
// and PROCDESC: whether the process has ended.
enum class SweepObject : uint8_t { kIdle, kReady, kEof };
inline constexpr int kSweepObjects = 3;

struct SweepStep {
  enum class Kind : uint8_t {
    kChange,  // flags, fflags, data, udata on the knote; with RECEIPT there is room for its entry
    kWord,    // the change that is swept: room for its entry, or for the scan that follows
    kScan,    // room for everything, a timeout of zero
    kWrite,   // amount bytes to end
    kRead,    // amount bytes from end
    kClose,   // end
    kFill,    // writes to end until it takes no more; only while a fixture is prepared
    kMake,    // the object
    kAwait,   // until a timer that is due has expired
    kRaise,   // the signal
    kExit,    // of the child, with the status amount
  };
  Kind kind = Kind::kScan;
  uint8_t end = 0;
  uint16_t flags = 0;
  uint32_t fflags = 0;
  int64_t data = 0;  // or amount
  uint64_t udata = 0;
};

struct SweepCase {
  SweepTarget target = SweepTarget::kReadPipe;
  SweepCreation creation = SweepCreation::kLevel;
  SweepState state = SweepState::kAbsent;
  SweepObject object = SweepObject::kIdle;
  const char* unreachable = nullptr;  // the reason; then there are no steps

  int16_t filter = 0;
  uint8_t end = 0;                 // of the object, which the knote is about
  uint64_t udata = 0;              // of the swept change
  uint32_t fflags = 0;             // likewise
  int64_t data = 0;                // likewise
  bool hidden_steps = false;       // timers: what is missing may be late
  int64_t await_ns = 0;            // until a timer that is due has expired
  std::vector<SweepStep> prepare;  // once per fixture
  std::vector<SweepStep> before;   // the word
  std::vector<SweepStep> after;    // ends with the fixture as it was before

  bool has_object() const;  // a descriptor
  ObjectKind kind() const;  // of it, or of the ident's name
  // Of the object of a fixture: the ident of USER and TIMER, the signal's word of SIGNAL.
  int64_t value(size_t slot) const;
  std::string name() const;  // "READ-pipe.dispatch.queued.ready"
};

// All combinations, in an order that keeps equal targets together.
std::vector<SweepCase> sweep_cases(const contract::Profile& profile);

}  // namespace kqtorture
