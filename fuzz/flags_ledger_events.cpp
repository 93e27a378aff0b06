// Deliveries: whether a knote must, may or must not be returned, and what the event must say.
#include <algorithm>
#include <cstdio>

#include "flags_ledger.h"

namespace kqtorture::flags {

namespace {

// A timer that fires sooner than this may be waited for without limit.
constexpr int64_t kSoonNs = 2000000;
// Below these, every pipe and local socket takes another byte, whatever the host charges for a
// write: a sixteenth of the smallest pipe, and writes by the dozen.
constexpr int64_t kRoomyBytes = 4096;
constexpr int kRoomyWrites = 12;

Due weaker(Due a, Due b) { return std::min(a, b); }

Violation violation(const char* verdict, const char* rule, std::string message) {
  return {verdict, rule, std::move(message)};
}

}  // namespace

Condition Ledger::condition(const Knote& knote, const Clock& now, int depth) const {
  Condition state;
  switch (knote.filter) {
    case filter::kUser:
      state.holds = knote.latch ? Due::kMust : Due::kNo;
      return state;
    case filter::kTimer: {
      const int64_t time = knote.timer_absolute ? now.wall : now.monotonic;
      state.holds = knote.timer_invalid || time >= knote.due ? Due::kMay : Due::kNo;
      return state;
    }
    case filter::kRead:
    case filter::kWrite: {
      const Slot* const slot = world_.find(static_cast<int64_t>(knote.ident));
      if (!slot) return state;
      if (world_.object(slot->object).kind != Kind::kKqueue) {
        return descriptor_condition(knote, *slot);
      }
      state.holds = kqueue_readable(slot->object, now, depth);
      return state;
    }
    default:
      state.holds = state.eof = Due::kMay;
      return state;
  }
}

Condition Ledger::descriptor_condition(const Knote& knote, const Slot& slot) const {
  const Object& object = world_.object(slot.object);
  const End& self = object.ends[slot.end];
  const End& peer = object.ends[1 - slot.end];
  const bool reading = knote.filter == filter::kRead;
  const bool lowat = knote.fflags & note::kLowat;
  const auto certainly = [](bool true_now) { return true_now ? Due::kMust : Due::kNo; };
  Condition state;
  switch (object.kind) {
    case Kind::kEventfd:
      state.holds = certainly(!reading || object.counter > 0);
      return state;
    case Kind::kFile:
      if (reading) state.data = kFileBytes - object.offset;
      state.holds = certainly(!reading || *state.data != 0 || (knote.fflags & note::kFilePoll));
      return state;
    case Kind::kPipe:
      if (reading != (slot.end == 0)) {
        // The wrong end: silent while the pipe lives.
        state.holds = state.eof = reading && peer.descriptors > 0 ? Due::kNo : Due::kMay;
        return state;
      }
      if (!reading && peer.descriptors == 0) {
        state.holds = state.eof = Due::kMust;
        return state;
      }
      break;
    default:
      break;
  }
  if (reading) {
    const bool eof = world_.end_of_file(slot.object, slot.end);
    state.eof = certainly(eof);
    // What was unread when this side stopped reading: thrown away by some, kept by others.
    if (!self.shut_read) state.data = self.unread;
    const bool enough =
        lowat && object.kind == Kind::kSocketpair ? self.unread >= knote.data : self.unread > 0;
    state.holds = certainly(eof || enough);
    return state;
  }
  const bool broken = self.shut_write || peer.shut_read;
  const bool roomy = peer.unread <= kRoomyBytes && peer.writes <= kRoomyWrites && !self.full;
  state.eof = peer.descriptors == 0 ? Due::kMust : broken ? Due::kMay : Due::kNo;
  state.holds = roomy ? Due::kMust : self.full && !broken ? Due::kNo : Due::kMay;
  if (lowat && object.kind == Kind::kSocketpair && knote.data > 1) state.holds = Due::kMay;
  if (lowat && knote.data <= 0) state.holds = std::max(state.holds, Due::kMay);
  if (state.eof == Due::kMust) state.holds = Due::kMust;
  return state;
}

Due Ledger::kqueue_readable(int kqueue, const Clock& now, int depth) const {
  if (depth > 2) return Due::kMay;  // perhaps a circle
  Due readable = Due::kNo;
  for (const Knote& knote : knotes_) {
    if (knote.kqueue != kqueue) continue;
    // Queued without being deliverable is legal: lazily disabled, or no longer true.
    readable = std::max({readable, Due::kMay, due(knote, now, depth + 1)});
  }
  return readable;
}

Due Ledger::due(const Knote& knote, const Clock& now, int depth) const {
  if (knote.orphan) return Due::kNo;
  if (knote.vague) return Due::kMay;
  if (knote.disabled) return Due::kNo;
  if (knote.forced_active || knote.dead) return Due::kMust;
  const Condition state = condition(knote, now, depth);
  if (knote.filter == filter::kTimer) return state.holds;
  if (knote.flags & flag::kOneshot) {
    return std::max(state.holds, knote.was_true ? Due::kMay : Due::kNo);
  }
  if (!(knote.flags & flag::kClear) || knote.filter == filter::kUser) return state.holds;
  const bool nested = knote.object >= 0 && world_.object(knote.object).kind == Kind::kKqueue;
  if (nested) return weaker(state.holds, Due::kMay);
  return weaker(state.holds, knote.edge ? Due::kMust : knote.edge_may ? Due::kMay : Due::kNo);
}

bool Ledger::bound_to_fire(int kqueue, const Clock& now) const {
  for (const Knote& knote : knotes_) {
    if (knote.kqueue != kqueue || knote.disabled || knote.vague) continue;
    if (due(knote, now) == Due::kMust) return true;
    if (knote.filter == filter::kTimer && !knote.timer_absolute && !knote.timer_invalid &&
        knote.period <= kSoonNs && knote.due <= now.monotonic + kSoonNs) {
      return true;
    }
  }
  return false;
}

std::optional<Violation> Ledger::deliver(int kqueue, const Kevent& event, const Clock& now) {
  Knote* const knote = find(kqueue, event.filter, event.ident);
  if (!knote) {
    const Key key{kqueue, event.filter, event.ident};
    const bool known = std::find(keys_.begin(), keys_.end(), key) != keys_.end();
    return violation(known ? "after-delete" : "phantom", known ? "I1" : "I10",
                     "an event of a key that has no knote: " + filter_name(event.filter));
  }
  if (knote->orphan) {
    return violation("stale-generation", "I2",
                     "an event of a descriptor that was closed: " + describe(*knote));
  }
  // A vague one may have been made anew since, and then it is enabled.
  if (knote->disabled && !knote->vague) {
    return violation("phantom", "I3", "an event of a disabled knote: " + describe(*knote));
  }
  const Condition state = condition(*knote, now, 0);
  if (due(*knote, now) == Due::kNo) {
    return violation("phantom", "I10", "an event without its cause: " + describe(*knote));
  }
  if (reinterpret_cast<uintptr_t>(event.udata) != knote->udata) {
    return violation("wrong-udata", "I12", "not the last writer's udata: " + describe(*knote));
  }
  if (auto wrong = check_flags(*knote, event, state)) return wrong;
  if (auto wrong = check_values(*knote, event, state, now)) return wrong;
  // The event tells which of its possible histories a vague knote has.
  if (knote->vague) {
    knote->flags = static_cast<uint16_t>(event.flags & ~flag::kSysflags);
    knote->forced = knote->forced_active = knote->maybe_gone = knote->disabled = false;
  }
  if ((knote->flags & flag::kOneshot) || knote->dead) {
    erase(knote);
    return std::nullopt;
  }
  if (knote->flags & flag::kDispatch) knote->disabled = true;
  if (knote->flags & flag::kClear) knote->latch = false;
  knote->edge = knote->edge_may = false;
  return std::nullopt;
}

std::optional<Violation> Ledger::check_flags(const Knote& knote, const Kevent& event,
                                             const Condition& state) const {
  if (knote.vague) {
    const uint16_t never = flag::kAdd | flag::kDelete | flag::kEnable | flag::kDisable;
    if (!(event.flags & never)) return std::nullopt;
    return violation("wrong-answer", "1.1", "action bits in an event: " + flag_names(event.flags));
  }
  uint16_t required = knote.flags;
  uint16_t allowed = 0;
  if (knote.forced && knobs_.marks_final) required |= flag::kForceOneshot;
  if (knote.dead) required |= flag::kOneshot | flag::kEof;
  if (state.eof == Due::kMust && !(knote.flags & flag::kOneshot)) required |= flag::kEof;
  if (state.eof != Due::kNo) allowed |= flag::kEof;
  const bool pipe = knote.object >= 0 && world_.object(knote.object).kind == Kind::kPipe;
  if (pipe && state.eof == Due::kMay) allowed |= flag::kOneshot;  // the wrong end, dead
  if (knote.timer_was_invalid) allowed |= flag::kError;
  if ((event.flags | allowed) == (required | allowed) && (event.flags & required) == required) {
    return std::nullopt;
  }
  return violation("wrong-answer", knote.forced ? "I6" : "1.1",
                   "flags " + flag_names(event.flags) + ", not " + flag_names(required) + ": " +
                       describe(knote));
}

std::optional<Violation> Ledger::check_values(Knote& knote, const Kevent& event,
                                              const Condition& state, const Clock& now) const {
  if (knote.vague) return std::nullopt;
  const bool oneshot = knote.flags & flag::kOneshot;
  const auto wrong = [&](const char* rule, const std::string& expected) {
    char text[160];
    snprintf(text, sizeof text, "fflags %#x, data %lld; %s: ", event.fflags,
             static_cast<long long>(event.data), expected.c_str());
    return violation("wrong-answer", rule, text + describe(knote));
  };
  if (knote.filter == filter::kUser) {
    // The touch hook does not run for a ONESHOT.
    const uint32_t fflags = oneshot ? 0 : knote.saved_fflags;
    const int64_t data = oneshot ? 0 : knote.saved_data;
    if (event.fflags == fflags && event.data == data) return std::nullopt;
    char text[80];
    snprintf(text, sizeof text, "expected %#x and %lld", fflags, static_cast<long long>(data));
    return wrong("3.3", text);
  }
  if (knote.filter == filter::kTimer) {
    if (knote.forced) return std::nullopt;
    if (knote.timer_invalid) {
      if ((event.flags & flag::kError) && event.data == EINVAL) return std::nullopt;
      return wrong("3.4", "a timer whose parameters mean nothing reports EINVAL");
    }
    if (event.data < 1) return wrong("3.4", "a timer that did not expire");
    if (knote.timer_absolute || oneshot) {
      return event.data == 1 ? std::nullopt : std::optional(wrong("3.4", "it expires once"));
    }
    // Without EV_CLEAR, as when an absolute timer was made a relative one, the count goes on.
    knote.ticks = knote.flags & flag::kClear ? knote.ticks + event.data : event.data;
    // The timer was started after `start`, so this is generous by the length of one call.
    if (knote.ticks > (now.monotonic - knote.start) / knote.period + 1) {
      return wrong("3.4", "more expirations than periods have passed");
    }
    return std::nullopt;
  }
  if (!state.data || knote.dead) return std::nullopt;
  if (knote.filter != filter::kRead) return std::nullopt;
  const bool file = world_.object(knote.object).kind == Kind::kFile;
  if (oneshot && file) return std::nullopt;
  if (oneshot ? event.data >= 0 && event.data <= knote.most : event.data == *state.data) {
    return std::nullopt;
  }
  return wrong("I11", "the object holds " + std::to_string(*state.data));
}

void Ledger::blur(int kqueue, const Clock& now) {
  constexpr uint16_t kConsumed = flag::kOneshot | flag::kClear | flag::kDispatch;
  for (Knote& knote : knotes_) {
    if (knote.kqueue != kqueue || due(knote, now) == Due::kNo) continue;
    if ((knote.flags & kConsumed) || knote.dead) knote.vague = true;
    if ((knote.flags & flag::kOneshot) || knote.dead) knote.maybe_gone = true;
  }
}

}  // namespace kqtorture::flags
