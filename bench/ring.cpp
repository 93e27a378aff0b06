#include "ring.h"

#include <mutex>

#include "subject/worker.h"

namespace kqtorture::bench {
namespace {

// Where the first thread leaves the rig for the others; each keeps it alive for itself.
class Meeting {
 public:
  void put(std::shared_ptr<Rig> rig) {
    const std::lock_guard<std::mutex> guard(lock_);
    rig_ = std::move(rig);
  }
  std::shared_ptr<Rig> get() {
    const std::lock_guard<std::mutex> guard(lock_);
    return rig_;
  }

 private:
  std::mutex lock_;
  std::shared_ptr<Rig> rig_;
};

void measure(benchmark::State& state, const RingOptions& options, const MakeRig& make,
             Meeting& meeting) {
  std::shared_ptr<Rig> rig;
  if (options.sharing == Sharing::kOwn) {
    rig = make();
  } else if (state.thread_index() == 0) {
    rig = make();
    meeting.put(rig);
  }
  std::unique_ptr<Worker> worker;
  std::string what;
  uint64_t events = 0, turns = 0;
  int64_t due = 0;
  for (auto _ : state) {
    if (worker == nullptr) {  // all threads have met here, so the rig is there
      if (rig == nullptr) rig = meeting.get();
      if (!rig->error.empty()) {
        state.SkipWithError(rig->error.c_str());
        break;
      }
      state.PauseTiming();
      worker = rig->side->worker();
      state.ResumeTiming();
    }
    for (due += options.list; due > 0 && what.empty(); ++turns) {
      const int n = worker->turn(&what);
      due -= n;
      events += static_cast<uint64_t>(n > 0 ? n : 0);
    }
    if (!what.empty()) {
      rig->side->halt();
      wrong_answer(state, rig->side->judged(), what);
      break;
    }
  }
  if (rig != nullptr && what.empty() && rig->error.empty()) state.SetLabel(rig->label);
  if (worker != nullptr && worker->phantoms() > 0) {
    state.counters["phantoms"] = static_cast<double>(worker->phantoms());
  }
  worker.reset();
  if (state.thread_index() == 0) meeting.put(nullptr);
  state.SetItemsProcessed(static_cast<int64_t>(events));
  state.counters["events_per_call"] =
      benchmark::Counter(turns == 0 ? 0 : static_cast<double>(events) / static_cast<double>(turns),
                         benchmark::Counter::kAvgThreads);
  add_work(2 * turns, events, static_cast<uint64_t>(state.iterations()));
  note_progress();
}

}  // namespace

std::shared_ptr<Rig> make_rig(const Subject& subject, ObjectKind kind, int count,
                              const std::function<std::unique_ptr<Side>(Objects&)>& make_side) {
  auto rig = std::make_shared<Rig>();
  rig->objects = std::make_unique<Objects>(subject, kind, count);
  rig->error = rig->objects->error();
  if (!rig->error.empty()) return rig;
  rig->side = make_side(*rig->objects);
  rig->side->open(&rig->error);
  return rig;
}

void register_ring(const RingOptions& options, const MakeRig& make) {
  const auto meeting = std::make_shared<Meeting>();
  declare(by(options.question, options.contender),
          [=](benchmark::State& state) { measure(state, options, make, *meeting); })
      ->Threads(options.threads)
      ->UseRealTime();
}

}  // namespace kqtorture::bench
