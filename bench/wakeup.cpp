// How long does a sleeping thread take to have the event in its hands? From just before the trigger
// (or the write) to the return of the call that waited, in a histogram of high dynamic range:
// median, 99 and 99.9 %, maximum. The waiter is given time to fall asleep, and how often it had is
// told; what else the machine does is in the tail.
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "hand_over.h"
#include "histogram.h"
#include "process.h"
#include "reports.h"
#include "subject/worker.h"

namespace kqtorture::bench {
namespace {

constexpr int kWakeUps = 500;  // a repetition; nine have 4,500, so 4 beyond 99.9 %
constexpr long kFallAsleepNanoseconds = 30'000;  // ten times what going to sleep takes

uint64_t now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

struct Waiter {
  std::atomic<uint64_t> ready{0}, woken{0};  // rounds begun and ended
  std::atomic<uint64_t> at{0};               // when the last one ended
  std::atomic<bool> failed{false};
  long sleeps = 0;

  void run(HandOver& way) {
    const long before = sleeps_of_this_thread();
    for (int round = 1; round <= kWakeUps && !failed; ++round) {
      ready.store(static_cast<uint64_t>(round), std::memory_order_release);
      if (!way.wait()) failed = true;
      at.store(now(), std::memory_order_relaxed);
      woken.store(static_cast<uint64_t>(round), std::memory_order_release);
    }
    sleeps = sleeps_of_this_thread() - before;
  }
};

void measure(benchmark::State& state, const std::string& name, const MakeHandOver& make) {
  Histogram histogram;
  long sleeps = 0;
  for (auto _ : state) {
    const std::unique_ptr<HandOver> way = make_hand_over(state, make);
    if (!way) return;
    Waiter waiter;
    std::thread thread([&] { waiter.run(*way); });
    uint64_t total = 0;
    for (uint64_t round = 1; round <= kWakeUps && !waiter.failed; ++round) {
      while (waiter.ready.load(std::memory_order_acquire) < round && !waiter.failed) {
        std::this_thread::yield();
      }
      const timespec nap{0, kFallAsleepNanoseconds};
      nanosleep(&nap, nullptr);
      const uint64_t begin = now();
      way->wake();
      while (waiter.woken.load(std::memory_order_acquire) < round && !waiter.failed) {
        std::this_thread::yield();
      }
      const uint64_t took = waiter.at.load(std::memory_order_relaxed) - begin;
      histogram.record(took);
      total += took;
    }
    thread.join();
    sleeps += waiter.sleeps;
    if (waiter.failed) {
      wrong_answer(state, way->judged(), "a sleeper woke up without the event");
      return;
    }
    state.SetIterationTime(static_cast<double>(total) / kWakeUps / 1e9);
  }
  state.counters["p50_ns"] = static_cast<double>(histogram.at(0.5));
  state.counters["p99_ns"] = static_cast<double>(histogram.at(0.99));
  state.counters["p999_ns"] = static_cast<double>(histogram.at(0.999));
  state.counters["max_ns"] = static_cast<double>(histogram.max());
  state.counters["sleeps_per_event"] =
      static_cast<double>(sleeps) / static_cast<double>(histogram.count());
  keep_histogram(name, histogram);
  add_work(2 * histogram.count(), histogram.count(), histogram.count());
  note_progress();
}

}  // namespace

void register_wakeup() {
  for (const NamedHandOver& way : hand_overs()) {
    const std::string name = by("wakeup/" + way.object, way.contender);
    declare(name, [=](benchmark::State& state) { measure(state, name, way.make); })
        ->Iterations(1)
        ->UseManualTime();
  }
}

}  // namespace kqtorture::bench
