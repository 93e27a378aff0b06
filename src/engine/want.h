// A call in which changes failed for want of memory: what was it without them?
//
// An ADD of a key that is not there may fail with ENOMEM, and then has done nothing (1.3, I18). So
// the model is asked about the call without those changes, and every rule still holds for the rest.
// Asked only when faults were asked for (subject/faults.h): otherwise memory does not run out, and
// who says so is wrong.
#pragma once

#include <vector>

#include "contract/operation.h"

namespace kqtorture {

class WithoutWant {
 public:
  enum class Answer : uint8_t {
    kNothing,  // nothing failed so
    kTaken,    // op() and outcome() are the call without those changes
    kUnknown,  // which change it was does not show
    kWrong     // a change that makes nothing failed so
  };

  // The lists must stay as long as op() and outcome() are used.
  Answer take(const contract::Op& op, const contract::Outcome& seen);

  const contract::Op& op() const { return op_; }
  const contract::Outcome& outcome() const { return outcome_; }

 private:
  contract::Op op_;
  contract::Outcome outcome_;
  std::vector<contract::Event> changes_;
  std::vector<contract::Event> events_;
};

}  // namespace kqtorture
