// kq_stress: all races as one GoogleTest program, under a supervisor that survives the subject.
//
// The order matters. The supervisor starts first and loads nothing; in the worker the knobs are
// read and printed, seed included, before the subject is opened, so that even a crash while loading
// can be repeated.
#include <fnmatch.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string>
#include <vector>

#include "cli/known.h"
#include "report/stats.h"
#include "runner.h"
#include "settings.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

bool has_argument(int argc, char** argv, const char* argument) {
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], argument) == 0) return true;
  }
  return false;
}

void init_googletest(char* program, const std::vector<std::string>& flags) {
  std::vector<std::string> copies = flags;
  std::vector<char*> arguments{program};
  for (std::string& flag : copies) arguments.push_back(flag.data());
  int count = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  testing::InitGoogleTest(&count, arguments.data());
}

// Which cases did GoogleTest run? As it reads --gtest_filter and GTEST_FILTER: wildcard patterns
// between colons; behind a dash those that are left out.
class RanCases {
 public:
  explicit RanCases(const std::vector<std::string>& flags) {
    constexpr char kFlag[] = "--gtest_filter=";
    if (const char* variable = std::getenv("GTEST_FILTER")) filter_ = variable;
    for (const std::string& flag : flags) {
      if (flag.rfind(kFlag, 0) == 0) filter_ = flag.substr(sizeof kFlag - 1);
    }
    sharded_ = std::getenv("GTEST_TOTAL_SHARDS") != nullptr;
  }
  bool operator()(const std::string& scenario) const {
    if (sharded_) return false;
    if (filter_.empty() || filter_ == "*") return true;
    const size_t dash = filter_.find('-');
    const std::string wanted = filter_.substr(0, dash);
    return !scenario.empty() && (wanted.empty() || any_of(wanted, scenario)) &&
           (dash == std::string::npos || !any_of(filter_.substr(dash + 1), scenario));
  }

 private:
  static bool any_of(const std::string& patterns, const std::string& name) {
    std::istringstream list(patterns);
    for (std::string pattern; std::getline(list, pattern, ':');) {
      if (fnmatch(pattern.c_str(), name.c_str(), FNM_NOESCAPE) == 0) return true;
    }
    return false;
  }

  std::string filter_;
  bool sharded_ = false;
};

// How many cases there are is known once GoogleTest has applied its filter, just before the first.
class BudgetSharer : public testing::EmptyTestEventListener {
 public:
  void OnTestProgramStart(const testing::UnitTest& program) override {
    Settings& settings = environment().settings;
    if (settings.budget <= 0 || settings.iterations || program.test_to_run_count() == 0) return;
    settings.seconds = settings.budget / program.test_to_run_count();
    std::printf("kq_stress: %g seconds for each of %d cases\n", settings.seconds,
                program.test_to_run_count());
  }
};

int run() {
  Environment& env = environment();
  std::printf("kq_stress: %s\n", describe(env.settings).c_str());
  std::fflush(stdout);
  note_seed(env.settings.seed);
  const std::string error = open_subject(&env);
  if (!error.empty()) {
    std::fprintf(stderr, "kq_stress: %s\n", error.c_str());
    return kExitUsage;
  }
  std::printf("kq_stress: judged by the profile %s\n", env.subject->profile().c_str());
  // A subject's pipe may lose its reader while a race writes to it.
  signal(SIGPIPE, SIG_IGN);

  const testing::UnitTest& program = *testing::UnitTest::GetInstance();
  testing::UnitTest::GetInstance()->listeners().Append(new BudgetSharer);  // GoogleTest's to delete
  const int failed = RUN_ALL_TESTS();
  if (program.test_to_run_count() == 0) {
    std::fprintf(stderr, "kq_stress: no case is called so (--gtest_list_tests names them)\n");
    return kExitUsage;
  }
  const Outcome& done = outcome();
  std::printf(
      "kq_stress: %llu cases, %llu rounds, %llu operations, %llu deliveries, %llu findings, "
      "%llu undecided\n",
      static_cast<unsigned long long>(done.cases), static_cast<unsigned long long>(done.rounds),
      static_cast<unsigned long long>(done.operations),
      static_cast<unsigned long long>(done.deliveries),
      static_cast<unsigned long long>(done.findings),
      static_cast<unsigned long long>(done.undecided));
  Stats stats;
  stats.operations = done.operations;
  stats.deliveries = done.deliveries;
  stats.executions = done.rounds;
  stats.extra["races"] = done.cases;
  if (!write_stats(stats)) return kExitUsage;
  if (done.findings) return kExitFinding;
  if (done.environment_trouble) return kExitUsage;
  if (failed) return kExitFinding;
  if (done.cases) return kExitClean;
  std::fprintf(stderr, "kq_stress: the profile %s has none of the cases chosen\n",
               env.subject->profile().c_str());
  return kExitSkipped;
}

}  // namespace
}  // namespace kqtorture

int main(int argc, char** argv) {
  using namespace kqtorture;
  Settings& settings = environment().settings;
  std::vector<std::string> gtest_flags;
  const ParsedSettings parsed = parse_settings(argc, argv, &settings, &gtest_flags);
  if (!parsed.proceed) return parsed.exit_code;
  const bool harmless = has_argument(argc, argv, "--gtest_list_tests");
  if (!harmless) {
    SupervisorOptions options;
    options.program = "kq_stress";
    options.preload = Subject::preload_for(settings.subject);
    std::string error, about;
    const auto known = KnownRun::begin(settings.known, &error);
    if (!known) {
      std::fprintf(stderr, "kq_stress: %s\n", error.c_str());
      return kExitUsage;
    }
    if (const auto code = supervise(argc, argv, options)) {
      const int judged = known->conclude(*code, RanCases(gtest_flags), &about);
      std::fputs(about.c_str(), stdout);
      return judged;
    }
  }
  init_googletest(argv[0], gtest_flags);
  if (harmless) return RUN_ALL_TESTS();
  const int code = run();
  std::fflush(nullptr);
  announce_exit(code);
  return code;
}
