// A history as a Chrome trace, which Perfetto (ui.perfetto.dev) and chrome://tracing open: a track
// for each thread, a slice for each call, and an arrow from what triggered an event to the call
// that delivered it.
#pragma once

#include <string>

#include "report/finding.h"

namespace kqtorture {

// Times are those of the lanes, in microseconds. Empty when there are no calls.
std::string to_trace(const Finding& finding);

}  // namespace kqtorture
