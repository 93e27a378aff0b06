// How long, how wide and with which luck the races run: the knobs that every case obeys.
//
// Each knob is a flag and an environment variable, so that a person types the first and a campaign
// sets the second. All randomness of a run comes from `seed`, which is printed before the first
// race starts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace kqtorture {

struct Settings {
  int threads = 4;          // of each race, three or more; more than cores on purpose
  int objects = 8;          // pipes, sockets or USER idents that the threads race on
  double seconds = 1;       // per case; it ends after the round in which they have passed
  double budget = 0;        // of all cases together; 0: seconds decide
  uint64_t iterations = 0;  // rounds per case; 0: the seconds decide alone
  uint64_t jitter = 0;      // spread of the pauses in nanoseconds; 0: measured (jitter.h)
  uint64_t seed = 0;
  std::string subject;
  std::string known;  // a file of known findings; may be empty
};

// What parsing the command line came to: go on, or leave main() with an exit code, after one line.
struct ParsedSettings {
  bool proceed = false;
  int exit_code = 0;
};

// Reads the flags (GoogleTest's are left in *rest for it) and the environment. Without a seed takes
// one from the system.
ParsedSettings parse_settings(int argc, char** argv, Settings* settings,
                              std::vector<std::string>* rest);

// The knobs as one line of text, and as the flags that give the same run again.
std::string describe(const Settings& settings);
std::string as_flags(const Settings& settings);

}  // namespace kqtorture
