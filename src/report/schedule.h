// How a run whose every switch was chosen is run again: part of a finding.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace kqtorture {

struct ScheduleRecord {
  static constexpr int kVersion = 1;
  std::string strategy;            // that made the choices, for people: "pct:3"
  std::string carrier = "fibers";  // or "threads": what ran the threads
  uint64_t trace = 0;              // of the whole run; 0: it did not come to its end
  uint64_t most_steps = 200'000;   // the limit it was run with
  bool races = true;               // were data races looked for?
  std::vector<uint8_t> decisions;  // every answer of the strategy
  bool empty() const { return strategy.empty(); }
  friend bool operator==(const ScheduleRecord&, const ScheduleRecord&) = default;
};

// Decisions as text: numbers, a number that comes n times in a row as "number*n".
std::string decisions_to_text(const std::vector<uint8_t>& decisions);
// False when it is none, or of more than kMostDecisions.
inline constexpr size_t kMostDecisions = size_t{1} << 22;
bool decisions_from_text(const std::string& text, std::vector<uint8_t>* decisions);

}  // namespace kqtorture
