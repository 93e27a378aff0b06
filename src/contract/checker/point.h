// What happens at one instant of an explanation?
//
// A call is not atomic: each of its changes is an instant, then each of its deliveries; a write()
// is the instant its bytes can be read and, on a host that rings later, the instant it rings. Each
// is a point. To place a point is to ask whether it fits the world as it is, and to let it change
// the world.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "contract/checker/call_outcome.h"
#include "contract/checker/world.h"

namespace kqtorture::contract::checking {

enum class PointKind : uint8_t {
  kChange,
  kDelivery,
  kHidden,    // an event that a faulting or unfinished call may have taken without returning it
  kArrive,    // bytes written can be read
  kRing,      // and the readers are told
  kFull,      // a write was refused for want of space
  kTake,      // bytes were read
  kEmpty,     // there was nothing to read
  kEnd,       // nothing will come any more
  kOpen,      // a new object on one or two numbers
  kDup,       // number2 becomes open on number's object
  kDup2,      // likewise, releasing what it was open on
  kRelease,   // the number is closed; what was open on it and its knotes may go later
  kDrop,      // they have gone, and the other end of the object sees it
  kEndRings,  // whoever reads from an object that was closed at the other side is told
  kShut,      // shutdown(): from here on the object does as it pleases
  kHold,      // likewise, but the knotes on it: a call keeps a file of it past its close
  kEndQueue,  // the kqueue's last descriptor was closed
};

struct Point {
  PointKind kind = PointKind::kChange;
  Kind object = Kind::kOther;   // kOpen
  Fate fate = Fate::kApplied;   // kChange
  bool optional = false;        // it may also not have happened
  uint16_t entry = 0;           // which change or delivery of the call; for naming it only
  uint16_t cell = kNoIndex;     // kChange, kDelivery, kHidden
  uint16_t number = kNoIndex;   // the rest
  uint16_t number2 = kNoIndex;  // kOpen (the second end, or none), kDup, kDup2
  uint16_t closer = kNoIndex;   // kDup2, kRelease, kDrop: index of the Dropped
  int32_t error = 0;            // kChange, kRefused
  int64_t amount = 0;           // bytes; of kEndQueue the kqueue
  uint64_t begin = 0, end = 0;  // of the call
  Event event;  // kChange: as it reaches the knote; kDelivery; kArrive: data is what was asked for
};

// Why a point does not fit.
enum class Misfit : uint8_t {
  kNone,  // it fits
  // Of a delivery.
  kAbsent,
  kDisabled,
  kNotReady,      // its condition does not hold
  kNoActivation,  // it holds, but was delivered already
  kEarly,         // a timer, before its time
  kTooMany,       // a timer, more expirations than there was time for
  kUdata,
  kFlags,
  kFields,  // fflags or data
  // Of a change.
  kShouldFail,     // was accepted
  kShouldSucceed,  // was refused
  kOtherError,
  // Of a call on an object: no fault of the kqueue's.
  kObject,
};

// Places the point. The world is as before when it does not fit.
Misfit place(const Rules& rules, const Point& point, const World& world);

// What a change would answer in this world: 0 or an errno.
int expected_error(const Rules& rules, const Point& change, const World& world);

// The event that a delivery would show in this world, for saying what was expected.
Event expected_delivery(const Rules& rules, size_t cell, const World& world);

// Which descriptors belong together in this world: for each number a bit for each number of its
// object, bits being number indices modulo 64.
void number_groups(const Rules& rules, const World& world, std::vector<uint64_t>* groups);

// Descriptors whose objects a point looks at or changes, as such bits. Two points without a common
// bit commute.
uint64_t touched_numbers(const Rules& rules, const Point& point, const World& world,
                         const std::vector<uint64_t>& groups);

}  // namespace kqtorture::contract::checking
