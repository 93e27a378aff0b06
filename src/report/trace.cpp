// Metadata, a slice for each call, and two ends for each arrow: what the trace event format calls
// phases M, X, s and f.
#include "report/trace.h"

#include <nlohmann/json.hpp>

#include "report/arrows.h"
#include "report/format.h"
#include "report/text.h"

namespace kqtorture {
namespace {

using nlohmann::ordered_json;
using Call = Lanes::Call;

constexpr int kProcess = 1;

ordered_json base(const char* phase, const std::string& name, uint32_t lane) {
  return {{"ph", phase}, {"name", to_utf8(name)}, {"pid", kProcess}, {"tid", lane + 1}};
}

}  // namespace

std::string to_trace(const Finding& finding) {
  const Lanes& lanes = finding.lanes;
  if (lanes.empty()) return "";
  ordered_json events = ordered_json::array();
  ordered_json process = base("M", "process_name", 0);
  process["args"]["name"] =
      to_utf8(finding.verdict + " in " + finding.scenario + " on " + finding.subject);
  events.push_back(std::move(process));
  for (size_t i = 0; i < lanes.names.size(); i++) {
    ordered_json name = base("M", "thread_name", static_cast<uint32_t>(i));
    name["args"]["name"] = to_utf8(lanes.names[i]);
    events.push_back(std::move(name));
  }
  for (const Call& call : lanes.calls) {
    ordered_json slice = base("X", call.text, call.lane);
    slice["cat"] = call.guilty ? "guilty" : "call";
    slice["ts"] = call.begin;
    slice["dur"] = end_of(lanes, call) - call.begin;
    if (call.guilty) slice["cname"] = "terrible";
    if (call.guilty) slice["args"]["finding"] = to_utf8(finding.message);
    if (!call.end) slice["args"]["returned"] = false;
    events.push_back(std::move(slice));
  }
  uint64_t number = 0;
  for (const Arrow& arrow : arrows_of(lanes)) {
    number++;
    ordered_json start = base("s", arrow.name, arrow.source->lane);
    start.update({{"cat", "delivery"}, {"id", number}, {"ts", arrow.from}});
    ordered_json finish = base("f", arrow.name, arrow.delivery->lane);
    finish.update({{"cat", "delivery"}, {"id", number}, {"bp", "e"}, {"ts", arrow.to}});
    events.push_back(std::move(start));
    events.push_back(std::move(finish));
  }
  // The format has room for what is no event.
  const ordered_json trace = {
      {"displayTimeUnit", "ns"},
      {"otherData", {{"format", kTraceFormat.name}, {"format_version", kTraceFormat.version}}},
      {"traceEvents", std::move(events)}};
  return trace.dump(1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace kqtorture
