// `kqtorture torture`: the campaign that scripts/torture runs after it has built everything.
#include <cstdlib>
#include <filesystem>

#include "cli/campaign.h"
#include "cli/command_line.h"
#include "report/finding.h"
#include "report/stats.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

constexpr double kTortureBudget = 60;

struct TortureFlags {
  std::string out;
  bool keep_going = false;
  bool first_only = false;
  std::string known;
  std::string summary;
};

int torture(const CommandLine& line, const TortureFlags& flags) {
  const CommonOptions& common = line.common();
  std::error_code error;
  const auto out = std::filesystem::absolute(flags.out, error);
  if (flags.out.empty() || error) return usage_error("--out: not a usable directory");
  export_subject(common);
  CampaignOptions options;
  options.subject = std::getenv("KQ_SUBJECT");
  options.out = out.lexically_normal().string();
  options.seed = common.seed ? *common.seed : draw_seed();
  options.budget = common.budget;
  options.json = common.json;
  options.keep_going = flags.keep_going;
  options.first_only = flags.first_only;
  options.known = flags.known;
  options.summary = flags.summary;
  return run_campaign(options);
}

}  // namespace

void register_torture(CommandLine* line) {
  static TortureFlags flags;
  flags.out = output_directory();
  CLI::App* subcommand =
      line->add("torture", "Run every engine against a kqueue, sharing one budget",
                [line] { return torture(*line, flags); });
  line->take_subject(subcommand);
  line->take_budget(subcommand, kTortureBudget);
  line->take_seed(subcommand);
  line->take_json(subcommand);
  subcommand->add_option("--out", flags.out,
                         "directory for the results (default: KQ_OUT, else out)");
  subcommand->add_option("--known", flags.known,
                         "a file of known findings: they do not count (docs/findings.md)");
  if (const char* summary = std::getenv("GITHUB_STEP_SUMMARY")) flags.summary = summary;
  subcommand->add_option("--summary", flags.summary,
                         "add the result as Markdown to this file (default: GITHUB_STEP_SUMMARY)");
  auto* keep_going =
      subcommand->add_flag("--keep-going", flags.keep_going, "an engine goes on after a finding");
  subcommand->add_flag("--first", flags.first_only, "end the campaign at the first finding")
      ->excludes(keep_going);
}

}  // namespace kqtorture
