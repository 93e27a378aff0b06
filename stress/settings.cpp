// The flags of kq_stress. CLI11 reads flags and environment alike; what it does not know and
// starts with --gtest_ belongs to GoogleTest, anything else is a usage error.
#include "settings.h"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "report/stats.h"
#include "subject/subject.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

constexpr char kAbout[] =
    "kq_stress: races of many threads on one kqueue; every round's history is judged by the "
    "contract.\n"
    "Exit code 0: nothing found; 1: a finding, saved under $KQ_OUT/findings (default\n"
    "out/findings); 2: usage or environment; 77: everything skipped. GoogleTest's own flags work\n"
    "too: --gtest_list_tests, --gtest_filter=DispatchOwnership*, --gtest_repeat=N.";

}  // namespace

ParsedSettings parse_settings(int argc, char** argv, Settings* settings,
                              std::vector<std::string>* rest) {
  CLI::App app{kAbout};
  app.allow_extras();
  settings->subject = Subject::default_spec();
  app.add_option("--subject", settings->subject,
                 "the kqueue to torture: emulator, native, or a shared object ($KQ_SUBJECT)");
  app.add_option("--threads", settings->threads, "threads of each race")
      ->envname("KQ_THREADS")
      ->check(CLI::Range(3, 64))
      ->capture_default_str();
  app.add_option("--objects", settings->objects, "objects they race on")
      ->envname("KQ_OBJECTS")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--seconds", settings->seconds, "how long each case runs")
      ->envname("KQ_SECONDS")
      ->check(CLI::Range(0.0, 1e9))
      ->capture_default_str();
  app.add_option("--budget", settings->budget,
                 "how long all cases run together, shared out evenly, instead of --seconds")
      ->envname("KQ_BUDGET");
  app.add_option("--iterations", settings->iterations,
                 "rounds of each case, instead of a length of time")
      ->envname("KQ_ITERATIONS");
  app.add_option("--jitter", settings->jitter,
                 "spread of the pauses between calls in nanoseconds, instead of one measured")
      ->envname("KQ_JITTER")
      ->check(CLI::Range(0, 1'000'000));
  app.add_option("--known", settings->known,
                 "a file of known findings: they do not count (docs/findings.md)");
  auto* seed = app.add_option("--seed", settings->seed,
                              "of every random choice ($KQ_SEED); default: a fresh one");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    std::printf("%s", app.help().c_str());
    return {false, kExitClean};
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "kq_stress: %s\n", error.what());
    return {false, kExitUsage};
  }
  for (const std::string& argument : app.remaining()) {
    if (argument.rfind("--gtest_", 0) != 0) {
      std::fprintf(stderr, "kq_stress: unknown argument: %s (--help tells the known ones)\n",
                   argument.c_str());
      return {false, kExitUsage};
    }
    rest->push_back(argument);
  }
  if (seed->count() == 0) settings->seed = seed_from_environment();
  return {true, kExitClean};
}

std::string as_flags(const Settings& settings) {
  return CLI::detail::join(
      std::vector<std::string>{"--seed=" + std::to_string(settings.seed),
                               "--threads=" + std::to_string(settings.threads),
                               "--objects=" + std::to_string(settings.objects)},
      " ");
}

std::string describe(const Settings& settings) {
  std::string text = "subject=" + settings.subject + " seed=" + std::to_string(settings.seed) +
                     " threads=" + std::to_string(settings.threads) +
                     " objects=" + std::to_string(settings.objects);
  if (settings.iterations) return text + " iterations=" + std::to_string(settings.iterations);
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, settings.budget > 0 ? " budget=%g" : " seconds=%g",
                settings.budget > 0 ? settings.budget : settings.seconds);
  return text + seconds;
}

}  // namespace kqtorture
