// Judging the deliveries of generations. What one thread can see at once is accused at once (two
// finals, an unmarked one, overlapping handlers); what needs the times of two threads waits until
// the round has ended, so that the ledger orders nothing while it runs.
#include "final_event.h"

#include <algorithm>

#include "lane_chart.h"
#include "sanitizer.h"

namespace kqtorture {

FinalEventRace::FinalEventRace(SourceKind kind, size_t generations)
    : kind_(kind), limit_(generations), workers_(std::max(1, (threads() + 1) / 2)) {
  for (int i = 0; i < reapers(); ++i) rows_.push_back(std::make_unique<Generation[]>(limit_));
  used_.resize(rows_.size());
  latest_ordinary_.assign(static_cast<size_t>(workers_),
                          std::vector<uint64_t>(rows_.size() * limit_));
}

FinalEventRace::~FinalEventRace() = default;

void FinalEventRace::setup(Lane& self) { KqueueRace::setup(self); }

void FinalEventRace::thread(Lane& self) { waits(self.index()) ? serve(self) : reap(self); }

FinalEventRace::Generation* FinalEventRace::create(Lane& self, const Source& source,
                                                   uint16_t creation_flags) {
  Used& used = used_[row_of(self.index())];
  if (used.count == limit_) return nullptr;
  Generation* generation = &rows_[row_of(self.index())][used.count++];
  generation->source = source;
  generation->creation_flags = creation_flags;
  generation->token = Token(self.round(), self.index(), used.count).bits();
  armed(generation, opaque());
  if (const int error = change(self, *generation, flag::kAdd | creation_flags)) {
    accuse(self, "wrong-errno", "1.3", "EV_ADD of a key that does not exist was refused",
           make_change(source.ident, source.filter, flag::kAdd | creation_flags, nullptr),
           {"errno: " + std::to_string(error)});
  }
  return generation;
}

int FinalEventRace::change(Lane& self, const Generation& generation, uint16_t flags,
                           uint32_t fflags) {
  const Source& source = generation.source;
  return self.change(kq(), make_change(source.ident, source.filter, flags,
                                       reinterpret_cast<void*>(generation.token), fflags));
}

void FinalEventRace::force(Lane& self, Generation* generation, uint16_t more_flags) {
  uint16_t flags = flag::kForceOneshot | more_flags;
  if (traits().keep_udata && !(flags & flag::kAdd) && self.random().chance(1, 2)) {
    flags |= flag::kKeepUdata;
  }
  armed(generation, opaque());
  const int error = change(self, *generation, flags);
  const Kevent asked = make_change(generation->source.ident, generation->source.filter, flags,
                                   reinterpret_cast<void*>(generation->token));
  if (!generation->forced) {
    generation->forced = true;
    generation->force_end = now_ns();
    if (error) {
      accuse(self, "wrong-errno", "I6", "EV_FORCEONESHOT of a knote that exists was refused", asked,
             {"errno: " + std::to_string(error)});
    }
  } else if (error && error != ENOENT) {
    accuse(self, "wrong-errno", "I6",
           "EV_FORCEONESHOT of a knote that is there or gone returned neither success nor ENOENT",
           asked, {"errno: " + std::to_string(error)});
  }
}

bool FinalEventRace::expect_gone(Lane& self, const Generation& generation, uint16_t flags) {
  const int error = change(self, generation, flags);
  if (error == ENOENT) return true;
  return accuse(self, "after-delete", "I6",
                "a knote is still there after its final event was delivered",
                make_change(generation.source.ident, generation.source.filter, flags,
                            reinterpret_cast<void*>(generation.token)),
                {"expected ENOENT, got " + std::to_string(error)});
}

FinalEventRace::Generation* FinalEventRace::generation_of(Lane& self, const Kevent& event) {
  const Token token(event);
  if (token.round() != (self.round() & 0xffff) || token.lane() < workers_ ||
      token.lane() >= threads() || token.serial() == 0 || token.serial() > limit_) {
    return nullptr;
  }
  Generation* generation = &rows_[row_of(token.lane())][token.serial() - 1];
  const Source& source = generation->source;
  return source.ident == event.ident && source.filter == event.filter ? generation : nullptr;
}

bool FinalEventRace::check_final(Lane& self, const Kevent& event, Generation* generation) {
  if (traits().final_event_marked && !(event.flags & flag::kForceOneshot)) {
    return accuse(self, "wrong-answer", "I6",
                  "the final event of EV_FORCEONESHOT does not carry EV_FORCEONESHOT", event);
  }
  if (generation->finals.exchange(1, std::memory_order_relaxed)) {
    return accuse(self, "duplicate", "I6", "EV_FORCEONESHOT led to two final events", event);
  }
  ++generation->finished;
  return true;
}

void FinalEventRace::deliver(Lane& self, const Call& call, const Kevent& event,
                             std::vector<Kevent>* pending) {
  Generation* generation = generation_of(self, event);
  if (!generation) {
    accuse(self, "wrong-udata", "I12",
           "a delivery carries a udata that no change has given its knote", event);
    return;
  }
  delivered(generation, opaque());
  const bool final = event.flags & flag::kOneshot;
  if (!final && (event.flags & flag::kForceOneshot)) {
    accuse(self, "wrong-answer", "I6", "an event is marked as the final one without EV_ONESHOT",
           event);
    return;
  }
  if (exclusive()) {
    const int me = self.index() + 1;
    if (const int other = generation->owner.exchange(me, std::memory_order_relaxed)) {
      accuse(self, "duplicate", final ? "I6'" : "I5'",
             final ? "the final event was delivered while a handler of the knote was running"
                   : "a knote with EV_DISPATCH was delivered to a thread while another handled it",
             event, {"still handled by T" + std::to_string(other - 1)});
      return;
    }
    ++generation->handled;
  }
  if (final) {
    if (exclusive()) generation->owner.store(0, std::memory_order_relaxed);
    check_final(self, event, generation);
    return;
  }
  const Token token(event);
  uint64_t& latest = latest_ordinary_[static_cast<size_t>(self.index())]
                                     [row_of(token.lane()) * limit_ + token.serial() - 1];
  latest = std::max(latest, call.begin);
  handle(self, event, generation, pending);
}

void FinalEventRace::verify(Lane& self, const std::vector<const Lane*>&) {
  for (size_t row = 0; row < rows_.size() && !self.guilty(); ++row) {
    for (size_t i = 0; i < used_[row].count; ++i) {
      const Generation& generation = rows_[row][i];
      const Kevent about =
          make_change(generation.source.ident, generation.source.filter, generation.creation_flags,
                      reinterpret_cast<void*>(generation.token));
      if (generation.forced && generation.finals == 0) {
        accuse(self, "lost", "I6",
               "EV_FORCEONESHOT was accepted and the knote enabled, yet the final event never came",
               about);
        return;
      }
      if (!generation.forced && generation.finals) {
        accuse(self, "phantom", "I6", "a final event came that nobody had asked for", about);
        return;
      }
      finals_ += generation.finals;
      for (const auto& worker : latest_ordinary_) {
        const uint64_t begin = worker[row * limit_ + i];
        if (begin) ++ordinary_before_;
        if (generation.forced && begin > generation.force_end) {
          accuse(self, "wrong-answer", "I6",
                 "a call that began after EV_FORCEONESHOT had returned delivered an event that is "
                 "not the final one",
                 about);
          return;
        }
      }
    }
  }
}

Tallies FinalEventRace::tallies() const {
  return {{"final events", finals_}, {"generations with ordinary events", ordinary_before_}};
}

}  // namespace kqtorture
