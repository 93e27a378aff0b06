// Which programs torture this subject, and what is each of them told?
#pragma once

#include <string>
#include <vector>

#include "cli/job.h"

namespace kqtorture {

struct CampaignOptions {
  std::string subject;  // "emulator", "native", or an absolute path
  uint64_t seed = 0;
  double budget = 60;
  std::string out;          // absolute
  bool keep_going = false;  // an engine goes on after a finding
  bool first_only = false;  // the campaign ends at the first finding
  bool json = false;
  std::string summary;  // a file to which the summary for CI is added; may be empty
  std::string known;    // a file of known findings; may be empty
};

struct Engine {
  enum class Kind { kStress, kLitmus, kExplore, kFuzzer, kSweep, kWebserver, kBench };
  Kind kind;
  std::string name;
  std::string program;
  std::string absent;  // why it cannot run; empty when it can
};

// The engines that take turns, in the order of their turns: what finds most in the least time
// first.
std::vector<Engine> turn_takers(const CampaignOptions& options);
// The bench runs once, after them.
Engine bench(const CampaignOptions& options);

// One turn of an engine.
Job turn(const Engine& engine, const CampaignOptions& options, uint64_t seed, double seconds);

// Opening the subject in a worker, before anything is spent on it.
Job subject_check(const CampaignOptions& options);
// The subject that must be found guilty, by the same program and in the same way as any other.
// It has an output directory of its own: its findings are not the subject's.
std::string canary_library();
Job canary(const CampaignOptions& options, uint64_t seed, double seconds);

// The seed of one turn, drawn from the campaign's.
uint64_t derive_seed(uint64_t seed, const std::string& name, uint64_t turn);

}  // namespace kqtorture
