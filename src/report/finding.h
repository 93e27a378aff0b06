// A finding: the verdict on one run, with everything needed to run it again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "report/lanes.h"
#include "report/schedule.h"

namespace kqtorture {

struct Finding {
  std::string verdict;   // one of the words of the design: phantom, duplicate, lost, after-delete,
                         // stale-generation, wrong-udata, wrong-errno, wrong-answer, stuck-waiter,
                         // race, deadlock, crash, hang, exit
  std::string rule;      // I1 to I23, or a section of docs/contract.md ("1.4"); may be empty
  std::string engine;    // flags_fuzzer, stress, conformance, ...
  std::string scenario;  // name of the race, test or litmus file
  std::string subject;
  std::string profile;
  uint64_t seed = 0;
  std::string message;              // one sentence: what was seen, and what the contract says
  std::string reproducer;           // litmus text, or the input file's name; may be empty
  std::vector<std::string> detail;  // stack, trace, output, ...; may be empty
  Lanes lanes;                      // of a run with several threads; may be empty
  ScheduleRecord schedule;          // of a controlled run; may be empty
};

// The verdict of a schedule that passed and was kept, to be run again.
inline constexpr char kNothingFound[] = "nothing found";

// The directory that findings are saved in: KQ_OUT, or "out".
std::string output_directory();

// Writes the finding to <output_directory>/findings/<engine>-<scenario>-<hash>.json (complete or
// not at all), prints it on stderr, and returns the file's path, empty if it could not be written.
// The hash is taken over verdict, rule, engine, scenario and message: a finding seen twice is one
// file.
std::string save_finding(const Finding& finding);

// The name of that file, without the directory.
std::string finding_file_name(const Finding& finding);

// Calls observer after every finding that was saved (null: nobody). The worker counts them, so that
// its supervisor knows whether an abnormal end has been explained already.
void observe_saved_findings(void (*observer)());

// The finding as the text a person reads.
std::string to_text(const Finding& finding);
// The finding as JSON, and back; from_json returns false and sets *error on anything malformed.
std::string to_json(const Finding& finding);
bool from_json(const std::string& text, Finding* finding, std::string* error);

}  // namespace kqtorture
