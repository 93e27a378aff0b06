// What may one kevent() call answer? The call's own checks, the changelist, the scan.
//
// Everything up to the scan is determined by the state, so it is planned first, changes applied,
// and then either compared with what was seen or handed out as the prediction.
#pragma once

#include "contract/context.h"
#include "contract/operation.h"

namespace kqtorture::contract {

// A change that left an entry in the event list.
struct Entry {
  int change = 0;                // index into the changelist
  const Event* given = nullptr;  // the change as it was read
  int error = 0;                 // 0: a receipt
  int error_or = 0;              // also allowed, when not 0
  uint16_t flags = 0;            // without EV_ERROR, of those that are echoed
  bool created = false;          // the change made a knote, or tried to
};

inline constexpr int kMaxEntries = 64;

struct Plan {
  enum What : uint8_t {
    kFails,      // with `error`
    kReturns,    // zero
    kEntries,    // `entries` of them
    kScans,      // (after the entries, if any: `scan after entries`)
    kUndecided,  //
  };
  What what = kScans;
  int error = 0;
  int error_or = 0;
  const char* rule = "";
  const char* because = "";
  int entries = 0;
  int64_t room = 0;  // of the event list
  uint8_t kqueue = 0;
  Entry entry[kMaxEntries];
};

// Checks the call and applies its changes to the state.
void plan_kevent(const Context& context, const Op& op, Plan* plan);
// The entry as it is returned; fields that are not determined are as FreeBSD has them.
Event entry_event(const Profile& profile, const Entry& entry, const Event& change);

Answer judge_kevent(const Context& context, const Op& op, const Outcome& seen);

}  // namespace kqtorture::contract
