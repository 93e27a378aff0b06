// Calls of a round as a picture: one column per thread, one line per call.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "contract/checker/checker.h"
#include "contract/checker/history.h"

namespace kqtorture {

// The calls named, in the order in which they began, times in microseconds before the last of them
// ended; the guilty one is marked. The last thread is the supervisor.
std::vector<std::string> draw_lanes(const contract::HistoryView& history,
                                    std::vector<contract::OpRef> calls,
                                    std::optional<contract::OpRef> guilty);

// What a violation's picture shows: the calls that matter of the shortest prefix that no order
// explains, and how long that prefix is.
std::vector<std::string> draw_violation(const contract::HistoryView& history,
                                        const contract::Violation& violation);

// The last `limit` calls of all threads.
std::vector<std::string> draw_end(const contract::HistoryView& history, size_t limit);

}  // namespace kqtorture
