// The points that are a kqueue's business: a change reaches a knote, an event is delivered. What
// they do to the knote is knote.h's; here is when that fits what was seen.
#include "contract/checker/point.h"

#include <cerrno>

#include "contract/checker/object_points.h"

namespace kqtorture::contract::checking {
namespace {

Evaluation evaluate_now(const Rules& rules, const World& world, size_t index, const Cell& cell,
                        const Interest& interest) {
  Evaluation now = evaluate_cell(rules, world, index, interest);
  if (cell.converted != 0) now.ready = now.eof = Tri::kYes;
  return now;
}

// Only what the contract models answers as the contract says; the rest may refuse for its own
// reasons.
bool answers_by_rule(const Rules& rules, const World& world, size_t index) {
  const Layout::CellKey& key = rules.layout.cells[index];
  if (key.filter == filter::kUser || key.filter == filter::kTimer) return true;
  if (key.number == kNoIndex || !is_descriptor_filter(key.filter)) return false;
  const Thing* thing = world.thing_of(world.number(key.number));
  return thing != nullptr && (thing->vague & kShutDown) == 0 &&
         (thing->kind == Kind::kPipe || thing->kind == Kind::kStream);
}

// What a change does: an errno, or the cell as it is after it.
struct Answer {
  int error = 0;
  bool anything = false;  // it may be refused with whatever errno
  Cell cell;
};

Answer refuse(int error) {
  Answer answer;
  answer.error = error;
  return answer;
}

// A WRITE knote made on a pipe of which nobody knows when its reader goes.
bool may_be_converted(const Rules& rules, const World& world, size_t index) {
  if (!rules.profile.death_converts || rules.layout.cells[index].filter != filter::kWrite) {
    return false;
  }
  const Thing* thing = bound_of(rules.layout, world, index).thing;
  return thing != nullptr && thing->kind == Kind::kPipe && (thing->vague & kHeld) != 0;
}

int dead_pipe_error(const Rules& rules, const World& world, size_t index, bool* anything) {
  const Layout::CellKey& key = rules.layout.cells[index];
  if (key.filter != filter::kWrite || key.number == kNoIndex) return 0;
  const Number& number = world.number(key.number);
  const Thing* thing = world.thing_of(number);
  const bool writes = number.end == 1 || rules.host.pipe_bidirectional;
  if (thing == nullptr || thing->kind != Kind::kPipe || !writes) return 0;
  if (thing->numbers[1 - number.end] > 0) return 0;
  if ((thing->vague & kHeld) != 0) {
    // The reader may not have gone yet.
    *anything = true;
    return 0;
  }
  *anything = rules.profile.dead_pipe_write == DeadPipeWrite::kUnknown;
  return rules.profile.dead_pipe_write == DeadPipeWrite::kRefusedEpipe ? EPIPE : 0;
}

uint8_t bits_of(Active active) {
  if (active == Active::kNo) return 0;
  return active == Active::kMaybe ? kByChange : kByChange | kSurely;
}

// What a scan remembers of activity matters to knotes that do not look again, or look only once.
uint8_t remembered(const Cell& cell, uint8_t bits) {
  return cell.is(flag::kOneshot | flag::kClear) ? bits : 0;
}

void restart_timer(const Rules& rules, const Point& point, bool existed, Cell* cell) {
  cell->armed = point.begin;
  cell->expirations = 0;
  const bool ignored = existed && rules.profile.timer_readd == TimerReadd::kIgnoredUntilExpiry;
  cell->untimed = ignored || cell->is(flag::kError) ? 1 : 0;
}

// Does an exit take the knote away in silence?
uint8_t unasked(const Rules& rules, size_t index, uint32_t sfflags) {
  const int16_t number = rules.layout.cells[index].filter;
  const bool process = number == filter::kProc || number == filter::kProcdesc;
  return process && !rules.profile.exit_event_without_interest && (sfflags & note::kExit) == 0;
}

// An ADD found the knote, or made a new one where it had gone.
void add_or_create(const Event& change, Cell* cell) {
  cell->flags_maybe = UINT16_MAX;
  if (!has(change, flag::kDisable)) cell->disabled = 0;
  cell->forced = 0;
}

Answer create(const Rules& rules, const Point& point, const World& world) {
  if (!has(point.event, flag::kAdd)) return refuse(ENOENT);
  if (has(point.event, flag::kDelete) &&
      rules.profile.add_delete_absent == AddDeleteAbsent::kNotFound) {
    return refuse(ENOENT);
  }
  Answer answer;
  answer.error = dead_pipe_error(rules, world, point.cell, &answer.anything);
  if (answer.error != 0) return answer;
  Cell fresh;
  std::memset(static_cast<void*>(&fresh), 0, sizeof fresh);
  const Evaluation now =
      evaluate_now(rules, world, point.cell, fresh, {point.event.fflags, point.event.data});
  Knote knote = load(rules.layout, world, point.cell);
  const ChangeResult result = create_knote(rules.profile, rules.host, point.event, now, 0, &knote);
  if (result.what == Changed::kRefused) return refuse(result.error);
  store(knote, &fresh);
  fresh.present = 1;
  fresh.unasked = unasked(rules, point.cell, fresh.sfflags);
  if (may_be_converted(rules, world, point.cell)) fresh.flags_maybe |= flag::kOneshot;
  fresh.cause = Cause::kAdded;
  fresh.active = remembered(fresh, bits_of(knote.active));
  if (knote.filter == filter::kTimer) restart_timer(rules, point, false, &fresh);
  answer.cell = fresh;
  return answer;
}

Cause cause_after(const Cell& before, const Cell& after, const Event& change) {
  if (before.disabled == 0 && after.disabled != 0) return Cause::kDisabled;
  if (before.disabled != 0 && after.disabled == 0) return Cause::kEnabled;
  // A DISABLE of what a delivery has disabled already is the stronger reason to be silent.
  if (after.disabled != 0 && has(change, flag::kDisable)) return Cause::kDisabled;
  return before.cause;
}

Answer modify(const Rules& rules, const Point& point, const World& world) {
  const Cell& before = world.cell(point.cell);
  Knote knote = load(rules.layout, world, point.cell);
  knote.active = Active::kNo;  // what the change itself finds is told apart from what was
  const Interest interest = interest_after(rules.profile, point.event, knote);
  const Evaluation now = evaluate_now(rules, world, point.cell, before, interest);
  const ChangeResult result = apply_change(rules.profile, rules.host, point.event, now, 0, &knote);
  Answer answer;
  answer.cell = before;
  if (result.what == Changed::kDeleted) {
    forget(Cause::kDeleted, &answer.cell);
    return answer;
  }
  if (result.what == Changed::kRefused) return refuse(result.error);
  Cell& after = answer.cell;
  store(knote, &after);
  const bool restarted = knote.filter == filter::kTimer && has(point.event, flag::kAdd);
  const bool unlinked = rules.profile.disable_queue == DisableQueue::kUnlinks &&
                        before.disabled != 0 && after.disabled == 0;
  const uint8_t kept = restarted || unlinked ? 0 : before.active;
  after.active = remembered(after, kept | bits_of(knote.active));
  if (before.unasked != 0 && has(point.event, flag::kAdd)) add_or_create(point.event, &after);
  after.unasked |= unasked(rules, point.cell, after.sfflags);
  after.cause = cause_after(before, after, point.event);
  if (restarted) restart_timer(rules, point, true, &after);
  return answer;
}

Answer answer_to(const Rules& rules, const Point& point, const World& world) {
  const Layout::CellKey& key = rules.layout.cells[point.cell];
  if (key.number != kNoIndex && world.number(key.number).open == Open::kClosed) {
    const bool knote_first = rules.profile.closed_descriptor == CheckOrder::kKnoteFirst;
    if (!knote_first || has(point.event, flag::kAdd)) return refuse(EBADF);
    if (world.cell(point.cell).present == 0) return refuse(ENOENT);
  }
  Answer answer = world.cell(point.cell).present != 0 ? modify(rules, point, world)
                                                      : create(rules, point, world);
  if (!answers_by_rule(rules, world, point.cell)) answer.anything = true;
  return answer;
}

Misfit place_change(const Rules& rules, const Point& point, const World& world) {
  const Layout::CellKey& key = rules.layout.cells[point.cell];
  if (point.fate == Fate::kRefused) {
    if (for_want_of_resources(point.error)) return Misfit::kNone;
    if (key.number != kNoIndex && world.number(key.number).open == Open::kWild &&
        (point.error == EBADF || point.error == ENOENT)) {
      return Misfit::kNone;
    }
  }
  Cell& cell = world.cell(point.cell);
  // A refusal changes nothing, so the knote may be there for others: it may be gone, to each.
  const bool gone = point.fate == Fate::kRefused && point.error == ENOENT && cell.unasked != 0;
  if (gone && !has(point.event, flag::kAdd)) return Misfit::kNone;
  const Answer answer = answer_to(rules, point, world);
  if (point.fate == Fate::kRefused) {
    if (answer.error == point.error) return Misfit::kNone;
    const bool lookup = point.error == ENOENT || point.error == EBADF;
    if (answer.anything && !lookup) return Misfit::kNone;
    return answer.error == 0 ? Misfit::kShouldSucceed : Misfit::kOtherError;
  }
  // (Of an unknown change: then it changed nothing, which is as if it had not been.)
  if (answer.error != 0) return Misfit::kShouldFail;
  cell = answer.cell;
  return Misfit::kNone;
}

double nanoseconds(const Rules& rules, const Point& point, const Cell& cell) {
  return static_cast<double>(point.end - cell.armed) * rules.ns_per_tick * kClockTolerance +
         kClockGrain;
}

// The shortest time between two expirations, or 0 when it is not known.
double period_of(const Rules& rules, const Cell& cell) {
  if (cell.untimed != 0 || cell.sdata <= 0) return 0;
  if (rules.profile.timer_absolute && (cell.sfflags & note::kAbstime) != 0) return 0;
  double unit = 1e6;
  if (rules.profile.timer_units != TimerUnits::kMillisecondsOnly) {
    switch (cell.sfflags & note::kTimerUnits) {
      case note::kSeconds:
        unit = 1e9;
        break;
      case note::kUseconds:
        unit = 1e3;
        break;
      case note::kNseconds:
        unit = 1;
        break;
      default:
        break;
    }
  }
  return static_cast<double>(cell.sdata) * unit;
}

Misfit check_timer(const Rules& rules, const Point& point, const Cell& cell) {
  if (has(point.event, flag::kError)) return Misfit::kNone;
  if (point.event.data < 1 && cell.forced == 0) return Misfit::kFields;
  const double period = period_of(rules, cell);
  if (period <= 0 || cell.forced != 0) return Misfit::kNone;
  const double elapsed = nanoseconds(rules, point, cell);
  if (elapsed < period) return Misfit::kEarly;
  const double most = elapsed / period + 1;
  const double sum = static_cast<double>(cell.expirations) + static_cast<double>(point.event.data);
  return sum > most ? Misfit::kTooMany : Misfit::kNone;
}

// Bits that may be there or not.
uint16_t free_flags(const Layout::CellKey& key, const Expected& expected, const Evaluation& now) {
  uint16_t free = expected.flags_maybe;
  if (now.eof != Tri::kNo) free |= flag::kEof;
  // Filters without a model add flags of their own at creation or with an event.
  const bool modelled = is_descriptor_filter(key.filter) || key.filter == filter::kUser ||
                        key.filter == filter::kTimer;
  if (!modelled) free |= flag::kClear | flag::kEof | flag::kOneshot | flag::kError;
  return free;
}

// May a scan deliver the knote now?
Misfit may_be_delivered(const Rules& rules, const World& world, size_t index, const Evaluation& now,
                        Knote* knote) {
  const Cell& cell = world.cell(index);
  if (cell.present == 0) return Misfit::kAbsent;
  if (cell.disabled != 0) return Misfit::kDisabled;
  const bool remembers = cell.is(flag::kOneshot | flag::kClear);
  // A forced knote is active, and its filter is not asked; but to set a timer anew takes that away,
  // and then its expiry activates it.
  const bool is_timer = rules.layout.cells[index].filter == filter::kTimer;
  const bool asked = cell.forced == 0 || is_timer;
  const bool free = !remembers || (asked && !counts_edges(rules, world, index));
  knote->active = free || cell.active != 0 ? Active::kMaybe : Active::kNo;
  if (deliverable(rules.profile, *knote, now) != Tri::kNo) return Misfit::kNone;
  return now.ready == Tri::kNo ? Misfit::kNotReady : Misfit::kNoActivation;
}

void take_activity(const Rules& rules, const Layout::CellKey& key, Cell* cell) {
  const bool both = (cell->active & kByChange) != 0 && (cell->active & kByEdge) != 0;
  cell->active = rules.late() && key.filter != filter::kUser && both ? kByEdge : 0;
}

// The event is delivered: `flags` as it showed.
void deliver_cell(const Rules& rules, const Layout::CellKey& key, uint16_t flags, int64_t data,
                  const Evaluation& now, Knote knote, Cell* cell) {
  if (!deliver(rules.profile, flags, now, false, 0, &knote)) {
    forget(cell->forced != 0 ? Cause::kFinal : Cause::kDelivered, cell);
    return;
  }
  const bool was_disabled = cell->disabled != 0;
  store(knote, cell);
  take_activity(rules, key, cell);
  cell->active = remembered(*cell, cell->active);
  if (!was_disabled && cell->disabled != 0) cell->cause = Cause::kDispatched;
  if (key.filter != filter::kTimer) return;
  // Only what EV_CLEAR has taken away is not in the next event again.
  const bool taken = (cell->flags & ~cell->flags_maybe & flag::kClear) != 0;
  cell->expirations = taken ? cell->expirations + data : 0;
}

Misfit place_delivery(const Rules& rules, const Point& point, const World& world) {
  const Layout::CellKey& key = rules.layout.cells[point.cell];
  Cell& cell = world.cell(point.cell);
  if (cell.present == 0) return Misfit::kAbsent;
  if (cell.disabled != 0) return Misfit::kDisabled;
  Knote knote = load(rules.layout, world, point.cell);
  const Evaluation now = evaluate_now(rules, world, point.cell, cell, {cell.sfflags, cell.sdata});
  const Misfit due = may_be_delivered(rules, world, point.cell, now, &knote);
  if (due != Misfit::kNone) return due;
  if (key.filter == filter::kTimer) {
    const Misfit misfit = check_timer(rules, point, cell);
    if (misfit != Misfit::kNone) return misfit;
  }
  const Event& seen = point.event;
  if (seen.udata != cell.udata) return Misfit::kUdata;
  const Expected expected = expected_event(rules.profile, knote, now);
  const uint16_t free = free_flags(key, expected, now);
  if (((seen.flags ^ expected.flags) & ~free) != 0) return Misfit::kFlags;
  if (key.filter == filter::kUser &&
      ((seen.fflags != expected.fflags && seen.fflags != expected.fflags_or) ||
       !expected.data.holds(seen.data))) {
    return Misfit::kFields;
  }
  deliver_cell(rules, key, seen.flags, seen.data, now, knote, &cell);
  return Misfit::kNone;
}

Misfit place_hidden(const Rules& rules, const Point& point, const World& world) {
  const Layout::CellKey& key = rules.layout.cells[point.cell];
  Cell& cell = world.cell(point.cell);
  Knote knote = load(rules.layout, world, point.cell);
  const Evaluation now = evaluate_now(rules, world, point.cell, cell, {cell.sfflags, cell.sdata});
  const Misfit due = may_be_delivered(rules, world, point.cell, now, &knote);
  if (due != Misfit::kNone) return due;
  const Expected expected = expected_event(rules.profile, knote, now);
  deliver_cell(rules, key, expected.flags, 0, now, knote, &cell);
  return Misfit::kNone;
}

}  // namespace

Misfit place(const Rules& rules, const Point& point, const World& world) {
  switch (point.kind) {
    case PointKind::kChange:
      return place_change(rules, point, world);
    case PointKind::kDelivery:
      return place_delivery(rules, point, world);
    case PointKind::kHidden:
      return place_hidden(rules, point, world);
    default:
      return place_on_object(rules, point, world);
  }
}

int expected_error(const Rules& rules, const Point& change, const World& world) {
  return answer_to(rules, change, world).error;
}

Event expected_delivery(const Rules& rules, size_t cell, const World& world) {
  const Layout::CellKey& key = rules.layout.cells[cell];
  const Cell& state = world.cell(cell);
  const Knote knote = load(rules.layout, world, cell);
  const Evaluation now = evaluate_now(rules, world, cell, state, {state.sfflags, state.sdata});
  const Expected expected = expected_event(rules.profile, knote, now);
  Event event;
  event.ident = key.ident;
  event.filter = key.filter;
  event.flags = expected.flags;
  event.fflags = expected.fflags;
  event.data = expected.data.lo;
  event.udata = knote.udata;
  return event;
}

void number_groups(const Rules& rules, const World& world, std::vector<uint64_t>* groups) {
  const size_t count = rules.layout.numbers.size();
  groups->assign(count + rules.layout.things(), 0);
  uint64_t* of_thing = groups->data() + count;
  for (size_t i = 0; i < count; ++i) {
    const Number& number = world.number(i);
    if (world.thing_of(number) != nullptr) of_thing[number.thing] |= uint64_t{1} << (i % 64);
  }
  const auto each_dropped = [&](auto use) {
    for (size_t i = 0; i < rules.layout.closers.size(); ++i) {
      const Dropped& dropped = world.dropped(i);
      if (dropped.pending != 0 && dropped.thing != Number::kUnknown) use(dropped);
    }
  };
  each_dropped([&](const Dropped& dropped) {
    of_thing[dropped.thing] |= uint64_t{1} << (dropped.number % 64);
  });
  for (size_t i = 0; i < count; ++i) {
    const Number& number = world.number(i);
    (*groups)[i] = uint64_t{1} << (i % 64);
    if (world.thing_of(number) != nullptr) (*groups)[i] |= of_thing[number.thing];
  }
  each_dropped(
      [&](const Dropped& dropped) { (*groups)[dropped.number] |= of_thing[dropped.thing]; });
}

uint64_t touched_numbers(const Rules& rules, const Point& point, const World& world,
                         const std::vector<uint64_t>& groups) {
  uint64_t bits = 0;
  const auto touch = [&](uint16_t index) {
    if (index != kNoIndex) bits |= groups[index];
  };
  switch (point.kind) {
    case PointKind::kChange:
    case PointKind::kDelivery:
    case PointKind::kHidden:
      touch(rules.layout.cells[point.cell].number);
      return bits;
    case PointKind::kEndRings:
    case PointKind::kEndQueue:
      return ~uint64_t{0};
    case PointKind::kRing:
      if (world.number(point.number).open == Open::kClosed) return ~uint64_t{0};
      break;
    default:
      break;
  }
  touch(point.number);
  touch(point.number2);
  return bits;
}

}  // namespace kqtorture::contract::checking
