// CLI11 does the parsing; here its exceptions become the house's exit codes, and numbers are read
// more strictly than it does by itself.
#include "cli/command_line.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "report/text.h"
#include "subject/profiles.h"
#include "subject/subject.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

// A budget below a tenth of a second exercises nothing; one above a month is a typing error.
constexpr double kShortestBudget = 0.1;
constexpr double kLongestBudget = 31.0 * 24 * 3600;

std::string check_profile(const std::string& name) {
  if (name.empty() || is_profile(name)) return "";
  return "no profile is called \"" + to_line(name) + "\"; there are " + profile_names();
}

// Not CLI::Range, which lets "nan" through.
std::string check_budget(const std::string& text) {
  char* end = nullptr;
  const double seconds = std::strtod(text.c_str(), &end);
  const bool good = end != text.c_str() && *end == '\0' && seconds >= kShortestBudget &&
                    seconds <= kLongestBudget;
  return good ? "" : "not a number of seconds from 0.1 to 2678400: " + to_line(text);
}

std::optional<uint64_t> parse_seed(const std::string& text) {
  if (text.empty() || text[0] < '0' || text[0] > '9') return std::nullopt;
  char* end = nullptr;
  errno = 0;
  const unsigned long long value = std::strtoull(text.c_str(), &end, 0);
  if (errno != 0 || *end != '\0') return std::nullopt;
  return value;
}

}  // namespace

CommandLine::CommandLine(int argc, char** argv)
    : argc_(argc),
      argv_(argv),
      app_(
          "Stress and concurrency fuzzing for kqueue implementations.\n"
          "Exit codes: 0 nothing found, 1 a finding, 2 usage or environment, 77 skipped.",
          "kqtorture") {
  app_.require_subcommand(1);
  app_.get_formatter()->column_width(28);
  common_.subject = Subject::default_spec();
  if (const char* profile = std::getenv("KQ_PROFILE")) common_.profile = profile;
}

CLI::App* CommandLine::add(const std::string& name, const std::string& description,
                           std::function<int()> action) {
  CLI::App* subcommand = app_.add_subcommand(name, description);
  subcommand->callback([this, action = std::move(action)] { action_ = action; });
  return subcommand;
}

namespace {

// Not CLI11's own conversion, which takes -1 for the largest number and cuts what is larger.
void add_seed(CLI::App* app, CommonOptions* common) {
  app->add_option_function<std::string>(
         "--seed", [common](const std::string& text) { common->seed = parse_seed(text); },
         "seed of every random choice (default: drawn)")
      ->envname("KQ_SEED")
      ->type_name("NUMBER")
      ->check([](const std::string& text) {
        return parse_seed(text) ? "" : "not a number from 0 to 2^64-1: " + to_line(text);
      });
}

void add_budget(CLI::App* app, double budget, CommonOptions* common) {
  app->add_option_function<double>(
         "--budget", [common](double seconds) { common->budget = seconds; },
         "how long it may take, in seconds (default: " +
             (budget > 0 ? std::to_string(int(budget)) : std::string("each program once")) + ")")
      ->type_name("SECONDS")
      ->check(check_budget);
}

void add_json(CLI::App* app, CommonOptions* common) {
  app->add_flag("--json", common->json, "the result as JSON on standard output");
}

void add_subject(CLI::App* app, CommonOptions* common) {
  app->add_option(
      "--subject", common->subject,
      "the kqueue under test: emulator, native, or a shared object's path (default: KQ_SUBJECT, "
      "else " +
          common->subject + ")");
  app->add_option("--profile", common->profile,
                  "the contract to judge by: " + profile_names() + " (default: the subject's)")
      ->check(check_profile);
}

}  // namespace

void CommandLine::take_seed(CLI::App* subcommand) { add_seed(subcommand, &common_); }

void CommandLine::take_budget(CLI::App* subcommand, double budget) {
  add_budget(subcommand, budget, &common_);
  // Only one subcommand runs, and its default applies before its options are read.
  subcommand->preparse_callback([this, budget](size_t) { common_.budget = budget; });
}

void CommandLine::take_json(CLI::App* subcommand) { add_json(subcommand, &common_); }

void CommandLine::take_subject(CLI::App* subcommand) { add_subject(subcommand, &common_); }

void take_common(CLI::App* app, CommonOptions* common) {
  if (const char* profile = std::getenv("KQ_PROFILE")) common->profile = profile;
  add_subject(app, common);
  add_budget(app, common->budget, common);
  add_seed(app, common);
  add_json(app, common);
}

int CommandLine::run() {
  try {
    app_.parse(argc_, argv_);
  } catch (const CLI::CallForHelp& help) {
    return app_.exit(help);
  } catch (const CLI::CallForAllHelp& help) {
    return app_.exit(help);
  } catch (const CLI::RequiredError& error) {
    // What CLI11 says of a mistyped subcommand is only that one is missing.
    const bool mistyped = app_.get_subcommands().empty() && argc_ > 1 && argv_[1][0] != '-';
    return usage_error((mistyped ? "no subcommand is called \"" + std::string(argv_[1]) + "\""
                                 : std::string(error.what())) +
                       " (see --help)");
  } catch (const CLI::ParseError& error) {
    return usage_error(std::string(error.what()) + " (see --help)");
  }
  return action_();
}

int usage_error(const std::string& text) {
  std::fprintf(stderr, "kqtorture: %s\n", to_line(text).c_str());
  return kExitUsage;
}

void export_subject(const CommonOptions& common) {
  std::string subject = common.subject;
  if (subject != "emulator" && subject != "native" && !subject.empty()) {
    std::error_code error;
    const auto absolute = std::filesystem::absolute(subject, error);
    if (!error) subject = absolute.lexically_normal().string();
  }
  setenv("KQ_SUBJECT", subject.c_str(), 1);
  if (!common.profile.empty()) setenv("KQ_PROFILE", common.profile.c_str(), 1);
}

}  // namespace kqtorture
