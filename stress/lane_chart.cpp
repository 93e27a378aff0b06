// The log of every lane, merged and drawn. Descriptors and USER idents are matched by number; a
// close or an open concerns every filter of its number.
#include "lane_chart.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace kqtorture {
namespace {

struct Name {
  uint16_t bit;
  const char* text;
};
constexpr Name kFlagNames[] = {
    {flag::kAdd, "ADD"},
    {flag::kDelete, "DELETE"},
    {flag::kEnable, "ENABLE"},
    {flag::kDisable, "DISABLE"},
    {flag::kOneshot, "ONESHOT"},
    {flag::kClear, "CLEAR"},
    {flag::kReceipt, "RECEIPT"},
    {flag::kDispatch, "DISPATCH"},
    {flag::kForceOneshot, "FORCEONESHOT"},
    {flag::kKeepUdata, "KEEPUDATA"},
    {flag::kUnknown400, "0x0400"},
    {flag::kUnknown800, "0x0800"},
    {0x1000, "0x1000"},
    {0x2000, "0x2000"},
    {flag::kError, "ERROR"},
    {flag::kEof, "EOF"},
};

std::string filter_name(int16_t number) {
  switch (number) {
    case filter::kRead:
      return "READ";
    case filter::kWrite:
      return "WRITE";
    case filter::kTimer:
      return "TIMER";
    case filter::kUser:
      return "USER";
    default:
      return "filter " + std::to_string(number);
  }
}

std::string outcome(const LogEntry& entry) {
  if (entry.result < 0) return std::string(" -> ") + std::strerror(entry.error);
  return " -> " + std::to_string(entry.result);
}

std::string deed_text(const LogEntry& entry) {
  const std::string number = std::to_string(entry.event.ident);
  switch (entry.deed) {
    case Deed::kChange:
      return "change  " + to_text(entry.event) + outcome(entry);
    case Deed::kDelivery:
      return "deliver " + to_text(entry.event);
    case Deed::kEmpty:
      return "kevent" + outcome(entry);
    case Deed::kFailed:
      return "kevent" + outcome(entry);
    case Deed::kClose:
      return "close   " + number + outcome(entry);
    case Deed::kOpen:
      return "open    " + number;
    case Deed::kWrite:
      return "write   " + number + outcome(entry);
  }
  return "";
}

bool concerns(const LogEntry& entry, uintptr_t ident, int16_t filter) {
  switch (entry.deed) {
    case Deed::kChange:
    case Deed::kDelivery:
      return entry.event.ident == ident && entry.event.filter == filter;
    case Deed::kClose:
    case Deed::kOpen:
    case Deed::kWrite:
      return entry.event.ident == ident && filter != filter::kUser;
    default:
      return false;
  }
}

}  // namespace

std::string to_text(const Kevent& event) {
  std::string text = filter_name(event.filter) + " " + std::to_string(event.ident) + " ";
  std::string names;
  for (const Name& name : kFlagNames) {
    if (event.flags & name.bit) names += (names.empty() ? "" : "|") + std::string(name.text);
  }
  text += names.empty() ? "0" : names;
  char numbers[64];
  if (event.fflags) {
    std::snprintf(numbers, sizeof numbers, " fflags=0x%x", event.fflags);
    text += numbers;
  }
  if (event.data) text += " data=" + std::to_string(event.data);
  return text + " udata=" + Token(event).text();
}

std::vector<std::string> draw_lanes(const std::vector<const Lane*>& lanes, uintptr_t ident,
                                    int16_t filter, size_t limit) {
  struct Line {
    const LogEntry* entry;
    size_t lane;
  };
  std::vector<Line> lines;
  for (size_t lane = 0; lane < lanes.size(); ++lane) {
    for (const LogEntry& entry : lanes[lane]->log()) {
      if (concerns(entry, ident, filter)) lines.push_back({&entry, lane});
    }
  }
  std::stable_sort(lines.begin(), lines.end(),
                   [](const Line& a, const Line& b) { return a.entry->begin < b.entry->begin; });
  if (lines.size() > limit) lines.erase(lines.begin(), lines.end() - static_cast<long>(limit));
  if (lines.empty()) return {};

  uint64_t last = 0;
  for (const Line& line : lines) last = std::max(last, line.entry->end);
  const auto before_last = [last](uint64_t time) {
    char text[32];
    std::snprintf(text, sizeof text, "%11.3f", -static_cast<double>(last - time) / 1000);
    return std::string(text);
  };
  std::vector<std::string> chart;
  std::string head = "   begin us      end us";
  for (const Lane* lane : lanes) {
    std::string name = "T" + std::to_string(lane->index());
    if (lane == lanes.back()) name = "S";  // the supervisor
    head += (name.size() < 3 ? std::string(3 - name.size(), ' ') : "") + name;
  }
  chart.push_back(head);
  for (const Line& line : lines) {
    std::string text = before_last(line.entry->begin) + " " + before_last(line.entry->end);
    for (size_t lane = 0; lane < lanes.size(); ++lane) text += lane == line.lane ? "  *" : "  .";
    chart.push_back(text + "  " + deed_text(*line.entry));
  }
  return chart;
}

}  // namespace kqtorture
