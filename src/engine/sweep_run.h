// Runs one case of the sweep: all words, or a sample, and what became of each.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "engine/sequential.h"
#include "engine/sweep_bench.h"
#include "engine/sweep_case.h"
#include "engine/sweep_judge.h"
#include "report/finding.h"

namespace kqtorture {

struct SweepCounts {
  uint64_t executed = 0;      // combinations
  uint64_t changing = 0;      // of them: words that are not refused, each with a state of its own
  uint64_t refused = 0;       // of them: submitted in lists
  uint64_t predictions = 0;   // distinct: of a word without its reserved bits in a case
  uint64_t judged = 0;        // outcomes held against the model; the rest was equal to one of them
  uint64_t checks = 0;        // that a list of refused words has changed nothing
  uint64_t beyond = 0;        // combinations that the model does not know, as a whole or in the end
  uint64_t not_executed = 0;  // of those: as a whole
  uint64_t wrong = 0;         // outcomes that the model refused; the first of a kind is a finding
  uint64_t late = 0;          // timers that the machine was too slow for: nothing was judged
  uint64_t cases = 0;
  SweepWork work;
  std::map<std::string, uint64_t> skipped;  // combinations of cases that could not be had here

  void add(const SweepCounts& other);
};

// What all jobs share: where findings go, and when there are enough of them.
class SweepFindings {
 public:
  static constexpr size_t kMost = 10;

  // Keeps it unless one like it is there: the same verdict and rule with the same filter. `seen`:
  // the kind it was taken for at first, which is not looked into again.
  void add(Finding finding, const std::string& seen, int16_t filter);
  static std::string kind(const std::string& verdict, const std::string& rule, int16_t filter);
  bool enough() const { return count_.load(std::memory_order_relaxed) >= kMost; }
  bool has(const std::string& seen);
  std::vector<Finding> take() { return std::move(findings_); }

 private:
  std::mutex mutex_;
  std::atomic<size_t> count_{0};
  std::vector<Finding> findings_;
  std::set<std::string> kinds_;    // of the findings
  std::set<std::string> settled_;  // kinds that have been looked into
};

class SweepRun {
 public:
  SweepRun(const Subject& subject, const contract::Profile& profile, const contract::Host& host,
           SweepFindings* findings);

  // Tries the words on the case, which is reachable.
  void run(const SweepCase& one, const std::vector<uint16_t>& words);
  const SweepCounts& counts() const { return counts_; }

 private:
  static constexpr int kList = 64;  // changes of one call, and entries that it returns
  static constexpr int kListsPerCheck = 4;
  // Each wrong outcome costs a fresh fixture, and a kqueue that is wrong is wrong in every other
  // word: a case is given up after so many.
  static constexpr int kMostWrongs = 16;

  void run_case(const SweepCase& one, const std::vector<uint16_t>& words);
  bool begin(const SweepCase& one, size_t words);
  bool renew(size_t words);
  const WordPrediction& prediction(uint16_t word);
  // False when the rest of the case, so many words, is not to be run.
  bool go_on(size_t left);
  void sort(const std::vector<uint16_t>& words);
  void run_batch(const uint16_t* words, int count);
  void run_refused(const uint16_t* words, size_t count);
  bool submit(const uint16_t* words, int count);
  bool accepted(int slot, const uint16_t* word, const SweepOutcome& outcome,
                contract::Explanation* why);
  void investigate(const std::vector<std::vector<uint16_t>>& attempts, bool list,
                   const contract::Explanation& why);
  // Without the reserved bits, which the model clears before it looks.
  size_t masked(uint16_t word) const {
    return static_cast<uint16_t>(word & ~model_.profile().sysflags);
  }
  size_t no_word() const { return masked(0xffff) + 1; }

  const Subject& subject_;
  const contract::Model model_;
  SequentialEngine engine_;
  SweepFindings& findings_;
  SweepCounts counts_;

  // Of the case that is running.
  const SweepCase* case_ = nullptr;
  std::unique_ptr<SweepBench> bench_;
  std::unique_ptr<SweepJudge> judge_;
  std::vector<WordPrediction> predictions_;
  std::vector<bool> predicted_;
  // Outcomes that the model accepted, by word; the last one is of no word at all.
  std::vector<std::vector<SweepOutcome>> known_;
  std::vector<uint16_t> silent_, receipts_, refused_;
  bool spoiled_ = false;  // something went wrong, and may have left something behind
  int wrongs_ = 0;
  int lates_ = 0;  // of them
};

}  // namespace kqtorture
