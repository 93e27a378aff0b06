// The lanes as lines of text: what a terminal, a log and an issue can show.
#include "report/lanes.h"

#include <algorithm>
#include <cstdio>
#include <limits>

namespace kqtorture {
namespace {

// Steps of a controlled run take 20 ns.
constexpr int kDigits = 1, kSwitchDigits = 2;

std::string number(const std::optional<double>& time, int digits) {
  if (!time) return "   not yet";
  char text[400];
  std::snprintf(text, sizeof text, "%10.*f", digits, *time);
  return text;
}

// "        1.24            o->..  while in f() file.cpp:12": the thread at the o stopped, that at
// the arrow's head went on.
std::string line_of(const Lanes& lanes, const Lanes::Switch& one) {
  std::string line = "  " + number(one.time, kSwitchDigits) + std::string(11, ' ');
  const uint32_t low = std::min(one.from, one.to), high = std::max(one.from, one.to);
  for (uint32_t lane = 0; lane < lanes.names.size(); lane++) {
    const char between = lane > low && lane <= high ? '-' : ' ';
    const char* mark = lane == one.from ? "o" : lane != one.to ? "." : one.to > low ? ">" : "<";
    if (lane != one.from && lane != one.to && lane > low && lane < high) mark = "-";
    line += std::string(lanes.names[lane].size(), between) + mark;
  }
  const std::string name = one.from < lanes.names.size() ? lanes.names[one.from] : "";
  return line + "  " + name + " stops" + (one.text.empty() ? "" : " at " + one.text);
}

}  // namespace

std::vector<std::string> to_lines(const Lanes& lanes) {
  std::vector<std::string> lines;
  if (!lanes.caption.empty()) lines.push_back(lanes.caption);
  if (lanes.empty()) return lines;
  const int digits = lanes.switches.empty() ? kDigits : kSwitchDigits;
  std::vector<const Lanes::Call*> calls;
  for (const Lanes::Call& call : lanes.calls) calls.push_back(&call);
  std::stable_sort(calls.begin(), calls.end(),
                   [](const auto* a, const auto* b) { return a->begin < b->begin; });
  std::string head = "    begin us     end us";
  for (const std::string& name : lanes.names) head += ' ' + name;
  lines.push_back(std::move(head));
  size_t next = 0;
  const auto switches_until = [&](double time) {
    for (; next < lanes.switches.size() && lanes.switches[next].time < time; next++) {
      lines.push_back(line_of(lanes, lanes.switches[next]));
    }
  };
  for (const Lanes::Call* call : calls) {
    switches_until(call->begin);
    std::string line = (call->guilty ? ">>" : "  ") + number(call->begin, digits) + ' ' +
                       number(call->end, digits);
    for (size_t lane = 0; lane < lanes.names.size(); lane++) {
      line += std::string(lanes.names[lane].size(), ' ') + (lane == call->lane ? "*" : ".");
    }
    lines.push_back(line + "  " + call->text);
  }
  switches_until(std::numeric_limits<double>::infinity());
  return lines;
}

}  // namespace kqtorture
