// Which call made the event ready that another one delivered? Read from the calls themselves: a
// delivery names its ident and filter, and of the calls that can have made that knote ready, the
// last one that began before the delivery ended is the one that the arrow comes from. It shows a
// reader where to look; the verdict is the checker's.
#pragma once

#include <string>
#include <vector>

#include "report/lanes.h"

namespace kqtorture {

struct Arrow {
  std::string name;             // "p.r READ", "6 READ"
  const Lanes::Call* source;    // of the lanes
  const Lanes::Call* delivery;  // of the lanes
  double from, to;              // microseconds, each within its call, and from <= to
};

// When the call ended, or some time after everything else for one that did not.
double end_of(const Lanes& lanes, const Lanes::Call& call);

// In the order of the calls and of their events. The calls may be written as litmus programs have
// them ("kevent k room=1 => (p.r READ data=5)") or as a log has ("kevent(3, {}, room 2, forever) =
// 1 {READ ident 6 flags 0 ...}").
std::vector<Arrow> arrows_of(const Lanes& lanes);

}  // namespace kqtorture
