// The claim of 2006: disabling on delivery and re-enabling (EV_DISPATCH) is cheaper than letting
// the knote go and adding it again (EV_ONESHOT). Measured as a ratio: both run in turns in one
// process on the same objects, so that whatever else the machine does hits both; A/A pairs of the
// same discipline give the noise that a ratio must exceed to mean anything.
#include <algorithm>
#include <chrono>
#include <memory>

#include "bench.h"

namespace kqtorture::bench {
namespace {

constexpr int kObjects = 64;
constexpr int kPairs = 21;  // odd, for a median; well above the 9 that a sign test needs for 1 %
constexpr int kCyclesPerTurn = 20;  // 1,280 events: some milliseconds, long against a clock read

using Clock = std::chrono::steady_clock;

// Seconds for one turn; negative when an answer was wrong.
double turn(Cycle* cycle, std::string* what) {
  const Clock::time_point start = Clock::now();
  for (int i = 0; i < kCyclesPerTurn; ++i) {
    if (!cycle->run(what)) return -1;
  }
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(q * static_cast<double>(values.size() - 1))];
}

void claim(benchmark::State& state, ObjectKind kind) {
  Objects objects(kind, kObjects);
  if (!objects.ok()) {
    state.SkipWithError("the objects cannot be created");
    return;
  }
  std::string what;
  std::vector<double> ratios, noise;
  for (auto _ : state) {
    ratios.clear();
    noise.clear();
    for (int pair = 0; pair < kPairs; ++pair) {
      // Registered one at a time: two kqueues that watch the same object would both pay for it.
      double dispatch[2], oneshot;
      {
        KqueueCycle cycle(objects, Discipline::kDispatch);
        dispatch[0] = turn(&cycle, &what);
        dispatch[1] = turn(&cycle, &what);
      }
      {
        KqueueCycle cycle(objects, Discipline::kOneshot);
        turn(&cycle, &what);
        oneshot = turn(&cycle, &what);
      }
      if (dispatch[0] < 0 || dispatch[1] < 0 || oneshot < 0) {
        wrong_answer(state, what);
        return;
      }
      ratios.push_back(oneshot / dispatch[1]);
      noise.push_back(dispatch[0] / dispatch[1]);
    }
  }
  // Events per second of EV_DISPATCH over those of EV_ONESHOT.
  state.counters["ratio"] = median(ratios);
  state.counters["ratio_q10"] = quantile(ratios, 0.1);
  state.counters["ratio_q90"] = quantile(ratios, 0.9);
  state.counters["dispatch_ahead"] = static_cast<double>(
      std::count_if(ratios.begin(), ratios.end(), [](double r) { return r > 1; }));
  state.counters["pairs"] = kPairs;
  state.counters["aa_q10"] = quantile(noise, 0.1);
  state.counters["aa_q90"] = quantile(noise, 0.9);
}

}  // namespace

void register_claim_2006() {
  for (const ObjectKind kind : {ObjectKind::kPipe, ObjectKind::kSocketpair, ObjectKind::kEventfd}) {
    if (!available(kind)) continue;
    benchmark::RegisterBenchmark(
        (std::string("claim_2006/dispatch_over_oneshot/") + name_of(kind)).c_str(),
        [=](benchmark::State& state) { claim(state, kind); })
        ->Iterations(1)
        ->Unit(benchmark::kMillisecond);
  }
}

}  // namespace kqtorture::bench
