// How a good history becomes one that may be bad, or surely is.
//
// Small changes (drop, duplicate, swap, re-time) that may or may not leave a legal order: for
// comparing two judges. And changes that leave none whatever the order: for counting how many are
// caught.
#pragma once

#include "contract/checker/history.h"
#include "scenario/random.h"

namespace kqtorture::contract::testing {

// One random change. False when the history offered nothing to change.
bool mutate(History* history, Random* random);

// Illegal by construction. False when the history offered no place for it.
bool deliver_after_final(History* history, Random* random);   // an event after a final one
bool duplicate_oneshot(History* history, Random* random);     // a ONESHOT event in two calls
bool deliver_after_delete(History* history, Random* random);  // in a call that began after it

}  // namespace kqtorture::contract::testing
