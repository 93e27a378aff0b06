// What the races must know about the platform they run on.
//
// Each field is one knob of the contract's profile table; a race asks the field, never the name of
// a platform. An unknown profile is judged like FreeBSD main.
#pragma once

#include <cstdint>
#include <string>

namespace kqtorture {

struct Traits {
  bool force_oneshot = true;             // EV_FORCEONESHOT exists
  bool final_event_marked = false;       // ... and its event carries it
  bool keep_udata = true;                // EV_KEEPUDATA exists
  bool refuses_unknown = false;          // unknown flags: EINVAL
  uint16_t echoed_unknown = 0x0c00;      // else: the unknown flags that come back on every delivery
  bool user_filter_keeps_udata = false;  // no change of a USER knote writes its udata
  bool enable_writes_udata = true;       // EV_ENABLE alone does; else EV_ADD|EV_ENABLE does
  bool user_enable_writes_udata = true;  // the same of a USER knote
  bool dispatch_with_clear = true;       // EV_DISPATCH disables a knote with EV_CLEAR too
  bool close_removes_knotes = true;      // at once, whoever else refers to the file
  bool level_wakes_every_waiter = true;  // several waiters, one level event: all return
  bool delivers_stale_oneshot = true;    // a ONESHOT event outlives its condition
};

Traits traits_of(const std::string& profile);

}  // namespace kqtorture
