// In which order did the threads do what does not commute?
//
// Two schedules that differ in the order of independent steps only are one interleaving. Its hash
// is made of, for each object, the steps in their order; between two writes reads have none. And
// every time a step follows one of another thread on the same object, the pair of places counts as
// covered: for a fuzzer that looks for pairs it has not seen.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sched/strategy.h"

namespace kqtorture::sched {

constexpr uint64_t mix(uint64_t hash, uint64_t value) {
  hash ^= value + 0x9e3779b97f4a7c15 + (hash << 6) + (hash >> 2);
  hash *= 0xff51afd7ed558ccd;
  return hash ^ (hash >> 32);
}

class Interleaving {
 public:
  Interleaving();
  void reset();
  // `context`: a hash of the calls that led to the step.
  void add(const Candidate& step, uint64_t context);
  uint64_t hash() const;

  static constexpr size_t kPairs = size_t{1} << 16;

 private:
  struct Object {
    uint64_t object;
    uint64_t round;        // of reset(); others are empty
    uint64_t written = 0;  // hash of the steps up to the last write
    uint64_t read = 0;     // sum over the reads since
    uint64_t last_context = 0;
    uint32_t last_thread = 0;
  };
  Object* find(uint64_t object);

  std::vector<Object> table_;
  std::vector<uint32_t> used_;
  uint64_t round_ = 0;
};

}  // namespace kqtorture::sched
