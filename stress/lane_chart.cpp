// The logs of all lanes, merged.
#include "lane_chart.h"

#include <algorithm>
#include <string>

namespace kqtorture {
namespace {

using contract::HistoryOp;
using contract::HistoryView;
using contract::OpRef;

const HistoryOp& call_of(const HistoryView& history, const OpRef& ref) {
  return history.threads[ref.thread].ops[ref.op];
}

std::string name_of(size_t thread, size_t threads) {
  return thread + 1 == threads ? "S" : "T" + std::to_string(thread);
}

}  // namespace

Lanes lanes_of(const HistoryView& history, const std::vector<OpRef>& calls,
               std::optional<OpRef> guilty) {
  Lanes lanes;
  uint64_t first = UINT64_MAX;
  for (const OpRef& ref : calls) first = std::min(first, call_of(history, ref).begin);
  const auto since = [&](uint64_t time) {
    return static_cast<double>(time - first) * history.ns_per_tick / 1000;
  };
  for (size_t i = 0; i < history.threads.size(); ++i) {
    lanes.names.push_back(name_of(i, history.threads.size()));
  }
  for (const OpRef& ref : calls) {
    const HistoryOp& op = call_of(history, ref);
    Lanes::Call call;
    call.lane = ref.thread;
    call.begin = since(op.begin);
    if (op.returned()) call.end = since(op.end);
    call.text = contract::to_text(history.threads[ref.thread], op);
    call.guilty = guilty && *guilty == ref;
    lanes.calls.push_back(std::move(call));
  }
  return lanes;
}

Lanes lanes_of(const HistoryView& history, const contract::Violation& violation) {
  std::vector<OpRef> calls = violation.witnesses;
  if (std::find(calls.begin(), calls.end(), violation.guilty) == calls.end()) {
    calls.push_back(violation.guilty);
  }
  Lanes lanes = lanes_of(history, calls, violation.guilty);
  lanes.caption = "no order explains these first calls of the round:";
  for (size_t i = 0; i < violation.prefix.size(); ++i) {
    lanes.caption += (i ? ", " : " ") + std::to_string(violation.prefix[i]) + " of " +
                     name_of(i, violation.prefix.size());
  }
  lanes.caption += "; of them concern the guilty call's objects:";
  return lanes;
}

Lanes last_lanes(const HistoryView& history, size_t limit) {
  std::vector<OpRef> calls;
  for (uint32_t t = 0; t < history.threads.size(); ++t) {
    const size_t count = history.threads[t].ops.size();
    for (size_t i = count > limit ? count - limit : 0; i < count; ++i) {
      calls.push_back({t, static_cast<uint32_t>(i)});
    }
  }
  std::stable_sort(calls.begin(), calls.end(), [&](const OpRef& a, const OpRef& b) {
    return call_of(history, a).begin < call_of(history, b).begin;
  });
  if (calls.size() > limit) calls.erase(calls.begin(), calls.end() - static_cast<long>(limit));
  Lanes lanes = lanes_of(history, calls, std::nullopt);
  lanes.caption = "the last calls of the round:";
  return lanes;
}

}  // namespace kqtorture
