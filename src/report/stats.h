// What a program was told by the campaign that started it, and how it reports its work back.
//
// A green run has to say what it did. Every program that does work (kq_stress, the fuzzers,
// kq_bench, kqtorture's own engines) calls write_stats() before it leaves; the campaign adds the
// numbers up, shows them, and fails when there are none. Without KQ_STATS nothing is written.
//
//   KQ_STATS   file to write the numbers to
//   KQ_SEED    the seed of every random choice; one is drawn when it is not set
//   KQ_BUDGET  how long the whole program may work, in seconds
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

namespace kqtorture {

struct Stats {
  uint64_t operations = 0;                // calls into the subject
  uint64_t deliveries = 0;                // events that kevent() returned
  uint64_t executions = 0;                // inputs, rounds, iterations: whatever the engine repeats
  std::map<std::string, uint64_t> extra;  // anything else worth printing, by name
};

// Writes {"operations":N,"deliveries":N,"executions":N,...} to the file named by KQ_STATS, complete
// or not at all. Returns true when it was written or nobody asked, false (and one line on stderr)
// when it could not be.
bool write_stats(const Stats& stats);

// Reads such a file; false and *error when it is missing or malformed.
bool read_stats(const std::string& path, Stats* stats, std::string* error);

// A seed that nobody chose. Print it before using it.
uint64_t draw_seed();

// KQ_SEED, else a drawn one. A KQ_SEED that is not a number from 0 to 2^64-1 counts as not set, and
// a line on stderr says so. Print the seed before using it.
uint64_t seed_from_environment();

// KQ_BUDGET, else fallback. Zero, negative or malformed values give the fallback.
std::chrono::milliseconds budget_from_environment(std::chrono::milliseconds fallback);

}  // namespace kqtorture
