// `kqtorture triage`: the findings of a folder, whichever program saved them, by what they have in
// common, and which of them are new.
#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "cli/command_line.h"
#include "cli/finding_file.h"
#include "cli/known.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

struct TriageArguments {
  std::string folder;
  std::string known;
};

int triage(const TriageArguments& arguments) {
  KnownFindings known;
  std::string error;
  if (!arguments.known.empty() && !known.load(arguments.known, &error)) return usage_error(error);
  std::error_code problem;
  std::vector<std::string> files;
  for (std::filesystem::directory_iterator it(arguments.folder, problem), end;
       !problem && it != end; it.increment(problem)) {
    if (it->path().extension() == ".json") files.push_back(it->path().string());
  }
  if (problem) return usage_error(arguments.folder + ": " + problem.message());
  std::sort(files.begin(), files.end());
  std::vector<std::pair<std::string, Finding>> findings;
  for (const std::string& file : files) {
    Finding finding;
    if (!load_finding(file, &finding, &error)) return usage_error(error);
    if (finding.verdict != kNothingFound) findings.emplace_back(file, std::move(finding));
  }
  const auto buckets = buckets_of(findings, &known);
  size_t fresh = 0;
  for (const Bucket& bucket : buckets) fresh += bucket.known.empty();
  std::printf("%s%zu findings in %zu buckets, %zu of them new\n",
              to_text(buckets, known, nullptr).c_str(), findings.size(), buckets.size(), fresh);
  return fresh > 0 ? kExitFinding : kExitClean;
}

}  // namespace

void register_triage(CommandLine* line) {
  static TriageArguments arguments;
  arguments.folder = output_directory() + "/findings";
  CLI::App* subcommand = line->add("triage", "Sort saved findings into buckets, known and new",
                                   [] { return triage(arguments); });
  subcommand->add_option("folder", arguments.folder, "of findings (default: out/findings)");
  subcommand->add_option("--known", arguments.known,
                         "a file of known findings: they do not count (docs/findings.md)");
}

}  // namespace kqtorture
