// Which calls of a round its picture shows.
#pragma once

#include <optional>
#include <vector>

#include "contract/checker/checker.h"
#include "contract/checker/history.h"
#include "report/lanes.h"

namespace kqtorture {

// The calls named, times from the beginning of the first. The last thread is the supervisor.
Lanes lanes_of(const contract::HistoryView& history, const std::vector<contract::OpRef>& calls,
               std::optional<contract::OpRef> guilty);

// What a violation's picture shows: the calls that matter of the shortest prefix that no order
// explains, and how long that prefix is.
Lanes lanes_of(const contract::HistoryView& history, const contract::Violation& violation);

// The last `limit` calls of all threads.
Lanes last_lanes(const contract::HistoryView& history, size_t limit);

}  // namespace kqtorture
