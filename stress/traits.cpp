// The profile table, as far as the races ask for it. Profiles not named here are FreeBSD main.
#include "traits.h"

namespace kqtorture {

Traits traits_of(const std::string& profile) {
  Traits traits;
  if (profile == "strict-2006") {
    traits.final_event_marked = true;
    traits.refuses_unknown = true;
    traits.echoed_unknown = 0;
    return traits;
  }
  if (profile == "freebsd13") {
    traits.keep_udata = false;
    return traits;
  }
  if (profile == "netbsd" || profile == "openbsd" || profile == "dragonfly" || profile == "macos" ||
      profile == "libkqueue") {
    traits.force_oneshot = false;
    traits.keep_udata = false;
  }
  if (profile == "netbsd") traits.dispatch_with_clear = false;
  if (profile == "openbsd") {
    traits.enable_writes_udata = false;
    traits.echoed_unknown = 0x0400;
  }
  if (profile == "dragonfly") {
    traits.user_filter_keeps_udata = true;
    traits.echoed_unknown = 0x0400;
  }
  if (profile == "macos") traits.delivers_stale_oneshot = false;
  if (profile == "libkqueue") {
    traits.enable_writes_udata = false;
    traits.user_enable_writes_udata = false;
    traits.close_removes_knotes = false;
    traits.level_wakes_every_waiter = false;
    traits.echoed_unknown = 0x0400;
  }
  return traits;
}

}  // namespace kqtorture
