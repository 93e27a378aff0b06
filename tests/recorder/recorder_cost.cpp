// What does recording cost?
//
// The same loop of the same calls, recorded and not, in many short slices taken in turn, so that a
// busy machine treats both alike: the median of the ratios of neighbouring slices. CPU time of the
// loop's thread. Arguments: slices (default 101), thousands of steps per slice (default 20).
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "random_race.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

double cpu_ns() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

// A worker's loop as the stress suite has it: trigger, take the event, enable again.
template <typename Caller>
double dispatch_loop(Caller& self, int kq, uint64_t steps) {
  Kevent change{}, event;
  change.ident = 1;
  change.filter = filter::kUser;
  change.flags = flag::kEnable;
  change.fflags = note::kTrigger;
  const timespec zero = {0, 0};
  const double start = cpu_ns();
  for (uint64_t i = 0; i < steps; ++i) {
    change.udata = reinterpret_cast<void*>(i + 1);
    self.kevent(kq, &change, 1, nullptr, 0, nullptr);
    self.kevent(kq, nullptr, 0, &event, 1, &zero);
  }
  return (cpu_ns() - start) / static_cast<double>(2 * steps);
}

// Bytes through a pipe that a level knote watches.
template <typename Caller>
double pipe_loop(Caller& self, int kq, const int fds[2], uint64_t steps) {
  Kevent event;
  const timespec zero = {0, 0};
  char byte = 0;
  const double start = cpu_ns();
  for (uint64_t i = 0; i < steps; ++i) {
    self.write(fds[1], &byte, 1);
    self.kevent(kq, nullptr, 0, &event, 1, &zero);
    self.read(fds[0], &byte, 1);
  }
  return (cpu_ns() - start) / static_cast<double>(3 * steps);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

int run(int argc, char** argv) {
  const uint64_t slices = argc > 1 ? std::strtoull(argv[1], nullptr, 0) : 101;
  const uint64_t steps = 1000 * (argc > 2 ? std::strtoull(argv[2], nullptr, 0) : 20);
  if (slices == 0 || steps == 0) {
    std::fprintf(stderr, "usage: recorder_cost [slices [thousands of steps]]\n");
    return kExitUsage;
  }
  std::string error;
  const std::unique_ptr<Subject> subject = Subject::open(Subject::default_spec(), &error);
  if (subject == nullptr) {
    std::fprintf(stderr, "recorder_cost: %s\n", error.c_str());
    return kExitUsage;
  }
  Recorder recorder(*subject, 1, {3 * steps + 16, 3 * steps + 16});
  RecordedThread& recorded = recorder.thread(0);
  PlainThread plain(*subject);
  const int kq = subject->kqueue(), pipe_kq = subject->kqueue();
  int fds[2] = {-1, -1};
  Kevent change{};
  change.ident = 1;
  change.filter = filter::kUser;
  change.flags = flag::kAdd | flag::kDispatch;
  bool made = kq >= 0 && pipe_kq >= 0 && subject->calls().pipe2(fds, 0) == 0 &&
              subject->kevent(kq, &change, 1, nullptr, 0, nullptr) == 0;
  change.ident = static_cast<uintptr_t>(fds[0]);
  change.filter = filter::kRead;
  change.flags = flag::kAdd;
  made = made && subject->kevent(pipe_kq, &change, 1, nullptr, 0, nullptr) == 0;
  if (!made) {
    std::fprintf(stderr, "recorder_cost: the subject has no kqueue to measure with\n");
    return kExitUsage;
  }
  std::printf("clock %s\n", recorder.clock().name());
  const auto measure = [&](const char* name, auto loop) {
    std::vector<double> without, with, ratio;
    for (uint64_t i = 0; i < slices; ++i) {
      recorder.reset();
      without.push_back(loop(plain));
      with.push_back(loop(recorded));
      ratio.push_back(without.back() / with.back());
      if (recorder.truncated()) return false;
    }
    std::printf("%-8s %6.0f ns a call unrecorded, %6.0f recorded: %.1f%% of the throughput kept\n",
                name, median(without), median(with), 100 * median(ratio));
    return true;
  };
  const bool whole =
      measure("dispatch", [&](auto& self) { return dispatch_loop(self, kq, steps); }) &&
      measure("pipe", [&](auto& self) { return pipe_loop(self, pipe_kq, fds, steps); });
  return whole ? kExitClean : kExitFinding;
}

}  // namespace
}  // namespace kqtorture

int main(int argc, char** argv) { return kqtorture::run(argc, argv); }
