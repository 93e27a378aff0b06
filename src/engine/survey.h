// Which kqueue is this? Every knob of the profile table is asked, and answered by what the subject
// does.
//
// Each probe runs once; what it returned is kept and held against the model again and again, first
// under the values of one knob with everything else as some profile has it, then with everything
// else as it was answered, until nothing changes any more: a knob is asked of this kqueue, not of
// the profile that it is nearest to.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "contract/host.h"
#include "contract/profile.h"
#include "engine/survey_probes.h"
#include "engine/world.h"
#include "subject/subject.h"

namespace kqtorture {

struct SurveyAnswer {
  enum class Status : uint8_t {
    kAnswered,   // one value explains it, or several that no program here tells apart
    kUnknown,    // no value does
    kUndecided,  // the model says nothing of what was seen, under whatever value
    kNotProbed,  // see `note`
  };
  std::string knob;
  Status status = Status::kNotProbed;
  std::vector<int> fits;           // values that explain it, the knob's own (contract/knobs.h)
  std::vector<int> silent;         // values under which the model says nothing of it
  std::string note;                // why not probed
  std::vector<std::string> trace;  // the operations, and what they returned

  // Does somebody with this value promise something else than what was seen?
  bool contradicts(int value) const;
};

struct SurveyResult {
  std::vector<SurveyAnswer> answers;  // one for each knob, in the table's order
  contract::Profile measured;         // with a name of some profile, and no meaning in it
  uint64_t calls = 0;                 // on the subject

  // Knobs that were answered otherwise, or not at all.
  int deviations_from(const contract::Profile& profile) const;
  // The profile with the fewest; of several the first.
  const contract::Profile& nearest() const;
};

struct SurveyOptions {
  // Probes that are left out, with the reason: one that crashed the last worker, say.
  std::function<std::string(const SurveyProbe& probe)> leave_out;
  // Before each program of a probe; may be null.
  std::function<void(const SurveyProbe& probe)> begin;
  // Sees the operations of the probes beside those who judge; may be null.
  Observer* also = nullptr;
  // How long an await waits on top of the timer: it decides when to look. What is then not as the
  // nearest profile has it is asked again with much more, for machines that were too slow.
  int64_t patience_ns = 5'000'000;
  int64_t more_patience_ns = 300'000'000;
};

// Not for threads: probes post signals and make children.
SurveyResult survey(const Subject& subject, const contract::Host& host,
                    const SurveyOptions& options);

}  // namespace kqtorture
