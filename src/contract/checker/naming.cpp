// From a misfit to a sentence.
#include "contract/checker/naming.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace kqtorture::contract::checking {
namespace {

struct Named {
  const char* verdict;
  const char* rule;
  std::string message;
};

std::string braces(const Event& event) { return "{" + to_text(event) + "}"; }

Named name_absent(const Event& seen, Cause cause) {
  const std::string event = braces(seen);
  switch (cause) {
    case Cause::kDeleted:
      return {"after-delete", "I1",
              event + " came from a call that began after its knote had been deleted"};
    case Cause::kClosed:
      return {"after-delete", "I2",
              event + " came from a call that began after its descriptor had been closed"};
    case Cause::kDelivered:
      return {"duplicate", "I4", event + " came after the one event of a ONESHOT knote"};
    case Cause::kFinal:
      return {"duplicate", "I6", event + " came after the final event of its knote"};
    case Cause::kEndOfQueue:
      return {"after-delete", "I20", event + " came after its kqueue had been closed"};
    default:
      return {"phantom", "2.1", event + " belongs to no knote that ever was"};
  }
}

// Does the event say that it is the last of its knote? One of a knote that is ONESHOT anyway, or
// may have become so by the death of its object, says that without having been forced.
bool looks_final(const Event& seen, const Cell& cell) {
  if ((seen.flags & flag::kForceOneshot) != 0) return true;
  const uint16_t known = cell.flags | cell.flags_maybe;
  return (seen.flags & flag::kOneshot) != 0 && (cell.forced != 0 || (known & flag::kOneshot) == 0);
}

// A final event that a scan was not to return: no rule about conditions, activations or armings
// says anything of it, since it needs none of them.
Named name_final(const Event& seen, const Cell& cell, bool asked, Misfit misfit) {
  const std::string event = braces(seen);
  if (!asked) return {"phantom", "I6", event + " is a final event that nobody had asked for"};
  if (misfit != Misfit::kDisabled) {
    return {"phantom", "I6", event + " is a final event that had been taken back"};
  }
  if (cell.cause == Cause::kDispatched) {
    return {"duplicate", "I6'",
            event +
                " is a final event, and came before its knote was enabled again: whoever had "
                "the event before may be at work"};
  }
  return {"phantom", "I6", event + " is a final event, and came from a disabled knote"};
}

Named name_disabled(const Event& seen, Cause cause) {
  const std::string event = braces(seen);
  if (cause == Cause::kDispatched) {
    return {"duplicate", "I5",
            event + " was delivered again although nothing had enabled its knote since"};
  }
  // The call may have begun before: then it can only bring what was due before the knote was
  // disabled.
  return {"phantom", "I3", event + " came from a disabled knote that had nothing left to tell"};
}

// Was this udata given to the key in an earlier life of its?
bool of_earlier_life(const HistoryView& history, const Event& seen, uint64_t before) {
  for (const ThreadLog& log : history.threads) {
    for (const HistoryOp& op : log.ops) {
      if (op.begin > before) break;
      for (const Event& change : log.changes(op)) {
        if (change.ident == seen.ident && change.filter == seen.filter &&
            change.udata == seen.udata) {
          return true;
        }
      }
    }
  }
  return false;
}

Named name_delivery(const HistoryView& history, const Component& component, const Point& point,
                    const World& world, Misfit misfit) {
  const Rules& rules = component.rules();
  const Event& seen = point.event;
  const Cell& cell = world.cell(point.cell);
  const bool final = looks_final(seen, cell);
  const auto named_final = [&] {
    const bool asked = cell.forced != 0 || component.is_being_forced(point.cell);
    return name_final(seen, cell, asked, misfit);
  };
  const auto stale = [&] {
    return cell.udata != seen.udata && of_earlier_life(history, seen, point.end);
  };
  const auto expected = [&] { return expected_delivery(rules, point.cell, world); };
  switch (misfit) {
    case Misfit::kAbsent:
      return name_absent(seen, cell.cause);
    case Misfit::kDisabled:
      if (stale()) break;
      return final ? named_final() : name_disabled(seen, cell.cause);
    case Misfit::kNotReady:
      if (stale()) break;
      if (final) return named_final();
      return {"phantom", "I10",
              braces(seen) + " was delivered although its condition did not hold during the call"};
    case Misfit::kNoActivation:
      if (stale()) break;
      if (final) return named_final();
      return {"duplicate", "I9",
              braces(seen) + " was delivered again although nothing had activated it since"};
    case Misfit::kEarly:
      return {"phantom", "3.4", braces(seen) + " was delivered before the timer can have expired"};
    case Misfit::kTooMany:
      return {"wrong-answer", "3.4",
              braces(seen) + " counts more expirations than there was time for"};
    case Misfit::kUdata:
      if (stale()) break;
      return {"wrong-udata", "I12",
              braces(seen) + " carries a udata that no change can have given its knote by then"};
    case Misfit::kFlags:
      return {
          "wrong-answer", final || cell.forced != 0 ? "I6" : "2.3",
          braces(seen) + " shows other flags than its knote has: " + flags_text(expected().flags)};
    default:
      return {"wrong-answer", seen.filter == filter::kUser ? "3.3" : "2.3",
              braces(seen) + " shows other values than its knote has: " + braces(expected())};
  }
  if (final && cell.forced != 0 && misfit == Misfit::kUdata) {
    return {"wrong-udata", "I12",
            braces(seen) + " is a final event with a udata that its knote had before"};
  }
  if (cell.is(flag::kDispatch) && misfit == Misfit::kUdata) {
    return {"duplicate", "I5",
            braces(seen) +
                " carries the udata of an arming that is over: the knote was enabled "
                "again since"};
  }
  return {"stale-generation", "I2",
          braces(seen) + " belongs to an earlier life of its key, which was added again since"};
}

Named name_change(const Rules& rules, const Point& point, const World& world, Misfit misfit) {
  const std::string change = braces(point.event);
  const Cell& cell = world.cell(point.cell);
  const int error = expected_error(rules, point, world);
  if (misfit == Misfit::kShouldFail) {
    const std::string message = change + " was accepted, and should have failed with " +
                                errno_name(error) + ": there is no such ";
    if (error == ENOENT && cell.present == 0) {
      switch (cell.cause) {
        case Cause::kDelivered:
          return {"after-delete", "I4", message + "knote after its ONESHOT event"};
        case Cause::kFinal:
          return {"after-delete", "I6", message + "knote after its final event"};
        case Cause::kDeleted:
          return {"after-delete", "I1", message + "knote after its deletion"};
        case Cause::kClosed:
          return {"after-delete", "I2", message + "knote after the close of its descriptor"};
        default:
          return {"wrong-errno", "1.3", message + "knote"};
      }
    }
    if (error == EBADF) return {"wrong-errno", "1.3", message + "descriptor"};
    return {"wrong-errno", "1.3",
            change + " was accepted, and should have failed with " + errno_name(error)};
  }
  const std::string got = change + " failed with " + errno_name(point.error);
  if (misfit == Misfit::kOtherError) {
    return {"wrong-errno", "1.3", got + ", and should have failed with " + errno_name(error)};
  }
  if ((point.event.flags & flag::kForceOneshot) != 0) {
    return {"wrong-errno", "I6", got + " although its knote was there all the time"};
  }
  if ((point.event.flags & flag::kAdd) != 0) {
    return {"wrong-errno", "I23", got + " although nothing stood in its way"};
  }
  return {"wrong-errno", "1.3", got + " although its knote was there all the time"};
}

// How far the call comes in one explanation, and what stops it.
struct Attempt {
  size_t placed = 0;
  size_t point = 0;
  Misfit misfit = Misfit::kNone;
  std::vector<uint64_t> world;
};

Attempt attempt(Component* component, Component::Handle handle, size_t way) {
  Attempt result;
  const Rules& rules = component->rules();
  const std::vector<Point>& points = component->points(handle);
  result.world.resize(rules.layout.bytes() / sizeof(uint64_t) + 1);
  std::memcpy(result.world.data(), component->ways().world(way), rules.layout.bytes());
  const World world(rules.layout, reinterpret_cast<uint8_t*>(result.world.data()));
  for (size_t i = 0; i < points.size(); ++i) {
    if ((component->ways().placed(way) & component->bit(handle, i)) == 0) {
      const Misfit misfit = place(rules, points[i], world);
      if (misfit != Misfit::kNone && points[i].optional) continue;
      if (misfit != Misfit::kNone) {
        result.point = i;
        result.misfit = misfit;
        return result;
      }
    }
    ++result.placed;
  }
  return result;
}

// The delivery that made the calls on the object unexplainable: the latest on the component that
// says something of it. A final event says nothing of its object.
OpRef latest_delivery(const HistoryView& history, const Component& component, uint64_t before) {
  OpRef latest;
  uint64_t end = 0;
  for (uint32_t t = 0; t < history.threads.size(); ++t) {
    const ThreadLog& log = history.threads[t];
    for (uint32_t i = 0; i < log.ops.size() && log.ops[i].begin <= before; ++i) {
      const HistoryOp& op = log.ops[i];
      if (op.end > before || op.end < end) continue;
      for (const Event& event : log.seen(op)) {
        if ((event.flags & flag::kForceOneshot) != 0) continue;
        for (const Layout::CellKey& key : component.rules().layout.cells) {
          if (key.ident != event.ident || key.filter != event.filter) continue;
          latest = {t, i};
          end = op.end;
        }
      }
    }
  }
  return latest;
}

}  // namespace

bool is_object_call(const HistoryOp& op) { return op.kind != OpKind::kKevent; }

Violation name_stuck(const HistoryView& history, OpRef guilty, Component* component,
                     Component::Handle handle) {
  Violation violation;
  violation.guilty = guilty;
  const HistoryOp& op = history.threads[guilty.thread].ops[guilty.op];
  violation.time = op.end;
  if (is_object_call(op)) {
    violation.verdict = "phantom";
    violation.rule = "I10";
    violation.guilty = latest_delivery(history, *component, op.end);
    violation.message =
        "the reads and writes of the object have an order by themselves, but none in which the "
        "object was as the kqueue said it was";
    return violation;
  }
  Attempt best;
  for (size_t way = 0; way < component->ways().count(); ++way) {
    Attempt tried = attempt(component, handle, way);
    if (best.misfit == Misfit::kNone || tried.placed > best.placed) best = std::move(tried);
  }
  if (best.misfit == Misfit::kNone) {
    violation.verdict = "wrong-answer";
    violation.rule = "I19";
    violation.message = "no order of the calls under way explains what this call did";
    return violation;
  }
  const Rules& rules = component->rules();
  const Point& point = component->points(handle)[best.point];
  const World world(rules.layout, reinterpret_cast<uint8_t*>(best.world.data()));
  const bool change = point.kind == PointKind::kChange;
  const Named named = change ? name_change(rules, point, world, best.misfit)
                             : name_delivery(history, *component, point, world, best.misfit);
  violation.verdict = named.verdict;
  violation.rule = named.rule;
  violation.message = named.message;
  (change ? violation.change : violation.entry) = point.entry;
  return violation;
}

Violation name_overdue(const Component& component, const World& world, size_t index,
                       bool waiters_slept, bool probed) {
  const Layout::CellKey& key = component.rules().layout.cells[index];
  const Cell& cell = world.cell(index);
  Violation violation;
  violation.rule = "I8";
  if (cell.is(flag::kClear)) violation.rule = "I9";
  if (cell.forced != 0) violation.rule = "I6";
  const std::string knote = filter_name(key.filter) + " ident " + std::to_string(key.ident) +
                            " (flags " + flags_text(cell.flags) + ")";
  if (waiters_slept) {
    violation.verdict = "stuck-waiter";
    violation.message = knote + " was due while a waiter slept, and a poll then returned it";
  } else {
    violation.verdict = "lost";
    violation.message = knote + " was due, and a poll " +
                        (probed ? "when everybody slept" : "that nothing overlapped") +
                        " did not return it";
    if (!probed && violation.rule == "I8") violation.rule = "I8'";
  }
  return violation;
}

}  // namespace kqtorture::contract::checking
