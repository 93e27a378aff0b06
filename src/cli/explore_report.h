// What `kqtorture explore` says: a line for each program, and the whole at the end.
#pragma once

#include <string>
#include <vector>

#include "cli/explore_board.h"
#include "cli/explore_plan.h"
#include "cli/run.h"

namespace kqtorture {

class ExploreReport {
 public:
  ExploreReport(const std::vector<Scenario>& scenarios, const ExploreArguments& arguments,
                const ExplorePlan& plan, const ExploreBoard& board)
      : scenarios_(scenarios), arguments_(arguments), plan_(plan), board_(board) {}

  int exit_code() const;
  // One line, and one for each of its numbers.
  std::string text_of(size_t program) const;
  std::string text() const;
  std::string json(const std::string& subject, int code) const;
  // For the campaign that started this (report/stats.h).
  void write_stats() const;
  // Was a program of that name run? Of "": yes.
  bool ran(const std::string& scenario) const;

 private:
  uint64_t schedules(size_t program) const;
  uint64_t sum(std::atomic<uint64_t> ExploreBoard::Tally::*member) const;
  size_t count(ExploreBoard::Verdict verdict) const;
  std::string miss_bounds(size_t program) const;
  double miss_bound(size_t program, size_t strategy) const;
  std::string search(size_t program) const;
  double rate(uint64_t schedules) const;

  const std::vector<Scenario>& scenarios_;
  const ExploreArguments& arguments_;
  const ExplorePlan& plan_;
  const ExploreBoard& board_;
};

}  // namespace kqtorture
