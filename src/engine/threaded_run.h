// What the engines that run programs with threads have in common: the program's objects, an
// executor and a log for each thread, the probe of a kqueue when all are quiet, and the picture of
// a run.
//
// Log and executor 0 are those of the main thread, which makes the objects, runs setup and finally,
// and probes; the others are those of the program's threads, in their order. Everything is made
// once and used for all runs of the program.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "contract/checker/checker.h"
#include "contract/checker/history.h"
#include "engine/executor.h"
#include "engine/thread_log.h"
#include "engine/world.h"
#include "report/lanes.h"
#include "scenario/program.h"
#include "subject/subject.h"

namespace kqtorture {

class ThreadedRun {
 public:
  // Both must outlive it.
  ThreadedRun(const Subject& subject, const Program& program);

  // One for the main thread, then one for each of threads(). Before anything else.
  void add(std::unique_ptr<ThreadLog> log);

  // The program's threads, setup and finally left out.
  const std::vector<const Thread*>& threads() const { return threads_; }
  World& world() { return world_; }
  const ThreadLog& log(size_t lane) const { return *logs_[lane]; }
  size_t lanes() const { return logs_.size(); }
  // "main", or what the program calls the thread.
  std::string name_of(size_t lane) const;

  // Forgets the last run and makes the objects; see World::begin(). world().end() ends the run.
  bool begin(std::string* why_not);
  // The main thread carries out setup or finally.
  void section(Role role);
  void operate(size_t lane, const Op& op);
  // What a call that does not wait returns now that every thread is asleep or done: tells the
  // checker whether they should be.
  void probe(int kq);

  // Of all threads; valid until the next begin().
  const contract::HistoryView& view(double ns_per_tick);
  // Entries that kevent() returned in this run.
  uint64_t deliveries() const;
  // When the first operation began: the zero of the lanes.
  uint64_t origin() const;
  // The operations, not the calls that they are made of; those that have not returned, too. Before
  // world().end().
  Lanes lanes(contract::OpRef guilty, double ns_per_tick) const;

 private:
  Op probe_in_words(int kq) const;

  const Subject& subject_;
  const Program& program_;
  World world_;
  std::vector<const Thread*> threads_;
  std::vector<std::unique_ptr<ThreadLog>> logs_;
  std::vector<std::unique_ptr<Executor>> executors_;
  std::deque<Op> probes_;  // of this run; logs point into it
  contract::HistoryView view_;
};

}  // namespace kqtorture
