// Depth first, without storing states: a schedule is a path of answers, and the next schedule takes
// the last answer that has an alternative, and then first answers again.
//
// Staying with the running thread comes first and costs nothing; leaving it although it could go on
// is a preemption, of which there are at most as many as the bound (Musuvathi and Qadeer, PLDI
// 2007). Bounds are exhausted one after the other, so what few preemptions show is found first; a
// schedule that has fewer than the bound was run before and is not counted again.
//
// A loop that spins has no end, and so no last answer. As in CHESS (Musuvathi and Qadeer, PLDI
// 2008), a thread that yields comes behind every thread that it has not let run since it yielded
// the last time, until that one runs; a schedule that starves a thread for ever is not one that the
// search has to offer.
#include <array>

#include "sched/strategies.h"

namespace kqtorture::sched {
namespace {

class DepthFirstSearch : public DepthFirst {
 public:
  explicit DepthFirstSearch(unsigned bound) : last_bound_(bound) {}
  std::string name() const override { return "dfs:" + std::to_string(last_bound_); }

  void begin(uint64_t) override {
    at_ = 0;
    preemptions_ = 0;
    yielder_ = kNoThread;
    run_ = 0;
    behind_ = {};
    ran_ = {};
  }

  size_t choose(const Choice& choice) override {
    uint32_t all = 0;
    for (const Candidate& candidate : choice.candidates) all |= bit(candidate.thread);
    if (run_ == kLongestRun && choice.current != kNobody) {
      yielder_ = choice.candidates[choice.current].thread % kThreads;
    }
    const bool yields = yielder_ != kNoThread;
    if (yields) {
      behind_[yielder_] |= all & ~ran_[yielder_] & ~bit(yielder_);
      ran_[yielder_] = 0;
      yielder_ = kNoThread;
    }
    // In the order of the threads, but the running one first.
    std::array<size_t, kThreads> order;
    size_t count = 0;
    const auto offer = [&](size_t i) {
      const uint32_t thread = choice.candidates[i].thread % kThreads;
      if ((behind_[thread] & all) == 0 && count < kThreads) order[count++] = i;
    };
    if (choice.current != kNobody) offer(choice.current);
    const bool can_stay = count == 1 && !yields;
    for (size_t i = 0; i < choice.candidates.size(); i++) {
      if (i != choice.current) offer(i);
    }
    if (can_stay && preemptions_ == bound_) count = 1;
    const size_t nth = count > 1 && !lost_ ? answer(count) : 0;
    if (can_stay && nth > 0) preemptions_++;
    const uint32_t chosen = bit(choice.candidates[order[nth]].thread);
    for (uint32_t i = 0; i < kThreads; i++) {
      behind_[i] &= ~chosen;
      if (bit(i) != chosen) ran_[i] |= chosen;
    }
    run_ = order[nth] == choice.current && !yields ? run_ + 1 : 0;
    return order[nth];
  }

  size_t pick(size_t count) override { return lost_ ? 0 : answer(count); }
  void yielded(uint32_t thread) override { yielder_ = thread % kThreads; }

  void end(uint64_t, uint32_t) override {
    if (lost_) return;
    if (at_ < path_.size()) {  // it ended before it came to where the last one went on
      lost_ = true;
      return;
    }
    if (preemptions_ == bound_) {
      schedules_++;
      full_ = true;
    }
    while (!path_.empty() && path_.back().nth + 1 == path_.back().count) path_.pop_back();
    if (!path_.empty()) {
      path_.back().nth++;
    } else if (full_ && bound_ < last_bound_) {
      bound_++;
      full_ = false;
    } else {
      done_ = true;  // also when no schedule has that many preemptions: then none has more
    }
  }

  bool exhausted() const override { return done_ || lost_; }
  uint64_t schedules() const override { return schedules_; }
  unsigned bound() const override { return bound_; }
  bool lost_its_way() const override { return lost_; }

 private:
  struct Node {
    size_t nth, count;
  };

  static constexpr uint32_t kThreads = 32;
  static constexpr uint32_t kNoThread = kThreads;

  static uint32_t bit(uint32_t thread) { return uint32_t{1} << (thread % kThreads); }

  size_t answer(size_t count) {
    if (at_ == path_.size()) path_.push_back({0, count});
    Node& node = path_[at_++];
    if (node.count != count) {
      lost_ = true;
      return 0;
    }
    return node.nth;
  }

  const unsigned last_bound_;
  unsigned bound_ = 0;
  unsigned preemptions_ = 0;
  std::vector<Node> path_;
  size_t at_ = 0;
  uint64_t schedules_ = 0;
  bool full_ = false;  // some schedule of this bound had all its preemptions
  uint32_t yielder_ = kNoThread;
  uint32_t run_ = 0;  // of one thread
  // By thread, one bit for each: who must run before it does; who ran since it yielded.
  std::array<uint32_t, kThreads> behind_{};
  std::array<uint32_t, kThreads> ran_{};
  bool done_ = false;
  bool lost_ = false;
};

}  // namespace

std::unique_ptr<DepthFirst> make_depth_first(unsigned bound) {
  return std::make_unique<DepthFirstSearch>(bound);
}

}  // namespace kqtorture::sched
