// What `kqtorture run` says: a line for each program as it comes, and the whole at the end.
#pragma once

#include <string>
#include <vector>

#include "cli/run.h"
#include "cli/run_journal.h"

namespace kqtorture {

// "ok", "FINDING", "undecided" or "skipped".
const char* word_of(SequentialResult::Status status);

// One program's line on standard output, and its trace.
void say(const Scenario& scenario, const RunJournal::Entry& result,
         const std::vector<std::string>& trace);

// All rounds of every program added up.
class RunReport {
 public:
  RunReport(const std::vector<Scenario>& scenarios, const RunJournal& journal);

  // Nothing ran: that is not the same as nothing found.
  int exit_code() const;
  std::string text() const;  // one line
  std::string json(const std::string& subject, uint64_t seed, int code) const;
  // For the campaign that started this (report/stats.h).
  void write_stats() const;
  // Was a program of that name run? Of "": yes.
  bool ran(const std::string& scenario) const;

 private:
  size_t count(SequentialResult::Status status) const;
  uint64_t sum(uint64_t RunJournal::Entry::*member) const;

  const std::vector<Scenario>& scenarios_;
  std::string profile_;                     // empty when no worker came to its end
  std::vector<RunJournal::Entry> results_;  // by scenario; word is empty when it was not run
};

}  // namespace kqtorture
