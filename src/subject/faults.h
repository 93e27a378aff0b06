// How often does a step that may fail fail? KQ_FAULTS in the environment says it to every program:
//   KQ_FAULTS=RATE[:SEED]   RATE of a million (0 to 1000000), by a sequence that SEED (default 1)
//                           and the number of the run decide
// A subject that is to fail must export the hook kqtorture_set_faults (docs/subjects.md). Faults
// strike while a program runs and not while its objects are made.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "subject/subject.h"

namespace kqtorture {

struct FaultRate {
  unsigned per_million = 0;
  uint64_t seed = 1;
};

// What the environment says; no faults when it says nothing. Empty, with one clear line in *error,
// when it means nothing.
std::optional<FaultRate> faults_asked_for(std::string* error);

// While one lives, the subject's steps fail as the environment says.
class FaultsStrike {
 public:
  // Runs of one seed with different numbers fail in different places.
  FaultsStrike(const Subject& subject, uint64_t run);
  ~FaultsStrike();
  FaultsStrike(const FaultsStrike&) = delete;
  FaultsStrike& operator=(const FaultsStrike&) = delete;

  // Whether any do.
  static bool at_all(const Subject& subject);

 private:
  const Subject& subject_;
  const bool at_all_;
};

}  // namespace kqtorture
