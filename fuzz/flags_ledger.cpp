// Changes: what they may answer, and what an accepted one does to its knote.
//
// The order of the checks in answers() is the contract's (section 1.3), and so is every assignment
// in modify() (section 2.2).
#include "flags_ledger.h"

#include <limits.h>
#include <time.h>

#include <algorithm>
#include <cstring>

namespace kqtorture::flags {

namespace {

constexpr uint16_t kUnknown = flag::kUnknown400 | flag::kUnknown800;
constexpr uint16_t kActions = flag::kAdd | flag::kDelete | flag::kEnable | flag::kDisable;
constexpr uint32_t kUnits = note::kSeconds | note::kMseconds | note::kUseconds | note::kNseconds;
constexpr int64_t kFar = INT64_MAX / 4;

// READ, WRITE, USER and TIMER are followed; the rest only has to answer something sensible.
bool followed(int16_t filter) {
  return filter == filter::kRead || filter == filter::kWrite || filter == filter::kUser ||
         filter == filter::kTimer;
}

// Filters that FreeBSD has no slot for, or fills from a module that nobody loads.
bool empty_slot(int16_t filter) {
  return filter == filter::kAio || filter == filter::kFs || filter == filter::kLio ||
         filter == filter::kSendfile;
}

bool valid_timer(uint32_t fflags, int64_t data) {
  const uint32_t unit = fflags & kUnits;
  return (fflags & ~(kUnits | note::kAbstime)) == 0 && (unit & (unit - 1)) == 0 && data >= 0;
}

}  // namespace

bool about_descriptor(int16_t filter) {
  return filter == filter::kRead || filter == filter::kWrite || filter == filter::kVnode ||
         filter == filter::kProcdesc || filter == filter::kEmpty;
}

Clock Clock::now() {
  const auto read = [](clockid_t id) {
    timespec time;
    clock_gettime(id, &time);
    return time.tv_sec * int64_t{1000000000} + time.tv_nsec;
  };
  return {read(CLOCK_MONOTONIC), read(CLOCK_REALTIME)};
}

std::string Answers::text() const {
  std::string text;
  for (int i = 0; i < count; i++) {
    if (i > 0) text += " or ";
    text += errnos[i] == 0 ? "success" : strerror(errnos[i]);
  }
  return anything ? "anything" : text;
}

Knote* Ledger::find(int kqueue, int16_t filter, uintptr_t ident) {
  for (Knote& knote : knotes_) {
    if (knote.kqueue == kqueue && knote.filter == filter && knote.ident == ident) return &knote;
  }
  return nullptr;
}

const Knote* Ledger::find(int kqueue, int16_t filter, uintptr_t ident) const {
  return const_cast<Ledger*>(this)->find(kqueue, filter, ident);
}

Answers Ledger::answers(int kqueue, const Kevent& change) const {
  uint16_t flags = change.flags;
  if (knobs_.refuses_unknown && (flags & kUnknown)) return Answers::of({EINVAL});
  if (change.filter == 0) {
    Answers skipped;
    skipped.skipped = true;
    return skipped;
  }
  flags &= static_cast<uint16_t>(~flag::kSysflags);
  if ((flags & flag::kEnable) && (flags & flag::kDisable)) return Answers::of({EINVAL});
  // FreeBSD main has two filters more than the emulator's header.
  const bool jail = change.filter == -14 || change.filter == -15;
  if (change.filter > 0 || change.filter < filter::kEmpty) {
    if (!jail || knobs_.refuses_unknown) return Answers::of({EINVAL});
  }
  if (knobs_.keep_udata && (flags & flag::kAdd) && (flags & flag::kKeepUdata)) {
    return Answers::of({EINVAL});
  }
  if (!followed(change.filter) && !empty_slot(change.filter)) {
    Answers anything;
    anything.anything = true;
    return anything;
  }
  const Knote* const knote = find(kqueue, change.filter, change.ident);
  const bool add = flags & flag::kAdd;
  const Slot* slot = nullptr;
  if (about_descriptor(change.filter)) {
    slot = change.ident <= INT_MAX ? world_.find(static_cast<int64_t>(change.ident)) : nullptr;
    // A close that nobody saw must be found out by the next ADD or delivery, not sooner.
    if (!slot && knote && !add) return Answers::of({EBADF, ENOENT, 0});
    if (!slot) return Answers::of({EBADF});
    if (slot->object == kqueue) return Answers::of({EINVAL});
  }
  if (empty_slot(change.filter)) return add ? Answers::of({ENXIO}) : Answers::of({ENOENT, ENXIO});
  if (!knote) return add ? attach_answers(kqueue, change, slot) : Answers::of({ENOENT});
  if (!knote->maybe_gone && !knote->orphan) return Answers::of({0});
  if (!add) return Answers::of({0, ENOENT});
  Answers answers = attach_answers(kqueue, change, slot);
  if (!answers.allow(0)) answers.errnos[answers.count++] = 0;
  return answers;
}

Answers Ledger::attach_answers(int kqueue, const Kevent& change, const Slot* slot) const {
  if (change.filter == filter::kTimer) {
    return Answers::of({valid_timer(change.fflags, change.data) ? 0 : EINVAL});
  }
  if (!slot) return Answers::of({0});
  const Object& object = world_.object(slot->object);
  if (object.kind == Kind::kKqueue) {
    if (change.filter == filter::kWrite) return Answers::of({EINVAL});
    // A circle of kqueues: FreeBSD accepts it, macOS and Linux's epoll do not.
    if (watches(slot->object, kqueue, 0)) return Answers::of({0, EINVAL, ELOOP});
  }
  if (object.kind == Kind::kPipe && change.filter == filter::kWrite) {
    const bool reader_gone = object.ends[0].descriptors == 0;
    if (slot->end == 0) return Answers::of({0, EINVAL, EPIPE});  // the wrong end: platforms differ
    if (reader_gone) return Answers::of({EPIPE});
  }
  return Answers::of({0});
}

// Watches, or once did: what an emulation registered with its host may outlive the knote.
bool Ledger::watches(int watcher, int watched, int depth) const {
  if (depth > kSlots) return true;
  for (const Key& key : keys_) {
    if (key.kqueue != watcher || key.filter != filter::kRead) continue;
    const Slot* const slot = world_.find(static_cast<int64_t>(key.ident));
    if (!slot || world_.object(slot->object).kind != Kind::kKqueue) continue;
    if (slot->object == watched || watches(slot->object, watched, depth + 1)) return true;
  }
  return false;
}

void Ledger::accept(int kqueue, const Kevent& change, const Clock& before) {
  const Key key{kqueue, change.filter, change.ident};
  if (std::find(keys_.begin(), keys_.end(), key) == keys_.end()) keys_.push_back(key);
  const bool add = change.flags & flag::kAdd;
  const bool remove = change.flags & flag::kDelete;
  Knote* const knote = find(kqueue, change.filter, change.ident);
  if (!knote) {
    if (add) create(kqueue, change, before);
    return;
  }
  const bool uncertain = knote->maybe_gone || knote->orphan;
  if (remove || (knote->orphan && add)) {
    // Of a knote that perhaps was not there, ADD+DELETE perhaps made a new one.
    const bool orphan = knote->orphan;
    erase(knote);
    if (add && uncertain) {
      create(kqueue, change, before);
      if (remove) knotes_.back().vague = knotes_.back().maybe_gone = true;
      if (!orphan) knotes_.back().vague = true;
    }
    return;
  }
  if (!knote->orphan) knote->maybe_gone = false;
  modify(*knote, change, before);
}

void Ledger::refuse(int kqueue, const Kevent& change, int error) {
  const Key key{kqueue, change.filter, change.ident};
  if (std::find(keys_.begin(), keys_.end(), key) == keys_.end()) keys_.push_back(key);
  // Refused although a present knote would have accepted it: it was not there.
  Knote* const knote = find(kqueue, change.filter, change.ident);
  if (!knote || !(knote->maybe_gone || knote->orphan) || error == EBADF) return;
  if (answers(kqueue, change).allow(0)) erase(knote);
}

void Ledger::create(int kqueue, const Kevent& change, const Clock& before) {
  Knote knote{};
  knote.kqueue = kqueue;
  knote.filter = change.filter;
  knote.ident = change.ident;
  knote.flags = static_cast<uint16_t>(change.flags & ~flag::kSysflags & ~kActions);
  if (knobs_.force_oneshot) knote.flags &= static_cast<uint16_t>(~flag::kForceOneshot);
  knote.udata = reinterpret_cast<uintptr_t>(change.udata);
  knote.fflags = change.fflags;
  knote.data = change.data;
  knote.disabled = change.flags & flag::kDisable;
  knote.vague = knote.maybe_gone = !followed(change.filter);
  if (about_descriptor(change.filter)) {
    const Slot* const slot = world_.find(static_cast<int64_t>(change.ident));
    if (slot) knote.object = slot->object;
  } else if (change.filter == filter::kUser) {
    knote.saved_fflags = change.fflags;
    knote.saved_data = change.data;
  } else if (change.filter == filter::kTimer) {
    if (!(change.fflags & note::kAbstime)) knote.flags |= flag::kClear;
    start_timer(knote, before);
  }
  knote.edge = !knote.disabled;
  observe(knote);
  knotes_.push_back(knote);
}

void Ledger::modify(Knote& knote, const Kevent& change, const Clock& before) {
  if (knobs_.force_oneshot && (change.flags & flag::kForceOneshot)) {
    knote.forced = knote.forced_active = true;
    knote.flags |= flag::kOneshot;
  }
  if (change.flags & flag::kEnable) knote.disabled = false;
  if (change.flags & flag::kDisable) knote.disabled = true;
  if (!knobs_.keep_udata || !(change.flags & flag::kKeepUdata)) {
    knote.udata = reinterpret_cast<uintptr_t>(change.udata);
  }
  if (knote.filter == filter::kUser) {
    touch_user(knote, change);
  } else if (knote.filter != filter::kTimer) {
    knote.fflags = change.fflags;
    knote.data = change.data;
  } else if (change.flags & flag::kAdd) {
    knote.fflags = change.fflags;
    knote.data = change.data;
    knote.forced_active = false;
    start_timer(knote, before);
  }
  if (!knote.disabled) knote.edge = true;
  observe(knote);
}

void Ledger::touch_user(Knote& knote, const Kevent& change) {
  if (change.fflags & note::kTrigger) knote.latch = true;
  const uint32_t given = change.fflags & note::kFfFlagsMask;
  switch (change.fflags & note::kFfCtrlMask) {
    case note::kFfAnd:
      knote.saved_fflags &= given;
      break;
    case note::kFfOr:
      knote.saved_fflags |= given;
      break;
    case note::kFfCopy:
      knote.saved_fflags = given;
      break;
    default:
      break;
  }
  knote.saved_data = change.data;
  if (change.flags & flag::kClear) knote.latch = false;
}

void Ledger::start_timer(Knote& knote, const Clock& before) {
  knote.timer_invalid = !valid_timer(knote.fflags, knote.data);
  knote.timer_was_invalid |= knote.timer_invalid;
  knote.timer_absolute = knote.fflags & note::kAbstime;
  const bool oneshot = knote.flags & flag::kOneshot;
  const int64_t units = knote.data == 0 && !oneshot ? 1 : knote.data;
  const int64_t scale = knote.fflags & note::kSeconds    ? 1000000000
                        : knote.fflags & note::kUseconds ? 1000
                        : knote.fflags & note::kNseconds ? 1
                                                         : 1000000;
  const int64_t span = std::clamp(units, -kFar / scale, kFar / scale) * scale;
  knote.start = before.monotonic;
  knote.due = knote.timer_absolute ? span : before.monotonic + span;
  knote.period = span;
  knote.ticks = 0;
}

// Notes what an event that is not evaluated again may report later.
void Ledger::observe(Knote& knote) const {
  const Condition state = condition(knote, Clock{}, 0);
  if (state.holds != Due::kNo) knote.was_true = true;
  if (state.data) knote.most = std::max(knote.most, *state.data);
}

void Ledger::number_closed(int fd, bool unseen) {
  for (size_t i = knotes_.size(); i-- > 0;) {
    Knote& knote = knotes_[i];
    if (!about_descriptor(knote.filter) || knote.ident != static_cast<uintptr_t>(fd)) continue;
    if (unseen) {
      knote.orphan = true;
    } else {
      erase(&knote);
    }
  }
}

void Ledger::number_opened(int fd, int object) {
  // The same object at the same number again, or the same file opened anew: no one can tell that
  // anything was away.
  const bool file = world_.object(object).kind == Kind::kFile;
  for (Knote& knote : knotes_) {
    if (!knote.orphan || knote.ident != static_cast<uintptr_t>(fd)) continue;
    if (knote.object != object && !(file && world_.object(knote.object).kind == Kind::kFile)) {
      continue;
    }
    knote.orphan = false;
    knote.vague = knote.maybe_gone = true;
  }
}

void Ledger::activity(int object, int end, int16_t filter, bool certain) {
  for (Knote& knote : knotes_) {
    if (knote.filter != filter || knote.orphan) continue;
    const Slot* const slot = world_.find(static_cast<int64_t>(knote.ident));
    if (!slot || slot->object != object || slot->end != end) continue;
    (certain ? knote.edge : knote.edge_may) = true;
    observe(knote);
  }
}

void Ledger::object_died(int object) {
  for (size_t i = knotes_.size(); i-- > 0;) {
    Knote& knote = knotes_[i];
    if (knote.kqueue == object) {
      erase(&knote);
    } else if (knote.filter == filter::kWrite && knote.object == object && !knote.orphan) {
      const Slot* const slot = world_.find(static_cast<int64_t>(knote.ident));
      if (slot && slot->object == object && slot->end == 1) knote.dead = true;
    }
  }
}

std::string Ledger::describe(const Knote& knote) const {
  char text[200];
  snprintf(text, sizeof text, "%s %#zx on kqueue object %d: flags %s%s%s%s%s, udata %#zx",
           filter_name(knote.filter).c_str(), knote.ident, knote.kqueue,
           flag_names(knote.flags).c_str(), knote.disabled ? ", disabled" : ", enabled",
           knote.forced ? ", forced" : "", knote.vague ? ", vague" : "", knote.dead ? ", dead" : "",
           knote.udata);
  return text;
}

}  // namespace kqtorture::flags
