// Runs a program of one thread and holds every outcome against the model.
//
// The subject runs first, then the model says whether that was one of the outcomes allowed; so the
// model follows descriptor numbers, partial writes and whatever else the host decides without
// predicting it. The first outcome that is not allowed ends the program.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "contract/model.h"
#include "engine/executor.h"
#include "engine/world.h"
#include "report/finding.h"
#include "scenario/program.h"
#include "subject/subject.h"

namespace kqtorture {

struct SequentialResult {
  enum class Status : uint8_t {
    kClean,
    kFinding,
    kUndecided,  // beyond the model, or the machine was too slow for a timer: nothing was judged
    kSkipped     // the program is not for this subject or machine: `message` says why
  };
  Status status = Status::kClean;
  std::string verdict;  // of a finding: verdict, rule and message as in report/finding.h
  std::string rule;
  std::string message;
  // The program as it went, up to and including the guilty operation; only when asked for.
  std::vector<std::string> trace;
};

class SequentialEngine {
 public:
  // An engine whose profile is the subject's. Null with *error set when no such profile exists.
  static std::unique_ptr<SequentialEngine> create(const Subject& subject, std::string* error);

  SequentialEngine(const Subject& subject, const contract::Profile& profile,
                   const contract::Host& host);
  ~SequentialEngine();

  SequentialResult run(const Program& program, bool trace = false);

  // Runs and, if that is a finding, shrinks the program to what still draws the same verdict under
  // the same rule, and returns the whole finding, ready to be saved. verdict is empty when nothing
  // was found. No candidate is tried after the deadline: one on which a call sleeps costs seconds.
  using Clock = std::chrono::steady_clock;
  Finding investigate(const Program& program, int shrink_budget = 3000,
                      Clock::time_point deadline = Clock::time_point::max());

  // Called with every operation that the model accepted, and how it went.
  using Witness = std::function<void(const contract::Op&, const contract::Outcome&)>;
  void set_witness(Witness witness) { witness_ = std::move(witness); }

  const contract::Profile& profile() const { return model_.profile(); }
  uint64_t calls() const { return calls_; }            // on the subject, all programs together
  uint64_t deliveries() const { return deliveries_; }  // events they returned

 private:
  class Judge;

  SequentialResult run_once(const Program& program, bool trace);

  const Subject& subject_;
  const contract::Model model_;
  World world_;
  std::unique_ptr<Judge> judge_;
  Executor executor_;
  uint64_t calls_ = 0;
  uint64_t deliveries_ = 0;
  Witness witness_;
};

// The table of host facts that a subject on this machine is judged by.
const contract::Host& host_of(const Subject& subject);

// What the program itself says an operation returns (=>), against what it returned: empty, or the
// difference in words.
std::string unexpected(const World& world, const Op& op, const Returned& returned);

// "kevent k room=1 => (p.r READ data=5)": the operation with what it returned.
std::string describe(const Program& program, const World& world, const Op& op,
                     const Returned& returned);

}  // namespace kqtorture
