// No descriptors left: is a call that fails for want of one inert? (I18, 1.3)
//
// The limit of descriptors is lowered to a few above those in use and counted up until a call
// succeeds, so that every descriptor that a kqueue takes inside is refused once, while other
// threads open, close, register and deliver. Whatever could not be done says so, leaves everything
// as it was, and does not take anybody's event with it.
#include <errno.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <memory>

#include "key_race.h"
#include "sanitizer.h"

namespace kqtorture {
namespace {

// A kqueue with one knote of each kind takes fewer.
constexpr rlim_t kMostCounted = 64;

class ExhaustionRace : public KeyRace {
 public:
  ExhaustionRace() : KeyRace(plan()) { getrlimit(RLIMIT_NOFILE, &before_); }
  ~ExhaustionRace() override { setrlimit(RLIMIT_NOFILE, &before_); }

  void verify(Lane&) override { setrlimit(RLIMIT_NOFILE, &before_); }

  std::vector<const char*> work() const override {
    return {"adds", "closes", "activations", "deletes", "deliveries", "refusals", "successes"};
  }

 protected:
  void drive(Lane& self) override {
    if (self.random().chance(3, 4)) return KeyRace::drive(self);
    // The numbers in use end below the one that comes next.
    int ends[2];
    if (!self.pipe(ends)) return raise(self.random().below(4));
    const rlim_t next = static_cast<rlim_t>(std::max(ends[0], ends[1]));
    self.close(ends[0]);
    self.close(ends[1]);
    set(next);
    for (rlim_t more = 0; more < kMostCounted && !use_a_kqueue(self); ++more) set(next + more);
  }
  void leave(Lane&) override { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  static Plan plan() {
    Plan plan;
    plan.steps = {{"adds", 3, Act::kChange, flag::kAdd},
                  {"closes", 2, Act::kReopen},
                  {"activations", 3, Act::kReady},
                  {"deletes", 1, Act::kChange, flag::kDelete}};
    return plan;
  }

  void set(rlim_t limit) const {
    const rlimit lower{std::min(limit, before_.rlim_max), before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &lower);
  }
  void raise(size_t by) const {
    rlimit now{};
    getrlimit(RLIMIT_NOFILE, &now);
    set(now.rlim_cur + 1 + by);
  }

  // True when all of it could be done.
  bool use_a_kqueue(Lane& self) {
    const int own = self.kqueue();
    if (own < 0) {
      self.count(5);
      return false;
    }
    const bool done = add(self, own, filter::kTimer, SlotKind::kTimer) &&
                      add(self, own, filter::kUser, SlotKind::kUser) && add_read(self, own);
    self.close(own);
    self.count(done ? 6 : 5);
    return done;
  }
  bool add(Lane& self, int own, int16_t filter, SlotKind kind) {
    Kevent change = make_change(0, 0, flag::kAdd, self.fresh_udata(), 0, 1000);
    Slot(kind, 77).key(filter, &change);
    return self.change(own, change) == 0;
  }
  bool add_read(Lane& self, int own) {
    Kevent change = make_change(0, 0, flag::kAdd, self.fresh_udata());
    if (!any_slot(self).key(filter::kRead, &change)) return true;
    const int error = self.change(own, change);
    return error != EMFILE && error != ENOMEM;
  }

  rlimit before_{};
};

TEST(DescriptorExhaustion, FailsCleanlyAtEveryDescriptorThatIsMissing) {
  if (!is_hosts_own(*environment().subject, environment().subject->calls().pipe2)) {
    GTEST_SKIP() << "the subject has descriptors of its own";
  }
  run_race(current_case(), [] { return std::make_unique<ExhaustionRace>(); });
}

}  // namespace
}  // namespace kqtorture
