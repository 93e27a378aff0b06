// How many schedules a second? Three threads of fifty steps each on one counter, by each strategy,
// on fibers or (first argument "threads") on threads: medians over seeds. No test: it measures.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "patient.h"
#include "sched/runtime.h"
#include "sched/strategies.h"

using namespace kqtorture::sched;

namespace {

constexpr int kThreads = 3;
constexpr int kStepsEach = 50;
constexpr int kSeeds = 21;
constexpr std::chrono::milliseconds kEach{100};

void fifty_steps() {
  const InSubject in;
  for (int i = 0; i < kStepsEach; i++) patient_update();
}

struct Speed {
  double per_second;
  uint64_t steps;
};

Speed measure(Strategy* strategy, uint64_t seed, const Options& options) {
  using Clock = std::chrono::steady_clock;
  Runtime& runtime = Runtime::get();
  const auto program = [&runtime] {
    for (int i = 0; i < kThreads; i++) runtime.spawn(fifty_steps);
    runtime.join();
  };
  const auto begin = Clock::now();
  uint64_t schedules = 0, steps = 0;
  while (Clock::now() - begin < kEach) {
    for (int i = 0; i < 64; i++, schedules++) {
      strategy->begin(seed * 1'000'000 + schedules);
      steps = runtime.run(program, strategy, options).steps;
    }
  }
  const std::chrono::duration<double> taken = Clock::now() - begin;
  return {static_cast<double>(schedules) / taken.count(), steps};
}

}  // namespace

int main(int argc, char** argv) {
  const bool threads = argc > 1 && std::strcmp(argv[1], "threads") == 0;
  std::string error;
  if (!Runtime::get().start(threads ? Engine::kThreads : Engine::kFibers, &error) ||
      !Runtime::get().adopt(reinterpret_cast<void*>(&patient_counter), &error)) {
    std::fprintf(stderr, "schedule_speed: %s\n", error.c_str());
    return 2;
  }
  for (const bool races : {false, true}) {
    for (const std::string& name : rotation()) {
      const auto strategy = strategy_named(name, &error);
      Options options;
      options.races = races;
      std::vector<double> speeds;
      uint64_t steps = 0;
      for (uint64_t seed = 1; seed <= kSeeds; seed++) {
        const Speed speed = measure(strategy.get(), seed, options);
        speeds.push_back(speed.per_second);
        steps = speed.steps;
      }
      std::nth_element(speeds.begin(), speeds.begin() + kSeeds / 2, speeds.end());
      std::printf("%s, %-6s %s: %8.0f schedules/s of %llu steps\n", threads ? "threads" : "fibers ",
                  name.c_str(), races ? "looking for races" : "no races         ",
                  speeds[kSeeds / 2], static_cast<unsigned long long>(steps));
    }
  }
  std::fflush(stdout);
  std::_Exit(0);
}
