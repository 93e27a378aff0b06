// Kqueues that watch kqueues, with closes in the middle of the chain. (2.14, I17, I20)
//
// A chain as deep as the subject allows, up to eight: the race's own kqueue watches the first, that
// one the second, and so on; the last has a USER knote that drivers trigger. Workers that are told
// of it walk down the chain to the event. Now and then a driver closes a kqueue in the middle and
// puts a new one in its place, while events come up and walkers go down.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>

#include "kqueue_race.h"

namespace kqtorture {
namespace {

constexpr size_t kDeepest = 8;
constexpr uintptr_t kIdent = 6'000'000;

class NestedRace : public KqueueRace {
 public:
  NestedRace() : KqueueRace(half()) {}
  ~NestedRace() override {
    for (std::atomic<int>& level : levels_) {
      if (level >= 0) subject().close(level);
    }
  }

  // From the inside out, as far as each may be watched by one more.
  void setup(Lane& self) override {
    KqueueRace::setup(self);
    depth_ = depth_of(self);
    for (size_t i = 0; i < depth_; ++i) levels_[i] = self.kqueue();
    for (size_t i = depth_; i-- > 0;) connect(self, i);
  }

  std::vector<const char*> work() const override {
    return {"triggers", "kqueues closed", "events that reached the walker", "deliveries"};
  }

 protected:
  void drive(Lane& self) override {
    if (self.random().chance(1, 8)) return replace(self, self.random().below(depth_));
    const int last = levels_[depth_ - 1].load(std::memory_order_relaxed);
    if (last < 0) return;
    const Kevent trigger =
        make_change(kIdent, filter::kUser, 0, self.fresh_udata(), note::kTrigger);
    if (self.change(last, trigger) == 0) self.count(0);
  }

  void handle(Lane& self, const Kevent& event, std::vector<Kevent>*) override {
    self.count(3);
    static constexpr timespec kZero{0, 0};
    Kevent below = event;
    for (size_t step = 0; step < depth_ && below.filter == filter::kRead; ++step) {
      const int kq = static_cast<int>(below.ident);
      if (self.kevent(kq, nullptr, 0, &below, 1, &kZero) != 1) return;
    }
    if (below.filter == filter::kUser) self.count(2);
  }

 private:
  int outer_of(size_t level) const {
    return level == 0 ? kq() : levels_[level - 1].load(std::memory_order_relaxed);
  }

  // The longest chain under the race's own kqueue that the subject accepts. Tried on kqueues of its
  // own, which are closed again.
  size_t depth_of(Lane& self) {
    int chain[kDeepest + 1];
    size_t depth = 0;
    chain[0] = self.kqueue();
    while (depth < kDeepest) {
      const int inner = self.kqueue();
      // Added to the innermost: whoever watches from above sees one level more.
      const Kevent add = make_change(static_cast<uintptr_t>(inner), filter::kRead, flag::kAdd);
      chain[depth + 1] = inner;
      if (self.change(chain[depth], add) != 0) {
        self.close(inner);
        break;
      }
      ++depth;
    }
    for (size_t i = 0; i <= depth; ++i) self.close(chain[i]);
    if (depth == 0) throw EnvironmentError("the subject does not nest kqueues");
    return depth;
  }

  // The level's knote on the next one, or the USER knote of the last; and its outer's knote on it.
  void connect(Lane& self, size_t level) {
    const int mine = levels_[level].load(std::memory_order_relaxed);
    if (mine < 0) return;
    if (level + 1 == depth_) {
      self.change(
          mine, make_change(kIdent, filter::kUser, flag::kAdd | flag::kClear, self.fresh_udata()));
    } else {
      watch(self, mine, levels_[level + 1].load(std::memory_order_relaxed));
    }
    watch(self, outer_of(level), mine);
  }
  void watch(Lane& self, int outer, int inner) {
    if (outer < 0 || inner < 0 || outer == inner) return;
    self.change(outer, make_change(static_cast<uintptr_t>(inner), filter::kRead, flag::kAdd,
                                   self.fresh_udata()));
  }

  void replace(Lane& self, size_t level) {
    const int old = levels_[level].exchange(-1, std::memory_order_relaxed);
    if (old < 0) return;
    if (self.close(old) == 0) self.count(1);
    levels_[level].store(self.kqueue(), std::memory_order_relaxed);
    connect(self, level);
  }

  size_t depth_ = 0;
  std::atomic<int> levels_[kDeepest] = {-1, -1, -1, -1, -1, -1, -1, -1};
};

TEST(NestedKqueues, PassEventsUpWhileTheMiddleIsClosed) {
  if (environment().profile->nested == contract::NestedPropagation::kUnsupported) {
    GTEST_SKIP() << "the profile has no nested kqueues";
  }
  run_race(current_case(), [] { return std::make_unique<NestedRace>(); });
}

}  // namespace
}  // namespace kqtorture
