// The worker's side of `kqtorture run`: the programs one after the other, round after round while
// there is time.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "cli/run.h"
#include "cli/run_journal.h"

namespace kqtorture {

struct RunArguments {
  std::vector<std::string> paths;
  bool print = false;
  bool trace = false;
  bool dangerous = false;
  bool no_shrink = false;
  std::string engine = "auto";
  int iterations = 200;
  double budget = 0;  // seconds; 0: each program has one turn
  bool json = false;
  uint64_t seed = 0;
  std::string known;  // a file of known findings; may be empty
};

class RunWorker {
 public:
  // Everything given must outlive it.
  RunWorker(const std::vector<Scenario>& scenarios, const RunArguments& arguments,
            RunJournal* journal);

  // Goes on where the journal says that the last worker stopped. The exit code of the process.
  int work();

  // How a program is run in that round.
  RunOptions options(uint64_t round) const;

 private:
  void where_to_go_on();
  bool run(size_t index);
  bool need_not_run_again(size_t index, const std::string& word) const;

  const std::vector<Scenario>& scenarios_;
  const RunArguments& arguments_;
  RunJournal& journal_;
  const RunOptions::Clock::time_point deadline_;
  std::unique_ptr<ScenarioRunner> runner_;
  std::vector<bool> done_;  // by scenario: need not be run again
  uint64_t round_ = 0;
  size_t next_ = 0;
};

}  // namespace kqtorture
