#include "report/arrows.h"

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

namespace kqtorture {
namespace {

using Call = Lanes::Call;

// An end of an arrow is bound to the slice that began last before it, which at the very end of a
// call may be the next call. A nanosecond is the resolution of Perfetto.
constexpr double kBeforeTheEnd = 0.001;

struct Delivered {
  std::string ident, filter;
};

// Which numbers are ends of one object: "pipe = 0 fd 6 fd2 7".
using Peers = std::map<std::string, std::set<std::string>>;

bool is_log(const std::string& text) { return text.rfind("kevent(", 0) == 0; }

// "kevent k room=4 => (p.r READ data=5) (u USER)"
std::vector<Delivered> deliveries_of_program(const std::string& text) {
  std::vector<Delivered> events;
  size_t at = text.find("=> (");
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

// "kevent(3, {...}, room 2, zero) = 2 {READ ident 6 flags 0 fflags 0 data 1 udata 0x1, USER ...}"
std::vector<Delivered> deliveries_of_log(const std::string& text) {
  std::vector<Delivered> events;
  const size_t answer = text.find(") = ");
  const size_t open = answer == std::string::npos ? answer : text.find('{', answer);
  if (open == std::string::npos) return events;
  std::string list = text.substr(open + 1, text.find('}', open) - open - 1);
  std::replace(list.begin(), list.end(), ',', '\n');
  std::istringstream entries(list);
  for (std::string entry; std::getline(entries, entry);) {
    std::istringstream words(entry);
    Delivered event;
    std::string ident, flags, word;
    words >> event.filter >> ident >> event.ident >> flags >> word;
    if (ident != "ident" || word.find("ERROR") != std::string::npos) continue;
    events.push_back(event);
  }
  return events;
}

std::vector<Delivered> deliveries_of(const std::string& text) {
  if (is_log(text)) return deliveries_of_log(text);
  return text.rfind("kevent ", 0) == 0 ? deliveries_of_program(text) : std::vector<Delivered>();
}

// Does one of its changes trigger the USER knote?
bool triggers_user(const std::string& text, const std::string& ident) {
  const bool log = is_log(text);
  const size_t change = text.find(log ? "USER ident " + ident + " " : "(" + ident + " USER");
  const size_t answer = text.find(log ? ") =" : "=>");
  if (change == std::string::npos || change > answer) return false;
  const size_t end = text.find_first_of(log ? ",}" : ")", change);
  return text.substr(change, end - change).find("TRIGGER") != std::string::npos;
}

// "p.r" and "p.w" are ends of one object.
std::string object_of(const std::string& ident) { return ident.substr(0, ident.find('.')); }

// Can this call have made the knote ready?
bool triggers(const std::string& text, const Delivered& event, const Peers& peers) {
  std::istringstream words(text);
  std::string call, first, second;
  words >> call >> first >> second;
  if (event.filter == "USER") {
    if (call == "trigger") return second == event.ident;
    return text.rfind("kevent", 0) == 0 && triggers_user(text, event.ident);
  }
  if (event.filter == "SIGNAL") return call == "raise" && first == event.ident;
  if (event.filter == "PROC") return (call == "exit" || call == "kill") && first == event.ident;
  const auto ends = peers.find(event.ident);
  const bool peer = ends != peers.end() && ends->second.count(first) > 0;
  if (!peer && object_of(first) != object_of(event.ident)) return false;
  if (event.filter == "WRITE" || event.filter == "EMPTY") return call == "read" || call == "drain";
  if (event.filter == "READ") {
    if (call == "close" || call == "shutdown") return first != event.ident;
    // A number stands for one end, and nothing written there can be read there.
    const bool number = !first.empty() && first.find_first_not_of("0123456789") == first.npos;
    const bool writes = call == "write" || call == "fill" || call == "connect";
    return writes && (!number || peer);
  }
  return event.filter == "VNODE" && call.rfind("kevent", 0) != 0 && call != "read";
}

Peers peers_of(const Lanes& lanes) {
  Peers peers;
  for (const Call& call : lanes.calls) {
    std::istringstream words(call.text);
    std::string kind, equals, answer, fd, one, fd2, other;
    words >> kind >> equals >> answer >> fd >> one >> fd2 >> other;
    if (equals != "=" || fd != "fd" || fd2 != "fd2" || other.empty()) continue;
    peers[one].insert(other);
    peers[other].insert(one);
  }
  return peers;
}

}  // namespace

double end_of(const Lanes& lanes, const Call& call) {
  if (call.end) return *call.end;
  double last = 0;
  for (const Call& one : lanes.calls) last = std::max(last, one.end.value_or(one.begin));
  return last + 1;
}

std::vector<Arrow> arrows_of(const Lanes& lanes) {
  const Peers peers = peers_of(lanes);
  std::vector<Arrow> arrows;
  for (const Call& call : lanes.calls) {
    const std::vector<Delivered> events = deliveries_of(call.text);
    if (events.empty()) continue;
    const double to = std::max(call.begin, end_of(lanes, call) - kBeforeTheEnd);
    for (const Delivered& event : events) {
      const Call* source = nullptr;
      for (const Call& other : lanes.calls) {
        if (&other == &call || other.begin > to || !triggers(other.text, event, peers)) continue;
        if (source == nullptr || other.begin > source->begin) source = &other;
      }
      if (source == nullptr) continue;
      arrows.push_back({event.ident + " " + event.filter, source, &call, source->begin, to});
    }
  }
  return arrows;
}

}  // namespace kqtorture
