// The claim of 2006: disabling on delivery and re-enabling (EV_DISPATCH) is cheaper than letting
// the knote go and adding it again (EV_ONESHOT). Measured as a ratio: both run in turns in one
// process on the same objects, so that whatever else the machine does hits both; A/A pairs of the
// same discipline give the noise that a ratio must exceed to mean anything.
#include <algorithm>
#include <chrono>
#include <memory>

#include "ring.h"

namespace kqtorture::bench {
namespace {

constexpr int kObjects = 64;
constexpr int kPairs = 21;  // odd, for a median; well above the 9 that a sign test needs for 1 %
constexpr int kCyclesPerTurn = 20;  // 1,280 events: some milliseconds, long against a clock read

using Clock = std::chrono::steady_clock;

// Seconds for one turn; negative when an answer was wrong.
double turn(Worker& worker, std::string* what) {
  const Clock::time_point start = Clock::now();
  for (int events = 0; events < kCyclesPerTurn * kObjects;) {
    const int n = worker.turn(what);
    if (n < 0) return -1;
    events += n;
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

// Turns of one discipline, over objects of its own: two kqueues that watch the same object would
// both pay for it. An empty answer comes with *what.
std::vector<double> turns(ObjectKind kind, Discipline discipline, int count, std::string* what) {
  const auto rig = make_rig(subject(), kind, kObjects, [=](Objects& objects) {
    return kqueue_side(objects, {&subject(), discipline, kObjects});
  });
  *what = rig->error;
  std::vector<double> seconds;
  if (!what->empty()) return seconds;
  const std::unique_ptr<Worker> worker = rig->side->worker();
  while (static_cast<int>(seconds.size()) < count) {
    seconds.push_back(turn(*worker, what));
    if (!what->empty()) return {};
  }
  return seconds;
}

void claim(benchmark::State& state, ObjectKind kind) {
  std::string what;
  std::vector<double> ratios, noise;
  for (auto _ : state) {
    ratios.clear();
    noise.clear();
    for (int pair = 0; pair < kPairs; ++pair) {
      const std::vector<double> dispatch = turns(kind, Discipline::kDispatch, 2, &what);
      if (dispatch.empty()) break;
      const std::vector<double> oneshot = turns(kind, Discipline::kOneshot, 2, &what);
      if (oneshot.empty()) break;
      ratios.push_back(oneshot[1] / dispatch[1]);
      noise.push_back(dispatch[0] / dispatch[1]);
    }
    if (!what.empty()) {
      wrong_answer(state, &subject(), what);
      return;
    }
  }
  add_work(8 * kPairs * kCyclesPerTurn, 4 * kPairs * kCyclesPerTurn * kObjects, kPairs);
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
    declare((std::string("claim_2006/dispatch_over_oneshot/") + name_of(kind)),
            [=](benchmark::State& state) { claim(state, kind); })
        ->Iterations(1)
        ->Unit(benchmark::kMillisecond);
  }
}

}  // namespace kqtorture::bench
