// Without memory. A quarter of all schedules chooses evenly at each step; the others prefer the
// running thread, by a chance that is drawn for the schedule: few programs are broken by threads
// that alternate at each step, and a walk that never stays never lets one of them get ahead.
#include "scenario/random.h"
#include "sched/strategies.h"

namespace kqtorture::sched {
namespace {

class RandomWalk : public Strategy {
 public:
  std::string name() const override { return "random"; }

  void begin(uint64_t seed) override {
    random_ = Random(seed);
    constexpr size_t kStay[] = {0, 50, 80, 95};  // percent
    stay_ = kStay[random_.below(4)];
  }

  size_t choose(const Choice& choice) override {
    if (choice.current != kNobody && !yielded_ && random_.chance(stay_, 100)) return choice.current;
    yielded_ = false;
    return random_.below(choice.candidates.size());
  }

  size_t pick(size_t count) override { return random_.below(count); }
  void yielded(uint32_t) override { yielded_ = true; }

 private:
  Random random_{0};
  size_t stay_ = 0;
  bool yielded_ = false;
};

}  // namespace

std::unique_ptr<Strategy> make_random_walk() { return std::make_unique<RandomWalk>(); }

}  // namespace kqtorture::sched
