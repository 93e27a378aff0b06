// What every step of the judgement carries: the tables, the state it moves, and the words it leaves
// behind when nothing explains what was seen.
#pragma once

#include <string>

#include "contract/explanation.h"
#include "contract/host.h"
#include "contract/model.h"
#include "contract/profile.h"
#include "contract/state.h"

namespace kqtorture::contract {

struct Context {
  const Profile& profile;
  const Host& host;
  State* state = nullptr;
  StateSet* forks = nullptr;   // takes states split off; null: a split is undecided
  Explanation* why = nullptr;  // may be null

  // `message` is called only when somebody wants to know.
  template <typename Message>
  Answer refuse(Verdict verdict, const char* rule, int index, Message message) const {
    if (why != nullptr) *why = {verdict, rule, message(), index};
    return Answer::kRefused;
  }
  Answer undecided() const {
    state->undecided = true;
    return Answer::kUndecided;
  }
};

}  // namespace kqtorture::contract
