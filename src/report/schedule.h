// How a run whose every switch was chosen is run again: part of a finding.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace kqtorture {

// A step of a schedule, in as few bits as tell where two runs parted.
struct StepMark {
  uint8_t thread;  // 0 to 14; 15: nobody's, time passed
  uint8_t kind;    // 0 to 15: of sched/strategy.h
  uint16_t trace;  // of the trace up to it
  static constexpr uint8_t kClock = 15;
  friend bool operator==(const StepMark&, const StepMark&) = default;
};

struct ScheduleRecord {
  static constexpr int kVersion = 1;
  std::string strategy;            // that made the choices, for people: "pct:3"
  std::string carrier = "fibers";  // or "threads": what ran the threads
  uint64_t trace = 0;              // of the whole run; 0: it did not come to its end
  uint64_t most_steps = 200'000;   // the limit it was run with
  bool races = true;               // were data races looked for?
  std::vector<uint8_t> decisions;  // every answer of the strategy
  std::vector<StepMark> steps{};   // the first of them; none: of a run that ended its process
  bool empty() const { return strategy.empty(); }
  friend bool operator==(const ScheduleRecord&, const ScheduleRecord&) = default;
};

// Decisions as text: numbers, a number that comes n times in a row as "number*n".
std::string decisions_to_text(const std::vector<uint8_t>& decisions);
// False when it is none, or of more than kMostDecisions.
inline constexpr size_t kMostDecisions = size_t{1} << 22;
bool decisions_from_text(const std::string& text, std::vector<uint8_t>* decisions);
// Steps as text: six hexadecimal digits each.
std::string steps_to_text(const std::vector<StepMark>& steps);
// False when it is none, or of more than kMostStepMarks.
inline constexpr size_t kMostStepMarks = size_t{1} << 16;
bool steps_from_text(const std::string& text, std::vector<StepMark>* steps);

}  // namespace kqtorture
