// What kq_sweep was asked to do and what it did, as text and as JSON: a pass is its numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/matrix.h"
#include "engine/sweep.h"
#include "report/stats.h"
#include "subject/subject.h"

namespace kqtorture {

struct SweepSettings {
  uint64_t seed = 0;
  double sample = 1;
  int jobs = kDefaultJobs;
  std::string only;   // "sweep", "matrix", a part of the cases' names, or empty
  double budget = 0;  // seconds, of both together; 0: no limit

  bool sweeps() const { return only != "matrix"; }
  bool runs_matrix() const { return only.empty() || only == "matrix"; }
  SweepOptions sweep() const;
  MatrixOptions matrix() const;
};

// One line on standard output, before anything is loaded.
void announce(const SweepSettings& settings);

class SweepReport {
 public:
  SweepReport(const Subject& subject, const SweepSettings& settings);

  void set(SweepResult result);
  void set(MatrixResult result);

  void save_findings();
  void print(bool json) const;
  Stats stats() const;
  uint64_t executed() const;
  size_t findings() const;
  std::string why_nothing() const;

 private:
  void print_sweep() const;
  void print_matrix() const;
  void print_json() const;

  const Subject& subject_;
  const SweepSettings& settings_;
  std::optional<SweepResult> sweep_;
  std::optional<MatrixResult> matrix_;
  double sweep_seconds_ = 0, matrix_seconds_ = 0;
  std::vector<std::string> saved_;
};

}  // namespace kqtorture
