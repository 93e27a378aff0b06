// kq_bench: what a kqueue costs, as one Google Benchmark program under the suite's supervisor.
//
// It measures and never judges a time. It does judge answers: a subject that loses events or hands
// out wrong ones while it is measured is guilty, exit code 1.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "bench.h"
#include "report/finding.h"
#include "report/stats.h"
#include "subject/worker.h"

namespace kqtorture::bench {

void register_delivery();
void register_registration();
void register_user_trigger();
void register_claim_2006();

namespace {

constexpr char kUsage[] =
    "kq_bench: what a kqueue costs, beside raw epoll in the same process.\n"
    "\n"
    "  --subject SUBJECT   emulator, native, or the path of a shared object ($KQ_SUBJECT)\n"
    "  --budget SECONDS    how long all of it may take, roughly ($KQ_BUDGET; default 20)\n"
    "\n"
    "and the flags of Google Benchmark:\n"
    "  --benchmark_filter=REGEX, --benchmark_list_tests, --benchmark_repetitions=N,\n"
    "  --benchmark_min_time=SECONDS (of each measurement), --benchmark_out=FILE,\n"
    "  --benchmark_out_format=json|console, --benchmark_format=json|console\n"
    "\n"
    "Exit: 0 measured, 1 the subject answered wrongly (a finding), 2 usage or environment.\n";

struct Arguments {
  std::string subject = Subject::default_spec();
  double budget = 0;
  bool min_time_given = false, list = false, help = false;
  std::vector<std::string> rest;
  std::string error;
};

// Takes "--name value" and "--name=value".
bool take(int argc, char** argv, int* i, const char* name, std::string* value) {
  const size_t length = std::strlen(name);
  if (std::strncmp(argv[*i], name, length) != 0) return false;
  if (argv[*i][length] == '=') {
    *value = argv[*i] + length + 1;
    return true;
  }
  if (argv[*i][length] != '\0' || *i + 1 >= argc) return false;
  *value = argv[++*i];
  return true;
}

Arguments parse(int argc, char** argv) {
  Arguments result;
  result.budget =
      static_cast<double>(budget_from_environment(std::chrono::seconds(20)).count()) / 1000;
  for (int i = 1; i < argc; ++i) {
    std::string value;
    if (std::strcmp(argv[i], "--help") == 0 || std::strcmp(argv[i], "-h") == 0) {
      result.help = true;
    } else if (take(argc, argv, &i, "--subject", &value)) {
      result.subject = value;
    } else if (take(argc, argv, &i, "--budget", &value)) {
      char* end = nullptr;
      result.budget = std::strtod(value.c_str(), &end);
      if (value.empty() || *end != '\0' || !(result.budget > 0)) {
        result.error = "--budget: '" + value + "' is not a positive number of seconds";
      }
    } else if (std::strncmp(argv[i], "--benchmark_", 12) == 0) {
      result.min_time_given |= std::strstr(argv[i], "min_time") != nullptr;
      result.list |= std::strncmp(argv[i], "--benchmark_list_tests", 22) == 0;
      result.rest.push_back(argv[i]);
    } else {
      result.error = std::string("unknown argument '") + argv[i] + "' (see --help)";
    }
  }
  return result;
}

void report_wrong_answer() {
  Finding finding;
  finding.verdict = "wrong-answer";
  finding.engine = "bench";
  finding.scenario = "kq_bench";
  finding.subject = subject().spec();
  finding.profile = subject().profile();
  finding.message = "while being measured: " + first_wrong_answer();
  save_finding(finding);
}

int measure(char* program, const Arguments& arguments) {
  std::string error;
  const auto opened = Subject::open(arguments.subject, &error);
  if (!opened) {
    std::fprintf(stderr, "kq_bench: %s\n", error.c_str());
    return kExitUsage;
  }
  set_subject(opened.get());
  register_claim_2006();
  register_delivery();
  register_registration();
  register_user_trigger();

  std::vector<std::string> flags = arguments.rest;
  if (!arguments.min_time_given) {
    // About a hundred measurements; each takes a little more than its minimum to find its length.
    char flag[64];
    std::snprintf(flag, sizeof flag, "--benchmark_min_time=%.4f", arguments.budget / 250);
    flags.push_back(flag);
  }
  std::vector<char*> argv{program};
  for (std::string& flag : flags) argv.push_back(flag.data());
  int argc = static_cast<int>(argv.size());
  argv.push_back(nullptr);
  benchmark::Initialize(&argc, argv.data());
  if (benchmark::ReportUnrecognizedArguments(argc, argv.data())) return kExitUsage;
  benchmark::AddCustomContext("subject", subject().spec());
  benchmark::RunSpecifiedBenchmarks();

  Stats stats;
  stats.operations = work().operations;
  stats.deliveries = work().deliveries;
  stats.executions = work().cycles;
  if (!write_stats(stats)) return kExitUsage;
  if (first_wrong_answer().empty()) return kExitClean;
  report_wrong_answer();
  return kExitFinding;
}

}  // namespace
}  // namespace kqtorture::bench

int main(int argc, char** argv) {
  using namespace kqtorture;
  const bench::Arguments arguments = bench::parse(argc, argv);
  if (!arguments.error.empty()) {
    std::fprintf(stderr, "kq_bench: %s\n", arguments.error.c_str());
    return kExitUsage;
  }
  if (arguments.help) {
    std::fputs(bench::kUsage, stdout);
    return kExitClean;
  }
  SupervisorOptions options;
  options.program = "kq_bench";
  if (const auto code = supervise(argc, argv, options)) return *code;
  const int code = bench::measure(argv[0], arguments);
  std::fflush(nullptr);
  announce_exit(code);
  return code;
}
