// kq_sweep: the exhaustive sweep of flag words and the cross matrix of changes, on any subject.
//
// A program of its own, because it is neither a scenario nor a campaign: it has a bound, and when
// it is done everything below the bound has been tried. It lives with the command line because it
// is one; the work is engine/sweep.h and engine/matrix.h. As everywhere, the subject is loaded in a
// worker, so that one that crashes is a finding (docs/sweep.md).
#include <CLI/CLI.hpp>
#include <cstdio>
#include <optional>
#include <string>

#include "cli/command_line.h"
#include "cli/known.h"
#include "cli/sweep_report.h"
#include "engine/sequential.h"
#include "report/finding.h"
#include "report/stats.h"
#include "subject/profiles.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

constexpr char kAbout[] =
    "kq_sweep: every flag word against every state of a knote, and every pair of 24 changes on "
    "two\n"
    "knotes of one descriptor, judged by the contract's model. Exit code 0: nothing found; 1: a\n"
    "finding, saved under $KQ_OUT/findings (default out/findings); 2: usage or environment; 77:\n"
    "nothing could be run.";

int complain(const std::string& text) {
  std::fprintf(stderr, "kq_sweep: %s\n", text.c_str());
  return kExitUsage;
}

struct Arguments {
  CommonOptions common;
  SweepSettings settings;
  std::string known;  // a file of known findings; may be empty
  bool list = false;
};

// Returns an exit code when there is nothing to run.
std::optional<int> parse(int argc, char** argv, Arguments* arguments) {
  CLI::App app{kAbout, "kq_sweep"};
  CommonOptions& common = arguments->common;
  SweepSettings& settings = arguments->settings;
  common.subject = Subject::default_spec();
  app.add_option("--subject", common.subject,
                 "the kqueue under test: emulator, native, or a shared object ($KQ_SUBJECT)");
  app.add_option("--profile", common.profile,
                 "the contract to judge by: " + profile_names() + " (default: the subject's)")
      ->check([](const std::string& name) {
        return is_profile(name) ? "" : "no profile is called \"" + name + "\"";
      });
  auto* seed = app.add_option("--seed", settings.seed,
                              "of the sample ($KQ_SEED); default: a fresh one, printed");
  app.add_option("--sample", settings.sample,
                 "the part of both to run, above 0 and at most 1, drawn with the seed")
      ->check([](const std::string& text) {
        char* end = nullptr;
        const double part = std::strtod(text.c_str(), &end);
        return *end == '\0' && part > 0 && part <= 1 ? "" : "not above 0 and at most 1: " + text;
      })
      ->capture_default_str();
  app.add_option("--budget", settings.budget,
                 "seconds after which no case and no setting begins, in an order drawn with the\n"
                 "seed; half for each of sweep and matrix (default: no limit)")
      ->check(CLI::Range(0.0, 1e9));
  app.add_option("--jobs", settings.jobs, "threads, each with its own kqueues and fixtures")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--only", settings.only,
                 "sweep, matrix, or a part of the names of the cases to sweep (see --list)");
  app.add_flag("--list", arguments->list,
               "print every case, with the reason when it cannot be reached, and run nothing");
  app.add_option("--known", arguments->known,
                 "a file of known findings: they do not count (docs/findings.md)");
  app.add_flag("--json", common.json, "the result as JSON on standard output");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    std::printf("%s", app.help().c_str());
    return kExitClean;
  } catch (const CLI::ParseError& error) {
    return complain(std::string(error.what()) + " (see --help)");
  }
  if (seed->count() == 0) settings.seed = seed_from_environment();
  return std::nullopt;
}

int list_cases() {
  const contract::Profile* profile = contract::find_profile("strict-2006");
  for (const SweepCase& one : sweep_cases(*profile)) {
    std::printf("%-40s %s\n", one.name().c_str(),
                one.unreachable != nullptr ? one.unreachable : "swept");
  }
  return kExitClean;
}

int run(const Arguments& arguments) {
  const SweepSettings& settings = arguments.settings;
  if (!arguments.common.json) announce(settings);
  note_seed(settings.seed);
  std::string error;
  const auto subject = Subject::open(Subject::default_spec(), &error);
  if (!subject) return complain(error);
  const contract::Profile* profile = contract::find_profile(subject->profile());
  if (profile == nullptr) return complain("no profile is called " + subject->profile());
  const contract::Host& host = host_of(*subject);

  SweepReport report(*subject, settings);
  if (settings.sweeps()) report.set(run_sweep(*subject, *profile, host, settings.sweep()));
  if (settings.runs_matrix()) {
    report.set(run_matrix(*subject, *profile, host, settings.matrix()));
  }
  report.save_findings();
  report.print(arguments.common.json);
  if (!write_stats(report.stats())) return kExitUsage;
  if (report.findings() > 0) return kExitFinding;
  if (report.executed() > 0) return kExitClean;
  std::fprintf(stderr, "kq_sweep: nothing was run: %s\n", report.why_nothing().c_str());
  return kExitSkipped;
}

}  // namespace
}  // namespace kqtorture

int main(int argc, char** argv) {
  using namespace kqtorture;
  Arguments arguments;
  if (const auto code = parse(argc, argv, &arguments)) return *code;
  if (arguments.list) return list_cases();
  export_subject(arguments.common);
  std::string error, about;
  const auto known = KnownRun::begin(arguments.known, &error);
  if (!known) return complain(error);
  SupervisorOptions options;
  options.program = "kq_sweep";
  if (const auto code = supervise(argc, argv, options)) {
    const SweepSettings& settings = arguments.settings;
    const bool whole = settings.only.empty() && settings.sample == 1 && settings.budget == 0;
    const int judged = known->conclude(
        *code, [&](const auto&) { return whole; }, &about);
    std::fputs(about.c_str(), arguments.common.json ? stderr : stdout);
    return judged;
  }
  const int code = run(arguments);
  std::fflush(nullptr);
  announce_exit(code);
  return code;
}
