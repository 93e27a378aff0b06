// How a world begins, and what the objects in it say (3.1, 3.2).
#include "contract/checker/world.h"

#include "contract/user.h"

namespace kqtorture::contract::checking {
namespace {

Evaluation anything() {
  Evaluation now;
  now.ready = now.eof = Tri::kMaybe;
  now.data = Range::at_least(0);
  return now;
}

bool has_low_water(const Interest& interest) { return (interest.sfflags & note::kLowat) != 0; }

// Is there at least the amount asked for in an inbox? Whether a low-water mark counts, and that
// nothing is enough for a mark of zero, differs from one kqueue and object to another.
Tri fills(const Rules& rules, const Thing& thing, int64_t amount, const Interest& interest) {
  if (!rules.layout.exact || thing.vague != 0) return Tri::kMaybe;
  const bool enough = !has_low_water(interest) || amount >= interest.sdata;
  if (amount > 0) return enough ? Tri::kYes : Tri::kMaybe;
  return has_low_water(interest) && enough ? Tri::kMaybe : Tri::kNo;
}

Tri has_space(const Rules& rules, const Thing& thing, size_t end, const Interest& interest) {
  if (!rules.layout.exact || thing.vague != 0 || has_low_water(interest)) return Tri::kMaybe;
  if ((thing.full & (1u << end)) != 0) return Tri::kNo;
  const size_t inbox = thing.kind == Kind::kPipe ? 0 : 1 - end;
  return thing.inbox[inbox] == 0 ? Tri::kYes : Tri::kMaybe;
}

// Is nobody left at the other end?
Tri has_ended(const Thing& thing, size_t end) {
  if ((thing.vague & kHeld) != 0) return Tri::kMaybe;
  if (thing.numbers[1 - end] == 0) return Tri::kYes;
  return thing.vague != 0 ? Tri::kMaybe : Tri::kNo;
}

Evaluation evaluate_pipe(const Rules& rules, const Thing& pipe, size_t end, bool reads,
                         const Interest& interest) {
  Evaluation now;
  const bool its_direction = end == (reads ? 0u : 1u);
  if (!its_direction && rules.host.pipe_bidirectional) return anything();
  if (!its_direction && !reads) return now;
  now.eof = has_ended(pipe, end);
  if (!its_direction) {  // nothing ever comes, but the end
    now.ready = now.eof;
    return now;
  }
  now.ready = tri_or(now.eof, reads ? fills(rules, pipe, pipe.inbox[0], interest)
                                    : has_space(rules, pipe, end, interest));
  return now;
}

Evaluation evaluate_stream(const Rules& rules, const Thing& stream, size_t end, bool reads,
                           const Interest& interest) {
  Evaluation now;
  now.eof = has_ended(stream, end);
  now.ready = tri_or(now.eof, reads ? fills(rules, stream, stream.inbox[end], interest)
                                    : has_space(rules, stream, end, interest));
  return now;
}

}  // namespace

uint16_t Layout::add_cell(uint64_t ident, uint32_t kqueue, int16_t filter, uint16_t number) {
  const int index = static_cast<int>(cells.size());
  int next = -1;
  if (number != kNoIndex) {
    next = numbers[number].first_cell;
    numbers[number].first_cell = index;
  }
  cells.push_back({ident, kqueue, number, filter, next});
  return static_cast<uint16_t>(index);
}

uint16_t Layout::add_number(uint64_t number, Open initially) {
  numbers.push_back({number, initially, -1});
  return static_cast<uint16_t>(numbers.size() - 1);
}

uint16_t Layout::closer(uint32_t thread) {
  size_t at = 0;
  while (at < closers.size() && closers[at] != thread) ++at;
  if (at == closers.size()) closers.push_back(thread);
  return static_cast<uint16_t>(at);
}

Bound bound_of(const Layout& layout, const World& world, size_t index) {
  const Layout::CellKey& key = layout.cells[index];
  const Cell& cell = world.cell(index);
  if (cell.closer != 0) {
    Thing* thing = cell.thing == Number::kUnknown ? nullptr : &world.thing(cell.thing);
    return {cell.thing, cell.end, thing};
  }
  if (key.number == kNoIndex) return {};
  const Number& number = world.number(key.number);
  Thing* thing = world.thing_of(number);
  return {thing == nullptr ? Number::kUnknown : number.thing, number.end, thing};
}

void forget(Cause cause, Cell* cell) {
  std::memset(static_cast<void*>(cell), 0, sizeof *cell);
  cell->cause = cause;
}

void begin_world(const Layout& layout, uint8_t* memory) {
  std::memset(memory, 0, layout.bytes());
  const World world(layout, memory);
  for (size_t i = 0; i < layout.numbers.size(); ++i) {
    Number& number = world.number(i);
    number.open = layout.numbers[i].initially;
    if (number.open != Open::kClosed) number.thing = Number::kUnknown;
  }
}

Knote load(const Layout& layout, const World& world, size_t index) {
  const Cell& cell = world.cell(index);
  Knote knote;
  knote.ident = layout.cells[index].ident;
  knote.filter = layout.cells[index].filter;
  // Any index serves: only whether there is an object matters to the transitions.
  knote.object = layout.cells[index].number == kNoIndex ? Knote::kNoObject : 0;
  knote.disabled = cell.disabled != 0;
  knote.forced = cell.forced != 0;
  knote.converted = cell.converted != 0;
  knote.latch = static_cast<Tri>(cell.latch);
  knote.flags = cell.flags;
  knote.flags_maybe = cell.flags_maybe;
  knote.sfflags = cell.sfflags;
  knote.sdata = cell.sdata;
  knote.udata = cell.udata;
  knote.active = cell.active != 0 ? Active::kYes : Active::kNo;
  return knote;
}

void store(const Knote& knote, Cell* cell) {
  cell->udata = knote.udata;
  cell->sdata = knote.sdata;
  cell->sfflags = knote.sfflags;
  cell->flags = knote.flags;
  cell->flags_maybe = knote.flags_maybe;
  cell->disabled = knote.disabled ? 1 : 0;
  cell->forced = knote.forced ? 1 : 0;
  cell->converted = knote.converted ? 1 : 0;
  cell->latch = static_cast<uint8_t>(knote.latch);
}

Evaluation evaluate_cell(const Rules& rules, const World& world, size_t index,
                         const Interest& interest) {
  const Layout::CellKey& key = rules.layout.cells[index];
  if (key.filter == filter::kUser) {
    Evaluation now;
    now.ready = static_cast<Tri>(world.cell(index).latch);
    return now;
  }
  const bool reads = key.filter == filter::kRead;
  if (key.number == kNoIndex || (!reads && key.filter != filter::kWrite)) return anything();
  const Bound bound = bound_of(rules.layout, world, index);
  const Thing* thing = bound.thing;
  const uint8_t end = bound.end;
  if (thing == nullptr) return anything();
  switch (thing->kind) {
    case Kind::kPipe:
      return evaluate_pipe(rules, *thing, end, reads, interest);
    case Kind::kStream:
      return evaluate_stream(rules, *thing, end, reads, interest);
    case Kind::kDgram: {
      Evaluation now;
      now.ready = reads ? fills(rules, *thing, thing->inbox[end], interest) : Tri::kMaybe;
      if (thing->numbers[1 - end] == 0 || thing->vague != 0) return anything();
      return now;
    }
    case Kind::kEventfd: {
      Evaluation now;
      now.ready = reads ? fills(rules, *thing, thing->inbox[0], interest) : Tri::kMaybe;
      return now;
    }
    case Kind::kGone:
    case Kind::kOther:
      break;
  }
  return anything();
}

bool counts_edges(const Rules& rules, const World& world, size_t index) {
  const Layout::CellKey& key = rules.layout.cells[index];
  if (key.filter == filter::kUser) return true;
  if (key.filter != filter::kRead || key.number == kNoIndex || !rules.layout.exact) return false;
  const Thing* thing = bound_of(rules.layout, world, index).thing;
  if (thing == nullptr || thing->vague != 0) return false;
  return thing->kind == Kind::kPipe || thing->kind == Kind::kStream || thing->kind == Kind::kDgram;
}

bool surely_due(const Rules& rules, const World& world, size_t index) {
  const Cell& cell = world.cell(index);
  if (cell.present == 0 || cell.disabled != 0 || cell.closer != 0) return false;
  const bool remembers = cell.is(flag::kOneshot | flag::kClear);
  if (cell.unasked != 0) return false;
  if (remembers && (cell.active & kSurely) == 0) return false;
  if (cell.forced != 0) return true;
  const Layout::CellKey& key = rules.layout.cells[index];
  if (key.filter == filter::kTimer) return false;
  if (remembers && !counts_edges(rules, world, index)) return false;
  return evaluate_cell(rules, world, index, {cell.sfflags, cell.sdata}).ready == Tri::kYes;
}

}  // namespace kqtorture::contract::checking
