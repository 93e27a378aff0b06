// The contract's model as the judge of flags_fuzzer: it follows every call on the subject, and says
// whether it may have ended so.
//
// What the model has no words for ends its judgement of the input: a filter that it does not know,
// more knotes than it holds. The rules of flags_judge.h go on.
#pragma once

#include <memory>
#include <optional>

#include "contract/profile.h"
#include "flags_judge.h"
#include "flags_world.h"

namespace kqtorture::flags {

class ModelJudge : public Witness {
 public:
  virtual void called(const Call& call) = 0;
  using Witness::called;
  // The first call that may not have ended so.
  virtual const std::optional<Violation>& violation() const = 0;
  // Does it still follow? False from the moment that the model has no words for.
  virtual bool follows() const = 0;
  // Some event is bound to come on this kqueue without anyone's doing: a call may wait for it
  // without limit.
  virtual bool bound_to_fire(int kqueue) = 0;
  // Forgets everything, for the next input.
  virtual void reset() = 0;
};

// Null when the subject's profile is not one of the contract's.
std::unique_ptr<ModelJudge> make_model_judge(const Subject& subject);

}  // namespace kqtorture::flags
