// A mutant is shown to the engines one after another, first to those that should see a bug of its
// kind, and to each for a moment only; what survives that has them all again for the whole budget.
// Nothing else runs meanwhile: the time to a kill is an engine's own.
#include "cli/score_run.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "cli/score_journal.h"
#include "report/files.h"
#include "report/text.h"
#include "subject/child.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

using Result = ScoreCell::Result;

constexpr char kConformance[] = "conformance", kLinked[] = "linked", kSweep[] = "sweep",
               kExplore[] = "explore", kScheduleFuzzer[] = "schedule_fuzzer", kLitmus[] = "litmus",
               kStress[] = "stress";
// What is quick comes first, and what needs no luck before what does.
constexpr const char* kOrder[] = {
    kLitmus, kConformance,        kLinked,         kExplore, "flags_fuzzer",
    kStress, "changelist_fuzzer", kScheduleFuzzer, kSweep};
// Of the first pass, in seconds.
constexpr double kMoment = 1;
// A program that has found something is left this long to say so and end.
constexpr std::chrono::milliseconds kLastWords{500};
// A mutant may hang an engine. That is for the engine's supervisor to tell, from the processor time
// that was used without progress: up to 30 s, for which a busy machine may need ten times as long.
constexpr std::chrono::seconds kOverrun{600};
// The sweep has no budget: this part of it is a few seconds.
constexpr char kSweepSample[] = "0.02";

bool is_guided(const std::string& engine) {
  return engine == kExplore || engine == kScheduleFuzzer;
}

// The others run what they have to run.
bool has_budget(const std::string& engine) {
  return engine != kConformance && engine != kLinked && engine != kSweep;
}

// Test programs without a supervisor.
bool is_plain_program(const std::string& engine) {
  return engine == kConformance || engine == kLinked;
}

Engine program_of(const char* name, const std::string& program) {
  Engine engine{Engine::Kind::kStress, name, program, ""};
  if (!is_program(program)) engine.absent = "not built: " + program;
  return engine;
}

// The engines of a campaign that judge, and two more.
std::vector<Engine> engines_of(const CampaignOptions& options) {
  std::vector<Engine> found = turn_takers(options);
  found.push_back(program_of(kConformance, own_program("kqueue_tests")));
  found.push_back(program_of(kLinked, own_program("kqueue_tests_linked")));
  std::vector<Engine> engines;
  for (const char* name : kOrder) {
    const auto at = std::find_if(found.begin(), found.end(),
                                 [&](const Engine& engine) { return engine.name == name; });
    if (at != found.end()) engines.push_back(*at);
  }
  return engines;
}

bool any_file(const std::string& folder) {
  DIR* const directory = opendir(folder.c_str());
  if (directory == nullptr) return false;
  bool any = false;
  while (const dirent* entry = readdir(directory)) {
    const std::string name = entry->d_name;
    any = any || (name.size() > 5 && name.substr(name.size() - 5) == ".json");
  }
  closedir(directory);
  return any;
}

class Scoring {
 public:
  Scoring(const ScoreOptions& options, Progress* progress, Score* score)
      : options_(options), progress_(*progress), score_(*score) {}

  bool run(std::string* error);

 private:
  CampaignOptions campaign(const BuiltMutant& built, bool guided, const std::string& name) const;
  bool chosen(const std::string& engine) const;
  ScoreCell ask(const std::string& engine, const Mutant& mutant, const BuiltMutant& built,
                double seconds);
  ScoreCell cell_of(const JobResult& result, const std::string& engine, bool plain_program) const;
  void show(const Mutant& mutant, const std::string& engine);
  // One pass over the engines. first_kill: and no further. False when that ended it.
  bool ask_all(const Mutant& mutant, const BuiltMutant& built, double seconds, bool first_kill,
               std::vector<ScoreCell>* cells);
  void ask_about(const Mutant& mutant, const BuiltMutant& built);

  // The twin for controlled schedules of a mutant that is still alive. False and *note: why not.
  bool provide_controlled(const Mutant& mutant, std::string* note);

  const ScoreOptions& options_;
  Progress& progress_;
  Score& score_;
  std::unique_ptr<MutantBuilder> builder_;
  std::string hash_;  // of the mutant asked about
  ScoreJournal journal_;
  size_t done_ = 0, killed_ = 0;
};

CampaignOptions Scoring::campaign(const BuiltMutant& built, bool guided,
                                  const std::string& name) const {
  CampaignOptions options;
  options.subject = guided ? built.controlled : built.plain;
  options.seed = options_.seed;
  options.budget = options_.budget;
  options.out = options_.out + "/engines/" + name;
  options.first_only = true;
  return options;
}

bool Scoring::chosen(const std::string& engine) const {
  const auto& only = options_.engines;
  return only.empty() || std::find(only.begin(), only.end(), engine) != only.end();
}

void Scoring::show(const Mutant& mutant, const std::string& engine) {
  progress_.show(engine + ", " + (mutant.sound() ? "libkq as it is" : mutant.name), done_, killed_);
}

ScoreCell Scoring::cell_of(const JobResult& result, const std::string& engine,
                           bool plain_program) const {
  ScoreCell cell;
  cell.engine = engine;
  cell.seconds = result.seconds;
  cell.executions = result.work.executions;
  const bool ended = result.end == JobResult::End::kExited;
  if (result.saved_none && !plain_program) {
    // A race that had no time to do anything fails, too. That is no kill.
    cell.result = Result::kBroken;
    cell.note = "failed, and found nothing: " + result.problem;
  } else if (!result.found.empty()) {
    const Finding& finding = result.found.front().finding;
    cell.result = Result::kKilled;
    cell.verdict = finding.verdict;
    cell.rule = finding.rule;
    cell.scenario = finding.scenario;
  } else if (plain_program && (result.end == JobResult::End::kBroken ||
                               (ended && result.code != kExitClean && result.code != 77))) {
    // A test program without a supervisor: that it failed, or died, is all that it can say.
    cell.result = Result::kKilled;
    cell.verdict = ended ? "failed" : "crash";
  } else if (!ended) {
    cell.result = Result::kBroken;
    cell.note = result.problem;
  } else if (result.code == kExitSkipped) {
    cell.result = Result::kAbsent;
    cell.note = result.problem;
  } else if (result.code != kExitClean) {
    cell.result = Result::kBroken;
    cell.note = "exit code " + std::to_string(result.code) + ": " + result.problem;
  }
  return cell;
}

bool Scoring::provide_controlled(const Mutant& mutant, std::string* note) {
  std::vector<BuiltMutant> built;
  const auto watch = [](size_t, size_t) {};
  if (!builder_->build({mutant}, options_.jobs, MutantBuilder::Twins::kBoth, watch, &built, note)) {
    if (pending_signal() != 0) score_.interrupted = "interrupted";
    return false;
  }
  *note = built[0].failure;
  return note->empty();
}

ScoreCell Scoring::ask(const std::string& name, const Mutant& mutant, const BuiltMutant& built,
                       double seconds) {
  const CampaignOptions options = campaign(built, is_guided(name), name);
  std::error_code ignored;
  std::filesystem::remove_all(options.out, ignored);
  make_directories(options.out + "/logs");
  ScoreCell cell;
  cell.engine = name;
  if (is_guided(name) && !provide_controlled(mutant, &cell.note)) {
    cell.result = Result::kBroken;
    return cell;
  }
  const auto engines = engines_of(options);
  const auto engine = std::find_if(engines.begin(), engines.end(),
                                   [&](const Engine& each) { return each.name == name; });
  if (engine == engines.end() || !engine->absent.empty()) {
    cell.result = Result::kAbsent;
    cell.note = engine == engines.end() ? "not built: " + name : engine->absent;
    return cell;
  }
  const uint64_t turn_number = seconds < options_.budget ? 0 : 1;
  Job job =
      turn(*engine, options, derive_seed(options_.seed, mutant.name + name, turn_number), seconds);
  for (const char* told : {"KQ_LAYOUT", "KQ_PROFILE", "KQ_LIBKQ"}) {
    job.variables[told] = std::nullopt;
  }
  if (name != kSweep) job.overrun = kOverrun;
  // What is used after it was freed is not what it was.
  job.variables["MALLOC_PERTURB_"] = "165";
  if (name == kLinked) {
    // Whatever runs out, at whichever call.
    job.variables["KQ_EFFORT"] = "100";
    // Nothing is loaded into it: its own library is another one.
    std::filesystem::create_directory(options.out + "/lib", ignored);
    std::filesystem::create_symlink(built.plain, options.out + "/lib/libkq.so.0", ignored);
    job.variables["KQ_SUBJECT"] = std::nullopt;
    job.variables["LD_LIBRARY_PATH"] = options.out + "/lib";
  }
  if (name == kStress || is_plain_program(name)) job.arguments.push_back("--gtest_fail_fast");
  if (name == kLitmus) job.arguments.push_back("--no-shrink");
  if (name == kSweep) job.arguments = {"--sample", kSweepSample, "--jobs", "1"};
  const std::string findings = options.out + "/findings";
  std::chrono::steady_clock::time_point seen{};
  double until_seen = 0;
  const auto begin = std::chrono::steady_clock::now();
  const JobResult result = run_job(job, [&] {
    show(mutant, name);
    const auto now = std::chrono::steady_clock::now();
    if (seen == decltype(seen){}) {
      if (!any_file(findings)) return true;
      seen = now;
      until_seen = std::chrono::duration<double>(now - begin).count();
    }
    return now - seen < kLastWords;
  });
  if (result.end == JobResult::End::kInterrupted) score_.interrupted = "interrupted";
  cell = cell_of(result, name, is_plain_program(name));
  if (until_seen > 0) cell.seconds = until_seen;
  return cell;
}

bool Scoring::ask_all(const Mutant& mutant, const BuiltMutant& built, double seconds,
                      bool first_kill, std::vector<ScoreCell>* cells) {
  std::vector<std::string> order = score_.engines;
  const std::vector<std::string> apt = mutant.sound() ? order : engines_for(mutant);
  std::stable_partition(order.begin(), order.end(), [&](const std::string& engine) {
    return std::find(apt.begin(), apt.end(), engine) != apt.end();
  });
  for (const std::string& engine : order) {
    const bool second = first_kill && options_.budget > kMoment && seconds == options_.budget;
    if (second && !has_budget(engine)) continue;  // it has said all that it has to say
    char question[96];
    std::snprintf(question, sizeof question, "%s %.3f", engine.c_str(), seconds);
    ScoreCell cell;
    if (!journal_.find(hash_, question, &cell)) {
      cell = ask(engine, mutant, built, seconds);
      if (!score_.interrupted.empty()) return false;
      cell.mutant = mutant.name;
      journal_.add(hash_, question, cell);
    }
    cell.mutant = mutant.name;
    cells->push_back(cell);
    if (cell.result == Result::kKilled && first_kill) return false;
  }
  return true;
}

void Scoring::ask_about(const Mutant& mutant, const BuiltMutant& built) {
  const double moment = std::min(kMoment, options_.budget);
  if (options_.every_engine) {
    ask_all(mutant, built, options_.budget, false, &score_.cells);
  } else if (ask_all(mutant, built, moment, true, &score_.cells) && moment < options_.budget) {
    ask_all(mutant, built, options_.budget, true, &score_.cells);
  }
}

bool Scoring::run(std::string* error) {
  Recipe recipe;
  std::vector<Mutant> all;
  if (!read_recipe(&recipe, error) || !read_mutants(options_.paths, &all, error)) return false;
  for (size_t i = options_.shard; i < all.size(); i += options_.shards) {
    score_.mutants.push_back(std::move(all[i]));
  }
  if (!watch_signals()) {
    *error = "no descriptors left";
    return false;
  }
  builder_ = std::make_unique<MutantBuilder>(std::move(recipe), options_.out + "/cache");
  std::vector<Mutant> wanted = {Mutant{}};
  wanted.insert(wanted.end(), score_.mutants.begin(), score_.mutants.end());
  std::vector<BuiltMutant> built;
  const auto watch = [&](size_t done, size_t count) {
    progress_.show("building " + std::to_string(count), done, 0);
  };
  // Most are dead before anything wants to choose their schedules.
  const auto twins = options_.build_only || options_.every_engine ? MutantBuilder::Twins::kBoth
                                                                  : MutantBuilder::Twins::kPlain;
  if (!builder_->build(wanted, options_.jobs, twins, watch, &built, error)) return false;
  if (!built[0].failure.empty()) {
    *error = "libkq " + built[0].failure;
    return false;
  }
  score_.built.assign(built.begin() + 1, built.end());
  progress_.done("built " + std::to_string(score_.mutants.size()) + " mutants");
  if (options_.build_only) return true;

  for (const Engine& engine : engines_of(campaign(built[0], true, "none"))) {
    if (chosen(engine.name)) score_.engines.push_back(engine.name);
  }
  char what[128];
  std::snprintf(what, sizeof what, "seed %llu budget %.3f",
                static_cast<unsigned long long>(options_.seed), options_.budget);
  if (!journal_.open(options_.out + "/journal.jsonl", what, options_.resume, error)) return false;

  hash_ = builder_->hash_of(wanted[0]);
  ask_all(wanted[0], built[0], options_.budget, false, &score_.sound);
  for (size_t i = 0; i < score_.mutants.size() && score_.interrupted.empty(); i++) {
    const Mutant& mutant = score_.mutants[i];
    if (!score_.built[i].failure.empty()) {
      progress_.say("NOT BUILT " + mutant.name + ": " + score_.built[i].failure);
      continue;
    }
    hash_ = builder_->hash_of(mutant);
    ask_about(mutant, score_.built[i]);
    double seconds = 0;
    const ScoreCell* kill = score_.kill_of(mutant, &seconds);
    done_++;
    char line[256];
    if (kill != nullptr) {
      killed_++;
      std::snprintf(line, sizeof line, "%-46s killed by %s in %.1f s: %s %s", mutant.name.c_str(),
                    kill->engine.c_str(), seconds, kill->verdict.c_str(), kill->rule.c_str());
      progress_.done(line);
    } else if (score_.interrupted.empty()) {
      progress_.say((mutant.equivalent.empty() ? "SURVIVED " : "equivalent ") + mutant.name);
    }
  }
  return true;
}

}  // namespace

const ScoreCell* Score::kill_of(const Mutant& mutant, double* seconds) const {
  *seconds = 0;
  for (const ScoreCell& cell : cells) {
    if (cell.mutant != mutant.name) continue;
    *seconds += cell.seconds;
    if (cell.result == Result::kKilled) return &cell;
  }
  return nullptr;
}

std::vector<const Mutant*> Score::survivors() const {
  std::vector<const Mutant*> alive;
  for (size_t i = 0; i < mutants.size(); i++) {
    double seconds;
    const auto asked = [&](const ScoreCell& cell) { return cell.mutant == mutants[i].name; };
    if (std::none_of(cells.begin(), cells.end(), asked)) continue;  // it ended before
    if (built[i].failure.empty() && mutants[i].equivalent.empty() &&
        kill_of(mutants[i], &seconds) == nullptr) {
      alive.push_back(&mutants[i]);
    }
  }
  return alive;
}

std::vector<const Mutant*> Score::unbuilt() const {
  std::vector<const Mutant*> failed;
  for (size_t i = 0; i < mutants.size(); i++) {
    if (!built[i].failure.empty()) failed.push_back(&mutants[i]);
  }
  return failed;
}

std::vector<const ScoreCell*> Score::false_alarms() const {
  std::vector<const ScoreCell*> alarms;
  for (const ScoreCell& cell : sound) {
    if (cell.result == Result::kKilled) alarms.push_back(&cell);
  }
  return alarms;
}

bool Score::found_enough() const {
  const auto has_to = [](const Mutant& mutant) { return mutant.equivalent.empty(); };
  const auto wanted = static_cast<double>(std::count_if(mutants.begin(), mutants.end(), has_to));
  return 100 * (wanted - static_cast<double>(survivors().size())) >= at_least * wanted;
}

bool Score::passed() const {
  return interrupted.empty() && unbuilt().empty() && found_enough() && false_alarms().empty();
}

std::vector<std::string> engines_for(const Mutant& mutant) {
  if (mutant.kind.find("mechanical") != std::string::npos) {
    return {std::begin(kOrder), std::end(kOrder)};
  }
  if (mutant.depth > 0 || mutant.kind.find("race") != std::string::npos) {
    return {kExplore, kScheduleFuzzer, kStress};
  }
  if (mutant.kind.find("liveness") != std::string::npos) return {kExplore, kStress, kLitmus};
  if (mutant.kind.find("memory") != std::string::npos) return {kExplore, kScheduleFuzzer};
  return {kLitmus, kConformance, kLinked, "changelist_fuzzer", "flags_fuzzer", kSweep};
}

bool run_score(const ScoreOptions& options, Progress* progress, Score* score, std::string* error) {
  score->seed = options.seed;
  score->budget = options.budget;
  score->every_engine = options.every_engine;
  score->at_least = options.at_least;
  return Scoring(options, progress, score).run(error);
}

}  // namespace kqtorture
