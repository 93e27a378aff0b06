// Probabilistic concurrency testing: Burckhardt, Kothari, Musuvathi, Nagarakatte, ASPLOS 2010.
//
// Every thread has a priority, drawn at random, and the highest that can go on does. At depth - 1
// choices, drawn among as many as a schedule is expected to have, the running thread falls below
// all others. A bug that needs `depth` orderings is met with a probability of at least
// 1 / (threads * choices^(depth - 1)).
#include <algorithm>
#include <array>

#include "scenario/random.h"
#include "sched/strategies.h"

namespace kqtorture::sched {
namespace {

constexpr uint32_t kThreads = 16;
// Before the first schedule has told how many choices there are.
constexpr uint64_t kFirstGuess = 64;

class Pct : public Strategy {
 public:
  explicit Pct(unsigned depth) : depth_(depth) {}
  std::string name() const override { return "pct:" + std::to_string(depth_); }

  void begin(uint64_t seed) override {
    random_ = Random(seed);
    // Drawn priorities are above depth_, those of fallen threads below.
    for (uint32_t i = 0; i < kThreads; i++) priority_[i] = i;
    for (uint32_t i = kThreads; i > 1; i--) {
      std::swap(priority_[i - 1], priority_[random_.below(i)]);
    }
    for (int64_t& priority : priority_) priority += depth_;
    changes_.clear();
    for (unsigned i = 1; i < depth_; i++) {
      changes_.push_back(random_.below(std::max<uint64_t>(expected_, 1)));
    }
    choices_ = 0;
    lowest_ = 0;
    run_ = 0;
  }

  size_t choose(const Choice& choice) override {
    // The thread that would run is the one to fall, so the change is made before it runs.
    for (size_t i = 0; i < changes_.size(); i++) {
      if (changes_[i] != choices_) continue;
      const uint32_t falls = choice.candidates[highest(choice)].thread;
      // Threads that yielded are below those that fell: when all did, it falls below them, too.
      const auto floor = static_cast<int64_t>(i);
      priority_[falls] = priority_[falls] > floor ? floor : --lowest_;
    }
    choices_++;
    size_t chosen = highest(choice);
    run_ = chosen == choice.current ? run_ + 1 : 0;
    if (run_ == kLongestRun) {
      yielded(choice.candidates[chosen].thread);
      chosen = highest(choice);
      run_ = 0;
    }
    return chosen;
  }

  size_t pick(size_t count) override { return random_.below(count); }

  // Who spins would spin for ever while it is the highest.
  void yielded(uint32_t thread) override { priority_[thread] = --lowest_; }

  // A running mean that follows upwards at once: choices beyond the expectation have no change.
  void end(uint64_t choices, uint32_t) override {
    expected_ = std::max(choices, (expected_ * 7 + choices) / 8);
  }

 private:
  size_t highest(const Choice& choice) const {
    size_t best = 0;
    for (size_t i = 1; i < choice.candidates.size(); i++) {
      if (priority_[choice.candidates[i].thread] > priority_[choice.candidates[best].thread]) {
        best = i;
      }
    }
    return best;
  }

  const unsigned depth_;
  Random random_{0};
  std::array<int64_t, kThreads> priority_{};
  std::vector<uint64_t> changes_;
  uint64_t choices_ = 0;
  uint64_t expected_ = kFirstGuess;
  int64_t lowest_ = 0;
  uint32_t run_ = 0;  // of one thread
};

}  // namespace

std::unique_ptr<Strategy> make_pct(unsigned depth) { return std::make_unique<Pct>(depth); }

}  // namespace kqtorture::sched
