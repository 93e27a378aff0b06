// What does one entry of a changelist do? The checks in their order (1.3, 1.4), then the knote.
#pragma once

#include "contract/context.h"

namespace kqtorture::contract {

struct ChangeOutcome {
  enum What : uint8_t {
    kSkipped,   // as if it were not there: no entry, not even with RECEIPT
    kDone,      //
    kFailed,    // with `error`, or with `error_or` when that is not 0
    kUndecided  // beyond the model
  };
  What what = kDone;
  int error = 0;
  int error_or = 0;
  bool created = false;  // a knote was, or would have been when it failed in the filter
  uint16_t flags = 0;    // the change's, as an entry may echo them: after simplification
};

// The checks that look at the change alone: not kDone when they settle it. *change becomes what
// reaches the knote: reserved bits cleared, ENABLE together with DISABLE resolved.
ChangeOutcome check_words(const Profile& profile, const Host& host, Event* change);

// `kqueue`: index of the kqueue's object.
ChangeOutcome change_state(const Context& context, uint8_t kqueue, const Event& change);

}  // namespace kqtorture::contract
