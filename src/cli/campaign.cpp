// The order of things. First the subject is opened, so that a wrong path costs no budget; then the
// canary has to be found guilty, so that a broken pipeline cannot stay green; then the engines take
// turns, short ones, so that each of them has had several before the first third is over and an
// easy bug is found early; the bench comes last, when nothing else runs.
#include "cli/campaign.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <ctime>

#include "cli/known.h"
#include "cli/progress.h"
#include "cli/version.h"
#include "report/files.h"
#include "report/text.h"
#include "subject/child.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

constexpr char kCanary[] = "canary";
// Of the budget, for the canary and for the bench. The canary ends at its first finding, which
// takes it a fraction of a second; the limits are for slow machines.
constexpr double kCanaryPart = 0.1, kCanaryLeast = 2, kCanaryMost = 10;
constexpr double kBenchPart = 0.1, kBenchLeast = 1, kBenchMost = 30;
// Each engine gets at least this many turns, unless they would become shorter than start-up is
// worth.
constexpr int kTurns = 4;
constexpr double kShortestTurn = 1, kLongestTurn = 30;

std::string now_utc() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char buffer[32];
  std::strftime(buffer, sizeof buffer, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return buffer;
}

void add(const Stats& from, Stats* to) {
  to->operations += from.operations;
  to->deliveries += from.deliveries;
  to->executions += from.executions;
  for (const auto& [name, value] : from.extra) to->extra[name] += value;
}

class Campaign {
 public:
  explicit Campaign(const CampaignOptions& options)
      : options_(options), out_(options.json ? stderr : stdout), progress_(out_, options.budget) {}

  int run();

 private:
  // False when the campaign must end here.
  bool check_subject();
  void release_canary();
  void take_turns();
  void run_bench();

  EngineSummary* summary_of(const std::string& name);
  // Runs one job of an engine and books what came of it. False when the engine is out of the game.
  bool run(const Job& job, EngineSummary* summary);
  void book(const JobResult& result, EngineSummary* summary);
  void fail(EngineSummary* summary, const std::string& reason);
  void announce(const EngineSummary::Found& found);
  bool over() const {
    return interrupted_ != 0 || (options_.first_only && summary_.new_findings() > 0);
  }
  uint64_t operations() const;
  int conclude();

  const CampaignOptions& options_;
  FILE* out_;
  Progress progress_;
  CampaignSummary summary_;
  int interrupted_ = 0;
  KnownFindings known_;
  std::string refused_;  // why the subject cannot be opened
};

EngineSummary* Campaign::summary_of(const std::string& name) {
  for (EngineSummary& engine : summary_.engines) {
    if (engine.name == name) return &engine;
  }
  summary_.engines.push_back({});
  summary_.engines.back().name = name;
  return &summary_.engines.back();
}

uint64_t Campaign::operations() const {
  uint64_t sum = 0;
  for (const EngineSummary& engine : summary_.engines) {
    if (engine.name != kCanary) sum += engine.work.operations;  // not the subject's
  }
  return sum;
}

void Campaign::announce(const EngineSummary::Found& found) {
  std::string text = to_text(found.finding) + "  saved: " + options_.out + "/" +
                     to_printable(found.file) + "\n  signature: " + rule_of(found.finding) + " " +
                     found.signature;
  if (!found.known.empty()) text += "\n  known: " + to_printable(found.known);
  progress_.say(text);
}

void Campaign::fail(EngineSummary* summary, const std::string& reason) {
  summary->status = EngineStatus::kFailed;
  summary->note = reason;
  summary_.problems.push_back(summary->name + ": " + reason);
  progress_.say("FAILED " + summary->name + ": " + to_line(reason));
}

bool Campaign::run(const Job& job, EngineSummary* summary) {
  progress_.show(summary->name, operations(), summary_.findings());
  const JobResult result = run_job(job, [&] {
    progress_.show(summary->name, operations(), summary_.findings());
    return true;
  });
  book(result, summary);
  char line[256];
  std::snprintf(line, sizeof line, "%-20s %6.1f s %14s operations %12s deliveries, seed %llu",
                summary->name.c_str(), result.seconds, with_commas(result.work.operations).c_str(),
                with_commas(result.work.deliveries).c_str(),
                static_cast<unsigned long long>(job.seed));
  progress_.done(line);
  return summary->status == EngineStatus::kClean ||
         (summary->status == EngineStatus::kFound && options_.keep_going);
}

void Campaign::book(const JobResult& result, EngineSummary* summary) {
  summary->seconds += result.seconds;
  ++summary->slices;
  add(result.work, &summary->work);
  for (EngineSummary::Found found : result.found) {
    found.signature = signature_of(found.finding);
    if (const std::string* reason = known_.reason(found.finding)) found.known = *reason;
    announce(found);
    const auto same = [&](const EngineSummary::Found& other) { return other.file == found.file; };
    if (std::none_of(summary->found.begin(), summary->found.end(), same)) {
      summary->found.push_back(found);
    }
  }
  if (result.end == JobResult::End::kInterrupted) {
    interrupted_ = result.code;
  } else if (summary->new_findings() > 0) {
    summary->status = EngineStatus::kFound;
  } else if (!result.found.empty()) {
    summary->status = EngineStatus::kClean;  // all of it is known: it may have another turn
  } else if (result.end != JobResult::End::kExited) {
    fail(summary, result.problem);
  } else if (result.code == kExitSkipped) {
    summary->status = EngineStatus::kSkipped;
    summary->note = result.problem;
    progress_.say("SKIPPED " + summary->name + ": " + to_line(result.problem));
  } else if (result.code != kExitClean) {
    fail(summary, "exit code " + std::to_string(result.code) + ": " + result.problem);
  }
}

bool Campaign::check_subject() {
  EngineSummary check;
  check.name = "subject check";
  const Job job = subject_check(options_);
  const JobResult result = run_job(job, [] { return true; });
  if (result.end == JobResult::End::kExited && result.code == kExitClean) {
    progress_.say(result.problem);  // the last line it printed: what the subject is
    return true;
  }
  if (result.end == JobResult::End::kExited && result.code == kExitUsage) {
    refused_ = result.problem;
    return false;
  }
  summary_.engines.push_back(check);
  book(result, &summary_.engines.back());
  return false;
}

void Campaign::release_canary() {
  EngineSummary* summary = summary_of(kCanary);
  if (access(canary_library().c_str(), R_OK) != 0) {
    return fail(summary,
                "not built: libkq_canary.so; without it nothing vouches for a clean result");
  }
  const double seconds = std::clamp(options_.budget * kCanaryPart, kCanaryLeast, kCanaryMost);
  const Job job = canary(options_, derive_seed(options_.seed, kCanary, 0), seconds);
  make_directories(job.out + "/logs");
  progress_.show(kCanary, 0, 0);
  const JobResult result = run_job(job, [&] {
    progress_.show(kCanary, 0, 0);
    return true;
  });
  summary->seconds = result.seconds;
  summary->slices = 1;
  summary->work = result.work;
  if (result.end == JobResult::End::kInterrupted) {
    interrupted_ = result.code;
  } else if (result.end != JobResult::End::kExited || result.code != kExitFinding ||
             result.found.empty()) {
    fail(summary, "a kqueue that delivers twice was not found guilty: " + result.problem);
  } else {
    summary->note = "found guilty, as it must be: " + result.found[0].finding.verdict + " in " +
                    result.found[0].finding.scenario;
    progress_.done("canary               " + to_printable(summary->note));
  }
}

void Campaign::take_turns() {
  std::vector<Engine> engines;
  for (const Engine& engine : turn_takers(options_)) {
    EngineSummary* summary = summary_of(engine.name);
    if (engine.absent.empty()) {
      engines.push_back(engine);
    } else if (engine.kind == Engine::Kind::kStress && engine.name == "stress") {
      fail(summary, engine.absent);
    } else {
      summary->status = EngineStatus::kSkipped;
      summary->note = engine.absent;
      progress_.say("SKIPPED " + engine.name + ": " + engine.absent);
    }
  }
  const double bench_time = std::clamp(options_.budget * kBenchPart, kBenchLeast, kBenchMost);
  const double end = options_.budget - bench_time;
  const double share = (end - progress_.elapsed()) / (kTurns * std::max<size_t>(1, engines.size()));
  const double length = std::clamp(share, kShortestTurn, kLongestTurn);
  // The first round is complete whatever it takes: an engine that had no turn says nothing.
  for (uint64_t round = 0; !engines.empty() && !over(); ++round) {
    for (auto engine = engines.begin(); engine != engines.end() && !over();) {
      const double left = end - progress_.elapsed();
      if (round > 0 && left < kShortestTurn / 2) return;
      const double seconds = std::max(kShortestTurn, std::min(length, left));
      const uint64_t seed = derive_seed(options_.seed, engine->name, round);
      const bool stays = run(turn(*engine, options_, seed, seconds), summary_of(engine->name));
      engine = stays ? engine + 1 : engines.erase(engine);
    }
  }
}

void Campaign::run_bench() {
  const Engine engine = bench(options_);
  EngineSummary* summary = summary_of(engine.name);
  if (!engine.absent.empty()) {
    summary->status = EngineStatus::kSkipped;
    summary->note = engine.absent;
    progress_.say("SKIPPED " + engine.name + ": " + engine.absent);
    return;
  }
  const double seconds = std::clamp(options_.budget * kBenchPart, kBenchLeast, kBenchMost);
  run(turn(engine, options_, derive_seed(options_.seed, engine.name, 0), seconds), summary);
}

int Campaign::run() {
  summary_.version = version();
  summary_.started = now_utc();
  summary_.subject = options_.subject;
  if (const char* profile = std::getenv("KQ_PROFILE")) summary_.profile = profile;
  summary_.seed = options_.seed;
  summary_.budget_seconds = options_.budget;
  std::string error;
  if (!options_.known.empty() && !known_.load(options_.known, &error)) {
    std::fprintf(stderr, "kqtorture: %s\n", to_line(error).c_str());
    return kExitUsage;
  }
  // Before anything is started: a crash of the machine cannot lose it.
  progress_.say("kqtorture torture: seed " + std::to_string(options_.seed) + ", subject " +
                to_printable(options_.subject));
  if (!make_directories(options_.out + "/logs") || !make_directories(options_.out + "/findings")) {
    std::fprintf(stderr, "kqtorture: %s: %s\n", options_.out.c_str(), std::strerror(errno));
    return kExitUsage;
  }
  if (!watch_signals()) {
    std::fprintf(stderr, "kqtorture: cannot watch programs: %s\n", std::strerror(errno));
    return kExitUsage;
  }
  if (check_subject()) {
    release_canary();
    if (!over()) take_turns();
    if (!over()) run_bench();
  }
  if (!refused_.empty()) {
    std::fprintf(stderr, "%s\n", to_line(refused_).c_str());
    return kExitUsage;
  }
  return conclude();
}

int Campaign::conclude() {
  for (EngineSummary& engine : summary_.engines) {
    const bool idle = engine.work.operations == 0 && engine.work.executions == 0;
    const bool says_nothing = engine.status == EngineStatus::kClean && engine.found.empty();
    if (says_nothing && idle && engine.name != kCanary && !over()) {
      fail(&engine, "reported no work: a run that exercised nothing is no pass");
    }
  }
  if (interrupted_ != 0) {
    summary_.problems.push_back(std::string("interrupted: ") + strsignal(interrupted_));
  }
  summary_.elapsed_seconds = progress_.elapsed();
  const size_t findings = summary_.new_findings();
  const size_t known = summary_.findings() - findings;
  // One that was ended early cannot say what it would have met.
  if (!over()) summary_.vanished = known_.vanished(nullptr);
  summary_.exit_code = findings > 0                 ? kExitFinding
                       : !summary_.problems.empty() ? kExitUsage
                                                    : kExitClean;
  std::string error;
  const bool written =
      write_reports(summary_, options_.out, &error) &&
      (options_.summary.empty() || append_file(options_.summary, to_markdown(summary_), &error));
  if (!written) std::fprintf(stderr, "kqtorture: %s\n", error.c_str());

  std::string end = "\n" + to_table(summary_) + "\n";
  for (const std::string& problem : summary_.problems) end += "problem: " + to_line(problem) + "\n";
  for (const std::string& one : summary_.vanished) end += "vanished: " + to_line(one) + "\n";
  end += findings > 0                ? std::to_string(findings) + " found"
         : summary_.problems.empty() ? "nothing found"
                                     : "no pass: nothing found, and the problems above";
  if (known > 0) end += ", " + std::to_string(known) + " known";
  end += " in " + with_commas(operations()) + " operations, seed " + std::to_string(summary_.seed);
  end += "; results in " + options_.out + "/index.html";
  progress_.say(end);
  if (options_.json) std::fputs(to_results_json(summary_).c_str(), stdout);
  std::fflush(nullptr);
  if (interrupted_ != 0) die_of(interrupted_);
  return written || findings > 0 ? summary_.exit_code : kExitUsage;
}

}  // namespace

int run_campaign(const CampaignOptions& options) { return Campaign(options).run(); }

}  // namespace kqtorture
