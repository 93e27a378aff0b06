// The jobs share the settings; each runs all pairs and rooms of the settings it takes.
#include "engine/matrix.h"

#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include "engine/sequential.h"
#include "scenario/random.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

using Status = SequentialResult::Status;

// Enough to see what is wrong: each is shrunk, and one fault refuses thousands of programs.
constexpr size_t kMostFindings = 10;

class Matrix {
 public:
  Matrix(const Subject& subject, const contract::Profile& profile, const contract::Host& host,
         const MatrixOptions& options)
      : subject_(subject), profile_(profile), host_(host), options_(options) {}

  MatrixResult run() {
    std::vector<std::thread> jobs;
    for (int i = 0; i < options_.jobs; i++) jobs.emplace_back([this] { work(); });
    for (std::thread& job : jobs) job.join();
    return std::move(result_);
  }

 private:
  void work() {
    SequentialEngine engine(subject_, profile_, host_);
    MatrixCounts counts;
    while (!enough_) {
      const auto i = turns_.next();
      if (!i) break;
      note_activity(("matrix setting " + std::to_string(*i)).c_str());
      run_setting(*i, &engine, &counts);
      note_progress();
    }
    const std::lock_guard lock(mutex_);
    result_.counts.programs += counts.programs;
    result_.counts.undecided += counts.undecided;
    result_.counts.refused += counts.refused;
    result_.counts.calls += engine.calls();
    result_.counts.deliveries += engine.deliveries();
  }

  void run_setting(size_t index, SequentialEngine* engine, MatrixCounts* counts) {
    constexpr size_t kParts = 1u << 30;
    const auto chosen = static_cast<size_t>(options_.sample * static_cast<double>(kParts));
    Random random(options_.seed * 0x9e3779b97f4a7c15 + index);
    for (const NamedChange& first : matrix_changes()) {
      for (const NamedChange& second : matrix_changes()) {
        // Building a program costs more than to run it with another room.
        Program program = matrix_program(settings_[index], first, second, 0);
        Op& swept = program.threads[0].ops[program.threads[0].ops.size() - kOpsBehind];
        for (const int room : kMatrixRooms) {
          if (options_.sample < 1 && !random.chance(chosen, kParts)) continue;
          if (enough_) return;
          swept.room = room;
          run_program(program, engine, counts);
        }
      }
    }
  }

  void run_program(const Program& program, SequentialEngine* engine, MatrixCounts* counts) {
    counts->programs++;
    const SequentialResult result = engine->run(program);
    if (result.status == Status::kClean) return;
    if (result.status == Status::kSkipped) {
      const std::lock_guard lock(mutex_);
      counts->programs--;
      result_.skipped = result.message;
      return;
    }
    if (result.status == Status::kUndecided) {
      counts->undecided++;
      return;
    }
    counts->refused++;
    report(program, result, engine);
  }

  void report(const Program& program, const SequentialResult& result, SequentialEngine* engine) {
    {
      const std::lock_guard lock(mutex_);
      if (!kinds_.insert(result.verdict + result.rule).second) return;
    }
    Finding finding = engine->investigate(program);
    if (finding.verdict.empty()) {
      finding.verdict = result.verdict;
      finding.rule = result.rule;
      finding.engine = "matrix";
      finding.subject = subject_.spec();
      finding.profile = profile_.name;
      finding.message = result.message + "; it did not repeat itself";
    }
    finding.scenario = "matrix";
    const std::lock_guard lock(mutex_);
    result_.findings.push_back(std::move(finding));
    if (result_.findings.size() >= kMostFindings) enough_ = true;
  }

  static constexpr size_t kOpsBehind = 7;  // the swept call and what asks for its consequences

  const Subject& subject_;
  const contract::Profile& profile_;
  const contract::Host& host_;
  const MatrixOptions& options_;
  const std::vector<MatrixSetting> settings_ = matrix_settings();
  SweepTurns turns_{settings_.size(), options_.seed, options_.budget};
  std::atomic<bool> enough_{false};
  std::mutex mutex_;
  std::set<std::string> kinds_;
  MatrixResult result_;
};

}  // namespace

MatrixResult run_matrix(const Subject& subject, const contract::Profile& profile,
                        const contract::Host& host, const MatrixOptions& options) {
  return Matrix(subject, profile, host, options).run();
}

}  // namespace kqtorture
