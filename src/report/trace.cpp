// The arrows are read from the calls themselves: a delivery names its ident and filter, and of the
// calls that can have made that knote ready, the last one that began before the delivery ended is
// the one that the arrow comes from. It shows a reader where to look; the verdict is the checker's.
#include "report/trace.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

#include "report/text.h"

namespace kqtorture {
namespace {

using nlohmann::ordered_json;
using Call = Lanes::Call;

constexpr int kProcess = 1;

struct Delivered {
  std::string ident, filter;
};

// "kevent k room=4 => (p.r READ data=5) (u USER)": what the calls returned.
std::vector<Delivered> deliveries_of(const std::string& text) {
  std::vector<Delivered> events;
  size_t at = text.find("=> (");
  if (text.rfind("kevent", 0) != 0) return events;
  while (at != std::string::npos && (at = text.find('(', at)) != std::string::npos) {
    std::istringstream words(text.substr(at + 1, text.find(')', at) - at - 1));
    Delivered event;
    std::string flags;
    words >> event.ident >> event.filter >> flags;
    // An entry of an error or a receipt is an answer, and nothing triggered it.
    if (!event.filter.empty() && flags.find("ERROR") == std::string::npos) events.push_back(event);
    at++;
  }
  return events;
}

// "p.r" and "p.w" are ends of one object.
std::string object_of(const std::string& ident) { return ident.substr(0, ident.find('.')); }

// Can this call have made the knote ready?
bool triggers(const std::string& text, const Delivered& event) {
  std::istringstream words(text);
  std::string call, first, second;
  words >> call >> first >> second;
  if (event.filter == "USER") {
    if (call == "trigger") return second == event.ident;
    const size_t change = text.find("(" + event.ident + " USER");
    const size_t answer = text.find("=>");
    if (call != "kevent" || change == std::string::npos || change > answer) return false;
    return text.substr(change, text.find(')', change) - change).find("TRIGGER") !=
           std::string::npos;
  }
  if (event.filter == "SIGNAL") return call == "raise" && first == event.ident;
  if (event.filter == "PROC") return (call == "exit" || call == "kill") && first == event.ident;
  if (object_of(first) != object_of(event.ident)) return false;
  if (event.filter == "WRITE" || event.filter == "EMPTY") return call == "read" || call == "drain";
  if (event.filter == "READ") {
    return call == "write" || call == "fill" || call == "connect" ||
           ((call == "close" || call == "shutdown") && first != event.ident);
  }
  return event.filter == "VNODE" && call != "kevent" && call != "read";
}

ordered_json base(const char* phase, const std::string& name, uint32_t lane) {
  return {{"ph", phase}, {"name", to_utf8(name)}, {"pid", kProcess}, {"tid", lane + 1}};
}

}  // namespace

std::string to_trace(const Finding& finding) {
  const Lanes& lanes = finding.lanes;
  if (lanes.empty()) return "";
  double last = 0;
  for (const Call& call : lanes.calls) last = std::max(last, call.end.value_or(call.begin));
  const auto end_of = [&](const Call& call) { return call.end.value_or(last + 1); };

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
    slice["dur"] = end_of(call) - call.begin;
    if (call.guilty) slice["cname"] = "terrible";
    if (call.guilty) slice["args"]["finding"] = to_utf8(finding.message);
    if (!call.end) slice["args"]["returned"] = false;
    events.push_back(std::move(slice));
  }
  uint64_t arrows = 0;
  for (const Call& call : lanes.calls) {
    for (const Delivered& event : deliveries_of(call.text)) {
      const Call* source = nullptr;
      for (const Call& other : lanes.calls) {
        if (&other == &call || other.begin > end_of(call) || !triggers(other.text, event)) continue;
        if (source == nullptr || other.begin > source->begin) source = &other;
      }
      if (source == nullptr) continue;
      arrows++;
      const std::string name = event.ident + " " + event.filter;
      // Both ends have to lie within their slices, and the arrow must not go back in time.
      const double from = source->begin, to = std::max(from, end_of(call));
      ordered_json start = base("s", name, source->lane);
      start.update({{"cat", "delivery"}, {"id", arrows}, {"ts", from}});
      ordered_json finish = base("f", name, call.lane);
      finish.update({{"cat", "delivery"}, {"id", arrows}, {"bp", "e"}, {"ts", to}});
      events.push_back(std::move(start));
      events.push_back(std::move(finish));
    }
  }
  const ordered_json trace = {{"displayTimeUnit", "ns"}, {"traceEvents", std::move(events)}};
  return trace.dump(1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace kqtorture
