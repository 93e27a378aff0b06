// The mutation score: which engine finds which planted bug, and how soon.
#pragma once

#include <string>
#include <vector>

#include "cli/engines.h"
#include "cli/mutant.h"
#include "cli/mutant_builder.h"
#include "cli/progress.h"

namespace kqtorture {

struct ScoreOptions {
  std::vector<std::string> paths;  // of patches, or folders of them
  std::string out;                 // absolute
  uint64_t seed = 0;
  double budget = 10;         // seconds of one engine with one mutant
  bool every_engine = false;  // else a mutant is done with at its first kill
  bool resume = false;        // what the journal in `out` tells is not run again
  bool build_only = false;
  double at_least = 100;             // percent of the mutants that have to be found
  size_t jobs = 2;                   // compilers side by side
  size_t shard = 0, shards = 1;      // of the mutants, every shards-th from shard on
  std::vector<std::string> engines;  // only these; empty: all
};

// What came of one engine's time with one mutant.
struct ScoreCell {
  enum class Result { kKilled, kSurvived, kAbsent, kBroken };
  std::string mutant, engine;
  Result result = Result::kSurvived;
  double seconds = 0;  // of the engine, start-up included, up to the kill or the end
  uint64_t executions = 0;
  std::string verdict, rule, scenario;  // of the finding that killed it
  std::string note;                     // kAbsent, kBroken: why
};

struct Score {
  std::vector<Mutant> mutants;       // the sound libkq is not among them
  std::vector<BuiltMutant> built;    // of mutants
  std::vector<std::string> engines;  // in the order in which they are asked
  std::vector<ScoreCell> sound;      // libkq as it is: nothing must be found
  std::vector<ScoreCell> cells;
  uint64_t seed = 0;
  double budget = 0;
  bool every_engine = false;
  double at_least = 100;    // percent
  std::string interrupted;  // why it ended early

  // The first kill of a mutant in the order of the engines, or null; seconds: with all that was
  // spent on it before.
  const ScoreCell* kill_of(const Mutant& mutant, double* seconds) const;
  // Not killed, and no argument says that it cannot be.
  std::vector<const Mutant*> survivors() const;
  std::vector<const Mutant*> unbuilt() const;
  bool found_enough() const;
  // Of the sound library.
  std::vector<const ScoreCell*> false_alarms() const;
  bool passed() const;
};

// Which engines should see a bug of this kind?
std::vector<std::string> engines_for(const Mutant& mutant);

// Runs it. False and *error when nothing could be run.
bool run_score(const ScoreOptions& options, Progress* progress, Score* score, std::string* error);

}  // namespace kqtorture
