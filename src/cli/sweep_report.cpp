// Every combination is accounted for: executed, unreachable with a reason, or left out with one.
#include "cli/sweep_report.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "report/finding.h"
#include "report/format.h"
#include "report/text.h"

namespace kqtorture {
namespace {

using Json = nlohmann::ordered_json;

void line(uint64_t count, const std::string& what) {
  std::printf("  %15s  %s\n", with_commas(count).c_str(), what.c_str());
}

uint64_t total(const std::map<std::string, uint64_t>& counts) {
  uint64_t sum = 0;
  for (const auto& [reason, count] : counts) sum += count;
  return sum;
}

Json by_reason(const std::map<std::string, uint64_t>& counts) {
  Json object = Json::object();
  for (const auto& [reason, count] : counts) object[to_utf8(reason)] = count;
  return object;
}

}  // namespace

SweepOptions SweepSettings::sweep() const {
  return {sample, seed, jobs, only == "sweep" ? "" : only, runs_matrix() ? budget / 2 : budget};
}

MatrixOptions SweepSettings::matrix() const {
  return {sample, seed, jobs, sweeps() ? budget / 2 : budget};
}

void announce(const SweepSettings& settings) {
  std::printf("kq_sweep: subject=%s seed=%llu sample=%g jobs=%d\n",
              to_line(Subject::default_spec()).c_str(),
              static_cast<unsigned long long>(settings.seed), settings.sample, settings.jobs);
  std::fflush(stdout);
}

SweepReport::SweepReport(const Subject& subject, const SweepSettings& settings)
    : subject_(subject), settings_(settings) {}

void SweepReport::set(SweepResult result) { sweep_ = std::move(result); }
void SweepReport::set(MatrixResult result) { matrix_ = std::move(result); }

void SweepReport::save_findings() {
  for (const auto* findings :
       {sweep_ ? &sweep_->findings : nullptr, matrix_ ? &matrix_->findings : nullptr}) {
    if (findings == nullptr) continue;
    for (Finding finding : *findings) {
      finding.seed = settings_.seed;
      saved_.push_back(save_finding(finding));
    }
  }
}

uint64_t SweepReport::executed() const {
  return (sweep_ ? sweep_->counts.executed : 0) + (matrix_ ? matrix_->counts.programs : 0);
}

size_t SweepReport::findings() const { return saved_.size(); }

std::string SweepReport::why_nothing() const {
  if (sweep_ && !sweep_->counts.skipped.empty()) return sweep_->counts.skipped.begin()->first;
  if (matrix_ && !matrix_->skipped.empty()) return matrix_->skipped;
  return "no case has such a name, or the sample is empty";
}

Stats SweepReport::stats() const {
  Stats stats;
  stats.executions = executed();
  if (sweep_) {
    stats.operations += sweep_->counts.work.kevent_calls;
    stats.deliveries += sweep_->counts.work.deliveries;
    stats.extra["combinations"] = sweep_->counts.executed;
  }
  if (matrix_) {
    stats.operations += matrix_->counts.calls;
    stats.deliveries += matrix_->counts.deliveries;
    stats.extra["matrix programs"] = matrix_->counts.programs;
  }
  return stats;
}

void SweepReport::print(bool json) const {
  if (json) return print_json();
  if (sweep_) print_sweep();
  if (matrix_) print_matrix();
  std::printf("kq_sweep: judged by the profile %s: %zu findings\n", subject_.profile().c_str(),
              saved_.size());
}

void SweepReport::print_sweep() const {
  const SweepCounts& counts = sweep_->counts;
  std::printf("sweep: 65,536 flag words x %d targets x %d creations x %d states x %d objects\n",
              kSweepTargets, kSweepCreations, kSweepStates, kSweepObjects);
  line(sweep_->combinations, "combinations, of them");
  line(counts.executed, "executed, in " + with_commas(counts.cases) + " cases:");
  line(counts.changing, "  on a knote of their own");
  line(counts.refused, "  refused, in lists of up to 64, and " + with_commas(counts.checks) +
                           " times verified that nothing had changed");
  line(total(sweep_->unreachable), "unreachable:");
  for (const auto& [reason, count] : sweep_->unreachable) line(count, "  " + reason);
  if (sweep_->not_sampled > 0) line(sweep_->not_sampled, "not drawn for the sample");
  for (const auto& [reason, count] : counts.skipped) line(count, "not run: " + reason);
  if (counts.beyond > 0) line(counts.beyond, "beyond the model of this profile");
  if (sweep_->cut_short > 0) {
    line(sweep_->cut_short, sweep_->out_of_time ? "not run: the budget was over"
                                                : "not run: enough findings had been made");
  }
  line(counts.predictions, "distinct predictions");
  line(counts.judged, "outcomes judged by the model, all others equal to one of them");
  if (counts.wrong > 0) line(counts.wrong, "outcomes refused by the model");
  if (counts.late > 0) line(counts.late, "outcomes not judged: a timer came late");
  line(counts.work.kevent_calls, "kevent calls, with " + with_commas(counts.work.changes) +
                                     " changes and " + with_commas(counts.work.deliveries) +
                                     " deliveries");
  line(sweep_->findings.size(), "findings");
}

void SweepReport::print_matrix() const {
  const MatrixCounts& counts = matrix_->counts;
  std::printf("matrix: %d changes x %d changes x %zu rooms x %zu settings of two knotes\n",
              kMatrixChanges, kMatrixChanges, std::size(kMatrixRooms), matrix_settings().size());
  line(kMatrixPrograms, "programs, of them");
  line(counts.programs, "run and judged, each call by the model");
  if (counts.undecided > 0) line(counts.undecided, "of them beyond the model");
  if (counts.refused > 0) line(counts.refused, "of them refused by the model");
  if (!matrix_->skipped.empty()) {
    std::printf("  not all were run: %s\n", to_line(matrix_->skipped).c_str());
  }
  line(counts.calls, "calls, with " + with_commas(counts.deliveries) + " entries and deliveries");
  line(matrix_->findings.size(), "findings");
}

void SweepReport::print_json() const {
  Json answer = {{"format", kSweepFormat.name},
                 {"format_version", kSweepFormat.version},
                 {"subject", to_utf8(subject_.spec())},
                 {"profile", subject_.profile()},
                 {"seed", settings_.seed},
                 {"sample", settings_.sample}};
  if (sweep_) {
    const SweepCounts& counts = sweep_->counts;
    answer["sweep"] = {{"combinations", sweep_->combinations},
                       {"executed", counts.executed},
                       {"changing", counts.changing},
                       {"refused", counts.refused},
                       {"cases", counts.cases},
                       {"unreachable", by_reason(sweep_->unreachable)},
                       {"not_sampled", sweep_->not_sampled},
                       {"not_run", by_reason(counts.skipped)},
                       {"cut_short", sweep_->cut_short},
                       {"beyond_the_model", counts.beyond},
                       {"predictions", counts.predictions},
                       {"judged", counts.judged},
                       {"checks_of_refused", counts.checks},
                       {"wrong", counts.wrong},
                       {"late", counts.late},
                       {"kevent_calls", counts.work.kevent_calls},
                       {"changes", counts.work.changes},
                       {"deliveries", counts.work.deliveries},
                       {"findings", sweep_->findings.size()}};
  }
  if (matrix_) {
    const MatrixCounts& counts = matrix_->counts;
    answer["matrix"] = {{"programs", counts.programs},
                        {"of", kMatrixPrograms},
                        {"undecided", counts.undecided},
                        {"refused", counts.refused},
                        {"calls", counts.calls},
                        {"deliveries", counts.deliveries},
                        {"not_run", to_utf8(matrix_->skipped)},
                        {"findings", matrix_->findings.size()}};
  }
  Json files = Json::array();
  for (const std::string& path : saved_) files.push_back(to_utf8(path));
  answer["findings"] = std::move(files);
  std::printf("%s\n", answer.dump(2).c_str());
}

}  // namespace kqtorture
