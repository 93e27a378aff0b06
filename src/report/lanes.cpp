// The lanes as lines of text: what a terminal, a log and an issue can show.
#include "report/lanes.h"

#include <algorithm>
#include <cstdio>

namespace kqtorture {
namespace {

std::string number(const std::optional<double>& time) {
  if (!time) return "   not yet";
  char text[400];
  std::snprintf(text, sizeof text, "%10.1f", *time);
  return text;
}

}  // namespace

std::vector<std::string> to_lines(const Lanes& lanes) {
  std::vector<std::string> lines;
  if (!lanes.caption.empty()) lines.push_back(lanes.caption);
  if (lanes.empty()) return lines;
  std::vector<const Lanes::Call*> calls;
  for (const Lanes::Call& call : lanes.calls) calls.push_back(&call);
  std::stable_sort(calls.begin(), calls.end(),
                   [](const auto* a, const auto* b) { return a->begin < b->begin; });
  std::string head = "    begin us     end us";
  for (const std::string& name : lanes.names) head += ' ' + name;
  lines.push_back(std::move(head));
  for (const Lanes::Call* call : calls) {
    std::string line = (call->guilty ? ">>" : "  ") + number(call->begin) + ' ' + number(call->end);
    for (size_t lane = 0; lane < lanes.names.size(); lane++) {
      line += std::string(lanes.names[lane].size(), ' ') + (lane == call->lane ? "*" : ".");
    }
    lines.push_back(line + "  " + call->text);
  }
  return lines;
}

}  // namespace kqtorture
