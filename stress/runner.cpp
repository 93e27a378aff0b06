// A case: rounds of one race until its time is up or its rounds are done, each with its own seed.
#include "runner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "engine/sequential.h"
#include "jitter.h"
#include "report/hash.h"
#include "round.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

Outcome total;

// Of all lanes together. A slice of time holds some ten thousand calls of a microsecond each, on
// few processors nearly all of one thread; a round whose log fills up is ended before it has to be
// cut, so that more only means longer rounds.
constexpr size_t kCallsOfARound = size_t{1} << 17;
constexpr size_t kMostCallsOfALane = size_t{1} << 15;
constexpr size_t kEventsPerCall = 4;

uint64_t mix(uint64_t a, uint64_t b) { return Random(a ^ (b * 0x9e3779b97f4a7c15)).next(); }

RecorderLimits limits_for(size_t lanes) {
  const size_t calls = std::min(kMostCallsOfALane, kCallsOfARound / lanes);
  return {calls, calls * kEventsPerCall};
}

// One case while it runs: its lanes, and the sums over its rounds.
class Case {
 public:
  Case(std::string name, const RaceFactory& make)
      : name_(std::move(name)),
        make_(make),
        seed_(mix(environment().settings.seed, fnv1a(name_))),
        threads_(make()->threads()),
        work_names_(make()->work()),
        work_(work_names_.size()),
        recorder_(*environment().subject, threads_ + 1,
                  limits_for(static_cast<size_t>(threads_) + 1)) {
    for (int i = 0; i <= threads_; ++i) {
      lanes_.push_back(
          std::make_unique<Lane>(i, *environment().subject, &recorder_.thread(i), &signals_));
    }
    const uint64_t given = environment().settings.jitter;
    spread_ = given ? given : kUnmeasuredSpread;
  }

  bool guilty() const { return signals_.guilty; }
  uint64_t rounds() const { return rounds_; }
  const std::string& name() const { return name_; }

  void play_round() {
    ++rounds_;
    signals_.stop = signals_.released = false;
    recorder_.reset();
    for (size_t i = 0; i < lanes_.size(); ++i) {
      lanes_[i]->begin_round(rounds_, mix(seed_, rounds_ * 256 + i), spread_);
    }
    const auto race = make_();
    Round round(name_, race.get(), &lanes_, &recorder_, &signals_, spread_);
    round.run();
    add_up(round.checked());
    if (guilty()) round.report();
    // Once, so that a seed and a spread make the same pauses again.
    if (rounds_ == 1 && environment().settings.jitter == 0) {
      spread_ = calibrate(racing_calls(recorder_.view()));
    }
    note_progress();
  }

  void finish() const {
    total.operations += operations_;
    total.deliveries += deliveries_;
    total.rounds += rounds_;
    total.undecided += undecided();
    ++total.cases;
    std::printf("%s\n", describe_work().c_str());
    std::fflush(stdout);
  }

  // Has everything happened that the case is about?
  bool exercised() const { return std::find(work_.begin(), work_.end(), 0u) == work_.end(); }

  void expect_work() const {
    for (size_t i = 0; i < work_.size(); ++i) {
      EXPECT_GT(work_[i], 0u) << name_ << " exercised nothing: no " << work_names_[i];
    }
  }

 private:
  void add_up(const contract::CheckReport& report) {
    for (const contract::ThreadLog& log : recorder_.view().threads) {
      for (const contract::HistoryOp& op : log.ops) {
        operations_ += 1u + op.changes;
        for (const contract::Event& event : log.seen(op)) {
          deliveries_ += (event.flags & flag::kError) == 0;
        }
      }
    }
    points_ += report.points;
    probes_ += report.probes;
    for (size_t i = 0; i < undecided_.size(); ++i) undecided_[i] += report.undecided[i];
    for (size_t i = 0; i < work_.size(); ++i) {
      for (const auto& lane : lanes_) work_[i] += lane->counted(i);
    }
  }

  uint64_t undecided() const {
    uint64_t sum = 0;
    for (const uint64_t count : undecided_) sum += count;
    return sum;
  }

  std::string describe_work() const {
    std::string text = "[ work     ] " + name_ + ": " + std::to_string(rounds_) + " rounds, " +
                       std::to_string(operations_) + " operations, " + std::to_string(points_) +
                       " points judged, " + std::to_string(probes_) + " probes";
    for (size_t i = 0; i < undecided_.size(); ++i) {
      if (undecided_[i] == 0) continue;
      text += ", undecided (" +
              std::string(contract::undecided_word(static_cast<contract::Undecided>(i))) + ") " +
              std::to_string(undecided_[i]);
    }
    for (size_t i = 0; i < work_.size(); ++i) {
      text += ", " + std::to_string(work_[i]) + " " + work_names_[i];
    }
    return text + ", pauses up to " + std::to_string(spread_) + " ns";
  }

  const std::string name_;
  const RaceFactory& make_;
  const uint64_t seed_;
  const int threads_;
  const std::vector<const char*> work_names_;
  std::vector<uint64_t> work_;
  Recorder recorder_;
  Signals signals_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  uint64_t spread_ = 0;
  uint64_t rounds_ = 0, operations_ = 0, deliveries_ = 0, points_ = 0, probes_ = 0;
  std::array<uint64_t, contract::kUndecidedReasons> undecided_{};
};

}  // namespace

Environment& environment() {
  static Environment instance;
  return instance;
}

std::string open_subject(Environment* env) {
  std::string error;
  env->subject = Subject::open(env->settings.subject, &error);
  if (!env->subject) return error;
  env->profile = contract::find_profile(env->subject->profile());
  env->host = &host_of(*env->subject);
  return env->profile ? "" : "no profile is called " + env->subject->profile();
}

const Outcome& outcome() { return total; }

void count_finding() { ++total.findings; }

std::string current_case() {
  const testing::TestInfo* info = testing::UnitTest::GetInstance()->current_test_info();
  return std::string(info->test_suite_name()) + "." + info->name();
}

constexpr uint64_t kMostRoundsToMeet = 300;

void run_race(const std::string& name, const RaceFactory& make) {
  const Settings& settings = environment().settings;
  const std::string activity = name + " seed " + std::to_string(settings.seed);
  note_activity(activity.c_str());
  const auto until =
      std::chrono::steady_clock::now() + std::chrono::duration_cast<std::chrono::nanoseconds>(
                                             std::chrono::duration<double>(settings.seconds));
  Case played(name, make);
  const auto goes_on = [&] {
    if (settings.iterations) return played.rounds() < settings.iterations;
    if (played.rounds() == 0 || std::chrono::steady_clock::now() < until) return true;
    // On a busy machine the time may be over before the threads have met.
    return !played.exercised() && played.rounds() < kMostRoundsToMeet;
  };
  try {
    while (!played.guilty() && goes_on()) played.play_round();
  } catch (const Unsupported& reason) {
    GTEST_SKIP() << reason.what();
  } catch (const EnvironmentError& error) {
    std::fprintf(stderr, "kq_stress: %s: %s\n", name.c_str(), error.what());
    total.environment_trouble = true;
    FAIL() << error.what();
  }
  played.finish();
  if (played.guilty()) FAIL() << "the subject broke its contract: the finding is on stderr";
  // Who asks for so many rounds and no more has them, whether they met or not.
  if (!settings.iterations) played.expect_work();
}

}  // namespace kqtorture
