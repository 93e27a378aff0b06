// The last events of one knote as a picture: one column per thread, one line per event.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lane.h"

namespace kqtorture {

// The last `limit` log entries about (ident, filter) of all lanes, in the order in which they
// began; times in microseconds before the last of them ended. Call it when the threads have ended.
std::vector<std::string> draw_lanes(const std::vector<const Lane*>& lanes, uintptr_t ident,
                                    int16_t filter, size_t limit);

// A kevent in words: "READ 7 DISPATCH|EOF data=1 udata=3.1.42".
std::string to_text(const Kevent& event);

}  // namespace kqtorture
