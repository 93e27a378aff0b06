// Histories are taken apart into calls with their lists, changed, and put together again.
#include "mutate.h"

#include <algorithm>
#include <vector>

namespace kqtorture::contract::testing {
namespace {

struct MutableCall {
  HistoryOp op;
  std::vector<Event> changes, seen;
  size_t thread = 0;
};

using Threads = std::vector<std::vector<MutableCall>>;

Threads take_apart(const History& history) {
  Threads threads;
  const HistoryView view = history.view();
  for (size_t t = 0; t < view.threads.size(); ++t) {
    const ThreadLog& log = view.threads[t];
    std::vector<MutableCall>& calls = threads.emplace_back();
    for (const HistoryOp& op : log.ops) {
      const auto changes = log.changes(op);
      const auto seen = log.seen(op);
      calls.push_back({op, {changes.begin(), changes.end()}, {seen.begin(), seen.end()}, t});
    }
  }
  return threads;
}

void put_together(const Threads& threads, History* history) {
  for (size_t t = 0; t < threads.size(); ++t) {
    History::Thread& thread = history->threads[t];
    thread.ops.clear();
    thread.events.clear();
    for (const MutableCall& call : threads[t]) thread.add(call.op, call.changes, call.seen);
  }
}

bool is_kevent(const MutableCall& call) { return call.op.kind == OpKind::kKevent; }

// What was there before the threads ran stays: a number without its pipe is nobody's.
bool is_set_up(const MutableCall& call) {
  return call.op.kind == OpKind::kKqueue || call.op.kind == OpKind::kPipe;
}

bool delivers(const MutableCall& call) {
  return is_kevent(call) && call.op.value > 0 && call.seen[0].flags != flag::kError;
}

// May have one delivery more: it scanned, and returned normally.
bool may_deliver(const MutableCall& call) {
  return is_kevent(call) && call.op.returned() && call.op.value >= 0 && call.op.nevents > 0 &&
         !call.op.quiescent && (call.seen.empty() || call.seen[0].flags != flag::kError);
}

bool same_key(const Event& a, const Event& b) { return a.ident == b.ident && a.filter == b.filter; }

bool has_key(const MutableCall& call, const Event& event) {
  return std::any_of(call.seen.begin(), call.seen.end(),
                     [&](const Event& other) { return same_key(event, other); });
}

void add_delivery(const Event& event, MutableCall* call) {
  call->seen.push_back(event);
  call->op.value = static_cast<int64_t>(call->seen.size());
  call->op.nevents = std::max(call->op.nevents, static_cast<int32_t>(call->seen.size()));
}

// Calls that satisfy `wanted`.
template <typename Wanted>
std::vector<MutableCall*> calls_that(Threads* threads, Wanted wanted) {
  std::vector<MutableCall*> found;
  for (std::vector<MutableCall>& calls : *threads) {
    for (MutableCall& call : calls) {
      if (wanted(call)) found.push_back(&call);
    }
  }
  return found;
}

bool drop_call(Threads* threads, Random* random) {
  const auto droppable =
      calls_that(threads, [](const MutableCall& call) { return !is_set_up(call); });
  if (droppable.empty()) return false;
  const MutableCall* victim = droppable[random->below(droppable.size())];
  std::vector<MutableCall>& calls = (*threads)[victim->thread];
  calls.erase(calls.begin() + (victim - calls.data()));
  return true;
}

bool drop_delivery(Threads* threads, Random* random) {
  const auto found = calls_that(threads, delivers);
  if (found.empty()) return false;
  MutableCall* call = found[random->below(found.size())];
  // A wait without a timeout may not come back with nothing.
  if (call->seen.size() == 1) call->op.timeout = Timeout::kZero;
  call->seen.erase(call->seen.begin() +
                   static_cast<std::ptrdiff_t>(random->below(call->seen.size())));
  call->op.value = static_cast<int64_t>(call->seen.size());
  return true;
}

bool copy_delivery(Threads* threads, Random* random) {
  const auto from = calls_that(threads, delivers);
  if (from.empty()) return false;
  const MutableCall* source = from[random->below(from.size())];
  const Event event = source->seen[random->below(source->seen.size())];
  const auto to = calls_that(
      threads, [&](const MutableCall& call) { return may_deliver(call) && !has_key(call, event); });
  if (to.empty()) return false;
  add_delivery(event, to[random->below(to.size())]);
  return true;
}

bool swap_results(Threads* threads, Random* random) {
  const auto found = calls_that(threads, [](const MutableCall& call) {
    return may_deliver(call) && call.op.timeout == Timeout::kZero;
  });
  if (found.size() < 2) return false;
  MutableCall* one = found[random->below(found.size())];
  MutableCall* other = found[random->below(found.size())];
  std::swap(one->seen, other->seen);
  std::swap(one->op.value, other->op.value);
  for (MutableCall* call : {one, other}) {
    call->op.nevents = std::max(call->op.nevents, static_cast<int32_t>(call->seen.size()));
  }
  return one != other;
}

bool flip_outcome(Threads* threads, Random* random) {
  const auto found = calls_that(threads, [](const MutableCall& call) {
    return is_kevent(call) && call.op.returned() && call.changes.size() == 1 &&
           call.op.nevents == 0 && (call.changes[0].flags & flag::kReceipt) == 0;
  });
  if (found.empty()) return false;
  HistoryOp& op = found[random->below(found.size())]->op;
  op.error = op.value == 0 ? random->pick({2 /* ENOENT */, 9 /* EBADF */}) : 0;
  op.value = op.value == 0 ? -1 : 0;
  return true;
}

// A probe says that whoever is in a call sleeps in it: nobody may be moved into one.
bool keeps_quiet(const Threads& threads, const HistoryOp& before, const HistoryOp& after) {
  for (const std::vector<MutableCall>& calls : threads) {
    for (const MutableCall& call : calls) {
      if (!call.op.quiescent) continue;
      const auto covers = [&call](const HistoryOp& op) {
        return op.begin < call.op.begin && op.end > call.op.end;
      };
      const bool touches = after.begin <= call.op.end && after.end >= call.op.begin;
      if (touches && !(covers(before) && covers(after))) return false;
    }
  }
  return true;
}

// Moves one end of a call, within what its thread's other calls leave.
bool move_end(Threads* threads, Random* random) {
  std::vector<std::vector<MutableCall>*> some;
  for (std::vector<MutableCall>& calls : *threads) {
    if (!calls.empty()) some.push_back(&calls);
  }
  if (some.empty()) return false;
  std::vector<MutableCall>& calls = *some[random->below(some.size())];
  const size_t i = random->below(calls.size());
  HistoryOp& op = calls[i].op;
  if (!op.returned() || op.quiescent || is_set_up(calls[i])) return false;
  uint64_t least = i == 0 ? 1 : calls[i - 1].op.end;
  for (const std::vector<MutableCall>& others : *threads) {
    for (const MutableCall& call : others) {
      if (is_set_up(call) && call.op.begin < op.begin) least = std::max(least, call.op.end + 1);
    }
  }
  if (least > op.begin) return false;
  const uint64_t most = i + 1 == calls.size() ? op.end + 8 : calls[i + 1].op.begin;
  uint64_t* moved = random->chance(1, 2) ? &op.begin : &op.end;
  const uint64_t lo = moved == &op.begin ? least : op.begin;
  const uint64_t hi = moved == &op.begin ? op.end : most;
  const HistoryOp before = op;
  *moved = lo + random->below(hi - lo + 1);
  if (!keeps_quiet(*threads, before, op)) op = before;
  return op.begin != before.begin || op.end != before.end;
}

// Did an ADD of the key overlap, or come after, [from, to]?
bool added_between(const Threads& threads, const Event& event, uint64_t from, uint64_t to) {
  for (const std::vector<MutableCall>& calls : threads) {
    for (const MutableCall& call : calls) {
      if (call.op.end < from || call.op.begin > to) continue;
      for (const Event& change : call.changes) {
        if (same_key(change, event) && (change.flags & flag::kAdd) != 0) return true;
      }
    }
  }
  return false;
}

using IsSource = bool (*)(const Event& event);

// Copies a ONESHOT event that `is_source` accepts into another call, one that `fits`.
template <typename Fits>
bool copy_oneshot(History* history, Random* random, IsSource is_source, Fits fits) {
  Threads threads = take_apart(*history);
  auto from = calls_that(&threads, delivers);
  for (size_t tries = 0; tries < 200 && !from.empty(); ++tries) {
    const MutableCall* source = from[random->below(from.size())];
    const Event event = source->seen[random->below(source->seen.size())];
    if (!is_source(event)) continue;
    auto to = calls_that(&threads, [&](const MutableCall& call) {
      return &call != source && may_deliver(call) && !has_key(call, event) && fits(*source, call) &&
             !added_between(threads, event, std::min(source->op.begin, call.op.begin),
                            std::max(source->op.end, call.op.end));
    });
    if (to.empty()) continue;
    add_delivery(event, to[random->below(to.size())]);
    put_together(threads, history);
    return true;
  }
  return false;
}

}  // namespace

bool mutate(History* history, Random* random) {
  Threads threads = take_apart(*history);
  bool changed = false;
  switch (random->below(6)) {
    case 0:
      changed = drop_call(&threads, random);
      break;
    case 1:
      changed = drop_delivery(&threads, random);
      break;
    case 2:
      changed = copy_delivery(&threads, random);
      break;
    case 3:
      changed = swap_results(&threads, random);
      break;
    case 4:
      changed = flip_outcome(&threads, random);
      break;
    default:
      changed = move_end(&threads, random);
      break;
  }
  if (changed) put_together(threads, history);
  return changed;
}

bool deliver_after_final(History* history, Random* random) {
  return copy_oneshot(
      history, random, [](const Event& event) { return (event.flags & flag::kForceOneshot) != 0; },
      [](const MutableCall& source, const MutableCall& call) {
        return source.op.end < call.op.begin;
      });
}

bool duplicate_oneshot(History* history, Random* random) {
  return copy_oneshot(
      history, random, [](const Event& event) { return (event.flags & flag::kOneshot) != 0; },
      [](const MutableCall&, const MutableCall&) { return true; });
}

bool deliver_after_delete(History* history, Random* random) {
  Threads threads = take_apart(*history);
  auto deletes = calls_that(&threads, [](const MutableCall& call) {
    return is_kevent(call) && call.op.value == 0 && call.changes.size() == 1 &&
           (call.changes[0].flags & (flag::kDelete | flag::kReceipt)) == flag::kDelete;
  });
  for (size_t tries = 0; tries < 200 && !deletes.empty(); ++tries) {
    const MutableCall* call = deletes[random->below(deletes.size())];
    Event event = call->changes[0];
    event.flags = 0;
    auto to = calls_that(&threads, [&](const MutableCall& later) {
      return later.op.begin > call->op.end && may_deliver(later) && !has_key(later, event) &&
             !added_between(threads, event, call->op.begin, later.op.end);
    });
    if (to.empty()) continue;
    add_delivery(event, to[random->below(to.size())]);
    put_together(threads, history);
    return true;
  }
  return false;
}

}  // namespace kqtorture::contract::testing
