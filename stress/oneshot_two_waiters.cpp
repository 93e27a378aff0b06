// EV_ONESHOT: is an event that several threads wait for handed to exactly one of them? (I4)
//
// Drivers add ONESHOT knotes, make their objects ready from before to long after, and take some
// back with EV_DELETE, while several workers wait with room for few events. Every EV_ADD has a
// token of its own, so the books must balance exactly: an event was delivered once, or the
// EV_DELETE that succeeded took it back, never both, never neither.
#include <errno.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "kqueue_race.h"
#include "sanitizer.h"

namespace kqtorture {
namespace {

// Bounds the memory of a round.
constexpr size_t kTicketsPerLane = 8192;
constexpr uintptr_t kFirstUserIdent = 1000000;

class OneshotTwoWaiters : public KqueueRace {
 public:
  OneshotTwoWaiters(SourceKind kind, uint16_t extra_flags)
      : kind_(kind),
        creation_flags_(flag::kAdd | flag::kOneshot | extra_flags),
        workers_(std::max(2, threads() - (threads() + 1) / 3)) {
    const auto drivers = static_cast<size_t>(std::max(0, threads() - workers_));
    for (size_t i = 0; i < drivers; ++i) {
      tickets_.push_back(std::make_unique<Ticket[]>(kTicketsPerLane));
    }
    used_.resize(drivers);
    keys_.resize(drivers);
  }
  ~OneshotTwoWaiters() override {
    for (auto& keys : keys_) {
      for (Key& key : keys) key.source.close(subject());
    }
  }

  bool waits(int thread) const override { return thread < workers_; }

  bool renews_keys() const override { return true; }

  void setup(Lane& self) override {
    KqueueRace::setup(self);
    for (size_t i = 0; i < std::max(static_cast<size_t>(settings().objects), keys_.size()); ++i) {
      Key key;
      key.source = Source::open(subject(), kind_, kFirstUserIdent + i);
      keys_[i % keys_.size()].push_back(key);
    }
  }

  void thread(Lane& self) override {
    if (waits(self.index())) return serve(self);
    auto& keys = keys_[static_cast<size_t>(self.index() - workers_)];
    while (!self.stopping() && !self.guilty() && step(self, &self.random().element(keys))) {
      if (self.random().chance(1, 2)) self.jitter();
    }
    // What still waits is taken back or delivered; either way it must not be lost.
    for (Key& key : keys) {
      if (key.ticket && !settled(*key.ticket)) make_ready(self, key);
    }
  }

  void deliver(Lane& self, const Call&, const Kevent& event, std::vector<Kevent>*) override {
    Ticket* ticket = ticket_of(self, event);
    if (!ticket) {
      accuse(self, "wrong-udata", "I12",
             "a delivery carries a udata that no change has given its knote", event);
      return;
    }
    if (ticket->delivered.exchange(1, std::memory_order_relaxed)) {
      accuse(self, "duplicate", "I4", "one EV_ADD with EV_ONESHOT was delivered twice", event);
      return;
    }
    if (!(event.flags & flag::kOneshot)) {
      accuse(self, "wrong-answer", "1.1", "a delivery of a ONESHOT knote does not carry EV_ONESHOT",
             event);
      return;
    }
    delivered(ticket, opaque());
    ++ticket->touched;
    self.jitter();
  }

  void verify(Lane& self, const std::vector<const Lane*>&) override {
    for (size_t row = 0; row < tickets_.size(); ++row) {
      for (size_t i = 0; i < used_[row].count; ++i) {
        const Ticket& ticket = tickets_[row][i];
        const Kevent about =
            make_change(ticket.ident, filter_, creation_flags_,
                        Token(self.round(), static_cast<int>(row) + workers_, i + 1).udata());
        const bool came = ticket.delivered;
        if (came && ticket.deleted) {
          accuse(self, "duplicate", "I4",
                 "an EV_DELETE took a ONESHOT knote back, and its event was delivered all the same",
                 about);
          return;
        }
        if (!came && !ticket.deleted) {
          accuse(self, "lost", "I4",
                 "a ONESHOT knote whose object is ready was neither delivered nor deleted", about);
          return;
        }
        delivered_ += came;
        deleted_ += ticket.deleted;
      }
    }
  }

  Tallies tallies() const override {
    return {{"events delivered", delivered_}, {"events taken back", deleted_}};
  }

 private:
  struct Ticket {
    std::atomic<uint32_t> delivered{0};
    uint32_t touched = 0;  // plain: by the one worker it is handed to
    uintptr_t ident = 0;   // plain: written before the EV_ADD
    bool deleted = false;  // plain: the driver's
    bool ready = false;    // plain: the driver's
  };
  struct Key {
    Source source;
    Ticket* ticket = nullptr;
    uint64_t token = 0;
  };
  struct alignas(64) Used {
    size_t count = 0;
  };

  static bool settled(const Ticket& ticket) {
    return ticket.deleted || ticket.delivered.load(std::memory_order_relaxed);
  }

  int change(Lane& self, const Key& key, uint16_t flags, uint32_t fflags = 0) {
    return self.change(kq(), make_change(key.source.ident, key.source.filter, flags,
                                         reinterpret_cast<void*>(key.token), fflags));
  }

  void make_ready(Lane& self, Key& key) {
    if (!key.source.is_user()) {
      key.source.fill(subject());
    } else if (const int error = change(self, key, 0, note::kTrigger)) {
      if (error != ENOENT) refused(self, key, "a trigger", error);
    }
    key.ticket->ready = true;
  }

  bool step(Lane& self, Key* key) {
    Random& random = self.random();
    if (!key->ticket) return add(self, key);
    if (settled(*key->ticket)) {
      // The knote is gone: no change but an ADD finds it.
      if (!key->ticket->deleted || random.chance(1, 4)) {
        const int error = change(
            self, *key, random.pick<uint16_t>({0, flag::kEnable, flag::kDisable, flag::kDelete}));
        if (error != ENOENT) return refused(self, *key, "a change of a delivered knote", error);
      }
      key->ticket = nullptr;
      if (random.chance(1, 2)) key->source.drain(subject());
    } else if (!key->ticket->ready || random.chance(1, 4)) {
      make_ready(self, *key);
    } else if (random.chance(1, 8)) {
      const int error = change(self, *key, flag::kDelete);
      if (error == 0) key->ticket->deleted = true;
      if (error && error != ENOENT) return refused(self, *key, "EV_DELETE", error);
    }
    return true;
  }

  bool add(Lane& self, Key* key) {
    const auto row = static_cast<size_t>(self.index() - workers_);
    if (used_[row].count == kTicketsPerLane) return false;
    key->ticket = &tickets_[row][used_[row].count++];
    key->ticket->ident = key->source.ident;
    key->token = Token(self.round(), self.index(), used_[row].count).bits();
    if (!key->source.is_user() && self.random().chance(1, 2)) make_ready(self, *key);
    armed(key->ticket, opaque());
    const int error = change(self, *key, creation_flags_);
    return error ? refused(self, *key, "EV_ADD", error) : true;
  }

  bool refused(Lane& self, const Key& key, const char* what, int error) {
    return accuse(self, error ? "wrong-errno" : "after-delete", "I4",
                  std::string(what) + " did not return what it must",
                  make_change(key.source.ident, key.source.filter, creation_flags_,
                              reinterpret_cast<void*>(key.token)),
                  {"returned errno " + std::to_string(error)});
  }

  Ticket* ticket_of(Lane& self, const Kevent& event) {
    const Token token(event);
    if (token.round() != (self.round() & 0xffff) || token.lane() < workers_ ||
        token.lane() >= threads() || token.serial() == 0 || token.serial() > kTicketsPerLane) {
      return nullptr;
    }
    Ticket* ticket = &tickets_[static_cast<size_t>(token.lane() - workers_)][token.serial() - 1];
    return ticket->ident == event.ident && event.filter == filter_ ? ticket : nullptr;
  }

  const SourceKind kind_;
  const int16_t filter_ = kind_ == SourceKind::kUser ? filter::kUser : filter::kRead;
  const uint16_t creation_flags_;
  const int workers_;
  std::vector<std::unique_ptr<Ticket[]>> tickets_;  // one row per driver
  std::vector<Used> used_;
  std::vector<std::vector<Key>> keys_;  // per driver
  uint64_t delivered_ = 0, deleted_ = 0;
};

class OneshotWaiters : public testing::TestWithParam<SourceKind> {};

TEST_P(OneshotWaiters, EventIsHandedToOneOfThem) {
  run_race(current_case(), [] { return std::make_unique<OneshotTwoWaiters>(GetParam(), 0); });
}

TEST_P(OneshotWaiters, EventWithClearIsHandedToOneOfThem) {
  run_race(current_case(),
           [] { return std::make_unique<OneshotTwoWaiters>(GetParam(), flag::kClear); });
}

INSTANTIATE_TEST_SUITE_P(Stress, OneshotWaiters,
                         testing::Values(SourceKind::kPipe, SourceKind::kSocketPair,
                                         SourceKind::kUser),
                         [](const auto& instance) { return std::string(name_of(instance.param)); });

}  // namespace
}  // namespace kqtorture
