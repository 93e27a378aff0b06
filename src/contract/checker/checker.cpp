// The door to the checker: one call in, one report out.
#include "contract/checker/checker.h"

#include "contract/checker/sweep.h"

namespace kqtorture::contract {

const char* undecided_word(Undecided reason) {
  constexpr const char* kWords[kUndecidedReasons] = {"truncated", "too many ways", "unmodelled",
                                                     "object order", "no probe"};
  return kWords[static_cast<size_t>(reason)];
}

CheckReport check_history(const HistoryView& history, const Profile& profile, const Host& host,
                          const CheckOptions& options) {
  return checking::Sweep(history, profile, host, options).run();
}

std::string to_text(const CheckReport& report) {
  std::string text = report.verdict();
  const auto add = [&text](const char* name, uint64_t count) {
    text += std::string(", ") + std::to_string(count) + " " + name;
  };
  if (report.violation) {
    text += " (" + report.violation->verdict + ", " + report.violation->rule +
            "): " + report.violation->message;
  }
  add("operations", report.operations);
  add("points", report.points);
  add("components", report.components);
  add("searched", report.searched);
  add("steps", report.steps);
  add("states at most", report.most_states);
  add("probes", report.probes);
  add("quiet polls", report.quiet_polls);
  for (size_t i = 0; i < kUndecidedReasons; ++i) {
    if (report.undecided[i] == 0) continue;
    text += std::string(", undecided (") + undecided_word(static_cast<Undecided>(i)) + ") " +
            std::to_string(report.undecided[i]);
  }
  return text;
}

}  // namespace kqtorture::contract
