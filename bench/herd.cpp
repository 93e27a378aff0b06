// One event, N threads waiting: how many wake up? What a thread was woken for that another took is
// a thundering herd. Counted are the times that waiters went to sleep, per event: one when each
// event wakes who gets it and nobody else. The time is that from one event to the next.
#include <time.h>

#include <atomic>
#include <thread>
#include <vector>

#include "hand_over.h"
#include "process.h"
#include "subject/worker.h"

namespace kqtorture::bench {
namespace {

constexpr int kEvents = 300;
constexpr long kSettleNanoseconds = 50'000;  // for all to be asleep again before the next event

struct Herd {
  std::atomic<int> taken{0};
  std::atomic<long> sleeps{0};
  std::atomic<bool> failed{false}, over{false};

  void wait(HandOver& way) {
    const long before = sleeps_of_this_thread();
    for (bool last = false; !last && !failed;) {
      if (!way.wait()) failed = true;
      last = over;  // looked at before the event counts, so each leaves with an event of its own
      ++taken;
    }
    sleeps += sleeps_of_this_thread() - before;
  }
};

void measure(benchmark::State& state, int waiters, const MakeHandOver& make) {
  double per_event = 0;
  for (auto _ : state) {
    const std::unique_ptr<HandOver> way = make_hand_over(state, make);
    if (!way) return;
    Herd herd;
    std::vector<std::thread> threads;
    for (int i = 0; i < waiters; ++i) threads.emplace_back([&] { herd.wait(*way); });
    for (int event = 1; event <= kEvents && !herd.failed; ++event) {
      const timespec nap{0, kSettleNanoseconds};
      nanosleep(&nap, nullptr);
      way->wake();
      while (herd.taken < event && !herd.failed) std::this_thread::yield();
    }
    herd.over = true;
    // Each leaves with one event more, caused when the one before was taken.
    for (int i = 1; i <= waiters && !herd.failed; ++i) {
      way->wake();
      while (herd.taken < kEvents + i && !herd.failed) std::this_thread::yield();
    }
    for (std::thread& thread : threads) thread.join();
    if (herd.failed) {
      wrong_answer(state, way->judged(), "a waiter woke up without the event");
      return;
    }
    per_event = static_cast<double>(herd.sleeps) / (kEvents + waiters);
  }
  state.counters["sleeps_per_event"] = per_event;
  add_work(2 * kEvents, kEvents, kEvents);
  note_progress();
}

}  // namespace

void register_herd() {
  for (const int waiters : {2, 4, 8, 16}) {
    for (const NamedHandOver& way : hand_overs()) {
      const std::string name =
          by("herd/" + way.object + "/waiters:" + std::to_string(waiters), way.contender);
      declare(name, [=](benchmark::State& state) { measure(state, waiters, way.make); })
          ->Iterations(1)
          ->UseRealTime();
    }
  }
}

}  // namespace kqtorture::bench
