// What the tests of recorded runs share: how long they go on, and how they tell a violation.
//
// KQ_SEED is the first seed and KQ_ROUNDS the number of rounds, unless a test says otherwise.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "../checker/effort.h"
#include "contract/checker/checker.h"
#include "contract/checker/history_file.h"
#include "subject/sanitizers.h"

namespace kqtorture {

using contract::testing::number_in;

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

// Judges one round and adds its work to *sum. A history that is not accepted is kept in the file
// that KQ_KEEP names.
inline contract::CheckReport judge(const contract::HistoryView& view,
                                   const contract::Profile& profile, const contract::Host& host,
                                   contract::CheckReport* sum) {
  contract::CheckReport report = contract::check_history(view, profile, host);
  const char* keep = std::getenv("KQ_KEEP");
  std::string error;
  if (keep != nullptr && report.verdict() != std::string("ok") &&
      !contract::write_history(view, keep, &error)) {
    std::fprintf(stderr, "KQ_KEEP: %s\n", error.c_str());
  }
  sum->operations += report.operations;
  sum->points += report.points;
  sum->searched += report.searched;
  sum->steps += report.steps;
  sum->probes += report.probes;
  sum->quiet_polls += report.quiet_polls;
  sum->most_states = std::max(sum->most_states, report.most_states);
  return report;
}

}  // namespace kqtorture
