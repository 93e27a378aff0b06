// kq_bench: what a kqueue costs, as one Google Benchmark program under the suite's supervisor.
//
// It measures and never judges a time. It does judge answers: a subject that loses events or hands
// out wrong ones while it is measured is guilty, exit code 1.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "arguments.h"
#include "bench.h"
#include "process.h"
#include "questions.h"
#include "report/finding.h"
#include "report/stats.h"
#include "reports.h"
#include "subject/worker.h"

namespace kqtorture::bench {
namespace {

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

void declare_everything() {
  register_claim_2006();
  register_delivery();
  register_herd();
  register_idle();
  register_memory();
  register_recording();
  register_registration();
  register_timers();
  register_user_trigger();
  register_wakeup();
}

// Google Benchmark's arguments, with a time for each measurement that the budget allows.
std::vector<std::string> flags_of(const Arguments& arguments) {
  std::vector<std::string> flags = arguments.rest;
  if (!arguments.min_time_given) {
    // Each takes about twice its minimum to find its length and to make its objects.
    const int measurements =
        std::max(1, count_selected(declared(), arguments.filter)) * arguments.repetitions;
    char flag[64];
    std::snprintf(flag, sizeof flag, "--benchmark_min_time=%.5f",
                  std::min(0.5, arguments.budget / measurements / 2));
    flags.push_back(flag);
  }
  return flags;
}

void add_context() {
  benchmark::AddCustomContext("subject", subject().spec());
  benchmark::AddCustomContext("profile", subject().profile());
  if (peer() != nullptr) benchmark::AddCustomContext("peer", peer()->spec());
  benchmark::AddCustomContext("descriptor_limit", std::to_string(descriptor_limit()));
}

bool write_results(const Arguments& arguments) {
  const Work work = work_done();
  Stats stats;
  stats.operations = work.operations;
  stats.deliveries = work.deliveries;
  stats.executions = work.cycles;
  if (!write_stats(stats)) return false;
  std::string error;
  if (arguments.histograms.empty() || write_histograms(arguments.histograms, &error)) return true;
  std::fprintf(stderr, "kq_bench: %s\n", error.c_str());
  return false;
}

std::unique_ptr<Subject> open(const std::string& spec) {
  std::string error;
  std::unique_ptr<Subject> subject = Subject::open(spec, &error);
  if (subject == nullptr) std::fprintf(stderr, "kq_bench: %s\n", error.c_str());
  return subject;
}

int measure(char* program, const Arguments& arguments) {
  raise_descriptor_limit();
  const auto opened = open(arguments.subject);
  const auto second = arguments.peer.empty() ? nullptr : open(arguments.peer);
  if (opened == nullptr || (second == nullptr && !arguments.peer.empty())) return kExitUsage;
  if (second != nullptr && second->has_own_descriptors() != opened->has_own_descriptors()) {
    std::fprintf(stderr, "kq_bench: --peer: its descriptors and the subject's are not the same\n");
    return kExitUsage;
  }
  set_subjects(opened.get(), second.get());
  declare_everything();

  std::vector<std::string> flags = flags_of(arguments);
  std::vector<char*> argv{program};
  for (std::string& flag : flags) argv.push_back(flag.data());
  int argc = static_cast<int>(argv.size());
  argv.push_back(nullptr);
  benchmark::Initialize(&argc, argv.data());
  if (benchmark::ReportUnrecognizedArguments(argc, argv.data())) return kExitUsage;
  add_context();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::ClearRegisteredBenchmarks();  // with what they kept of the subject

  if (!write_results(arguments)) return kExitUsage;
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
  options.preload = Subject::preload_for(arguments.subject);
  if (const auto code = supervise(argc, argv, options)) return *code;
  const int code = bench::measure(argv[0], arguments);
  std::fflush(nullptr);
  announce_exit(code);
  return code;
}
