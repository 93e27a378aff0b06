// The jobs take case after case from one list; a sample depends on seed and case alone, never on
// which job ran it.
#include "engine/sweep.h"

#include <algorithm>
#include <csignal>
#include <thread>

#include "scenario/random.h"

namespace kqtorture {
namespace {

std::vector<uint16_t> words_of(const SweepOptions& options, size_t index) {
  std::vector<uint16_t> words;
  constexpr size_t kParts = 1u << 30;
  const auto chosen = static_cast<size_t>(options.sample * static_cast<double>(kParts));
  Random random(options.seed * 0x9e3779b97f4a7c15 + index);
  for (uint32_t word = 0; word < kSweepWords; word++) {
    if (options.sample >= 1 || random.chance(chosen, kParts)) {
      words.push_back(static_cast<uint16_t>(word));
    }
  }
  return words;
}

// Cases about signals wait for each other (SweepRun::run()): so they stand among the others.
std::vector<SweepCase> spread_signals(std::vector<SweepCase> cases) {
  const auto begin = std::stable_partition(cases.begin(), cases.end(), [](const SweepCase& one) {
    return one.filter != contract::filter::kSignal;
  });
  const auto others = static_cast<size_t>(begin - cases.begin());
  const size_t signals = cases.size() - others;
  std::vector<SweepCase> spread;
  for (size_t i = 0, signal = 0; i < others || signal < signals; i++) {
    if (i < others) spread.push_back(std::move(cases[i]));
    for (; signal < signals && (i >= others || signal * others <= i * signals); signal++) {
      spread.push_back(std::move(cases[others + signal]));
    }
  }
  return spread;
}

// What remains of the reachable combinations: not drawn, or not come to.
void settle(const SweepOptions& options, const std::vector<SweepCase>& cases, SweepResult* result) {
  uint64_t accounted = result->counts.executed + result->counts.not_executed;
  for (const auto& [reason, count] : result->counts.skipped) accounted += count;
  uint64_t drawn = 0;
  for (size_t i = 0; i < cases.size(); i++) {
    drawn += options.sample < 1 ? words_of(options, i).size() : kSweepWords;
  }
  result->not_sampled = kSweepWords * cases.size() - drawn;
  result->cut_short = drawn - accounted;
}

}  // namespace

SweepResult run_sweep(const Subject& subject, const contract::Profile& profile,
                      const contract::Host& host, const SweepOptions& options) {
  // A pipe may lose its reader while something is written to it.
  std::signal(SIGPIPE, SIG_IGN);
  SweepResult result;
  std::vector<SweepCase> cases;
  for (SweepCase& one : sweep_cases(profile)) {
    if (one.name().find(options.only) == std::string::npos) continue;
    result.combinations += kSweepWords;
    if (one.unreachable != nullptr) {
      result.unreachable[one.unreachable] += kSweepWords;
    } else {
      cases.push_back(std::move(one));
    }
  }
  cases = spread_signals(std::move(cases));
  SweepFindings findings;
  SweepTurns turns(cases.size(), options.seed, options.budget);
  std::vector<SweepCounts> counts(static_cast<size_t>(options.jobs));
  std::vector<std::thread> jobs;
  for (SweepCounts& mine : counts) {
    jobs.emplace_back([&] {
      SweepRun run(subject, profile, host, &findings);
      while (!findings.enough()) {
        const auto i = turns.next();
        if (!i) break;
        run.run(cases[*i], words_of(options, *i));
      }
      mine = run.counts();
    });
  }
  for (std::thread& job : jobs) job.join();
  for (const SweepCounts& one : counts) result.counts.add(one);
  result.findings = findings.take();
  result.out_of_time = turns.out_of_time();
  settle(options, cases, &result);
  return result;
}

}  // namespace kqtorture
