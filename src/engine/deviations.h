// A schedule as its difference from the dullest one.
//
// In the dullest schedule the running thread goes on as long as it can, and then the first that can
// does. Any other is that one and some deviations: "where thread 2 could have gone on for the 17th
// time, thread 1 did". Where is counted by thread, so a deviation keeps its meaning when others are
// left out, or when another thread does less: that is what makes schedules shrink.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "sched/runtime.h"
#include "sched/strategy.h"

namespace kqtorture {

struct Deviation {
  enum class Kind : uint8_t { kLeft, kNext, kPick };
  Kind kind = Kind::kLeft;  // it could have gone on; it could not; another choice than of threads
  uint32_t thread = 0;      // that ran until then
  uint32_t nth = 0;         // of the choices of this kind at this thread
  uint32_t to = 0;          // thread that went on; of kPick the answer
  friend bool operator==(const Deviation&, const Deviation&) = default;
};

// Makes the choices of another strategy, or, without one, those of the dullest schedule and the
// deviations it was given, and notes every deviation that came to be.
class DeviatingStrategy : public sched::Strategy {
 public:
  explicit DeviatingStrategy(sched::Strategy* inner) : inner_(inner) {}
  explicit DeviatingStrategy(std::vector<Deviation> planned) : planned_(std::move(planned)) {}

  std::string name() const override { return inner_ ? inner_->name() : "deviations"; }
  void begin(uint64_t seed) override;
  size_t choose(const sched::Choice& choice) override;
  size_t pick(size_t count) override;
  void yielded(uint32_t thread) override;
  void end(uint64_t choices, uint32_t threads) override;

  const std::vector<Deviation>& happened() const { return happened_; }

 private:
  const Deviation* planned(Deviation::Kind kind, uint32_t thread, uint32_t nth) const;

  static constexpr uint32_t kThreads = 32;
  sched::Strategy* inner_ = nullptr;
  std::vector<Deviation> planned_;
  std::vector<Deviation> happened_;
  uint32_t counts_[3][kThreads] = {};
  uint32_t last_ = 0;
  bool yields_ = false;
};

// As few of them as still do it: what is left is such that no single one can be left out, unless
// `tries` calls of it were not enough.
using StillDoes = std::function<bool(const std::vector<Deviation>&)>;
std::vector<Deviation> fewest(std::vector<Deviation> deviations, const StillDoes& does, int tries);

}  // namespace kqtorture
