// The rules about a whole call or a whole kqueue: I7, I8, I13, I14, I20; and what becomes of a call
// that nothing explains.
#include <algorithm>

#include "contract/checker/naming.h"
#include "contract/checker/sweep.h"

namespace kqtorture::contract::checking {
namespace {

// A poll of a kqueue with more knotes than this is not judged by what it did not return: the cost
// of asking every knote would be what limits the checker.
constexpr size_t kMostPolled = 64;

// libkqueue's backends hand an event to one waiter, and tell the losers nothing.
bool promises_visibility(const Profile& profile) {
  return profile.wake_policy != WakePolicy::kBackend;
}

bool same_key(const Event& a, const Event& b) { return a.ident == b.ident && a.filter == b.filter; }

}  // namespace

void Sweep::judge_call(Flight* flight) {
  const HistoryOp& op = *flight->op;
  if (over_ || op.kind != OpKind::kKevent) return;
  const auto accuse_call = [&](const char* verdict, const char* rule, std::string message) {
    Violation violation;
    violation.verdict = verdict;
    violation.rule = rule;
    violation.message = std::move(message);
    accuse(*flight, std::move(violation), Census::kNone);
  };
  if (flight->never_open && op.value >= 0) {
    const bool delivered = op.seen > 0;
    return accuse_call(delivered ? "after-delete" : "wrong-errno", "I20",
                       delivered ? "a call that began after the kqueue had been closed returned "
                                   "events"
                                 : "a call that began after the kqueue had been closed succeeded");
  }
  if (flight->fault.verdict != nullptr) {
    Violation violation;
    violation.verdict = flight->fault.verdict;
    violation.rule = flight->fault.rule;
    violation.message = flight->fault.message;
    violation.change = flight->fault.change;
    violation.entry = flight->fault.entry;
    return accuse(*flight, std::move(violation), Census::kNone);
  }
  if (op.value > 1) judge_repetition(*flight);
  if (over_ || op.value != 0 || op.nevents <= 0 || !promises_visibility(profile_)) return;
  // A receipt without room makes a call return 0 at once, and changes that failed may have taken
  // the room: what they were told is not counted then.
  const std::span<const Event> changes = flight->log->changes(op);
  const bool receipts = std::any_of(changes.begin(), changes.end(), [](const Event& change) {
    return (change.flags & flag::kReceipt) != 0;
  });
  if (receipts && changes.size() > static_cast<size_t>(op.nevents)) return;
  if (op.timeout == Timeout::kForever) {
    return accuse_call("wrong-answer", "I14", "a call without a timeout returned nothing");
  }
  if (op.timeout == Timeout::kFinite) {
    const double elapsed = static_cast<double>(op.end - op.begin) * history_.ns_per_tick;
    if (elapsed * kClockTolerance + kClockGrain < static_cast<double>(op.amount)) {
      accuse_call("wrong-answer", "I14", "a call returned nothing before its timeout was over");
    }
    return;
  }
  if (op.timeout == Timeout::kZero && !op.quiescent) judge_quiet_poll(*flight);
}

// I7. Two lives of a key may meet in one call, so it is judged only where nobody added it again.
void Sweep::judge_repetition(const Flight& flight) {
  if (!promises_visibility(profile_)) return;
  const std::span<const Event> seen = flight.log->seen(*flight.op);
  size_t repeated = seen.size();
  constexpr size_t kCompared = 32;
  if (seen.size() <= kCompared) {
    for (size_t i = 1; i < seen.size() && repeated == seen.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        if (same_key(seen[i], seen[j])) repeated = i;
      }
    }
  } else {
    std::vector<size_t> order(seen.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      if (seen[a].ident != seen[b].ident) return seen[a].ident < seen[b].ident;
      return seen[a].filter != seen[b].filter ? seen[a].filter < seen[b].filter : a < b;
    });
    for (size_t i = 1; i < order.size(); ++i) {
      if (same_key(seen[order[i]], seen[order[i - 1]])) repeated = order[i];
    }
  }
  if (repeated == seen.size() || seen[repeated].flags == flag::kError) return;
  if (added_meanwhile(flight, seen[repeated])) return;
  Violation violation;
  violation.verdict = "duplicate";
  violation.rule = "I7";
  violation.message = "one call returned the same knote twice: {" + to_text(seen[repeated]) + "}";
  violation.entry = static_cast<int>(repeated);
  accuse(flight, std::move(violation), Census::kNone);
}

bool Sweep::added_meanwhile(const Flight& flight, const Event& event) const {
  for (uint32_t t = 0; t < history_.threads.size(); ++t) {
    const ThreadLog& log = history_.threads[t];
    for (uint32_t i = 0; i < log.ops.size(); ++i) {
      const HistoryOp& op = log.ops[i];
      if (op.begin > flight.op->end || op.end < flight.op->begin) continue;
      if (OpRef{t, i} == flight.ref) continue;
      for (const Event& change : log.changes(op)) {
        if (same_key(change, event) && (change.flags & flag::kAdd) != 0) return true;
      }
    }
  }
  return false;
}

// Would the probe, or a sleeper, have had to return something? Explanations that say so are wrong;
// when all of them are, an event or a wake-up was lost.
void Sweep::judge_probe(const Flight& probe) {
  const HistoryOp& op = *probe.op;
  const uint64_t now = op.begin;
  if (probe.kqueue >= 0 && probe.surely_open && promises_visibility(profile_) && op.value >= 0) {
    const uint32_t kqueue = static_cast<uint32_t>(probe.kqueue);
    bool sleepers = false;
    for (const size_t index : in_flight_) {
      const Flight& other = flights_[index];
      sleepers = sleepers || (other.kqueue == probe.kqueue && other.scans && other.asleep >= now);
    }
    const std::span<const Event> seen = probe.log->seen(op);
    const bool room = static_cast<int64_t>(seen.size()) < op.nevents;
    std::vector<std::pair<uint32_t, uint16_t>> wanted;
    for (const uint32_t knote : census_.knotes_of(kqueue)) {
      const Census::Place& place = census_.place(knote);
      const Component& component = *census_.components()[place.component];
      if (component.given_up()) continue;
      const Layout::CellKey& key = component.rules().layout.cells[place.index];
      const bool returned = std::any_of(seen.begin(), seen.end(), [&](const Event& event) {
        return event.ident == key.ident && event.filter == key.filter;
      });
      if (returned ? sleepers : room) wanted.emplace_back(place.component, place.index);
    }
    std::sort(wanted.begin(), wanted.end());
    ++report_.probes;
    for (size_t first = 0; first < wanted.size() && !over_;) {
      size_t last = first;
      while (last < wanted.size() && wanted[last].first == wanted[first].first) ++last;
      Component& component = *census_.components()[wanted[first].first];
      if (!component.rests()) {
        first = last;
        continue;
      }
      const auto wrong = [&](const World& world) {
        for (size_t i = first; i < last; ++i) {
          if (surely_due(component.rules(), world, wanted[i].second)) return true;
        }
        return false;
      };
      if (!component.exclude(wrong)) overdue(probe, wanted[first].first, kqueue, sleepers);
      first = last;
    }
  }
  if (!over_) wake(now);
}

// I8'. Nothing overlapped the poll: neither another scan nor a call on the knote's component. Its
// own changes came before it looked for events.
void Sweep::judge_quiet_poll(const Flight& poll) {
  if (poll.kqueue < 0 || !poll.surely_open || !poll.alone || !poll.scans) return;
  const uint32_t kqueue = static_cast<uint32_t>(poll.kqueue);
  if (scanned_at_[kqueue] != poll.sequence) return;
  const std::span<const uint32_t> knotes = census_.knotes_of(kqueue);
  if (knotes.size() > kMostPolled) return;
  bool judged = false;
  for (const uint32_t knote : knotes) {
    const Census::Place& place = census_.place(knote);
    Component& component = *census_.components()[place.component];
    if (component.given_up() || !component.idle()) continue;
    const bool by_itself = alone_since_[place.component] == poll.sequence;
    if (touched_at_[place.component] >= poll.sequence && !by_itself) continue;
    judged = true;
    const auto wrong = [&](const World& world) {
      return surely_due(component.rules(), world, place.index);
    };
    if (!component.exclude(wrong)) return overdue(poll, place.component, kqueue, false);
  }
  if (judged) ++report_.quiet_polls;
}

void Sweep::overdue(const Flight& flight, uint32_t index, uint32_t kqueue, bool waiters_slept) {
  Component& component = *census_.components()[index];
  const World world(component.rules().layout, component.ways().world(0));
  const std::vector<Layout::CellKey>& cells = component.rules().layout.cells;
  const std::span<const Event> seen = flight.log->seen(*flight.op);
  for (size_t cell = 0; cell < cells.size(); ++cell) {
    if (cells[cell].kqueue != kqueue || !surely_due(component.rules(), world, cell)) continue;
    const bool returned = std::any_of(seen.begin(), seen.end(), [&](const Event& event) {
      return event.ident == cells[cell].ident && event.filter == cells[cell].filter;
    });
    const bool stuck_waiter = returned && waiters_slept;
    return accuse(flight, name_overdue(component, world, cell, stuck_waiter, flight.op->quiescent),
                  index);
  }
}

namespace {

// The calls on the objects alone, as far as they had begun.
History objects_only(const HistoryView& history, uint64_t until) {
  History objects;
  objects.ns_per_tick = history.ns_per_tick;
  for (const ThreadLog& log : history.threads) {
    History::Thread& thread = objects.threads.emplace_back();
    for (const HistoryOp& op : log.ops) {
      if (op.begin > until) break;
      if (op.kind == OpKind::kKevent) continue;
      thread.add(op);
      if (op.end > until) thread.ops.back().end = kUnreturned;
    }
  }
  return objects;
}

}  // namespace

void Sweep::stuck(const Flight& flight, uint32_t index, Component::Handle handle) {
  Component& component = *census_.components()[index];
  // What the probe saw may be refuted in the ways that were left only: then it is those that say
  // that somebody slept through an event which are right.
  if (flight.op->quiescent && component.return_to_excluded(handle, options_, &effort_)) {
    const uint32_t kqueue = static_cast<uint32_t>(flight.kqueue);
    overdue(flight, index, kqueue, true);
    if (over_) return;
  }
  if (is_object_call(*flight.op)) {
    // Is it the kqueue's answers that leave no order, or had the objects none to begin with?
    const bool watched = !component.rules().layout.cells.empty();
    const History objects = watched ? objects_only(history_, flight.op->end) : History{};
    const bool ordered =
        watched && check_history(objects.view(), profile_, host_, options_)
                           .undecided[static_cast<size_t>(Undecided::kObjectOrder)] == 0;
    if (!ordered) return give_up(index, Undecided::kObjectOrder);
  }
  accuse(flight, name_stuck(history_, flight.ref, &component, handle), index);
}

void Sweep::accuse(const Flight& flight, Violation violation, uint32_t index) {
  over_ = true;
  if (violation.guilty == OpRef{} && violation.time == 0) violation.guilty = flight.ref;
  violation.time = flight.op->end;
  fill_prefix(&violation);
  // The calls on the component, the latest first until there are enough.
  const auto concerns = [&](uint32_t thread, const HistoryOp& op) {
    const auto is_here = [&](const Census::Place& place) { return place.component == index; };
    if (op.kind != OpKind::kKevent) {
      return is_here(census_.number(static_cast<uint64_t>(op.fd))) ||
             is_here(census_.number(static_cast<uint64_t>(op.fd2))) ||
             is_here(census_.number(static_cast<uint64_t>(op.value)));
    }
    for (uint32_t e = op.first; e < op.first + op.changes + op.seen; ++e) {
      const uint32_t knote = census_.route(thread, e);
      if (knote != Census::kNone && is_here(census_.place(knote))) return true;
    }
    return false;
  };
  std::vector<std::pair<uint64_t, OpRef>> calls;
  for (uint32_t t = 0; t < history_.threads.size() && index != Census::kNone; ++t) {
    const ThreadLog& log = history_.threads[t];
    size_t found = 0;
    for (uint32_t i = violation.prefix[t]; i-- > 0 && found < kMostWitnesses;) {
      if (!concerns(t, log.ops[i])) continue;
      calls.emplace_back(log.ops[i].begin, OpRef{t, i});
      ++found;
    }
  }
  std::stable_sort(calls.begin(), calls.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  if (calls.size() > kMostWitnesses) {
    calls.erase(calls.begin(), calls.end() - static_cast<std::ptrdiff_t>(kMostWitnesses));
  }
  for (const auto& [time, ref] : calls) violation.witnesses.push_back(ref);
  if (calls.empty()) violation.witnesses.push_back(violation.guilty);
  report_.violation = std::move(violation);
}

void Sweep::fill_prefix(Violation* violation) const {
  for (const ThreadLog& log : history_.threads) {
    const auto after = std::partition_point(log.ops.begin(), log.ops.end(), [&](const auto& op) {
      return op.begin <= violation->time;
    });
    violation->prefix.push_back(static_cast<uint32_t>(after - log.ops.begin()));
  }
}

}  // namespace kqtorture::contract::checking
