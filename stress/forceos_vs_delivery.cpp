// EV_FORCEONESHOT: is there exactly one last event, whatever the knote is doing? (I6, I6')
//
// This is the teardown that the flag was made for: a thread that is not the handler wants the
// connection gone. In the first race handlers own their knote (EV_DISPATCH) and only they enable it
// again, so the final event must wait for the running handler and exclude it, and the key can be
// used again as soon as it has come. In the second everything may happen at once: enabling,
// disabling, forcing with either, level-triggered knotes in the hands of several threads; each key
// is used once, so that a late change of a handler cannot hit a successor.
#include <errno.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "final_event.h"
#include "sanitizer.h"

namespace kqtorture {
namespace {

constexpr uintptr_t kFirstUserIdent = 1000000;

// Every reaper leads its own keys through one generation after another.
class AfterTheHandler : public FinalEventRace {
 public:
  explicit AfterTheHandler(SourceKind kind) : FinalEventRace(kind, 2048) {}
  ~AfterTheHandler() override {
    for (auto& keys : keys_) {
      for (Key& key : keys) key.source.close(subject());
    }
  }

  void setup(Lane& self) override {
    FinalEventRace::setup(self);
    keys_.resize(static_cast<size_t>(reapers()));
    for (int i = 0; i < std::max(settings().objects, reapers()); ++i) {
      Key key;
      key.source = Source::open(subject(), kind(), kFirstUserIdent + static_cast<uintptr_t>(i));
      keys_[static_cast<size_t>(i % reapers())].push_back(key);
    }
  }

  bool exclusive() const override { return true; }

  void handle(Lane& self, const Kevent&, Generation* generation,
              std::vector<Kevent>* pending) override {
    self.jitter();
    const Source& source = generation->source;
    if (self.random().chance(1, 4)) source.drain(subject());
    const Kevent enable = make_change(source.ident, source.filter, flag::kEnable,
                                      reinterpret_cast<void*>(generation->token));
    armed(generation, opaque());
    generation->owner.store(0, std::memory_order_relaxed);
    if (self.random().chance(1, 3)) {
      pending->push_back(enable);
    } else if (const int error = self.change(kq(), enable)) {
      accuse(
          self, "wrong-errno", "I6'",
          "the handler that owns a knote could not enable it: the knote ended before the handler",
          enable, {"errno: " + std::to_string(error)});
    }
  }

 protected:
  void reap(Lane& self) override {
    auto& keys = keys_[static_cast<size_t>(self.index() - workers())];
    while (!self.stopping() && !self.guilty() && step(self, &self.random().element(keys))) {
      self.jitter();
    }
    for (Key& key : keys) {
      if (key.generation && !key.generation->forced) force(self, key.generation, 0);
    }
  }

 private:
  struct Key {
    Source source;
    Generation* generation = nullptr;
  };

  // False when the round has seen all generations that it has room for.
  bool step(Lane& self, Key* key) {
    Random& random = self.random();
    Generation* generation = key->generation;
    if (!generation) {
      if (random.chance(1, 2)) key->source.fill(subject());
      const bool clear = traits().dispatch_with_clear && random.chance(1, 4);
      key->generation = create(self, key->source, flag::kDispatch | (clear ? flag::kClear : 0));
      if (!key->generation) return false;
      if (random.chance(1, 2)) stir(self, *key->generation);
    } else if (!generation->forced) {
      if (random.chance(1, 2)) {
        force(self, generation, random.chance(1, 8) ? flag::kAdd : 0);
      } else {
        stir(self, *generation);
      }
    } else if (generation->finals.load(std::memory_order_relaxed)) {
      const uint16_t flags = random.pick<uint16_t>(
          {0, flag::kEnable, flag::kDisable, flag::kDelete, flag::kForceOneshot});
      if (!expect_gone(self, *generation, flags)) return false;
      key->generation = nullptr;
    } else if (random.chance(1, 8)) {
      force(self, generation, 0);  // again: changes nothing
    }
    return true;
  }

  void stir(Lane& self, const Generation& generation) {
    if (generation.source.is_user()) {
      change(self, generation, 0, note::kTrigger);
    } else {
      generation.source.fill(subject());
    }
  }

  std::vector<std::vector<Key>> keys_;  // per reaper
};

// Every key lives once. Its knote is enabled, disabled, triggered and forced while workers deliver.
class WhateverItIsDoing : public FinalEventRace {
 public:
  explicit WhateverItIsDoing(SourceKind kind)
      : FinalEventRace(kind, kind == SourceKind::kUser ? kUserKeys : kDescriptors) {}
  ~WhateverItIsDoing() override {
    for (auto& sources : sources_) {
      for (Source& source : sources) source.close(subject());
    }
  }

  void setup(Lane& self) override {
    FinalEventRace::setup(self);
    sources_.resize(static_cast<size_t>(reapers()));
    const size_t each = kind() == SourceKind::kUser ? kUserKeys : kDescriptors;
    for (size_t row = 0; row < sources_.size(); ++row) {
      for (size_t i = 0; i < each; ++i) {
        const uintptr_t ident = kFirstUserIdent * (row + 1) + i;
        sources_[row].push_back(Source::open(subject(), kind(), ident));
      }
    }
  }

  bool exclusive() const override { return false; }

  void handle(Lane& self, const Kevent&, Generation* generation, std::vector<Kevent>*) override {
    const Source& source = generation->source;
    if (self.random().chance(1, 4)) source.drain(subject());
    self.jitter();
    if (!(generation->creation_flags & flag::kDispatch)) return;
    tolerant_change(self, *generation, flag::kEnable);
  }

  void judge(Lane& self) override {
    FinalEventRace::judge(self);
    each_generation([&](const Generation& generation) {
      if (!self.guilty() && generation.finals.load(std::memory_order_relaxed)) {
        expect_gone(self, generation, 0);
      }
    });
  }

 protected:
  void reap(Lane& self) override {
    Random& random = self.random();
    for (const Source& source : sources_[static_cast<size_t>(self.index() - workers())]) {
      if (self.stopping() || self.guilty()) return;
      if (random.chance(1, 2)) source.fill(subject());
      const uint16_t kind_flags =
          random.pick<uint16_t>({0, flag::kClear, flag::kDispatch, flag::kDispatch | flag::kClear});
      Generation* generation =
          create(self, source, kind_flags | (random.chance(1, 4) ? flag::kDisable : 0));
      if (!generation) return;
      for (size_t i = random.below(5); i > 0; --i) disturb(self, *generation);
      force(self, generation, random.pick<uint16_t>({0, 0, flag::kEnable, flag::kDisable}));
      for (size_t i = random.below(4); i > 0; --i) disturb(self, *generation);
      if (random.chance(1, 4)) force(self, generation, 0);
      // From here on the knote is enabled or gone, so its final event is due.
      tolerant_change(self, *generation, flag::kEnable);
    }
  }

 private:
  // Bounds of a round: descriptors cost two numbers each, USER idents nothing.
  static constexpr size_t kUserKeys = 512;
  static constexpr size_t kDescriptors = 24;

  void disturb(Lane& self, const Generation& generation) {
    switch (self.random().below(4)) {
      case 0:
        tolerant_change(self, generation, flag::kEnable);
        break;
      case 1:
        tolerant_change(self, generation, flag::kDisable);
        break;
      case 2:
        if (generation.source.is_user()) {
          tolerant_change(self, generation, 0, note::kTrigger);
        } else {
          generation.source.fill(subject());
        }
        break;
      default:
        self.jitter();
        break;
    }
  }

  // A change of a knote that may have had its final event meanwhile.
  void tolerant_change(Lane& self, const Generation& generation, uint16_t flags,
                       uint32_t fflags = 0) {
    const int error = change(self, generation, flags, fflags);
    if (error && error != ENOENT) {
      accuse(self, "wrong-errno", "1.3",
             "a change of a knote that is there or gone returned neither success nor ENOENT",
             make_change(generation.source.ident, generation.source.filter, flags, nullptr),
             {"errno: " + std::to_string(error)});
    }
  }

  std::vector<std::vector<Source>> sources_;  // per reaper
};

class ForceosVsDelivery : public testing::TestWithParam<SourceKind> {
 protected:
  void SetUp() override {
    if (!environment().traits.force_oneshot) {
      GTEST_SKIP() << "the profile has no EV_FORCEONESHOT";
    }
  }
};

TEST_P(ForceosVsDelivery, FinalEventComesOnceAfterTheRunningHandler) {
  run_race(current_case(), [] { return std::make_unique<AfterTheHandler>(GetParam()); });
}

TEST_P(ForceosVsDelivery, FinalEventComesOnceWhateverTheKnoteIsDoing) {
  run_race(current_case(), [] { return std::make_unique<WhateverItIsDoing>(GetParam()); });
}

INSTANTIATE_TEST_SUITE_P(Stress, ForceosVsDelivery,
                         testing::Values(SourceKind::kPipe, SourceKind::kSocketPair,
                                         SourceKind::kUser),
                         [](const auto& instance) { return std::string(name_of(instance.param)); });

}  // namespace
}  // namespace kqtorture
