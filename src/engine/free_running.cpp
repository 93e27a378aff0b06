// One Run owns the threads of one program for all its iterations; the main thread makes the
// objects, runs setup and finally, watches over sleepers, and judges.
#include "engine/free_running.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <mutex>
#include <thread>

#include "engine/sleepers.h"
#include "engine/threaded_run.h"
#include "engine/watch.h"
#include "scenario/print.h"
#include "scenario/random.h"
#include "scenario/shrink.h"
#include "subject/faults.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

using Status = SequentialResult::Status;

// When threads are looked at. It decides when to look and nothing else.
constexpr std::chrono::milliseconds kBetweenParkedLooks{5};
// Equal looks after which a thread that may not sleep counts as stuck: no operation sleeps for
// longer than two seconds by itself.
constexpr int kLooksOfAHang = 1000;
// Signals to one and the same wait, after which it cannot be ended.
constexpr int kSignalsToOneWait = 400;
constexpr char kEndless[] =
    "a wait cannot be ended by a signal (or, where the subject exports it, kqtorture_interrupt)";
// Longest delay before an operation. Calls take about a microsecond, so delays of a few of them let
// any two meet.
constexpr size_t kMostDelayNs = 6000;

void delay(Random* random) {
  if (random->chance(1, 2)) return;
  const auto end =
      std::chrono::steady_clock::now() + std::chrono::nanoseconds(random->below(kMostDelayNs));
  while (std::chrono::steady_clock::now() < end) {
  }
}

// The main thread's calls never wait without limit: nobody would end the wait.
class MainLogger : public ThreadLogger {
 public:
  using ThreadLogger::ThreadLogger;
  void before(contract::Op* op) override {
    if (op->timeout == contract::Timeout::kForever) op->timeout = contract::Timeout::kZero;
    ThreadLogger::before(op);
  }
};

}  // namespace

class FreeRunningEngine::Run {
 public:
  Run(const FreeRunningEngine& engine, const Program& program, const FreeRunningOptions& options)
      : engine_(engine), options_(options), run_(engine.subject_, program) {
    run_.add(std::make_unique<MainLogger>(clock_));
    for (size_t i = 0; i < run_.threads().size(); i++) {
      run_.add(std::make_unique<ThreadLogger>(clock_));
    }
    ids_.resize(count());
  }

  FreeRunningResult go() {
    for (size_t i = 0; i < count(); i++) workers_.emplace_back([this, i] { work(i); });
    for (int i = 1; goes_on(i); i++) once(i);
    if (result_.stuck) {
      for (std::thread& worker : workers_) worker.detach();
    } else {
      start(-1);
      for (std::thread& worker : workers_) worker.join();
    }
    return std::move(result_);
  }

 private:
  size_t count() const { return run_.threads().size(); }

  bool goes_on(int iteration) const {
    if (result_.status != Status::kClean || iteration > options_.iterations) return false;
    return iteration == 1 || !options_.deadline ||
           std::chrono::steady_clock::now() < *options_.deadline;
  }

  // --- the threads

  void work(size_t index) {
    {
      const std::lock_guard lock(mutex_);
      ids_[index] = {current_thread(), pthread_self()};
    }
    for (int last = 0;;) {
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return iteration_ != last; });
        last = iteration_;
      }
      if (last < 0) return;
      // Together, as far as two processors allow it.
      arrived_.fetch_add(1, std::memory_order_relaxed);
      while (arrived_.load(std::memory_order_relaxed) < count()) std::this_thread::yield();
      Random random(options_.seed * 0x9e3779b97f4a7c15 + static_cast<uint64_t>(last) * 64 + index);
      for (const Op& op : run_.threads()[index]->ops) {
        delay(&random);
        run_.operate(index + 1, op);
      }
      const std::lock_guard lock(mutex_);
      finished_[index] = true;
      changed_.notify_all();
    }
  }

  void start(int iteration) {
    const std::lock_guard lock(mutex_);
    arrived_.store(0, std::memory_order_relaxed);
    finished_.assign(count(), false);
    iteration_ = iteration;
    changed_.notify_all();
  }

  // --- the main thread

  void once(int iteration) {
    std::string why_not;
    if (!run_.begin(&why_not)) {
      run_.world().end();
      result_.status = Status::kSkipped;
      result_.message = why_not;
      return;
    }
    run_.section(Role::kSetup);
    {
      const FaultsStrike faults(engine_.subject_, static_cast<uint64_t>(iteration));
      start(iteration);
      if (!see_through()) return;
    }
    run_.section(Role::kFinally);
    result_.iterations++;
    judge();
    run_.world().end();
    note_progress();
  }

  // Waits until all threads have finished, ending waits that nothing will end. False when a thread
  // is stuck.
  bool see_through() {
    std::vector<ThreadPulse> last(count());
    std::vector<uint64_t> progress(count());
    int equal_looks = 0, signals = 0;
    while (true) {
      {
        std::unique_lock lock(mutex_);
        const bool all = changed_.wait_for(lock, kBetweenParkedLooks, [&] {
          return std::find(finished_.begin(), finished_.end(), false) == finished_.end();
        });
        if (all) return true;
      }
      bool same = true, waiting = true, moved = false;
      for (size_t i = 0; i < count(); i++) {
        if (finished(i)) continue;
        const ThreadPulse pulse = pulse_of(ids_[i].id);
        const uint64_t steps = run_.log(i + 1).progress();
        same = same && pulse.sleeping && pulse == last[i] && steps == progress[i];
        waiting = waiting && run_.log(i + 1).waits_on() >= 0;
        moved = moved || steps != progress[i];
        last[i] = pulse;
        progress[i] = steps;
      }
      if (moved) signals = 0;
      equal_looks = same ? equal_looks + 1 : 0;
      if (same && waiting) {
        if (++signals > kSignalsToOneWait) return stuck(kEndless);
        probe_and_interrupt(signals == 1);
      } else if (equal_looks > kLooksOfAHang) {
        return stuck("a call that may not wait sleeps");
      }
    }
  }

  bool finished(size_t index) {
    const std::lock_guard lock(mutex_);
    return finished_[index];
  }

  bool stuck(const char* why) {
    result_.status = Status::kFinding;
    result_.verdict = "hang";
    result_.message = why;
    result_.stuck = true;
    for (size_t i = 0; i < count(); i++) {
      if (!finished(i)) result_.message += ", in thread " + run_.name_of(i + 1);
    }
    return false;
  }

  // All threads that have not finished sleep in a wait. What a call that does not wait returns now
  // tells the checker whether they should.
  void probe_and_interrupt(bool probes) {
    std::vector<int> kqueues;
    for (size_t i = 0; i < count(); i++) {
      const int kq = run_.log(i + 1).waits_on();
      if (kq >= 0 && !finished(i)) kqueues.push_back(kq);
    }
    std::sort(kqueues.begin(), kqueues.end());
    kqueues.erase(std::unique(kqueues.begin(), kqueues.end()), kqueues.end());
    for (const int kq : kqueues) {
      if (probes) run_.probe(kq);
    }
    for (size_t i = 0; i < count(); i++) {
      if (finished(i)) continue;
      if (probes) result_.interrupted++;
      engine_.subject_.interrupt(ids_[i].handle, interrupting_signal());
    }
  }

  void judge() {
    const contract::HistoryView& view = run_.view(clock_.ns_per_tick());
    result_.deliveries += run_.deliveries();
    result_.operations += contract::operations(view);
    const contract::CheckReport report =
        contract::check_history(view, engine_.profile_, engine_.host_);
    if (!report.decided()) result_.undecided++;
    if (!report.violation) return;
    result_.status = Status::kFinding;
    result_.verdict = report.violation->verdict;
    result_.rule = report.violation->rule;
    result_.message = report.violation->message;
    result_.lanes = run_.lanes(report.violation->guilty, view.ns_per_tick);
  }

  struct Id {
    pid_t id;
    pthread_t handle;
  };

  const FreeRunningEngine& engine_;
  const FreeRunningOptions options_;
  const RecorderClock clock_;
  ThreadedRun run_;
  std::vector<std::thread> workers_;
  std::mutex mutex_;  // of the next three and ids_
  std::condition_variable changed_;
  int iteration_ = 0;
  std::vector<bool> finished_;
  std::vector<Id> ids_;
  std::atomic<size_t> arrived_{0};
  FreeRunningResult result_;
};

std::unique_ptr<FreeRunningEngine> FreeRunningEngine::create(const Subject& subject,
                                                             std::string* error) {
  const contract::Profile* profile = contract::find_profile(subject.profile());
  if (profile == nullptr) {
    *error = "no profile is called " + subject.profile();
    return nullptr;
  }
  return std::make_unique<FreeRunningEngine>(subject, *profile, host_of(subject));
}

FreeRunningEngine::FreeRunningEngine(const Subject& subject, const contract::Profile& profile,
                                     const contract::Host& host)
    : subject_(subject), profile_(profile), host_(host) {
  std::signal(SIGPIPE, SIG_IGN);
  install_interrupting_handler();
}

FreeRunningEngine::~FreeRunningEngine() = default;

FreeRunningResult FreeRunningEngine::run(const Program& program,
                                         const FreeRunningOptions& options) {
  if (!program.profile.empty() && program.profile != profile_.name) {
    FreeRunningResult result;
    result.status = Status::kSkipped;
    result.message = "it is about profile " + program.profile;
    return result;
  }
  // On the heap, and left there when a thread is stuck: the thread still uses it.
  auto run = std::make_unique<Run>(*this, program, options);
  FreeRunningResult result = run->go();
  if (result.stuck) (void)run.release();
  return result;
}

Finding FreeRunningEngine::investigate(const Program& program, const FreeRunningOptions& options,
                                       const ShrinkLimits& limits, FreeRunningResult* first) {
  using Clock = std::chrono::steady_clock;
  Finding finding;
  FreeRunningResult found = run(program, options);
  if (first != nullptr) *first = found;
  if (found.status != Status::kFinding) return finding;
  Program small = program;
  FreeRunningResult shown = found;
  bool stuck = found.stuck;
  if (!stuck && limits.programs > 0) {
    // What was met in n runs is met again in 4n with 98 % probability.
    FreeRunningOptions again = options;
    again.iterations = std::max(50, 4 * found.iterations);
    again.deadline = Clock::now() + limits.time;
    const auto same = [&](const Program& candidate) {
      if (stuck || Clock::now() > *again.deadline) return false;
      again.seed++;
      FreeRunningResult result = run(candidate, again);
      stuck = result.stuck;
      const bool meets = result.status == Status::kFinding && result.verdict == found.verdict &&
                         result.rule == found.rule;
      if (meets) shown = std::move(result);
      return meets;
    };
    small = shrink(program, same, limits.programs);
    if (first != nullptr) first->stuck = stuck;
  }
  finding.verdict = shown.verdict;
  finding.rule = shown.rule;
  finding.engine = "free-running";
  finding.scenario = program.title.empty() ? "program" : program.title;
  finding.subject = subject_.spec();
  finding.profile = profile_.name;
  finding.seed = options.seed;
  finding.message = shown.message;
  finding.reproducer = print(small);
  finding.lanes = shown.lanes;
  return finding;
}

}  // namespace kqtorture
