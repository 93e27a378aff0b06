// The logs of all lanes, merged and drawn.
#include "lane_chart.h"

#include <algorithm>
#include <cstdio>

namespace kqtorture {
namespace {

using contract::HistoryOp;
using contract::HistoryView;
using contract::OpRef;

const HistoryOp& call_of(const HistoryView& history, const OpRef& ref) {
  return history.threads[ref.thread].ops[ref.op];
}

std::string head(size_t threads) {
  std::string text = "     begin us      end us";
  for (size_t i = 0; i < threads; ++i) {
    const std::string name = i + 1 == threads ? "S" : "T" + std::to_string(i);
    text += (name.size() < 3 ? std::string(3 - name.size(), ' ') : "") + name;
  }
  return text;
}

}  // namespace

std::vector<std::string> draw_lanes(const HistoryView& history, std::vector<OpRef> calls,
                                    std::optional<OpRef> guilty) {
  if (calls.empty()) return {};
  std::stable_sort(calls.begin(), calls.end(), [&](const OpRef& a, const OpRef& b) {
    return call_of(history, a).begin < call_of(history, b).begin;
  });
  uint64_t last = 0;
  for (const OpRef& ref : calls) {
    const HistoryOp& op = call_of(history, ref);
    last = std::max({last, op.begin, op.returned() ? op.end : 0});
  }
  const auto before_last = [&](uint64_t time) {
    if (time > last) return std::string("   not yet ");
    char text[32];
    std::snprintf(text, sizeof text, "%11.3f",
                  -static_cast<double>(last - time) * history.ns_per_tick / 1000);
    return std::string(text);
  };
  std::vector<std::string> chart = {head(history.threads.size())};
  for (const OpRef& ref : calls) {
    const HistoryOp& op = call_of(history, ref);
    std::string text = guilty && *guilty == ref ? ">>" : "  ";
    text += before_last(op.begin) + " " + before_last(op.end);
    for (size_t lane = 0; lane < history.threads.size(); ++lane) {
      text += lane == ref.thread ? "  *" : "  .";
    }
    chart.push_back(text + "  " + contract::to_text(history.threads[ref.thread], op));
  }
  return chart;
}

std::vector<std::string> draw_violation(const HistoryView& history,
                                        const contract::Violation& violation) {
  std::string prefix = "no order explains these first calls of the round:";
  for (size_t i = 0; i < violation.prefix.size(); ++i) {
    prefix += (i ? ", " : " ") + std::to_string(violation.prefix[i]) + " of ";
    prefix += i + 1 == violation.prefix.size() ? "S" : "T" + std::to_string(i);
  }
  std::vector<std::string> lines = {prefix + "; of them concern the guilty call's objects:"};
  const auto chart = draw_lanes(history, violation.witnesses, violation.guilty);
  lines.insert(lines.end(), chart.begin(), chart.end());
  return lines;
}

std::vector<std::string> draw_end(const HistoryView& history, size_t limit) {
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
  return draw_lanes(history, calls, std::nullopt);
}

}  // namespace kqtorture
