// Pipes, sockets and descriptor numbers, as far as knotes notice them: who can read, who is told
// about it, and which knotes go when a number is closed (2.7, 2.8).
#include "contract/checker/object_points.h"

#include <algorithm>

namespace kqtorture::contract::checking {
namespace {

// The end at which what is written at `end` arrives.
size_t receiving_end(const Thing& thing, size_t end) {
  return thing.kind == Kind::kPipe || thing.kind == Kind::kEventfd ? 0 : 1 - end;
}

// Is this the end to write to (0: to read from)? Where pipes have a direction.
bool wrong_end(const Rules& rules, const Thing& thing, size_t end, size_t wanted) {
  return thing.kind == Kind::kPipe && !rules.host.pipe_bidirectional && end != wanted;
}

// More objects than this at a time are left in the order in which they came.
constexpr size_t kMostSlots = 64;

template <typename Use>
void each_cell_of(const Layout& layout, size_t number, Use use) {
  for (int c = layout.numbers[number].first_cell; c >= 0;
       c = layout.cells[static_cast<size_t>(c)].next_of_number) {
    use(static_cast<size_t>(c));
  }
}

void activate_cell(const Rules& rules, const World& world, size_t index, uint8_t bits) {
  Cell& cell = world.cell(index);
  if (rules.layout.cells[index].filter != filter::kRead || cell.present == 0) return;
  if (!cell.is(flag::kOneshot | flag::kClear)) return;
  const Tri ready = evaluate_cell(rules, world, index, {cell.sfflags, cell.sdata}).ready;
  uint8_t set = bits;
  if (ready != Tri::kYes) set &= static_cast<uint8_t>(~kSurely);
  if (ready == Tri::kNo && !rules.late()) set = 0;
  cell.active |= set;
}

// READ knotes on one end of an object hear of something.
void activate(const Rules& rules, const World& world, size_t thing, size_t end, uint8_t bits) {
  for (size_t i = 0; i < rules.layout.numbers.size(); ++i) {
    const Number& number = world.number(i);
    if (number.open != Open::kOpen || number.thing != thing || number.end != end) continue;
    each_cell_of(rules.layout, i, [&](size_t cell) {
      if (world.cell(cell).closer == 0) activate_cell(rules, world, cell, bits);
    });
  }
  for (size_t i = 0; i < rules.layout.closers.size(); ++i) {
    const Dropped& dropped = world.dropped(i);
    if (dropped.pending == 0 || dropped.thing != thing || dropped.end != end) continue;
    each_cell_of(rules.layout, dropped.number, [&](size_t cell) {
      if (world.cell(cell).closer == i + 1) activate_cell(rules, world, cell, bits);
    });
  }
}

uint8_t activity(const Rules& rules) { return rules.late() ? kByEdge : kByChange; }

// WRITE knotes of a pipe whose reader has gone.
void convert_writers(const Rules& rules, const World& world, size_t thing) {
  for (size_t i = 0; i < rules.layout.cells.size(); ++i) {
    const Layout::CellKey& key = rules.layout.cells[i];
    Cell& cell = world.cell(i);
    if (key.filter != filter::kWrite || key.number == kNoIndex || cell.present == 0) continue;
    const Bound bound = bound_of(rules.layout, world, i);
    if (bound.index != thing || bound.end != 1) continue;
    if (rules.late() || world.thing(thing).vague != 0) {
      // It hears of it at some later scan, or when the file has really gone.
      cell.flags_maybe |= flag::kOneshot;
    } else {
      cell.flags |= flag::kOneshot;
      cell.active |= kByChange | kSurely;
      cell.converted = 1;
    }
  }
}

// A close has two halves that others can tell apart, in whatever order a kernel does them. Here:
// the number is free, its knotes are still there and watch what they watched. That they went first
// is for the search to try (Component::expand).
void release_number(const Rules& rules, const World& world, size_t index, uint16_t closer) {
  const Number was = world.number(index);
  const bool known = was.open == Open::kOpen && was.thing != Number::kUnknown;
  const uint16_t thing = known ? was.thing : Number::kUnknown;
  each_cell_of(rules.layout, index, [&](size_t i) {
    Cell& cell = world.cell(i);
    if (cell.present == 0 || cell.closer != 0) return;
    cell.closer = static_cast<uint16_t>(closer + 1);
    cell.thing = thing;
    cell.end = was.end;
  });
  world.number(index) = {};
  world.dropped(closer) = {thing, static_cast<uint16_t>(index), was.end, 1, 0};
}

// The other half.
void drop_file(const Rules& rules, const World& world, uint16_t closer) {
  const Dropped was = world.dropped(closer);
  if (was.pending == 0) return;
  each_cell_of(rules.layout, was.number, [&](size_t i) {
    if (world.cell(i).closer == closer + 1) forget(Cause::kClosed, &world.cell(i));
  });
  world.dropped(closer) = {};
  if (was.thing == Number::kUnknown) return;
  Thing& thing = world.thing(was.thing);
  if (--thing.numbers[was.end] > 0) return;
  if (thing.numbers[1 - was.end] == 0) {
    thing = {};
    return;
  }
  if (thing.kind == Kind::kPipe && was.end == 0 && rules.profile.death_converts) {
    convert_writers(rules, world, was.thing);
  }
  activate(rules, world, was.thing, 1 - was.end, activity(rules) | kSurely);
}

// A number is given to a new file only when the knotes of the old one have gone.
void finish_knotes(const Rules& rules, const World& world, size_t number) {
  each_cell_of(rules.layout, number, [&](size_t i) {
    if (world.cell(i).closer != 0) forget(Cause::kClosed, &world.cell(i));
  });
}

Misfit open_object(const Rules& rules, const Point& point, const World& world) {
  size_t slot = 0;
  while (world.thing(slot).kind != Kind::kGone) ++slot;
  const uint16_t numbers[2] = {point.number, point.number2};
  for (const uint16_t index : numbers) {
    if (index != kNoIndex && world.number(index).open == Open::kOpen) return Misfit::kObject;
  }
  Thing& thing = world.thing(slot);
  thing.kind = point.object;
  thing.inbox[0] = point.object == Kind::kEventfd ? point.amount : 0;
  for (uint8_t end = 0; end < 2; ++end) {
    if (numbers[end] == kNoIndex) continue;
    finish_knotes(rules, world, numbers[end]);
    world.number(numbers[end]) = {static_cast<uint16_t>(slot), Open::kOpen, end, 0};
    thing.numbers[end] = 1;
  }
  return Misfit::kNone;
}

Misfit duplicate(const Rules& rules, const Point& point, const World& world) {
  const Number from = world.number(point.number);
  if (from.open == Open::kClosed) return Misfit::kObject;
  if (point.number == point.number2) return Misfit::kNone;
  const bool open = world.number(point.number2).open == Open::kOpen;
  if (open && point.kind == PointKind::kDup) return Misfit::kObject;
  // First the new one, then the old one's end: an object may lose its only other number.
  Thing* thing = world.thing_of(from);
  if (thing != nullptr) ++thing->numbers[from.end];
  if (point.kind == PointKind::kDup2 && world.number(point.number2).open != Open::kClosed) {
    release_number(rules, world, point.number2, point.closer);
  } else {
    finish_knotes(rules, world, point.number2);
  }
  world.number(point.number2) = from;
  if (from.open == Open::kWild) world.number(point.number2).open = Open::kOpen;
  return Misfit::kNone;
}

Misfit arrive(const Rules& rules, const Point& point, const World& world, const Number& number,
              Thing* thing) {
  if (thing == nullptr) return Misfit::kNone;
  if (wrong_end(rules, *thing, number.end, 1)) return Misfit::kObject;
  const size_t end = receiving_end(*thing, number.end);
  if (rules.layout.exact && thing->vague == 0 && thing->kind != Kind::kOther) {
    if (thing->numbers[end] == 0) return Misfit::kObject;
    int64_t amount = point.amount;
    if (thing->kind == Kind::kDgram) amount = 1;
    if (thing->kind == Kind::kEventfd) amount = point.event.data;
    thing->inbox[end] += amount;
  }
  if (!rules.late()) activate(rules, world, number.thing, end, kByChange | kSurely);
  return Misfit::kNone;
}

Misfit take(const Rules& rules, const Point& point, const World& world, const Number& number,
            Thing* thing) {
  if (thing == nullptr) return Misfit::kNone;
  if (wrong_end(rules, *thing, number.end, 0)) return Misfit::kObject;
  const size_t end = thing->kind == Kind::kPipe || thing->kind == Kind::kEventfd ? 0 : number.end;
  thing->full = 0;
  if (!rules.layout.exact || thing->vague != 0 || thing->kind == Kind::kOther) return Misfit::kNone;
  int64_t amount = point.amount;
  if (thing->kind == Kind::kDgram) amount = 1;
  if (thing->kind == Kind::kEventfd) amount = std::max<int64_t>(thing->inbox[0], 1);
  if (thing->inbox[end] < amount) return Misfit::kObject;
  thing->inbox[end] -= amount;
  // A kernel may tell everybody who waits at the object that something was read, readers included.
  if (!rules.late() && thing->inbox[end] > 0) activate(rules, world, number.thing, end, kByChange);
  return Misfit::kNone;
}

// Nothing to read, now or ever.
Misfit find_empty(const Rules& rules, const Point& point, const Number& number,
                  const Thing* thing) {
  if (thing == nullptr || !rules.layout.exact || thing->vague != 0) return Misfit::kNone;
  if (thing->kind == Kind::kOther) return Misfit::kNone;
  if (wrong_end(rules, *thing, number.end, 0)) return Misfit::kObject;
  const size_t end = thing->kind == Kind::kPipe || thing->kind == Kind::kEventfd ? 0 : number.end;
  if (thing->inbox[end] > 0) return Misfit::kObject;
  if (thing->kind == Kind::kDgram || thing->kind == Kind::kEventfd) return Misfit::kNone;
  const bool over = thing->numbers[1 - end] == 0;
  return over == (point.kind == PointKind::kEnd) ? Misfit::kNone : Misfit::kObject;
}

void ring_everybody(const Rules& rules, const World& world, bool only_ended) {
  for (size_t i = 0; i < rules.layout.cells.size(); ++i) {
    Cell& cell = world.cell(i);
    if (cell.present == 0 || rules.layout.cells[i].filter != filter::kRead) continue;
    if (!cell.is(flag::kOneshot | flag::kClear)) continue;
    const Evaluation now = evaluate_cell(rules, world, i, {cell.sfflags, cell.sdata});
    if (!only_ended || now.eof != Tri::kNo) cell.active |= activity(rules);
  }
}

Misfit ring(const Rules& rules, const Point& point, const World& world, const Number& number,
            const Thing* thing) {
  if (thing == nullptr) {
    // The number was closed while the call that rings was still under way.
    ring_everybody(rules, world, false);
    return Misfit::kNone;
  }
  const uint8_t surely = point.amount > 0 ? kSurely : 0;
  activate(rules, world, number.thing, receiving_end(*thing, number.end),
           static_cast<uint8_t>(activity(rules) | surely));
  return Misfit::kNone;
}

Misfit place_in_order(const Rules& rules, const Point& point, const World& world) {
  switch (point.kind) {
    case PointKind::kOpen:
      return open_object(rules, point, world);
    case PointKind::kDup:
    case PointKind::kDup2:
      return duplicate(rules, point, world);
    case PointKind::kDrop:
      drop_file(rules, world, point.closer);
      return Misfit::kNone;
    case PointKind::kEndRings:
      ring_everybody(rules, world, true);
      return Misfit::kNone;
    case PointKind::kEndQueue:
      for (size_t i = 0; i < rules.layout.cells.size(); ++i) {
        if (rules.layout.cells[i].kqueue != point.amount) continue;
        if (world.cell(i).present != 0) forget(Cause::kEndOfQueue, &world.cell(i));
      }
      return Misfit::kNone;
    default:
      break;
  }
  const Number number = world.number(point.number);
  Thing* thing = world.thing_of(number);
  if (point.kind == PointKind::kRing) return ring(rules, point, world, number, thing);
  if (number.open == Open::kClosed) return Misfit::kObject;
  switch (point.kind) {
    case PointKind::kArrive:
      return arrive(rules, point, world, number, thing);
    case PointKind::kFull:
      // Of a pipe, one byte that finds no space says that there is none.
      if (thing != nullptr && thing->kind == Kind::kPipe) {
        thing->full |= static_cast<uint8_t>(1u << number.end);
      }
      return Misfit::kNone;
    case PointKind::kTake:
      return take(rules, point, world, number, thing);
    case PointKind::kEmpty:
    case PointKind::kEnd:
      return find_empty(rules, point, number, thing);
    case PointKind::kRelease:
      release_number(rules, world, point.number, point.closer);
      return Misfit::kNone;
    case PointKind::kShut:
      if (thing != nullptr) thing->vague |= kShutDown;
      return Misfit::kNone;
    case PointKind::kHold:
      if (thing != nullptr) thing->vague |= kHeld;
      return Misfit::kNone;
    default:
      return Misfit::kObject;
  }
}

// Which slot an object is in says in which order objects came and went, and no more: worlds that
// differ only in that are the same. So the slots are filled in the order of the numbers.
void sort_things(const Layout& layout, const World& world) {
  uint16_t to[kMostSlots];
  uint16_t next = 0;
  bool sorted = true;
  const size_t things = layout.things();
  if (things > kMostSlots) return;
  std::fill(to, to + things, Number::kUnknown);
  const auto meet = [&](uint16_t thing) {
    if (thing == Number::kUnknown || to[thing] != Number::kUnknown) return;
    sorted = sorted && thing == next;
    to[thing] = next++;
  };
  for (size_t i = 0; i < layout.numbers.size(); ++i) {
    if (world.number(i).open == Open::kOpen) meet(world.number(i).thing);
  }
  for (size_t i = 0; i < layout.closers.size(); ++i) {
    if (world.dropped(i).pending != 0) meet(world.dropped(i).thing);
  }
  if (sorted) return;
  Thing old[kMostSlots];
  std::copy(&world.thing(0), &world.thing(0) + things, old);
  for (size_t i = 0; i < things; ++i) world.thing(i) = {};
  for (size_t i = 0; i < things; ++i) {
    if (to[i] != Number::kUnknown) world.thing(to[i]) = old[i];
  }
  const auto rename = [&](uint16_t* thing) {
    if (*thing != Number::kUnknown) *thing = to[*thing];
  };
  for (size_t i = 0; i < layout.numbers.size(); ++i) {
    if (world.number(i).open == Open::kOpen) rename(&world.number(i).thing);
  }
  for (size_t i = 0; i < layout.closers.size(); ++i) {
    if (world.dropped(i).pending != 0) rename(&world.dropped(i).thing);
  }
  for (size_t i = 0; i < layout.cells.size(); ++i) {
    if (world.cell(i).closer != 0) rename(&world.cell(i).thing);
  }
}

}  // namespace

Misfit place_on_object(const Rules& rules, const Point& point, const World& world) {
  const Misfit misfit = place_in_order(rules, point, world);
  if (misfit != Misfit::kNone) return misfit;
  switch (point.kind) {
    case PointKind::kOpen:
    case PointKind::kDup2:
    case PointKind::kRelease:
    case PointKind::kDrop:
      sort_things(rules.layout, world);
      break;
    default:
      break;
  }
  return Misfit::kNone;
}

}  // namespace kqtorture::contract::checking
