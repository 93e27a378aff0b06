// Delta debugging (Zeller and Hildebrandt 2002) over deviations.
#include "engine/deviations.h"

#include <algorithm>
#include <cstring>

#include "sched/race_detector.h"

namespace kqtorture {
namespace {

// The number that the runtime gives to the clock.
constexpr uint32_t kClock = sched::RaceDetector::kThreads - 1;

}  // namespace

void DeviatingStrategy::begin(uint64_t seed) {
  std::memset(counts_, 0, sizeof counts_);
  happened_.clear();
  last_ = 0;
  yields_ = false;
  if (inner_) inner_->begin(seed);
}

const Deviation* DeviatingStrategy::planned(Deviation::Kind kind, uint32_t thread,
                                            uint32_t nth) const {
  for (const Deviation& one : planned_) {
    if (one.kind == kind && one.thread == thread && one.nth == nth) return &one;
  }
  return nullptr;
}

size_t DeviatingStrategy::choose(const sched::Choice& choice) {
  // A thread that spins cannot go on in earnest.
  const bool can_stay = choice.current != sched::kNobody && !yields_;
  const auto kind = can_stay ? Deviation::Kind::kLeft : Deviation::Kind::kNext;
  size_t dull = can_stay ? choice.current : 0;
  if (!can_stay && dull == choice.current) dull = 1;
  yields_ = false;
  const uint32_t nth = counts_[static_cast<size_t>(kind)][last_ % kThreads]++;
  size_t answer = dull;
  if (inner_) {
    answer = inner_->choose(choice);
  } else if (const Deviation* one = planned(kind, last_, nth)) {
    for (size_t i = 0; i < choice.candidates.size(); i++) {
      if (choice.candidates[i].thread == one->to) answer = i;
    }
  }
  if (answer >= choice.candidates.size()) answer = dull;
  const uint32_t to = choice.candidates[answer].thread;
  if (answer != dull) happened_.push_back({kind, last_, nth, to});
  // The clock is a candidate that is no thread: who ran before it still runs.
  if (to != kClock) last_ = to;
  return answer;
}

size_t DeviatingStrategy::pick(size_t count) {
  const auto kind = Deviation::Kind::kPick;
  const uint32_t nth = counts_[static_cast<size_t>(kind)][last_ % kThreads]++;
  size_t answer = 0;
  if (inner_) {
    answer = inner_->pick(count);
  } else if (const Deviation* one = planned(kind, last_, nth)) {
    answer = std::min<size_t>(one->to, count - 1);
  }
  if (answer != 0) happened_.push_back({kind, last_, nth, static_cast<uint32_t>(answer)});
  return answer;
}

void DeviatingStrategy::yielded(uint32_t thread) {
  yields_ = true;
  if (inner_) inner_->yielded(thread);
}

void DeviatingStrategy::end(uint64_t choices, uint32_t threads) {
  if (inner_) inner_->end(choices, threads);
}

std::vector<Deviation> fewest(std::vector<Deviation> deviations, const StillDoes& does, int tries) {
  for (size_t run = std::max<size_t>(1, deviations.size() / 2); run > 0;) {
    bool any = false;
    for (size_t end = deviations.size(); end > 0 && tries > 0;) {
      const size_t begin = end > run ? end - run : 0;
      std::vector<Deviation> less = deviations;
      less.erase(less.begin() + static_cast<std::ptrdiff_t>(begin),
                 less.begin() + static_cast<std::ptrdiff_t>(end));
      tries--;
      if (does(less)) {
        deviations = std::move(less);
        any = true;
      }
      end = std::min(begin, deviations.size());
    }
    // Once more with single ones for as long as that takes any away.
    if (run > 1 || !any || tries == 0) run /= 2;
  }
  return deviations;
}

}  // namespace kqtorture
