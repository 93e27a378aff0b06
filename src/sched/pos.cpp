// Partial order sampling: Yuan, Yang, Gu, CAV 2018.
//
// Every pending step has a priority, drawn at random; the highest goes on. When it does, the steps
// that conflict with it draw again. So the order of each pair of conflicting steps is nearly a coin
// of its own, however many independent steps lie between.
#include <array>

#include "scenario/random.h"
#include "sched/strategies.h"

namespace kqtorture::sched {
namespace {

constexpr uint32_t kMost = 16;

class Pos : public Strategy {
 public:
  std::string name() const override { return "pos"; }

  void begin(uint64_t seed) override {
    random_ = Random(seed);
    for (Drawn& drawn : drawn_) drawn = {};
    lowest_ = 0;
  }

  size_t choose(const Choice& choice) override {
    size_t best = 0;
    for (size_t i = 0; i < choice.candidates.size(); i++) {
      Drawn& drawn = drawn_[choice.candidates[i].thread];
      const Candidate& candidate = choice.candidates[i];
      // Where a thread is alone there is no choice, and it may have gone on without one.
      if (drawn.known && !same(drawn.next, candidate)) drawn.valid = false;
      if (!drawn.valid) drawn = {static_cast<int64_t>(random_.next() >> 1), true, false, {}};
      drawn.known = true;
      drawn.next = candidate;
      if (drawn.priority > drawn_[choice.candidates[best].thread].priority) best = i;
    }
    const Candidate& chosen = choice.candidates[best];
    for (const Candidate& other : choice.candidates) {
      if (other.thread == chosen.thread || conflict(other, chosen)) {
        drawn_[other.thread].valid = false;
      }
    }
    return best;
  }

  size_t pick(size_t count) override { return random_.below(count); }
  // Comes last, behind those that yielded before, until it is drawn anew, when it has run.
  void yielded(uint32_t thread) override { drawn_[thread] = {--lowest_, true, false, {}}; }

 private:
  struct Drawn {
    int64_t priority = 0;
    bool valid = false;
    bool known = false;  // of what it was drawn for: not yet when the thread has just yielded
    Candidate next{};
  };
  static bool same(const Candidate& a, const Candidate& b) {
    return a.step == b.step && a.object == b.object && a.site == b.site;
  }

  Random random_{0};
  std::array<Drawn, kMost> drawn_{};
  int64_t lowest_ = 0;
};

}  // namespace

std::unique_ptr<Strategy> make_pos() { return std::make_unique<Pos>(); }

}  // namespace kqtorture::sched
