// The exhaustive sweep: every flag word against every state that a knote can be in, judged by the
// model.
//
// Bound: one knote, one change, 65,536 words, the cases of sweep_case.h. Two jobs, each with its
// own kqueue and fixtures, share the cases.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "engine/sweep_jobs.h"
#include "engine/sweep_run.h"

namespace kqtorture {

struct SweepOptions {
  double sample = 1;  // which part of the words of a case, drawn with the seed
  uint64_t seed = 0;
  int jobs = kDefaultJobs;
  // Of the cases' names: those that contain it; empty: all.
  std::string only;
  double budget = 0;  // seconds after which no case begins (SweepTurns); 0: no limit
};

struct SweepResult {
  SweepCounts counts;
  uint64_t combinations = 0;                    // the whole product
  std::map<std::string, uint64_t> unreachable;  // combinations, by reason
  uint64_t not_sampled = 0;
  uint64_t cut_short = 0;    // left out when there were findings enough, or the budget was over
  bool out_of_time = false;  // it was the budget
  std::vector<Finding> findings;
};

SweepResult run_sweep(const Subject& subject, const contract::Profile& profile,
                      const contract::Host& host, const SweepOptions& options);

}  // namespace kqtorture
