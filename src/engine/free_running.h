// Runs a program on real threads, again and again, and asks of each run's history whether any legal
// order explains it.
//
// Nothing controls the threads: they start together, lose their step by delays drawn from the seed,
// and meet where they meet. Each leaves a log of its own; the checker of histories judges all of
// them together (contract/checker). A thread that waits for something that never comes is found
// asleep, the kqueue is probed, and a signal ends the wait: sleeping is no verdict by itself.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "contract/checker/checker.h"
#include "contract/host.h"
#include "contract/profile.h"
#include "engine/sequential.h"
#include "report/finding.h"
#include "scenario/program.h"
#include "subject/subject.h"

namespace kqtorture {

struct FreeRunningOptions {
  // Runs of the program. 200 show a race that one run in fifty meets with 98 % probability.
  int iterations = 200;
  uint64_t seed = 1;
  // No run begins after this; null: all of them are done. The first one is done in any case.
  std::optional<std::chrono::steady_clock::time_point> deadline = std::nullopt;
};

// How far investigate() shrinks.
struct ShrinkLimits {
  int programs = 200;  // candidates tried; each costs up to a few hundred runs
  std::chrono::milliseconds time{10'000};
};

struct FreeRunningResult {
  SequentialResult::Status status = SequentialResult::Status::kClean;
  std::string verdict;
  std::string rule;
  std::string message;
  Lanes lanes;               // of the guilty run: the operations of all threads
  int iterations = 0;        // done
  uint64_t operations = 0;   // calls on the subject, recorded and judged
  uint64_t deliveries = 0;   // entries that they returned
  uint64_t undecided = 0;    // runs of which something was not decided
  uint64_t interrupted = 0;  // waits that nothing ended but the signal
  // A thread could not be got out of its call: this process cannot run anything else.
  bool stuck = false;
};

class FreeRunningEngine {
 public:
  static std::unique_ptr<FreeRunningEngine> create(const Subject& subject, std::string* error);

  FreeRunningEngine(const Subject& subject, const contract::Profile& profile,
                    const contract::Host& host);
  ~FreeRunningEngine();

  FreeRunningResult run(const Program& program, const FreeRunningOptions& options);

  // Runs and, if that is a finding, shrinks the program as far as the same verdict under the same
  // rule is still met by chance. verdict is empty when nothing was found; *first, if given, is the
  // result of the run, `stuck` when any run was.
  Finding investigate(const Program& program, const FreeRunningOptions& options,
                      const ShrinkLimits& limits = {}, FreeRunningResult* first = nullptr);

 private:
  class Run;

  const Subject& subject_;
  const contract::Profile profile_;
  const contract::Host host_;
};

}  // namespace kqtorture
