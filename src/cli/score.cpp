// `kqtorture score`: can the suite find what it claims to find?
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "cli/command_line.h"
#include "cli/programs.h"
#include "cli/score_report.h"
#include "report/files.h"
#include "report/finding.h"
#include "report/stats.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

constexpr double kScoreBudget = 10;

struct Flags {
  std::vector<std::string> paths, engines;
  std::string out, shard, page;
  bool every_engine = false, resume = false, build_only = false;
  unsigned jobs = 0;
  double at_least = 100;
};

// "2/5": the second fifth. False when it is nothing of the sort.
bool read_shard(const std::string& text, ScoreOptions* options) {
  unsigned part = 0, parts = 0;
  char rest = 0;
  if (std::sscanf(text.c_str(), "%u/%u%c", &part, &parts, &rest) != 2) return false;
  if (part < 1 || part > parts || parts > 1000) return false;
  options->shard = part - 1;
  options->shards = parts;
  return true;
}

int score(const CommandLine& line, const Flags& flags) {
  ScoreOptions options;
  options.paths = flags.paths;
  options.engines = flags.engines;
  std::error_code failure;
  options.out = std::filesystem::absolute(flags.out, failure).lexically_normal().string();
  if (flags.out.empty() || failure) return usage_error("--out: not a usable directory");
  if (!flags.shard.empty() && !read_shard(flags.shard, &options)) {
    return usage_error("--shard " + flags.shard + ": wanted is PART/PARTS, as 1/4");
  }
  options.seed = line.common().seed ? *line.common().seed : draw_seed();
  options.budget = line.common().budget;
  options.every_engine = flags.every_engine;
  options.resume = flags.resume;
  options.build_only = flags.build_only;
  options.at_least = flags.at_least;
  const long processors = sysconf(_SC_NPROCESSORS_ONLN);
  options.jobs = flags.jobs > 0 ? flags.jobs : static_cast<size_t>(std::max(1L, processors));

  FILE* const out = line.common().json ? stderr : stdout;
  Progress progress(out, 0);
  progress.say("seed " + std::to_string(options.seed));
  Score result;
  std::string error;
  if (!run_score(options, &progress, &result, &error)) return usage_error(error);
  if (options.build_only) {
    for (const Mutant* mutant : result.unbuilt()) progress.say("NOT BUILT " + mutant->name);
    progress.say(std::to_string(result.mutants.size() - result.unbuilt().size()) + " of " +
                 std::to_string(result.mutants.size()) + " mutants built");
    return result.unbuilt().empty() ? kExitClean : kExitFinding;
  }
  const std::string json = to_json(result), page = to_markdown(result);
  bool written = write_file(options.out + "/score.json", json, &error) &&
                 write_file(options.out + "/score.md", page, &error);
  if (written && !flags.page.empty()) written = write_file(flags.page, page, &error);
  if (!written) return usage_error(error);
  progress.say(to_summary(result) + "tables: " + options.out + "/score.md");
  if (line.common().json) std::fputs(json.c_str(), stdout);
  return result.passed() ? kExitClean : kExitFinding;
}

}  // namespace

void register_score(CommandLine* line) {
  static Flags flags;
  flags.out = output_directory() + "/score";
  CLI::App* subcommand = line->add("score", "Plant bugs into libkq and see which engine finds them",
                                   [line] { return score(*line, flags); });
  subcommand->add_option("mutants", flags.paths, "patches on src/kqueue, or folders of them")
      ->required();
  line->take_budget(subcommand, kScoreBudget);
  line->take_seed(subcommand);
  line->take_json(subcommand);
  subcommand->add_option("--out", flags.out,
                         "directory for what is built and the results (default: KQ_OUT, else out, "
                         "and score in it)");
  subcommand->add_flag("--every-engine", flags.every_engine,
                       "ask every engine about every mutant, not only until the first kill");
  subcommand->add_option("--engine", flags.engines, "ask only this engine; may be repeated");
  subcommand->add_flag("--resume", flags.resume,
                       "go on with what an interrupted score of the same seed and budget has found "
                       "out");
  subcommand->add_option("--shard", flags.shard, "PART/PARTS: only that part of the mutants");
  subcommand
      ->add_option("--at-least", flags.at_least,
                   "percent of the mutants that have to be found (default: 100)")
      ->check(CLI::Range(0.0, 100.0));
  subcommand->add_flag("--build-only", flags.build_only, "build the mutants and stop");
  subcommand->add_option("--jobs", flags.jobs, "compilers side by side (default: processors)");
  subcommand->add_option("--page", flags.page, "write the tables as Markdown to this file, too");
}

}  // namespace kqtorture
