// The search of one end: every way of placing what has to be placed, with as little as possible of
// what need not be.
#include <algorithm>
#include <bit>

#include "contract/checker/component.h"

namespace kqtorture::contract::checking {
namespace {

bool changes_nothing(const Point& point, const Layout& layout, const World& world) {
  switch (point.kind) {
    case PointKind::kEmpty:
    case PointKind::kEnd:
      return true;
    case PointKind::kChange:
      return point.fate == Fate::kRefused;
    case PointKind::kDelivery: {
      constexpr uint16_t kOnce = flag::kOneshot | flag::kClear | flag::kDispatch;
      return !world.cell(point.cell).is(kOnce) && (point.event.flags & kOnce) == 0 &&
             layout.cells[point.cell].filter != filter::kTimer;
    }
    default:
      return false;
  }
}

}  // namespace

bool Component::available(const Call& call, size_t point, uint64_t placed) const {
  if ((placed & call.bits[point]) != 0) return false;
  const bool ordered = (call.ordered & call.bits[point]) != 0;
  if (!ordered && call.asleep) return false;
  if (call.all != call.bits[point]) {
    // Everything ordered before it, and of what comes after it nothing yet.
    const size_t count = call.points.size();
    for (size_t i = 0; i < count; ++i) {
      if (i == point || (call.ordered & call.bits[i]) == 0) continue;
      const bool before = !ordered || i < point;
      if (before && (call.required & ~placed & call.bits[i]) != 0) return false;
      if (!before && (placed & call.bits[i]) != 0) return false;
    }
    // An optional change is over once a delivery of its call was placed.
    if (ordered && (placed & call.all & ~call.ordered) != 0) return false;
  }
  if (call.sibling) {
    for (const Handle other : open_) {
      const Call& sibling = calls_[other];
      const bool earlier = sibling.thread == call.thread && sibling.op < call.op;
      if (earlier && (sibling.required & ~placed) != 0) return false;
      const bool later = sibling.thread == call.thread && sibling.op > call.op;
      if (later && (sibling.all & placed) != 0) return false;
    }
  }
  return true;
}

// Of two calls that do the same the one that ends first is at every stage ahead: exchanging what
// both have placed, stage by stage, makes it so in any explanation.
bool Component::twin_goes_first(const Call& call, size_t point, uint64_t placed) const {
  if (call.signature == 0 || call.sibling) return false;
  for (const Handle other : open_) {
    const Call& twin = calls_[other];
    if (&twin == &call || twin.signature != call.signature || twin.sibling) continue;
    const bool first = twin.end != call.end ? twin.end < call.end : &twin < &call;
    if (first && (placed & twin.bits[point]) == 0) return true;
  }
  return false;
}

// To place a point of the call is to decide that what may have happened before it did not.
bool Component::would_forgo(const Call& call, uint64_t placed) const {
  if ((call.all & ~call.required & ~placed) != 0) return true;
  if (!call.sibling) return false;
  return std::any_of(open_.begin(), open_.end(), [&](Handle handle) {
    const Call& other = calls_[handle];
    const bool earlier = other.thread == call.thread && other.op < call.op;
    return earlier && (other.all & ~other.required & ~placed) != 0;
  });
}

bool Component::settle_call(const Call& call, uint64_t* row) {
  if (would_forgo(call, row[0])) return false;
  const World world(layout_, reinterpret_cast<uint8_t*>(row + 1));
  bool any = false;
  for (size_t i = 0; i < call.points.size(); ++i) {
    const Point& point = call.points[i];
    if (point.optional || !available(call, i, row[0])) continue;
    if (!changes_nothing(point, layout_, world)) continue;
    if (place(rules_, point, world) != Misfit::kNone) continue;
    row[0] |= call.bits[i];
    any = true;
  }
  return any;
}

void Component::settle(uint64_t* row) {
  bool again = (open_bits_ & ~row[0]) != 0;
  while (again) {
    again = false;
    for (const Handle handle : open_) {
      const Call& call = calls_[handle];
      if ((call.all & ~row[0]) != 0 && settle_call(call, row)) again = again || call.sibling;
    }
  }
}

// Points that the goal depends on in this world, directly or through others: bits. What touches
// none of the goal's descriptors can be placed after it as well as before.
uint64_t Component::relevant(uint64_t placed, uint64_t goal, const World& world) {
  if (layout_.numbers.size() <= 2) return ~uint64_t{0};
  number_groups(rules_, world, &groups_);
  struct Candidate {
    uint64_t bits, touches;
    uint32_t thread;
  };
  Candidate candidates[64];
  size_t count = 0;
  uint64_t touched = 0;
  for (const Handle handle : open_) {
    const Call& call = calls_[handle];
    if ((call.all & ~placed) == 0) continue;
    // A call's points stand in order, and so do the calls of a thread: they stand or fall together.
    size_t at = 0;
    while (at < count && !(call.sibling && candidates[at].thread == call.thread)) ++at;
    if (at == count) candidates[count++] = {0, 0, call.thread};
    candidates[at].bits |= call.all;
    for (const Point& point : call.points) {
      candidates[at].touches |= touched_numbers(rules_, point, world, groups_);
    }
  }
  for (size_t i = 0; i < count; ++i) {
    if ((candidates[i].bits & goal) != 0) touched |= candidates[i].touches;
  }
  uint64_t result = 0;
  bool grown = true;
  while (grown) {
    grown = false;
    for (size_t i = 0; i < count; ++i) {
      if ((result & candidates[i].bits) == candidates[i].bits) continue;
      if ((candidates[i].touches & touched) == 0 && (candidates[i].bits & goal) == 0) continue;
      result |= candidates[i].bits;
      touched |= candidates[i].touches;
      grown = true;
    }
  }
  return result;
}

// Is a close under way that may already have taken the knote along?
bool Component::may_be_gone(size_t index, uint64_t placed, const World& world) const {
  const Cell& cell = world.cell(index);
  const uint16_t number = layout_.cells[index].number;
  if (cell.present == 0 || number == kNoIndex) return false;
  for (const Handle handle : open_) {
    const Call& close = calls_[handle];
    if (close.releases != number) continue;
    // Its points are the release and the drop, in this order.
    if ((placed & close.bits[0]) == 0) {
      if (cell.closer == 0 && available(close, 0, placed)) return true;
    } else if ((placed & close.bits[1]) == 0 && cell.closer == close.points[1].closer + 1) {
      return true;
    }
  }
  return false;
}

// row_ was copied to next_ and a point placed there.
void Component::reach(uint64_t placed) {
  next_[0] = placed;
  settle(next_.data());
  visited_.add(next_.data());
}

// Tries every point that may come next in row_. That a knote went before its number or before the
// end of the close matters only to the next change of it, so it is tried with that.
void Component::expand(uint64_t goal, Effort* effort) {
  const uint64_t placed = row_[0];
  const World world(layout_, reinterpret_cast<uint8_t*>(row_.data() + 1));
  const uint64_t useful = relevant(placed, goal, world);
  const size_t bytes = visited_.row_bytes();
  for (const Handle handle : open_) {
    const Call& other = calls_[handle];
    if ((other.all & ~placed & useful) == 0) continue;
    for (size_t i = 0; i < other.points.size(); ++i) {
      if (!available(other, i, placed) || twin_goes_first(other, i, placed)) continue;
      ++effort->steps;
      std::memcpy(next_.data(), row_.data(), bytes);
      const World after(layout_, reinterpret_cast<uint8_t*>(next_.data() + 1));
      const Point& point = other.points[i];
      if (place(rules_, point, after) == Misfit::kNone) reach(placed | other.bits[i]);
      if (point.kind != PointKind::kChange || !may_be_gone(point.cell, placed, world)) continue;
      std::memcpy(next_.data(), row_.data(), bytes);
      forget(Cause::kClosed, &after.cell(point.cell));
      if (place(rules_, point, after) == Misfit::kNone) reach(placed | other.bits[i]);
    }
  }
}

// A way from which another one can be reached by placing one more point makes that one superfluous:
// the point can be placed later, should it be needed.
void Component::drop_dominated(const Call& call) {
  const size_t count = found_.count();
  if (count < 2) return;
  // A point that no way has placed leads to none.
  uint64_t somewhere = 0, everywhere = ~uint64_t{0};
  for (size_t i = 0; i < count; ++i) {
    somewhere |= found_.placed(i);
    everywhere &= found_.placed(i);
  }
  const uint64_t candidates = somewhere & ~everywhere & ~call.all;
  if (candidates == 0) return;
  std::vector<uint8_t> keep(count, 1);
  const size_t bytes = found_.row_bytes();
  for (const Handle handle : open_) {
    const Call& other = calls_[handle];
    if ((other.all & candidates) == 0) continue;
    for (size_t point = 0; point < other.points.size(); ++point) {
      if ((other.bits[point] & candidates) == 0) continue;
      for (size_t j = 0; j < count; ++j) {
        if (!available(other, point, found_.placed(j))) continue;
        std::memcpy(next_.data(), found_.row(j), bytes);
        const World after(layout_, reinterpret_cast<uint8_t*>(next_.data() + 1));
        if (place(rules_, other.points[point], after) != Misfit::kNone) continue;
        next_[0] |= other.bits[point];
        const size_t reached = found_.find(next_.data());
        if (reached != count) keep[reached] = 0;
      }
    }
  }
  found_.keep_only(keep);
}

Component::Status Component::search(const Call& call, uint64_t goal, const CheckOptions& options,
                                    Effort* effort) {
  // When a call ends, what may or may not have happened in it is decided too: both ways are kept.
  const uint64_t optional = goal == call.required ? call.all & ~call.required : 0;
  bool open_goal = false;
  for (size_t i = 0; i < ways_.count(); ++i) {
    open_goal = open_goal || ((goal | optional) & ~ways_.placed(i)) != 0;
  }
  if (!open_goal) return Status::kFine;
  ++effort->searched;
  effort->points += static_cast<uint64_t>(std::popcount(goal));
  visited_.clear();
  found_.clear();
  const size_t bytes = ways_.row_bytes();
  for (size_t i = 0; i < ways_.count(); ++i) {
    std::memcpy(row_.data(), ways_.row(i), bytes);
    settle(row_.data());
    visited_.add(row_.data());
  }
  const uint64_t limit = effort->steps + options.most_steps;
  for (size_t i = 0; i < visited_.count(); ++i) {
    std::memcpy(row_.data(), visited_.row(i), bytes);
    if ((goal & ~row_[0]) == 0) {
      found_.add(row_.data());
      if ((optional & ~row_[0]) == 0) continue;
    }
    expand(goal | optional, effort);
    if (effort->steps > limit) return Status::kTooMany;
  }
  if (found_.count() == 0) return Status::kStuck;
  drop_dominated(call);
  if (found_.count() > options.most_states) return Status::kTooMany;
  ways_.swap(&found_);
  effort->most_states = std::max(effort->most_states, static_cast<uint32_t>(ways_.count()));
  return Status::kFine;
}

}  // namespace kqtorture::contract::checking
