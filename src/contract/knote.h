// What is a knote, and what happens to one?
//
// One registration, as a plain value, and the transitions that the contract gives it (section 2):
// a change is applied, its object reports, a scan evaluates it, it is delivered. Each transition
// looks at the knote, the tables and an evaluation of the object, and at nothing else. So the
// sequential model and a checker of histories, which knows one object at a time, share them.
#pragma once

#include <cstdint>

#include "contract/host.h"
#include "contract/profile.h"
#include "contract/tri.h"
#include "contract/vocabulary.h"

namespace kqtorture::contract {

// What a filter says about its object at one instant.
struct Evaluation {
  Tri ready = Tri::kNo;
  Tri eof = Tri::kNo;
  Range data;
  uint32_t fflags = 0;  // delivered fflags: either of the two
  uint32_t fflags_or = 0;
};

// The active bit. kPending: activity that surely is noticed if it still shows at the next scan.
enum class Active : uint8_t { kNo, kMaybe, kPending, kYes };

enum class TimerState : uint8_t {
  kNone,     // not a timer, or one that will not expire any more
  kFar,      // will not expire within a program
  kUnsure,   // may have expired, or may yet
  kExpired,  // has expired, `data` times
};

struct Knote {
  // The key.
  uint64_t ident = 0;
  int16_t filter = 0;
  uint8_t kqueue = 0;  // index of the kqueue's object
  // What it watches: index of the object and which end of it; kNoObject for USER and TIMER.
  static constexpr uint8_t kNoObject = 255;
  uint8_t object = kNoObject;
  uint8_t end = 0;

  bool disabled = false;
  bool forced = false;     // EV_FORCEONESHOT was applied to it
  bool converted = false;  // its object died: EOF and ONESHOT were added
  Active active = Active::kNo;
  Tri queued = Tri::kNo;  // in the queue, be it as a disabled knote not yet unlinked
  Tri latch = Tri::kNo;   // USER: triggered
  TimerState timer = TimerState::kNone;
  bool periodic = false;     // TIMER: goes on after an expiration
  uint16_t flags = 0;        // as delivered, without EOF
  uint16_t flags_maybe = 0;  // bits that may be there or not, besides
  Tri eof = Tri::kNo;        // as of the last evaluation
  uint32_t sfflags = 0;      // saved interest; USER: S
  int64_t sdata = 0;         // likewise; USER: D
  uint64_t udata = 0;
  // The accumulated result, as of the last evaluation: what a stale ONESHOT delivers. TIMER: the
  // expirations not yet delivered.
  Range data;
  uint32_t fflags = 0;
  uint32_t fflags_or = 0;
  // The place in the queue: somewhere between the two ticks. kOpenTick: until the next scan.
  static constexpr uint32_t kOpenTick = UINT32_MAX;
  uint32_t place_lo = 0;
  uint32_t place_hi = 0;

  bool is(uint16_t flag) const { return (flags & flag) != 0; }
};

// The result of a change on one knote.
enum class Changed : uint8_t {
  kApplied,    // the knote is as the contract says
  kCreated,    // likewise, and was not there before
  kDeleted,    // the knote is gone
  kRefused,    // errno in `error`; the knote is as before
  kUndecided,  // the model does not know
};
struct ChangeResult {
  Changed what = Changed::kApplied;
  int error = 0;
  bool queued_anew = false;  // the knote entered the queue: the kqueue woke its waiters and parents
};

// Applies a change to a knote that exists, `now` being its object at this instant, `tick` the
// queue's clock. The change has passed all checks that concern no knote (kevent_call.h).
ChangeResult apply_change(const Profile& profile, const Host& host, const Event& change,
                          const Evaluation& now, uint32_t tick, Knote* knote);

// Makes *knote, whose key and object are filled in, the knote that an ADD creates.
ChangeResult create_knote(const Profile& profile, const Host& host, const Event& change,
                          const Evaluation& now, uint32_t tick, Knote* knote);

// The interest a knote has after a change, for evaluating its object before the change is applied.
void apply_interest(const Profile& profile, const Event& change, Knote* knote);

// The object did something that makes it evaluate its knotes (2.7). `happened`: whether it surely
// did. Returns true when the knote entered the queue, or may have.
bool object_event(const Host& host, const Evaluation& now, Tri happened, uint32_t tick,
                  Knote* knote);

// The object died under the knote (2.7): EOF and ONESHOT are added for good.
void convert_by_death(Knote* knote);

// A scan begins: what can be noticed now is noticed, places in the queue become definite.
void begin_scan(const Evaluation& now, uint32_t tick, Knote* knote);

// Is it delivered when the scan comes to it? kYes: surely; kMaybe: both are legal.
Tri deliverable(const Profile& profile, const Knote& knote, const Evaluation& now);

// The event a delivery would show, as far as it is determined.
struct Expected {
  uint16_t flags = 0;
  uint16_t flags_maybe = 0;  // may be there or not
  uint32_t fflags = 0;
  uint32_t fflags_or = 0;
  Range data;
};
Expected expected_event(const Profile& profile, const Knote& knote, const Evaluation& now);

// What a delivery does to the knote.
enum class Delivered : uint8_t { kRemains, kGone };
// `seen`: the delivered event; `tick` its place when it stays in the queue (level).
Delivered deliver(const Profile& profile, const Host& host, const Event& seen,
                  const Evaluation& now, uint32_t tick, Knote* knote);

// The scan passed the knote without delivering it.
void pass_over(const Evaluation& now, bool may_come_later, Knote* knote);

// Time has passed, enough for everything under way.
bool settle_timer(const Profile& profile, uint32_t tick, Knote* knote);

}  // namespace kqtorture::contract
