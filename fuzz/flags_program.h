// What one input of flags_fuzzer asks for: a short sequence of kevent() calls with every kind of
// bad argument, and of operations on the descriptors that they name.
//
// A program names descriptors by slot, never by number: slot 3 is whatever the fixture
// (flags_world.h) holds there. decode() accepts any bytes; encode() is its inverse on what decode()
// yields, which is what lets the mutator (flags_mutator.h) work on programs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace kqtorture::flags {

// Two full chunks of 8, the unit in which FreeBSD reads a changelist, and one more with room to
// spare. Steps: enough to create, deliver, change and deliver again; a longer input is truncated.
inline constexpr int kMaxChanges = 20;
inline constexpr size_t kMaxSteps = 24;
inline constexpr int kSlots = 12;
inline constexpr int kMaxRoom = 24;

enum class Op : uint8_t {
  kKevent,
  kWrite,     // argument: how much
  kRead,      // argument: how much
  kFill,      // write until no more is accepted
  kClose,     // argument: by which of libc's functions
  kOpen,      // argument: kind, and of a kqueue by which function; closes what the slot holds, so
              // the number is reused at once
  kDup,       // argument: target slot, onto an open one it is dup2; and by which function
  kShutdown,  // argument: SHUT_RD, SHUT_WR, SHUT_RDWR
  kPause,     // long enough for the shortest timers
  kUnseenClose,  // by raw system call, where the subject promises to find out
  kFork,         // once: a forked child closes the slot, and everything else by exiting
  kCount
};

// Where a list lies. Each list ends at a page that faults, so one entry too far is a fault.
enum class Place : uint8_t {
  kTight,     // the list as counted, then the guard page
  kRoomy,     // eight zeroed entries more before the guard page
  kStraddle,  // `split` entries, then the guard page
  kHalf,      // as kStraddle, and half of the next entry
  kNull,
  kNearNull,
  kUnmapped,
  kWild,  // not an address of user space
  kReadOnly,
  kAlias,         // event list only: the changelist
  kAliasShifted,  // event list only: `split` entries into the changelist
  kCount
};
inline constexpr uint8_t kChangePlaces = static_cast<uint8_t>(Place::kReadOnly) + 1;
inline constexpr uint8_t kEventPlaces = static_cast<uint8_t>(Place::kCount);

// The count handed in for the changelist of n entries.
enum class ChangeCount : uint8_t {
  kExact,
  kOneMore,
  kNineMore,
  kZero,
  kMinusOne,
  kMinimum,   // INT_MIN
  kMaximum,   // INT_MAX
  kOverflow,  // times 32 is 32 in 32 bits
  kCount
};
// Room: 0 to kMaxRoom, and after them
inline constexpr uint8_t kRoomMinusOne = kMaxRoom + 1, kRoomMinimum = kMaxRoom + 2,
                         kRoomMaximum = kMaxRoom + 3, kRoomOverflow = kMaxRoom + 4,
                         kRooms = kMaxRoom + 5;

enum class Timeout : uint8_t {
  kZero,
  kBrief,    // 20 us
  kForever,  // a null pointer; zero when nothing is bound to happen
  kAges,     // INT64_MAX seconds; zero likewise
  kNegativeSeconds,
  kMinimumSeconds,
  kNegativeNanoseconds,
  kBillionNanoseconds,
  kMaximumNanoseconds,
  kNearNull,
  kUnmapped,
  kWild,
  kHalf,  // straddles the guard page
  kCount
};

struct Change {
  uint8_t ident = 0;   // index: see flags_world.h, World::ident()
  uint8_t filter = 0;  // index: see filter_of()
  uint16_t flags = 0;
  uint32_t fflags = 0;
  uint8_t data = 0;  // index: see data_of()
  friend bool operator==(const Change&, const Change&) = default;
};

struct Step {
  Op op = Op::kKevent;
  uint8_t slot = 0;  // kKevent: which descriptor is called; kSlots and above: bad numbers
  uint8_t argument = 0;
  // kKevent
  Place change_place = Place::kTight;
  uint8_t change_split = 0;
  ChangeCount change_count = ChangeCount::kExact;
  Place event_place = Place::kTight;
  uint8_t event_split = 0;
  uint8_t room = 0;
  Timeout timeout = Timeout::kZero;
  uint8_t count = 0;
  std::array<Change, kMaxChanges> changes{};
  friend bool operator==(const Step&, const Step&) = default;
};

struct Program {
  std::vector<Step> steps;
  friend bool operator==(const Program&, const Program&) = default;
};

Program decode(const uint8_t* data, size_t size);
std::vector<uint8_t> encode(const Program& program);

inline constexpr uint8_t kIdents = 24, kFilters = 24, kDatas = 20, kCallees = kSlots + 3,
                         kKinds = 6;
int16_t filter_of(uint8_t index);
int64_t data_of(uint8_t index);

// For people: "READ", "ADD|DISPATCH|0x0400".
std::string filter_name(int16_t filter);
std::string flag_names(uint16_t flags);

}  // namespace kqtorture::flags
