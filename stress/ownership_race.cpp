// The handlers and the ledger. An object stays ready most of the time, so that an arming is spent
// the moment it is made; now and then a handler drains it, and a driver has to wake it up again.
#include "ownership_race.h"

#include "lane_chart.h"
#include "sanitizer.h"

namespace kqtorture {
namespace {
// Apart from descriptors, so that a mixed-up ident cannot look right by chance.
constexpr uintptr_t kFirstUserIdent = 1000000;
}  // namespace

OwnershipRace::OwnershipRace(SourceKind kind, uint16_t extra_flags)
    : kind_(kind),
      creation_flags_(flag::kDispatch | extra_flags),
      workers_(threads() - (threads() + 2) / 4),
      serials_(static_cast<size_t>(threads()) + 1) {}

OwnershipRace::~OwnershipRace() {
  for (const auto& object : objects_) object->source.close(subject());
}

void OwnershipRace::setup(Lane& self) {
  KqueueRace::setup(self);
  for (int i = 0; i < settings().objects; ++i) {
    auto object = std::make_unique<Owned>();
    object->source = Source::open(subject(), kind_, kFirstUserIdent + static_cast<uintptr_t>(i));
    object->source.fill(subject());
    object->token = new_token(self).bits();
    object->armed = true;
    objects_.push_back(std::move(object));
  }
  for (const auto& object : objects_) {
    const Source& source = object->source;
    void* udata = reinterpret_cast<void*>(object->token);
    const auto add = static_cast<uint16_t>(flag::kAdd | creation_flags_ | echoed_flags());
    int error = self.change(kq(), make_change(source.ident, source.filter, add, udata));
    // A trigger in the creating change is ignored on most platforms: it comes in a second one.
    if (!error && source.is_user()) {
      error = self.change(kq(), make_change(source.ident, source.filter, 0, udata, note::kTrigger));
    }
    if (error) {
      accuse(self, "wrong-errno", "1.3", "EV_ADD of a fresh object was refused",
             make_change(source.ident, source.filter, add, udata));
    }
  }
}

OwnershipRace::Owned* OwnershipRace::find(const Kevent& event) {
  for (const auto& object : objects_) {
    if (object->source.ident == event.ident && object->source.filter == event.filter) {
      return object.get();
    }
  }
  return nullptr;
}

bool OwnershipRace::check(Lane& self, const Owned& object, const Kevent& event) const {
  const uint16_t echo = echoed_flags();
  if (!(event.flags & flag::kDispatch) || (event.flags & echo) != echo) {
    return accuse(self, "wrong-answer", "1.1",
                  "a delivery does not carry the flags that its knote was created with", event);
  }
  if (event.flags & (flag::kOneshot | flag::kForceOneshot)) {
    return accuse(self, "phantom", "I6", "a delivery says it is the final one; nobody asked for it",
                  event);
  }
  if (tokens_count(object.source) && Token(event).bits() != object.token) {
    const Token latest(make_change(0, 0, 0, reinterpret_cast<void*>(object.token)));
    const Token seen(event);
    const bool ours =
        seen.round() == (self.round() & 0xffff) && seen.lane() >= 0 && seen.lane() <= threads();
    return accuse(self, ours ? "duplicate" : "wrong-udata", ours ? "I5" : "I12",
                  ours ? "a knote with EV_DISPATCH was delivered again without having been enabled "
                         "since"
                       : "a delivery carries a udata that no change has given its knote",
                  event, {"the latest arming of the knote is " + latest.text()});
  }
  return true;
}

Kevent OwnershipRace::arming(Lane&, Owned* object, uint64_t token, bool trigger) const {
  const Source& source = object->source;
  return make_change(source.ident, source.filter, arming_flags(source, creation_flags_),
                     reinterpret_cast<void*>(token),
                     source.is_user() && trigger ? note::kTrigger : 0);
}

void OwnershipRace::deliver(Lane& self, const Call&, const Kevent& event,
                            std::vector<Kevent>* pending) {
  Owned* object = find(event);
  if (!object) {
    accuse(self, "phantom", "I10", "a delivery for a knote that nobody registered", event);
    return;
  }
  const int me = self.index() + 1;
  if (const int other = object->owner.exchange(me, std::memory_order_relaxed)) {
    accuse(self, "duplicate", "I5'",
           "a knote with EV_DISPATCH was delivered to a thread while another handled it", event,
           {"still handled by T" + std::to_string(other - 1)});
    return;
  }
  object->armed.store(false, std::memory_order_relaxed);
  delivered(object, opaque());
  if (!check(self, *object, event)) return;
  ++object->handled;
  self.jitter();

  const Source& source = object->source;
  bool arm = true;
  if (self.stopping()) {
    // The end of the round must be silent: what can be made idle is, what cannot stays disabled.
    object->drained += static_cast<uint64_t>(source.drain(subject()));
    arm = !source.is_user();
  } else if (self.random().chance(1, 8)) {
    object->drained += static_cast<uint64_t>(source.drain(subject()));
    if (self.random().chance(1, 2)) source.fill(subject());
  }
  const uint64_t token = new_token(self).bits();
  object->token = token;
  if (object->owner.load(std::memory_order_relaxed) != me) {
    accuse(self, "duplicate", "I5'",
           "a knote with EV_DISPATCH was delivered to another thread while this one handled it",
           event);
    return;
  }
  if (!arm) {
    object->owner.store(0, std::memory_order_relaxed);
    return;
  }
  object->armed.store(true, std::memory_order_relaxed);
  armed(object, opaque());
  object->owner.store(0, std::memory_order_relaxed);
  const Kevent change = arming(self, object, token, true);
  if (self.random().chance(1, 3)) {
    pending->push_back(change);
  } else if (const int error = self.change(kq(), change)) {
    accuse(self, "wrong-errno", "2.2", "EV_ENABLE by the handler that owns the knote was refused",
           change, {"errno: " + std::to_string(error)});
  }
}

void OwnershipRace::thread(Lane& self) {
  if (self.index() < workers_) {
    serve(self);
  } else {
    drive(self);
  }
}

void OwnershipRace::stir(Lane& self, const Owned& object) const {
  const Source& source = object.source;
  if (!source.is_user()) {
    const uint64_t begin = now_ns();
    source.fill(subject());
    self.log_call(Deed::kWrite, source.ident, begin, 1);
  } else if (traits().keep_udata) {
    // A trigger is a change, and a change would write udata.
    self.change(
        kq(), make_change(source.ident, source.filter, flag::kKeepUdata, nullptr, note::kTrigger));
  } else {
    self.jitter();
  }
}

void OwnershipRace::drive(Lane& self) {
  while (!self.stopping() && !self.guilty()) {
    // Activity while a handler runs, while the knote is disabled, while it is being delivered.
    stir(self, *self.random().element(objects_));
    for (size_t i = self.random().below(6); i > 0; --i) self.jitter();
  }
}

void OwnershipRace::judge(Lane& self) {
  KqueueRace::judge(self);
  if (self.guilty()) return;
  for (const auto& object : objects_) {
    const Source& source = object->source;
    if (source.is_user() || !object->armed.load(std::memory_order_relaxed)) continue;
    if (const int bytes = source.drain(subject())) {
      accuse(self, "lost", "I8",
             "a knote is enabled and its object is ready, yet no kevent() returns it",
             make_change(source.ident, source.filter, creation_flags_, nullptr),
             {"bytes waiting: " + std::to_string(bytes)});
      return;
    }
  }
}

void OwnershipRace::verify(Lane& self, const std::vector<const Lane*>&) {
  for (const auto& object : objects_) {
    handled_ += object->handled;
    // Everything was readable from the start; a knote that never came back was lost on the way.
    if (object->handled == 0) {
      accuse(self, "lost", "I8", "a knote that was ready from its creation was never delivered",
             make_change(object->source.ident, object->source.filter, creation_flags_, nullptr));
      return;
    }
  }
}

Tallies OwnershipRace::tallies() const { return {{"handlers", handled_}}; }

}  // namespace kqtorture
