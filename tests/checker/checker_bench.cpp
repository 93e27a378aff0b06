// How long does the checker take for how long a history?
//
// Simulated histories of 10^5, 10^6 and 10^7 calls (or as many as the arguments say), with and
// without one thread that waits from the beginning to the end. CPU time, so that a busy machine
// does not change the answer; linear means that the last column stays.
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "contract/checker/checker.h"
#include "simulator.h"

namespace kqtorture::contract::testing {
namespace {

double cpu_seconds() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

bool measure(const char* name, const SimulatorOptions& options, const char* host) {
  const History history = Simulator(options, 1).run();
  const HistoryView view = history.view();
  const double start = cpu_seconds();
  const CheckReport report = check_history(view, *find_profile("strict-2006"), *find_host(host));
  const double seconds = cpu_seconds() - start;
  const uint64_t calls = operations(view);
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  std::printf(
      "%-28s %9llu calls %6.2f s %8.0f calls/s %5.0f%% searched %5.2f steps/call"
      " %3u states %5ld MiB  %s\n",
      name, static_cast<unsigned long long>(calls), seconds, static_cast<double>(calls) / seconds,
      100.0 * static_cast<double>(report.searched) / static_cast<double>(calls),
      static_cast<double>(report.steps) / static_cast<double>(calls), report.most_states,
      usage.ru_maxrss / 1024, report.verdict());
  std::fflush(stdout);
  if (report.violation) {
    std::printf("%s\n", to_text(report).c_str());
    for (const OpRef& ref : report.violation->witnesses) {
      const ThreadLog& log = view.threads[ref.thread];
      const HistoryOp& op = log.ops[ref.op];
      std::printf("  T%u [%llu, %llu] %s\n", ref.thread, static_cast<unsigned long long>(op.begin),
                  static_cast<unsigned long long>(op.end), to_text(log, op).c_str());
    }
  }
  return !report.violation;
}

int run(int argc, char** argv) {
  std::vector<uint64_t> lengths;
  for (int i = 1; i < argc; ++i) lengths.push_back(std::strtoull(argv[i], nullptr, 0));
  if (lengths.empty()) lengths = {100'000, 1'000'000, 10'000'000};
  bool good = true;
  for (const bool parked : {false, true}) {
    for (const uint64_t calls : lengths) {
      SimulatorOptions options;
      options.calls = calls;
      options.threads = parked ? 5 : 4;
      options.unfinished = false;
      options.parked_waiter = parked;
      options.probes = !parked;
      options.ties = 64;
      options.users = 4;
      options.pipes = 0;
      good = measure(parked ? "user, one waiter parked" : "user", options, "linux-at-once") && good;
      options.users = 0;
      options.pipes = 4;
      options.reuse = false;
      good =
          measure(parked ? "pipes, one waiter parked" : "pipes", options, "linux-at-once") && good;
      options.late = true;
      good = measure(parked ? "late pipes, one parked" : "late pipes", options, "linux") && good;
      options.late = false;
      options.reuse = true;
      good =
          measure(parked ? "reuse, one waiter parked" : "reuse", options, "linux-at-once") && good;
    }
  }
  return good ? 0 : 1;
}

}  // namespace
}  // namespace kqtorture::contract::testing

int main(int argc, char** argv) { return kqtorture::contract::testing::run(argc, argv); }
