// What is true of one component of objects at one instant of one explanation?
//
// The checker follows many explanations at once and asks of each two whether they have come to the
// same: so a world is a row of plain words that is copied as memory and compared as memory. It
// holds the component's knotes, its objects and which descriptor number is open on what, and of a
// knote only what the rules of concurrency look at. The transitions themselves are those of
// knote.h; load() and store() go between the two.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "contract/host.h"
#include "contract/knote.h"
#include "contract/profile.h"

namespace kqtorture::contract::checking {

// How the knote came to be as it is; only for naming what does not fit.
enum class Cause : uint8_t {
  kNever,       // absent: it never was
  kDeleted,     // absent by DELETE
  kClosed,      // absent: its descriptor was closed
  kDelivered,   // absent: its ONESHOT event was delivered
  kFinal,       // absent: the final event after FORCEONESHOT was delivered
  kEndOfQueue,  // absent: its kqueue was closed
  kAdded,       // present, as it was created
  kDisabled,    // disabled by DISABLE
  kDispatched,  // disabled by the delivery of its event
  kEnabled,     // by ENABLE
};

struct Cell {
  uint64_t udata;
  int64_t sdata;
  uint64_t armed;       // TIMER: when the call that started it began
  int64_t expirations;  // TIMER: taken since then, by events that are not told again
  uint32_t sfflags;
  uint16_t flags;
  uint16_t flags_maybe;
  uint8_t present;
  uint8_t disabled;
  uint8_t forced;
  uint8_t converted;
  uint8_t latch;   // USER
  uint8_t active;  // bits of Activity; 0 unless the knote is ONESHOT or CLEAR
  Cause cause;
  uint8_t untimed;  // TIMER: nobody knows any more when it started
  // Its number was closed or given away under it, and the close that has to take it along is still
  // under way: 1 + the index of what that close drops, and what the knote still watches. Else 0.
  uint16_t closer;
  uint16_t thing;
  uint8_t end;
  // PROC, PROCDESC: there was a time at which nobody had asked for the exit. If it came then, the
  // knote has gone without a word.
  uint8_t unasked;
  uint8_t unused[2];

  bool is(uint16_t flag) const { return (flags & flag) != 0; }
};
static_assert(sizeof(Cell) == 56);

// Why a ONESHOT or CLEAR knote may be delivered. On a host that notices activity at the next scan
// (host.h) an edge may still be under way when an event that owed to something else was delivered;
// so there are two bits, and a delivery takes the surer one.
enum Activity : uint8_t {
  kByChange = 1,  // a change found the condition true; or, at once, the object's activity
  kByEdge = 2,    // activity that a scan may notice later
  kSurely = 4,    // and no delivery since can have answered it
};

enum class Kind : uint8_t {
  kGone,
  kPipe,     // end 0 reads, end 1 writes; inbox[0] in bytes
  kStream,   // inbox of each end in bytes
  kDgram,    // inbox of each end in datagrams
  kEventfd,  // inbox[0] is the counter
  kOther,    // ready whenever that explains something
};

// Why an object does what the history does not show.
enum Vague : uint8_t {
  kShutDown = 1,
  kHeld = 2,  // a call found a file of it at a number that was closed before the call ended
};

struct Thing {
  int64_t inbox[2];
  uint16_t numbers[2];  // files open on each end: under a number, or about to be dropped
  Kind kind;
  uint8_t full;   // bit of the end whose writer was told that there is no space
  uint8_t vague;  // bits of Vague
  uint8_t unused;
};
static_assert(sizeof(Thing) == 24);

enum class Open : uint8_t {
  kClosed,
  kOpen,
  kWild,  // a number that the history does not follow: open or not, as it suits
};
struct Number {
  static constexpr uint16_t kUnknown = UINT16_MAX;  // open on an object that nobody knows
  uint16_t thing;
  Open open;
  uint8_t end;
  uint32_t unused;
};
static_assert(sizeof(Number) == 8);

// What a close has taken from its number and not dropped yet: until then the other end of the
// object does not see an end, and the knotes of the number may still be there.
struct Dropped {
  uint16_t thing;  // or Number::kUnknown
  uint16_t number;
  uint8_t end;
  uint8_t pending;
  uint16_t unused;
};
static_assert(sizeof(Dropped) == 8);

inline constexpr uint16_t kNoIndex = UINT16_MAX;

// What does not change about a component: which knotes and numbers it has, and what is known of the
// whole history's dealings with it.
struct Layout {
  struct CellKey {
    uint64_t ident;
    uint32_t kqueue;  // its identity in the whole history
    uint16_t number;  // of the descriptor filters; else kNoIndex
    int16_t filter;
    int next_of_number;  // the next cell on the same number, or -1
  };
  struct NumberKey {
    uint64_t number;
    Open initially;
    int first_cell;
  };
  std::vector<CellKey> cells;
  std::vector<NumberKey> numbers;
  std::vector<uint32_t> closers;  // threads that close numbers: each has a Dropped
  // Every byte of its objects is accounted for: all writes are small and whole.
  bool exact = true;
  // A knote is or may become CLEAR or ONESHOT, so the instant of an edge matters.
  bool edges = false;

  uint16_t add_cell(uint64_t ident, uint32_t kqueue, int16_t filter, uint16_t number);
  uint16_t add_number(uint64_t number, Open initially);
  uint16_t closer(uint32_t thread);

  // An object without a number and about to be dropped by nobody is gone.
  size_t things() const { return numbers.size() + closers.size(); }
  size_t bytes() const {
    return cells.size() * sizeof(Cell) + things() * sizeof(Thing) +
           numbers.size() * sizeof(Number) + closers.size() * sizeof(Dropped);
  }
};

// A world in memory that belongs to somebody else.
class World {
 public:
  World(const Layout& layout, uint8_t* memory)
      : cells_(reinterpret_cast<Cell*>(memory)),
        things_(reinterpret_cast<Thing*>(memory + layout.cells.size() * sizeof(Cell))),
        numbers_(reinterpret_cast<Number*>(things_ + layout.things())),
        dropped_(reinterpret_cast<Dropped*>(numbers_ + layout.numbers.size())) {}

  Cell& cell(size_t index) const { return cells_[index]; }
  Thing& thing(size_t index) const { return things_[index]; }
  Number& number(size_t index) const { return numbers_[index]; }
  Dropped& dropped(size_t index) const { return dropped_[index]; }
  // The object that the number is open on, or null when it is not known.
  Thing* thing_of(const Number& number) const {
    return number.open == Open::kOpen && number.thing != Number::kUnknown ? &things_[number.thing]
                                                                          : nullptr;
  }

 private:
  Cell* cells_;
  Thing* things_;
  Number* numbers_;
  Dropped* dropped_;
};

void begin_world(const Layout& layout, uint8_t* memory);

// The tables, and the component, that every transition looks at.
struct Rules {
  const Profile& profile;
  const Host& host;
  const Layout& layout;
  double ns_per_tick = 1;

  bool late() const { return host.activation == Observed::kAtScan; }
};

// What a knote watches, or a new one would: its number's object, or what the number was before a
// close that is still under way.
struct Bound {
  uint16_t index = Number::kUnknown;
  uint8_t end = 0;
  Thing* thing = nullptr;  // null when it is not known
};
Bound bound_of(const Layout& layout, const World& world, size_t cell);

// The knote is gone; why, for naming what does not fit.
void forget(Cause cause, Cell* cell);

// What the cell's object says in this world, to a knote with this interest.
Evaluation evaluate_cell(const Rules& rules, const World& world, size_t cell,
                         const Interest& interest);

Knote load(const Layout& layout, const World& world, size_t cell);
void store(const Knote& knote, Cell* cell);

// Does the count of activations bind this knote (I9, scope)?
bool counts_edges(const Rules& rules, const World& world, size_t cell);

// Will a scan surely deliver it?
bool surely_due(const Rules& rules, const World& world, size_t cell);

}  // namespace kqtorture::contract::checking
