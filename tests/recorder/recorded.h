// What the tests of recorded runs share: how long they go on, and how they tell a violation.
//
// KQ_SEED is the first seed and KQ_ROUNDS the number of rounds, unless a test says otherwise.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>

#include "contract/checker/checker.h"
#include "subject/sanitizers.h"

namespace kqtorture {

inline uint64_t number_in(const char* variable, uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text != nullptr ? std::strtoull(text, nullptr, 0) : otherwise;
}

inline std::string story(const contract::HistoryView& view, const contract::CheckReport& report) {
  std::string text = to_text(report) + "\n";
  if (!report.violation) return text;
  for (const contract::OpRef& ref : report.violation->witnesses) {
    const contract::ThreadLog& log = view.threads[ref.thread];
    const contract::HistoryOp& op = log.ops[ref.op];
    text += "T" + std::to_string(ref.thread) + " [" + std::to_string(op.begin) + ", " +
            std::to_string(op.end) + "] " + to_text(log, op) + "\n";
  }
  return text;
}

}  // namespace kqtorture
