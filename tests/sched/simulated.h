// A program to schedule that needs no threads: what each of them does is a list, and one step is
// done at a time. Strategies cannot tell it from the runtime.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "sched/strategy.h"

namespace kqtorture::sched {

struct Op {
  enum Kind : uint8_t { kLoad, kStore, kLock, kUnlock, kSpinUntil };
  Kind kind;
  uint64_t object;
  int value = 0;  // stored, or waited for
};
using Program = std::vector<std::vector<Op>>;

struct Outcome {
  std::vector<uint32_t> trace;  // the threads, in the order of their steps
  std::vector<int> loaded;      // in that order
  std::vector<uint8_t> decisions;
  uint64_t choices = 0;
  bool done = false;  // else there were more steps than allowed, or a deadlock

  bool operator==(const Outcome&) const = default;
};

class Simulation {
 public:
  explicit Simulation(const Program& program)
      : program_(program), at_(program.size()), yields_(program.size()) {}

  std::vector<Candidate> candidates() const {
    std::vector<Candidate> found;
    for (uint32_t thread = 0; thread < program_.size(); thread++) {
      if (at_[thread] == program_[thread].size()) continue;
      const Op& op = program_[thread][at_[thread]];
      if (op.kind == Op::kLock && value(op.object) != 0) continue;
      constexpr Step kSteps[] = {Step::kAtomicLoad, Step::kAtomicStore, Step::kLock, Step::kUnlock,
                                 Step::kAtomicLoad};
      found.push_back({thread, yields_[thread] ? Step::kYield : kSteps[op.kind],
                       yields_[thread] ? 0 : op.object, 100 * thread + at_[thread] + 1});
    }
    return found;
  }

  // Returns true when the thread found that it must spin: it yields next.
  bool step(uint32_t thread, Outcome* outcome) {
    outcome->trace.push_back(thread);
    if (yields_[thread]) {
      yields_[thread] = false;
      return false;
    }
    const Op& op = program_[thread][at_[thread]];
    if (op.kind == Op::kSpinUntil && value(op.object) != op.value) {
      yields_[thread] = true;
      return true;
    }
    if (op.kind == Op::kLoad) outcome->loaded.push_back(value(op.object));
    if (op.kind == Op::kStore) values_[op.object] = op.value;
    if (op.kind == Op::kLock) values_[op.object] = 1;
    if (op.kind == Op::kUnlock) values_[op.object] = 0;
    at_[thread]++;
    return false;
  }

  bool done() const {
    for (size_t i = 0; i < at_.size(); i++) {
      if (at_[i] != program_[i].size()) return false;
    }
    return true;
  }

 private:
  int value(uint64_t object) const {
    const auto found = values_.find(object);
    return found == values_.end() ? 0 : found->second;
  }

  const Program& program_;
  std::vector<size_t> at_;
  std::vector<bool> yields_;
  std::map<uint64_t, int> values_;
};

inline Outcome simulate(const Program& program, Strategy* strategy, uint64_t seed,
                        size_t most_steps = 10000, bool tells = true) {
  Simulation simulation(program);
  Outcome outcome;
  strategy->begin(seed);
  uint32_t running = UINT32_MAX;
  while (outcome.trace.size() < most_steps) {
    const std::vector<Candidate> candidates = simulation.candidates();
    if (candidates.empty()) break;
    size_t answer = 0;
    if (candidates.size() > 1) {
      Choice choice{candidates, kNobody, outcome.trace.size()};
      for (size_t i = 0; i < candidates.size(); i++) {
        if (candidates[i].thread == running) choice.current = i;
      }
      answer = strategy->choose(choice);
      outcome.decisions.push_back(static_cast<uint8_t>(answer));
      outcome.choices++;
    }
    running = candidates.at(answer).thread;
    if (simulation.step(running, &outcome) && tells) strategy->yielded(running);
  }
  outcome.done = simulation.done();
  strategy->end(outcome.choices, static_cast<uint32_t>(program.size()));
  return outcome;
}

}  // namespace kqtorture::sched
