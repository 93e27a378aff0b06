// What became of each change of a call?
//
// A call tells it in three ways: by entries in the returned list, by its errno, and by saying
// nothing (1.5). Where these leave it open (an error without room in a long list, EFAULT, a call
// that never returned) the change is unknown: the search may place it or leave it out. Changes that
// are refused whatever the state is (1.3, 1.4) are settled here, and so is the shape of the list
// (I13).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "contract/checker/history.h"
#include "contract/host.h"
#include "contract/profile.h"

namespace kqtorture::contract::checking {

// Refused for want of something that no rule promises.
bool for_want_of_resources(int error);

enum class Fate : uint8_t {
  kNothing,  // it reached no knote: skipped, refused by its words alone, or never looked at
  kApplied,
  kRefused,  // with `error`
  kUnknown,
};

struct ChangeFate {
  Fate fate = Fate::kNothing;
  int error = 0;
  Event change;  // as it reaches the knote: check_words() in contract/change.h
};

// What is wrong with a call by itself.
struct Fault {
  const char* verdict = nullptr;  // null: nothing
  const char* rule = "";
  std::string message;
  int change = -1;
  int entry = -1;
};

struct CallOutcome {
  std::vector<ChangeFate> changes;
  size_t first_delivery = 0;  // in the returned list
  // It may have taken events that it did not return: it faulted, or has not returned.
  bool hidden_deliveries = false;
  bool unmodelled = false;  // a change whose meaning the profile does not know
  bool scanned = false;     // it may have looked for events
  Fault fault;
};

// How sure is it that the call found its kqueue open?
enum class KqueueOpen : uint8_t { kSurely, kMaybe, kNever };

// `slept`: the call has not returned, but was seen asleep in its wait, so its changes were made.
// Reuses *outcome's memory.
void read_outcome(const Profile& profile, const Host& host, const ThreadLog& log,
                  const HistoryOp& op, KqueueOpen open, bool slept, CallOutcome* outcome);

}  // namespace kqtorture::contract::checking
