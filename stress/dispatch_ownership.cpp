// EV_DISPATCH: is an event active in one thread at a time? (I5, I5')
//
// Two races. In the first only the handler enables its knote again, so handlers of one knote must
// never overlap. In the second a storm of other threads enables knotes at any moment, also while
// they are enabled or being delivered: then two handlers may overlap legally, but every ENABLE
// carries a token of its own, and a delivery spends the token it carries. A kqueue that delivers
// one token twice has delivered twice for one arming, and no other ENABLE is an excuse.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "ownership_race.h"
#include "sanitizer.h"

namespace kqtorture {
namespace {

class RedundantEnables : public KqueueRace {
 public:
  RedundantEnables(SourceKind kind, uint16_t extra_flags)
      : kind_(kind), creation_flags_(flag::kDispatch | extra_flags), workers_((threads() + 1) / 2) {
    for (int i = 0; i <= threads(); ++i) arms_.push_back(std::make_unique<Arm[]>(kArmsPerLane));
    used_.resize(arms_.size());
  }
  ~RedundantEnables() override {
    for (Source& source : sources_) source.close(subject());
  }

  bool waits(int thread) const override { return thread < workers_; }

  void setup(Lane& self) override {
    KqueueRace::setup(self);
    for (int i = 0; i < settings().objects; ++i) {
      sources_.push_back(Source::open(subject(), kind_, 1000000 + static_cast<uintptr_t>(i)));
      sources_.back().fill(subject());
      Arm* arm = next_arm(self, static_cast<size_t>(i));
      issue(self, arm, flag::kAdd | creation_flags_, 0);
      if (kind_ == SourceKind::kUser) issue(self, arm, 0, note::kTrigger);
    }
  }

  void thread(Lane& self) override {
    if (waits(self.index())) return serve(self);
    while (!self.stopping() && !self.guilty() && enable_one(self)) self.jitter();
  }

  void deliver(Lane& self, const Call&, const Kevent& event, std::vector<Kevent>*) override {
    Arm* arm = arm_of(self, event);
    if (!arm) {
      accuse(self, "wrong-udata", "I12",
             "a delivery carries a udata that no change has given its knote", event);
      return;
    }
    delivered(&sources_[arm->object], opaque());
    if (arm->spent.exchange(1, std::memory_order_relaxed)) {
      accuse(self, "duplicate", "I5",
             "one arming of a knote with EV_DISPATCH was delivered twice: an ENABLE that found the "
             "knote enabled grants nothing",
             event);
      return;
    }
    ++arm->touched;
    self.jitter();
    if (!self.stopping() && self.random().chance(1, 2)) enable_one(self);
  }

  void verify(Lane& self, const std::vector<const Lane*>&) override {
    std::vector<uint64_t> latest_begin(sources_.size());
    each_arm([&](const Arm& arm) {
      latest_begin[arm.object] = std::max(latest_begin[arm.object], arm.begin);
      spent_ += arm.spent;
      ++issued_;
    });
    // The object is always ready. So the last ENABLE, whichever of those that no other followed it
    // was, must have been delivered with its own token: every ENABLE writes udata.
    std::vector<bool> last_one_came(sources_.size());
    each_arm([&](const Arm& arm) {
      if (arm.end >= latest_begin[arm.object] && arm.spent) last_one_came[arm.object] = true;
    });
    for (size_t i = 0; i < sources_.size(); ++i) {
      if (last_one_came[i]) continue;
      accuse(self, "lost", "I8",
             "a knote was enabled, its object is ready, and no delivery answers the last ENABLE",
             make_change(sources_[i].ident, sources_[i].filter, creation_flags_, nullptr));
      return;
    }
  }

  Tallies tallies() const override { return {{"armings", issued_}, {"armings delivered", spent_}}; }

 private:
  // One ENABLE with a token of its own. The plain fields are written by the thread that issues it,
  // before it does, and read by the thread that was handed the event: the kqueue orders them.
  struct Arm {
    std::atomic<uint32_t> spent{0};
    uint32_t touched = 0;
    size_t object = 0;
    uint64_t begin = 0, end = 0;
  };
  // Bounds the memory of a round: some thousands of calls fit into its slice of time.
  static constexpr size_t kArmsPerLane = 16384;

  Arm* next_arm(Lane& self, size_t object) {
    const auto lane = static_cast<size_t>(self.index());
    if (used_[lane].count == kArmsPerLane) return nullptr;
    Arm* arm = &arms_[lane][used_[lane].count++];
    arm->object = object;
    return arm;
  }

  bool enable_one(Lane& self) {
    Arm* arm = next_arm(self, self.random().below(sources_.size()));
    if (!arm) return false;
    const Source& source = sources_[arm->object];
    issue(self, arm, arming_flags(source, creation_flags_), source.is_user() ? note::kTrigger : 0);
    return true;
  }

  void issue(Lane& self, Arm* arm, uint16_t flags, uint32_t fflags) {
    const auto lane = static_cast<size_t>(self.index());
    const Source& source = sources_[arm->object];
    const Token token(self.round(), self.index(),
                      static_cast<uint64_t>(arm - arms_[lane].get()) + 1);
    const Kevent change = make_change(source.ident, source.filter, flags, token.udata(), fflags);
    armed(&source, opaque());
    Call call;
    const int error = self.change(kq(), change, &call);
    if (!arm->begin) arm->begin = call.begin;
    arm->end = call.end;
    if (error) {
      accuse(self, "wrong-errno", "2.2", "EV_ENABLE of a knote that nobody deletes was refused",
             change, {"errno: " + std::to_string(error)});
    }
  }

  Arm* arm_of(Lane& self, const Kevent& event) {
    const Token token(event);
    if (token.round() != (self.round() & 0xffff) || token.lane() < 0 || token.lane() > threads() ||
        token.serial() == 0 || token.serial() > kArmsPerLane) {
      return nullptr;
    }
    Arm* arm = &arms_[static_cast<size_t>(token.lane())][token.serial() - 1];
    if (arm->object >= sources_.size()) return nullptr;
    const Source& source = sources_[arm->object];
    return source.ident == event.ident && source.filter == event.filter ? arm : nullptr;
  }

  template <typename Function>
  void each_arm(const Function& function) const {
    for (size_t lane = 0; lane < arms_.size(); ++lane) {
      for (size_t i = 0; i < used_[lane].count; ++i) function(arms_[lane][i]);
    }
  }

  struct alignas(64) Used {
    size_t count = 0;
  };
  const SourceKind kind_;
  const uint16_t creation_flags_;
  const int workers_;
  std::vector<Source> sources_;
  std::vector<std::unique_ptr<Arm[]>> arms_;  // one row per lane, the supervisor's last
  std::vector<Used> used_;
  uint64_t issued_ = 0, spent_ = 0;
};

class DispatchOwnership : public testing::TestWithParam<std::tuple<SourceKind, bool>> {
 protected:
  SourceKind kind() const { return std::get<0>(GetParam()); }
  uint16_t extra_flags() const { return std::get<1>(GetParam()) ? flag::kClear : 0; }
  void SetUp() override {
    if (extra_flags() && !environment().traits.dispatch_with_clear) {
      GTEST_SKIP() << "the profile says that EV_CLEAR makes EV_DISPATCH ineffective";
    }
  }
};

TEST_P(DispatchOwnership, HandlersOfOneKnoteNeverOverlap) {
  run_race(current_case(),
           [this] { return std::make_unique<OwnershipRace>(kind(), extra_flags()); });
}

TEST_P(DispatchOwnership, RedundantEnableGrantsNoSecondDelivery) {
  if (kind() == SourceKind::kUser && environment().traits.user_filter_keeps_udata) {
    GTEST_SKIP() << "the profile says that no change of a USER knote writes its udata";
  }
  run_race(current_case(),
           [this] { return std::make_unique<RedundantEnables>(kind(), extra_flags()); });
}

INSTANTIATE_TEST_SUITE_P(
    Stress, DispatchOwnership,
    testing::Combine(testing::Values(SourceKind::kPipe, SourceKind::kSocketPair, SourceKind::kUser),
                     testing::Bool()),
    [](const auto& instance) {
      return std::string(name_of(std::get<0>(instance.param))) +
             (std::get<1>(instance.param) ? "WithClear" : "");
    });

}  // namespace
}  // namespace kqtorture
