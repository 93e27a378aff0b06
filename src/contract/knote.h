// What is a knote, and what happens to one?
//
// One registration, as a plain value, and the transitions that the contract gives it (section 2):
// a change is applied, its object reports, a scan evaluates it, it is delivered. Each transition
// looks at the knote, the tables and an evaluation of the object, and at nothing else. So the
// sequential model and a checker of histories, which knows one object at a time, share them.
//
// FreeBSD's state is kept literally: `disabled`, `active` and `queued` are its bits, and only the
// table of knobs makes another platform of it. An enabled knote is queued when it is active.
#pragma once

#include <cstdint>

#include "contract/host.h"
#include "contract/profile.h"
#include "contract/tri.h"
#include "contract/vocabulary.h"

namespace kqtorture::contract {

// As the second value of delivered fflags: any errno.
inline constexpr uint32_t kAnyErrno = UINT32_MAX;

// What a filter says about its object at one instant.
struct Evaluation {
  Tri ready = Tri::kNo;
  // Whether the object, low-water mark or not, has anything to show to a host that looks at it now:
  // a mark of 0 is reached by nothing at all.
  Tri shows = Tri::kYes;
  Tri eof = Tri::kNo;
  Range data;
  int64_t ready_data = INT64_MIN;  // lower bound of data, given that it is ready
  uint32_t fflags = 0;             // delivered fflags: either of the two
  uint32_t fflags_or = 0;
  uint32_t fflags_maybe = 0;  // VNODE: bits that may be there besides
};

// The active bit. kPending: activity that surely is noticed if it still shows at the next scan.
enum class Active : uint8_t { kNo, kMaybe, kPending, kYes };

enum class TimerState : uint8_t {
  kStopped,  // no timer, or one that will not expire any more
  kFar,      // will not expire within a program
  kSlow,     // may expire at any time; waiting does not make it sure
  kSoon,     // may expire at any time, and surely while the program waits
};

// Was the number closed where the kqueue could not see it? Then the knote may vanish at any time
// until the next ADD of its number; delivered it is never, unless the same file comes back.
enum class Orphan : uint8_t {
  kNo,
  kYes,
  kOfFile,  // a regular file: opened anew it looks like the old one
};

struct Knote {
  // The key.
  uint64_t ident = 0;
  int16_t filter = 0;
  uint8_t kqueue = 0;  // index of the kqueue's object
  // What it watches: index of the object and which end of it; kNoObject for filters that are not
  // about a descriptor.
  static constexpr uint8_t kNoObject = 255;
  uint8_t object = kNoObject;
  uint8_t end = 0;

  bool disabled = false;
  bool forced = false;     // EV_FORCEONESHOT was applied to it
  bool converted = false;  // its object died: EOF and ONESHOT were added
  bool dropped = false;    // PROC: that was of no interest, and a scan removes it in silence
  bool periodic = false;   // TIMER: goes on after an expiration
  bool spent = false;      // disabled by a delivery, not by a change
  bool delivered = false;  // and nothing activated it since
  Active active = Active::kNo;
  Tri queued = Tri::kNo;  // in the queue, be it as a disabled knote not yet unlinked
  Tri latch = Tri::kNo;   // USER: triggered
  Tri eof = Tri::kNo;     // as of the last evaluation
  TimerState timer = TimerState::kStopped;
  Orphan orphan = Orphan::kNo;
  static constexpr uint8_t kUnlimited = UINT8_MAX;
  uint8_t patience = kUnlimited;  // an orphan: how many more changes of this call find it
  uint16_t flags = 0;             // as delivered, without EOF
  uint16_t flags_maybe = 0;       // bits that may be there besides
  uint32_t sfflags = 0;           // saved interest; USER: S
  int64_t sdata = 0;              // likewise; USER: D
  uint64_t udata = 0;
  // VNODE: the notes that add up, and those that may be among them. See vnode.h.
  uint16_t notes = 0;
  uint16_t notes_maybe = 0;
  uint16_t notes_before_size = 0;
  uint16_t notes_before_links = 0;
  uint8_t untaken = 0;
  // The accumulated result, as of the last evaluation: what a stale ONESHOT delivers. TIMER: the
  // expirations not yet delivered; SIGNAL: the posts; PROC: the status.
  Range data;
  uint32_t fflags = 0;
  uint32_t fflags_or = 0;
  // The place in the queue: somewhere between the two ticks. kOpenTick: until the next scan.
  static constexpr uint32_t kOpenTick = UINT32_MAX;
  uint32_t place_lo = 0;
  uint32_t place_hi = 0;

  bool is(uint16_t flag) const { return (flags & flag) != 0; }
};

// A change as it reaches a knote: its reserved bits cleared, ENABLE together with DISABLE resolved
// as the profile says, and all checks passed that concern no knote (change.h).

// What the knote will be interested in after the change: evaluate the object with it.
struct Interest {
  uint32_t sfflags = 0;
  int64_t sdata = 0;
};
Interest interest_after(const Profile& profile, const Event& change, const Knote& knote);

enum class Changed : uint8_t {
  kApplied,
  kDeleted,  // the knote is to be removed
  kRefused,  // with `error`; the knote is as before
};
struct ChangeResult {
  Changed what = Changed::kApplied;
  int error = 0;
  bool queued_anew = false;  // it entered the queue, or may have: parents and waiters are woken
};

// Applies a change to an existing knote. `now`: its object at this instant; `tick`: the clock of
// the queue. For USER and TIMER `now` is not looked at: they evaluate themselves.
ChangeResult apply_change(const Profile& profile, const Host& host, const Event& change,
                          const Evaluation& now, uint32_t tick, Knote* knote);

// Makes *knote, of which key and object are filled in, what an ADD creates: kApplied or kRefused.
ChangeResult create_knote(const Profile& profile, const Host& host, const Event& change,
                          const Evaluation& now, uint32_t tick, Knote* knote);

// A timer that may expire (again) within a program.
inline bool timer_runs(const Knote& knote) {
  return knote.timer == TimerState::kSoon || knote.timer == TimerState::kSlow;
}

// Knotes without an object: what they say themselves.
Evaluation evaluate_self(const Knote& knote);

// The object did something after which it evaluates its knotes (2.7). `happened`: whether it surely
// did. Returns true when the knote entered the queue, or may have.
bool object_event(const Host& host, const Evaluation& now, Tri happened, uint32_t tick,
                  Knote* knote);

// The same open file is at the number again, and nobody ever noticed that it was away: what the
// knote saw meanwhile is unknown.
void come_back(const Evaluation& now, Knote* knote);

// The object died under the knote (2.7): EOF and ONESHOT are added for good.
void convert_by_death(Knote* knote);

// Enough time has passed for a timer that expires soon. True: the knote entered the queue.
bool settle_timer(uint32_t tick, Knote* knote);

// A scan begins: what still shows is noticed, and places in the queue become definite.
void begin_scan(const Evaluation& now, uint32_t tick, Knote* knote);

// Is it delivered when the scan comes to it? kMaybe: both are legal.
Tri deliverable(const Profile& profile, const Knote& knote, const Evaluation& now);

// The event that a delivery shows, as far as it is determined.
struct Expected {
  uint16_t flags = 0;
  uint16_t flags_maybe = 0;  // may be there or not
  uint32_t fflags = 0;       // either of the two
  uint32_t fflags_or = 0;
  uint32_t fflags_maybe = 0;  // bits that may be there or not
  Range data;
};
Expected expected_event(const Profile& profile, const Knote& knote, const Evaluation& now);

// A delivery, which showed `flags`, changes the knote. False: it is gone. `tick`: its new place
// when it stays in the queue. `more_may_come`: activity is under way that nobody can date.
bool deliver(const Profile& profile, uint16_t flags, const Evaluation& now, bool more_may_come,
             uint32_t tick, Knote* knote);

// The scan came to the knote and did not deliver it.
void pass_over(const Evaluation& now, bool more_may_come, Knote* knote);

}  // namespace kqtorture::contract
