// kq_bench: what does a kqueue cost, beside raw epoll in the same process?
//
// Google Benchmark's own main() but for three things: the subject is loaded in a worker under
// supervise() (subject/worker.h), the measuring time is divided so that the whole run keeps to a
// budget, and the numbers of the run go to KQ_STATS. All of Google Benchmark's flags work; JSON
// comes from --benchmark_out=FILE --benchmark_out_format=json.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench.h"
#include "subject/worker.h"

namespace kqtorture::bench {

namespace {

std::unique_ptr<Subject> the_subject;

// Google Benchmark finds the number of iterations by running shorter batches first, which together
// take about as long as the last, and the fixtures take their time as well.
constexpr double kOverhead = 2.5;
// A benchmark that measures by itself compares pairs, and wants more of them than others want
// iterations.
constexpr double kOwnShare = 8;
constexpr std::chrono::seconds kDefaultBudget{12};
// Below this, a batch is shorter than the clock and the scheduler allow to measure.
constexpr double kMinimumSeconds = 0.002;
constexpr double kMaximumSeconds = 1;

constexpr char kHelp[] =
    "usage: %s [--seconds N] [Google Benchmark's flags]\n"
    "  --seconds N  about how long the whole run takes (default: KQ_BUDGET, else %d)\n"
    "Environment: KQ_SUBJECT chooses the kqueue under test, KQ_OUT takes findings, KQ_STATS the\n"
    "numbers. Exit code: 0 done, 1 finding, 2 usage or environment. Google Benchmark's flags:\n";

double budget(double seconds) {
  if (seconds > 0) return seconds;
  return std::chrono::duration<double>(budget_from_environment(kDefaultBudget)).count();
}

// Removes --seconds and its value from the arguments. Returns false after a usage error.
bool take_seconds(int* argc, char** argv, double* seconds) {
  int kept = 1;
  for (int i = 1; i < *argc; i++) {
    const std::string argument = argv[i];
    std::string value;
    if (argument == "--seconds") {
      value = i + 1 < *argc ? argv[++i] : "";
    } else if (argument.rfind("--seconds=", 0) == 0) {
      value = argument.substr(strlen("--seconds="));
    } else {
      argv[kept++] = argv[i];
      continue;
    }
    char* end = nullptr;
    *seconds = strtod(value.c_str(), &end);
    if (value.empty() || *end != '\0' || !(*seconds > 0)) {
      fprintf(stderr, "%s: --seconds needs a positive number\n", argv[0]);
      return false;
    }
  }
  *argc = kept;
  argv[kept] = nullptr;
  return true;
}

// The measuring time of one benchmark, so that all of them keep to the budget.
double seconds_each(double seconds) {
  double shares = 0;
  for (const Question& question : questions()) shares += question.measures_itself ? kOwnShare : 1;
  return std::clamp(seconds / shares / kOverhead, kMinimumSeconds, kMaximumSeconds);
}

void register_all() {
  for (const Question& question : questions()) {
    if (question.needs_host_descriptors && !has_host_descriptors()) continue;
    const auto run = [&question](benchmark::State& state) {
      note_activity(("kq_bench " + question.name).c_str());
      question.body(state);
      note_progress();
      stats().executions += static_cast<uint64_t>(state.iterations());
    };
    auto* const registered = benchmark::RegisterBenchmark(question.name.c_str(), run);
    if (question.measures_itself) registered->Iterations(1)->UseManualTime();
  }
}

// Google Benchmark ends the process when it cannot write its file; that would look like the
// subject's doing.
bool can_write_output(int argc, char** argv) {
  constexpr std::string_view kOut = "--benchmark_out=";
  for (int i = 1; i < argc; i++) {
    if (std::string_view(argv[i]).substr(0, kOut.size()) != kOut) continue;
    const char* const path = argv[i] + kOut.size();
    FILE* const file = fopen(path, "a");
    if (!file) {
      fprintf(stderr, "kq_bench: %s: %s\n", path, strerror(errno));
      return false;
    }
    fclose(file);
  }
  return true;
}

int run_worker() {
  std::string error;
  the_subject = Subject::open(Subject::default_spec(), &error);
  int code = kExitUsage;
  if (!the_subject) {
    fprintf(stderr, "kq_bench: %s\n", error.c_str());
  } else {
    benchmark::AddCustomContext("subject", the_subject->spec());
    benchmark::AddCustomContext("profile", the_subject->profile());
    register_all();
    if (benchmark::RunSpecifiedBenchmarks() > 0) code = kExitClean;
    benchmark::Shutdown();
    write_stats(stats());
  }
  announce_exit(code);
  return code;
}

int run(int argc, char** argv) {
  for (int i = 1; i < argc; i++) {
    const std::string_view argument = argv[i];
    if (argument != "--help" && argument != "-h") continue;
    printf(kHelp, argv[0], static_cast<int>(kDefaultBudget.count()));
    fflush(stdout);
  }
  const std::vector<char*> original(argv, argv + argc + 1);
  double seconds = 0;
  if (!take_seconds(&argc, argv, &seconds) || !can_write_output(argc, argv)) return kExitUsage;
  const double each = seconds_each(budget(seconds));
  set_own_seconds(each * kOwnShare);
  // First, so that a flag of the user's wins.
  std::string min_time = "--benchmark_min_time=" + std::to_string(each);
  std::vector<char*> arguments(argv, argv + argc);
  arguments.insert(arguments.begin() + 1, min_time.data());
  int count = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  // In the supervisor, too: it ends the process after --help.
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return kExitUsage;
  SupervisorOptions options;
  options.program = "kq_bench";
  std::vector<char*> for_worker = original;
  if (const auto code = supervise(argc, for_worker.data(), options)) return *code;
  return run_worker();
}

}  // namespace

const Subject& subject() { return *the_subject; }

}  // namespace kqtorture::bench

int main(int argc, char** argv) { return kqtorture::bench::run(argc, argv); }
