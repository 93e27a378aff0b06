// Is there any legal order of what happened?
//
// The one oracle of every engine. A history is linearizable when each change of each kevent() call,
// in list order, then each of its deliveries, and each call on an object can be given an instant
// within its call's begin and end, such that the knote transitions of the contract (knote.h), one
// instant after the other, give exactly what was seen. That is decided per connected component of
// objects; rules about a whole call or a whole kqueue are judged beside it.
//
// Sound before complete: a call that overlaps a revocation may still deliver, a change whose
// outcome is unknown is tried both ways, an object whose readiness nobody can know is ready
// whenever that explains something. What the search cannot decide within its bounds is counted and
// named, and accuses nobody.
//
//     CheckReport report = check_history(history.view(), *find_profile("strict-2006"),
//                                        *find_host("linux"));
//     if (report.violation) ...
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "contract/checker/history.h"
#include "contract/host.h"
#include "contract/profile.h"

namespace kqtorture::contract {

struct CheckOptions {
  // A component is given up when the states that explain it so far become more than this, or when
  // one return costs more steps than this. With t threads that meet in one component there are at
  // most 2^t sets of calls already placed, times the states they may have led to: 4096 serves eight
  // threads even when each of their subsets must be told apart.
  uint32_t most_states = 4096;
  uint32_t most_steps = 1u << 18;
};

// Why something was not decided.
enum class Undecided : uint8_t {
  kTruncated,    // the log of a thread ends early: nothing after that was judged
  kTooManyWays,  // a component's states or steps passed the bounds
  kUnmodelled,   // flags or filters whose meaning in this profile is not known
  kObjectOrder,  // the calls on the objects themselves have no order that explains them
  kNoProbe,      // calls were left asleep, and no quiescent probe asked whether an event was due
};
inline constexpr size_t kUndecidedReasons = 5;
const char* undecided_word(Undecided reason);

struct Violation {
  std::string verdict;  // as in a finding: "duplicate", "after-delete", "stuck-waiter", ...
  std::string rule;     // I1 to I23, or a section of the contract: "1.4"
  std::string message;  // one sentence: what was seen, what the contract says
  OpRef guilty;         // the call that no order explains
  int entry = -1;       // which of its deliveries, or -1
  int change = -1;      // which of its changes, or -1
  // The shortest unexplainable prefix: every call that had begun when the guilty one returned.
  uint64_t time = 0;
  std::vector<uint32_t> prefix;  // per thread, the number of its calls in the prefix
  // Of the prefix, the calls that matter: those on the guilty component, oldest first, at most
  // kMostWitnesses of the latest.
  std::vector<OpRef> witnesses;
};
inline constexpr size_t kMostWitnesses = 64;

struct CheckReport {
  std::optional<Violation> violation;
  // Work done.
  uint64_t operations = 0;  // calls
  uint64_t points = 0;      // changes, deliveries and object events placed
  uint64_t components = 0;
  uint64_t searched = 0;     // returns that needed a search, because calls overlapped
  uint64_t steps = 0;        // transitions tried in those
  uint32_t most_states = 0;  // that explained a component at any time
  uint64_t probes = 0;       // quiescent probes judged
  uint64_t quiet_polls = 0;  // empty polls that nothing overlapped, judged
  // What was not decided: components (kTruncated: threads, kNoProbe: calls).
  std::array<uint64_t, kUndecidedReasons> undecided{};

  bool decided() const {
    for (const uint64_t count : undecided) {
      if (count != 0) return false;
    }
    return true;
  }
  // "ok", "violation" or "undecided".
  const char* verdict() const {
    if (violation) return "violation";
    return decided() ? "ok" : "undecided";
  }
};

// The history must not be malformed() (history.h).
CheckReport check_history(const HistoryView& history, const Profile& profile, const Host& host,
                          const CheckOptions& options = {});

// One line of numbers for a log.
std::string to_text(const CheckReport& report);

}  // namespace kqtorture::contract
