// Runs a program under a scheduler that chooses every switch between its threads, and asks of each
// schedule's history whether any legal order explains it.
//
// One schedule is one run of the whole program: thread 0 makes the objects and runs setup, starts
// the program's threads, waits for them, runs finally, and judges. Where the free-running engine
// has to find out by looking whether a thread sleeps, here it is known: when no thread can go on,
// each kqueue that one waits on is probed and the waits are ended as if by a signal.
//
// The process must be linked with the runtime (sched/runtime.h), and do nothing else.
#pragma once

#include <pthread.h>

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "contract/host.h"
#include "contract/profile.h"
#include "engine/controlled_log.h"
#include "engine/controlled_subject.h"
#include "engine/sequential.h"
#include "engine/threaded_run.h"
#include "report/lanes.h"
#include "scenario/program.h"
#include "sched/runtime.h"

namespace kqtorture {

struct ControlledResult {
  SequentialResult::Status status = SequentialResult::Status::kClean;
  std::string verdict;  // of a finding, as in report/finding.h
  std::string rule;
  std::string message;
  std::vector<std::string> detail;
  Lanes lanes;  // of a finding, or when asked for: what was called, and the switches
  sched::Schedule schedule;
  // Of every step, every call and all that was returned, the virtual times included: equal when a
  // schedule was run again.
  uint64_t trace = 0;
  uint64_t operations = 0;  // calls on the subject
  uint64_t deliveries = 0;  // events that they returned
  bool judged = false;      // by the checker; else the same history was found clean before
  bool undecided = false;
};

class ControlledEngine {
 public:
  struct Options {
    uint64_t most_steps = 200'000;
    bool races = true;
    bool record = false;  // the switches, in result.lanes and result.schedule
  };

  // Makes the runtime's threads. Call before the subject is opened.
  static bool start(sched::Engine engine, std::string* why_not);
  // From now on the lowest number that is free is 64; descriptors 64 to 255 are closed. What a
  // subject does may depend on its numbers, and a schedule is to be the same whatever was
  // inherited.
  static void level_descriptors();
  // `subject` as Subject::open() gave it, which must outlive the engine. Null with *error.
  static std::unique_ptr<ControlledEngine> create(const Subject& subject, std::string* error);
  ~ControlledEngine();

  // Can it see into the subject? If not, only the order of the calls, and of what the subject asks
  // of libc, is chosen.
  bool instrumented() const { return instrumented_; }
  const contract::Profile& profile() const { return profile_; }
  const Subject& subject() const { return subject_; }

  // The program of the following runs; it must outlive them. False, with the reason, when it is not
  // for this subject.
  bool load(const Program& program, std::string* why_not);
  // One schedule. strategy->begin() was called. Valid until the next call. When schedule.dirty, the
  // process can run no other, and must be left without destructors.
  const ControlledResult& run(sched::Strategy* strategy, const Options& options);
  const ControlledResult& last() const { return result_; }
  // What the program calls a thread of the last run ("main", "A").
  std::string name_of(uint32_t thread) const;

 private:
  ControlledEngine(const Subject& subject, const contract::Profile& profile,
                   const contract::Host& host, bool instrumented);
  void body();
  void see_through();
  bool stuck(const std::vector<sched::Waiting>& waiting);
  void accuse(const std::vector<sched::Waiting>& waiting, const char* why);
  void probe_all(const std::vector<size_t>& lanes);
  void give_up();
  void judge();
  void draw(contract::OpRef guilty);
  void take_switches();
  size_t lane_of(uint32_t thread) const;

  const ControlledSubject subject_;
  const contract::Profile profile_;
  const contract::Host host_;
  const bool instrumented_;
  const Program* program_ = nullptr;
  bool times_matter_ = false;
  Fingerprint fingerprint_;
  std::unique_ptr<ThreadedRun> run_;
  std::vector<ControlledLog*> logs_;
  std::vector<uint32_t> threads_;   // by the program's threads, their number
  std::vector<pthread_t> handles_;  // and what the subject knows them by
  std::vector<std::string> names_;  // by lane
  std::unordered_set<uint64_t> clean_;
  Options options_;
  std::function<void()> body_;
  int signals_ = 0;
  uint64_t progress_ = 0;
  ControlledResult result_;
};

}  // namespace kqtorture
