// Unknown flags: refused with EINVAL, and nothing changed, while events are being delivered.
//
// Intruders throw changes with 0x0400 and 0x0800 at knotes that workers hand to one another, with
// every other flag and with poisoned udata, interest and triggers. Three things would show a change
// that was refused too late: the ledger of the handlers (udata, enabled, gone), sentinels that are
// kept in a state in which they must stay silent (enabled but idle, ready but disabled, a low-water
// mark above what is there), and keys that must not come into being. Where the platform accepts
// unknown flags instead, they must come back on every delivery of the knote created with them.
#include <errno.h>
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "ownership_race.h"

namespace kqtorture {
namespace {

constexpr uintptr_t kAbsentUserIdent = 3000000;
constexpr uintptr_t kSentinelIdent = 2000000;
constexpr intptr_t kLowWater = 100;
constexpr uint64_t kBadSerial = uint64_t{1} << 39;

class UnknownFlags : public OwnershipRace {
 public:
  using OwnershipRace::OwnershipRace;
  ~UnknownFlags() override {
    for (Sentinel& sentinel : sentinels_) sentinel.source.close(subject());
    absent_.close(subject());
  }

  void setup(Lane& self) override {
    OwnershipRace::setup(self);
    absent_ = Source::open(subject(), SourceKind::kPipe, 0);
    // Each must stay silent, and comes to life by `wake` alone, with its own udata.
    add_sentinel(self, "enabled but idle", SourceKind::kPipe, 0, Wake::kFill);
    add_sentinel(self, "ready but disabled", SourceKind::kPipe, flag::kDisable, Wake::kEnable);
    add_sentinel(self, "below its low-water mark", SourceKind::kSocketPair, 0, Wake::kFillUp);
    add_sentinel(self, "not triggered", SourceKind::kUser, 0, Wake::kTrigger);
  }

  void deliver(Lane& self, const Call& call, const Kevent& event,
               std::vector<Kevent>* pending) override {
    if (event.ident == absent_.ident) {
      accuse(self, "phantom", "I18", "a refused EV_ADD left a knote behind, and it fired", event);
      return;
    }
    for (const Sentinel& sentinel : sentinels_) {
      if (sentinel.source.ident != event.ident || sentinel.source.filter != event.filter) continue;
      accuse(self, "phantom", "I18",
             std::string("a knote fired that must be silent, after changes with unknown flags that "
                         "were refused: ") +
                 sentinel.name,
             event);
      return;
    }
    OwnershipRace::deliver(self, call, event, pending);
    // A bad change among good ones: the good ones are applied, before and after it.
    const size_t lists = pending->size();
    if (lists && !has_bad(*pending) && self.random().chance(1, 4)) {
      const size_t place = self.random().below(lists + 1);
      pending->insert(pending->begin() + static_cast<std::ptrdiff_t>(place), bad_change(self));
    }
  }

  bool asked_for(const Kevent& entry) override {
    if (entry.data != EINVAL || entry.flags != flag::kError) return false;
    in_batches_.fetch_add(1, std::memory_order_relaxed);
    return Token(entry).serial() >= kBadSerial;
  }

  void verify(Lane& self, const std::vector<const Lane*>& lanes) override {
    OwnershipRace::verify(self, lanes);
    for (const Sentinel& sentinel : sentinels_) {
      if (self.guilty() || !wake_up(self, sentinel)) return;
    }
  }

  Tallies tallies() const override {
    Tallies all = OwnershipRace::tallies();
    all.emplace_back("changes refused", refused_.load());
    all.emplace_back("changes refused among good ones", in_batches_.load());
    return all;
  }

 protected:
  void drive(Lane& self) override {
    uint64_t refused = 0;
    while (!self.stopping() && !self.guilty()) {
      if (self.random().chance(1, 8)) {
        stir(self, *self.random().element(objects()));
      } else if (intrude(self)) {
        ++refused;
      }
      if (self.random().chance(1, 4)) self.jitter();
    }
    refused_.fetch_add(refused, std::memory_order_relaxed);
  }

 private:
  enum class Wake { kFill, kFillUp, kEnable, kTrigger };
  struct Sentinel {
    const char* name;
    Source source;
    uint64_t token;
    Wake wake;
  };

  void add_sentinel(Lane& self, const char* name, SourceKind kind, uint16_t flags, Wake wake) {
    Sentinel sentinel{name, Source::open(subject(), kind, kSentinelIdent), new_token(self).bits(),
                      wake};
    const bool low_water = wake == Wake::kFillUp;
    if (wake == Wake::kEnable || low_water) sentinel.source.fill(subject());
    const int error =
        self.change(kq(), make_change(sentinel.source.ident, sentinel.source.filter,
                                      flag::kAdd | flags, reinterpret_cast<void*>(sentinel.token),
                                      low_water ? note::kLowat : 0, low_water ? kLowWater : 0));
    if (error) {
      throw EnvironmentError(std::string("EV_ADD of a sentinel: ") + std::strerror(error));
    }
    sentinels_.push_back(sentinel);
  }

  // Everything that a change can say, plus an unknown flag.
  Kevent bad_change(Lane& self) {
    Random& random = self.random();
    Kevent change{};
    const size_t target = random.below(8);
    if (target < 4) {
      const Owned& object = *random.element(objects());
      change.ident = object.source.ident;
      change.filter = object.source.filter;
    } else if (target < 7) {
      const Sentinel& sentinel = random.element(sentinels_);
      change.ident = sentinel.source.ident;
      change.filter = sentinel.source.filter;
    } else if (random.chance(1, 2)) {
      change.ident = absent_.ident;
      change.filter = filter::kRead;
    } else {
      change.ident = kAbsentUserIdent;
      change.filter = filter::kUser;
    }
    const uint16_t known = static_cast<uint16_t>(random.next()) & 0x03ff;
    change.flags = random.pick<uint16_t>({0, flag::kAdd, flag::kEnable, flag::kDisable,
                                          flag::kDelete, flag::kForceOneshot, known}) |
                   random.pick<uint16_t>({flag::kUnknown400, flag::kUnknown800,
                                          flag::kUnknown400 | flag::kUnknown800});
    change.fflags = change.filter == filter::kUser ? note::kTrigger | note::kFfCopy | 0xbad
                                                   : random.pick<uint32_t>({0, note::kLowat});
    change.data = 1;
    // Never the token of an arming: a delivery of it gives itself away.
    change.udata = Token(self.round(), self.index(), kBadSerial + random.below(1000)).udata();
    return change;
  }

  static bool has_bad(const std::vector<Kevent>& changes) {
    for (const Kevent& change : changes) {
      if (Token(change).serial() >= kBadSerial) return true;
    }
    return false;
  }

  // True when the change was refused as it must be.
  bool intrude(Lane& self) {
    const Kevent change = bad_change(self);
    if (self.random().chance(1, 2)) {
      const int error = self.change(kq(), change);
      return error == EINVAL || accepted(self, change, error);
    }
    Kevent entry{};
    const timespec poll{0, 0};
    const Call call = self.kevent(kq(), &change, 1, &entry, 1, &poll);
    if (call.result != 1 || !(entry.flags & flag::kError) || entry.data != EINVAL) {
      return accepted(self, change, call.result < 0 ? call.error : 0);
    }
    if (entry.flags != flag::kError || entry.ident != change.ident || entry.udata != change.udata) {
      return accuse(self, "wrong-answer", "1.5",
                    "the entry of a refused change is not the change with flags EV_ERROR", entry);
    }
    return true;
  }

  bool accepted(Lane& self, const Kevent& change, int error) {
    return accuse(self, "wrong-errno", "1.1",
                  "a change with an unknown flag was not refused with "
                  "EINVAL",
                  change, {"returned errno " + std::to_string(error)});
  }

  // All threads have ended: the sentinel must answer with the udata of its creation, and once it is
  // ready for its own reasons it must fire.
  bool wake_up(Lane& self, const Sentinel& sentinel) {
    const Source& source = sentinel.source;
    void* udata = reinterpret_cast<void*>(sentinel.token);
    const uint16_t keep = traits().keep_udata ? flag::kKeepUdata : 0;
    int error = 0;
    switch (sentinel.wake) {
      case Wake::kFill:
        source.fill(subject());
        break;
      case Wake::kFillUp:
        for (intptr_t i = 1; i < kLowWater; ++i) source.fill(subject());
        break;
      case Wake::kEnable:
        error = self.change(kq(), make_change(source.ident, source.filter, flag::kEnable | keep,
                                              keep ? nullptr : udata));
        break;
      case Wake::kTrigger:
        error = self.change(kq(), make_change(source.ident, source.filter, keep,
                                              keep ? nullptr : udata, note::kTrigger));
        break;
    }
    Kevent events[8];
    const timespec poll{0, 0};
    const Call call = self.kevent(kq(), nullptr, 0, events, 8, &poll);
    for (int i = 0; i < call.result && !error; ++i) {
      if (events[i].ident != source.ident || events[i].filter != source.filter) continue;
      if (source.is_user() && (events[i].fflags & note::kFfFlagsMask)) {
        return accuse(self, "wrong-answer", "I18",
                      "a change that was refused for its unknown flag has written fflags",
                      events[i]);
      }
      if (events[i].udata == udata) return true;
      return accuse(self, "wrong-udata", "I18",
                    "a change that was refused for its unknown flag has written udata", events[i]);
    }
    return accuse(self, "lost", "I18",
                  std::string("after changes with unknown flags that were refused a knote does not "
                              "answer any more: ") +
                      sentinel.name,
                  make_change(source.ident, source.filter, 0, udata),
                  {"errno: " + std::to_string(error)});
  }

  Source absent_;
  std::vector<Sentinel> sentinels_;
  // Counted apart from the deliveries, and ordering nothing.
  std::atomic<uint64_t> refused_{0}, in_batches_{0};
};

// Where unknown flags are accepted: created with them, a knote carries them on every delivery.
class EchoedFlags : public OwnershipRace {
 public:
  using OwnershipRace::OwnershipRace;

 protected:
  uint16_t echoed_flags() const override { return traits().echoed_unknown; }
};

class UnknownFlagsUnderLoad : public testing::TestWithParam<SourceKind> {};

TEST_P(UnknownFlagsUnderLoad, AreRefusedAndChangeNothing) {
  if (!environment().traits.refuses_unknown) {
    GTEST_SKIP() << "the profile accepts unknown flags";
  }
  run_race(current_case(), [] { return std::make_unique<UnknownFlags>(GetParam(), 0); });
}

TEST_P(UnknownFlagsUnderLoad, ComeBackOnEveryDelivery) {
  if (!environment().traits.echoed_unknown) {
    GTEST_SKIP() << "the profile does not accept unknown flags";
  }
  run_race(current_case(), [] { return std::make_unique<EchoedFlags>(GetParam(), 0); });
}

INSTANTIATE_TEST_SUITE_P(Stress, UnknownFlagsUnderLoad,
                         testing::Values(SourceKind::kPipe, SourceKind::kSocketPair,
                                         SourceKind::kUser),
                         [](const auto& instance) { return std::string(name_of(instance.param)); });

}  // namespace
}  // namespace kqtorture
