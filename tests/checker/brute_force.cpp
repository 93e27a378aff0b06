// One recursion over what has been placed. A call's changes come in list order, then its deliveries
// in any; a point may be placed when everything that must come before it has been.
#include "brute_force.h"

#include <algorithm>
#include <cerrno>
#include <functional>
#include <optional>
#include <set>
#include <vector>

#include "parts.h"
#include "tiny_world.h"

namespace kqtorture::contract::testing {
namespace {

constexpr size_t kMostMoves = 24;
constexpr uint64_t kMostOrders = 20'000'000;

enum class What { kChange, kDeliver, kHidden, kPlain, kCheck };

struct Move {
  What what = What::kPlain;
  Event event;    // kChange, kDeliver
  int error = 0;  // kChange: must end with it
  bool optional = false;
  std::function<bool(TinyWorld*)> plain;
  std::vector<TinyWorld::Key> not_due;  // kCheck
};

struct Call {
  const HistoryOp* op = nullptr;
  size_t thread = 0, index = 0;
  std::vector<size_t> ordered, unordered;  // moves
  std::vector<uint64_t> slept;             // probes during which it slept
  bool probe = false;
  int closes = -1;  // the number; its first two moves are the release and the drop
};

class Enumerator {
 public:
  Enumerator(const HistoryView& history, const Part& part, bool late)
      : history_(history), part_(part), late_(late) {
    for (const ThreadLog& log : history.threads) {
      for (const HistoryOp& op : log.ops) {
        if (op.quiescent) probes_.push_back(op.begin);
        for (const Event& event : log.changes(op)) note_key(event);
        for (const Event& event : log.seen(op)) note_key(event);
      }
    }
    for (size_t t = 0; t < history.threads.size(); ++t) {
      for (size_t i = 0; i < history.threads[t].ops.size(); ++i) add_call(t, i);
    }
  }

  BruteForce run() {
    if (moves_.size() > kMostMoves) {
      result_.too_large = true;
      return result_;
    }
    result_.explainable = visit(TinyWorld(late_), 0);
    return result_;
  }

 private:
  void note_key(const Event& event) {
    if (part_.has(event)) keys_.insert({event.filter, event.ident});
  }

  size_t add_move(Move move, std::vector<size_t>* list) {
    moves_.push_back(std::move(move));
    list->push_back(moves_.size() - 1);
    return moves_.size() - 1;
  }

  void add_plain(Call* call, bool optional, std::function<bool(TinyWorld*)> plain) {
    Move move;
    move.optional = optional;
    move.plain = std::move(plain);
    add_move(std::move(move), &call->ordered);
  }

  void add_call(size_t thread, size_t index) {
    const ThreadLog& log = history_.threads[thread];
    const HistoryOp& op = log.ops[index];
    Call call;
    call.op = &op;
    call.thread = thread;
    call.index = index;
    call.probe = op.quiescent;
    for (const uint64_t time : probes_) {
      if (op.kind == OpKind::kKevent && op.begin < time && time < op.end) {
        call.slept.push_back(time);
      }
    }
    if (op.kind == OpKind::kKevent) {
      add_kevent(log, &call);
    } else if (part_.has(op)) {
      add_object_call(op, &call);
    }
    calls_.push_back(std::move(call));
  }

  void add_kevent(const ThreadLog& log, Call* call) {
    const HistoryOp& op = *call->op;
    if (op.quiescent) add_check(log, call);
    const bool finished = op.returned();
    const bool faulted = finished && op.value < 0 && op.error == EFAULT;
    const auto seen = log.seen(op);
    const auto changes = log.changes(op);
    const bool entries = !seen.empty() && !changes.empty() && seen[0].flags == flag::kError;
    const bool failed = finished && op.value < 0 && op.error != EINTR;
    // Which of several changes failed is not said.
    const bool one_failed = failed && changes.size() > 1;
    for (const Event& change : changes) {
      if (part_.has(change)) {
        Move move;
        move.what = What::kChange;
        move.event = change;
        move.optional = faulted || one_failed || (!finished && call->slept.empty());
        if (failed && !one_failed && !faulted) move.error = op.error;
        // Each change has a udata of its own here, so an entry says whose it is.
        for (const Event& entry : seen) {
          const bool its = entry.ident == change.ident && entry.udata == change.udata;
          if (entries && its) move.error = static_cast<int>(entry.data);
        }
        add_move(std::move(move), &call->ordered);
      }
      // A receipt without room ends the call.
      const bool receipt = (change.flags & flag::kReceipt) != 0;
      if (finished && op.value == 0 && op.nevents == 0 && receipt) break;
    }
    for (const Event& event : seen) {
      if (entries || !part_.has(event)) continue;
      Move move;
      move.what = What::kDeliver;
      move.event = event;
      add_move(std::move(move), &call->unordered);
    }
    if ((faulted || !finished) && op.nevents > 0) {
      for (const TinyWorld::Key& key : keys_) {
        Move move;
        move.what = What::kHidden;
        move.event.filter = key.first;
        move.event.ident = key.second;
        move.optional = true;
        add_move(std::move(move), &call->unordered);
      }
    }
    if (is_quiet_poll(*call)) {
      Move move;
      move.what = What::kCheck;
      move.not_due.assign(keys_.begin(), keys_.end());
      add_move(std::move(move), &call->ordered);
    }
  }

  // What must not be due when a quiescent probe begins.
  void add_check(const ThreadLog& log, Call* call) {
    const HistoryOp& op = *call->op;
    bool sleepers = false;
    for (const ThreadLog& other : history_.threads) {
      for (const HistoryOp& sleeper : other.ops) {
        sleepers = sleepers || (sleeper.kind == OpKind::kKevent && sleeper.nevents > 0 &&
                                sleeper.begin < op.begin && op.begin < sleeper.end);
      }
    }
    Move move;
    move.what = What::kCheck;
    const auto seen = log.seen(op);
    for (const TinyWorld::Key& key : keys_) {
      const bool returned = std::any_of(seen.begin(), seen.end(), [&](const Event& event) {
        return event.filter == key.first && event.ident == key.second;
      });
      const bool room = static_cast<int64_t>(seen.size()) < op.nevents;
      if (returned ? sleepers : room) move.not_due.push_back(key);
    }
    add_move(std::move(move), &call->ordered);
  }

  // An empty poll that nothing overlaps which scans or concerns the component.
  bool is_quiet_poll(const Call& call) const {
    const HistoryOp& op = *call.op;
    const bool empty = op.returned() && op.value == 0 && op.nevents > 0;
    if (!empty || op.timeout != Timeout::kZero || op.quiescent) return false;
    for (const ThreadLog& log : history_.threads) {
      for (const HistoryOp& other : log.ops) {
        if (&other == &op || !overlap(op, other)) continue;
        if (other.kind != OpKind::kKevent) {
          const bool nothing = other.returned() && other.value < 0 &&
                               !(other.kind == OpKind::kRead && other.error == EAGAIN);
          if (part_.has(other) && !nothing) return false;
          continue;
        }
        // A call whose changes left entries did not look for events.
        const auto entries = log.seen(other);
        const bool scanned = entries.empty() || entries[0].flags != flag::kError;
        if (other.nevents != 0 && scanned) return false;
        for (const Event& event : log.changes(other)) {
          // Refused by its words alone, it concerns no knote.
          if (part_.has(event) && (event.flags & 0x0C00) == 0) return false;
        }
      }
    }
    return true;
  }

  void add_object_call(const HistoryOp& op, Call* call) {
    const bool optional = !op.returned();
    const bool failed = !optional && op.value < 0;
    switch (op.kind) {
      case OpKind::kPipe:
        if (failed) return;
        add_plain(call, false, [&op](TinyWorld* w) { return w->open_pipe(op.fd, op.fd2); });
        break;
      case OpKind::kClose:
      case OpKind::kDup2:
        if (!failed) add_close(op, call);
        break;
      case OpKind::kWrite: {
        if (met_by_close(history_, op, call->thread)) return add_hold(op, call);
        if (failed) return;
        const int bytes = static_cast<int>(op.amount);
        add_plain(call, optional, [&op, bytes](TinyWorld* w) { return w->arrive(op.fd, bytes); });
        if (late_) add_plain(call, optional, [&op](TinyWorld* w) { return w->ring(op.fd); });
        break;
      }
      case OpKind::kRead: {
        if (met_by_close(history_, op, call->thread)) return add_hold(op, call);
        if (optional || (failed && op.error != EAGAIN)) return;
        const int bytes = static_cast<int>(op.value);
        add_plain(call, false, [&op, bytes](TinyWorld* w) {
          if (bytes < 0) return w->is_empty(op.fd);
          return bytes == 0 ? w->is_ended(op.fd) : w->take(op.fd, bytes);
        });
        break;
      }
      default:
        break;
    }
  }

  void add_hold(const HistoryOp& op, Call* call) {
    add_plain(call, !op.returned(), [&op](TinyWorld* w) { return w->hold(op.fd); });
    if (!late_ || op.kind != OpKind::kWrite) return;
    add_plain(call, !op.returned(), [&op](TinyWorld* w) { return w->ring(op.fd); });
  }

  void add_close(const HistoryOp& op, Call* call) {
    const bool optional = !op.returned();
    const int closer = static_cast<int>(calls_.size());
    if (op.kind == OpKind::kClose) {
      add_plain(call, optional, [&op, closer](TinyWorld* w) { return w->release(op.fd, closer); });
    } else {
      add_plain(call, optional,
                [&op, closer](TinyWorld* w) { return w->dup2(op.fd, op.fd2, closer); });
    }
    if (op.kind == OpKind::kClose || op.fd != op.fd2) {
      call->closes = op.kind == OpKind::kClose ? op.fd : op.fd2;
      add_plain(call, optional, [closer](TinyWorld* w) {
        w->drop(closer);
        return true;
      });
    }
    if (!late_) return;
    add_plain(call, optional, [](TinyWorld* w) {
      w->ring_ended();
      return true;
    });
  }

  static bool is_placed(uint64_t placed, size_t move) { return (placed >> move & 1) != 0; }

  bool any_placed(const Call& call, uint64_t placed) const {
    for (const size_t move : call.ordered) {
      if (is_placed(placed, move)) return true;
    }
    for (const size_t move : call.unordered) {
      if (is_placed(placed, move)) return true;
    }
    return false;
  }

  bool all_placed(const std::vector<size_t>& list, uint64_t placed) const {
    for (const size_t move : list) {
      if (!moves_[move].optional && !is_placed(placed, move)) return false;
    }
    return true;
  }
  bool all_placed(const Call& call, uint64_t placed) const {
    return all_placed(call.ordered, placed) && all_placed(call.unordered, placed);
  }

  // Within the call: earlier changes were placed or forgone, later ones not placed yet.
  bool in_call_order(const Call& call, size_t move, uint64_t placed) const {
    const auto at = std::find(call.ordered.begin(), call.ordered.end(), move);
    if (at == call.ordered.end()) return all_placed(call.ordered, placed);
    for (const size_t other : call.unordered) {
      if (is_placed(placed, other)) return false;
    }
    for (auto it = call.ordered.begin(); it != at; ++it) {
      if (!moves_[*it].optional && !is_placed(placed, *it)) return false;
    }
    for (auto it = at + 1; it != call.ordered.end(); ++it) {
      if (is_placed(placed, *it)) return false;
    }
    return true;
  }

  bool in_time(const Call& call, uint64_t placed) const {
    for (const Call& other : calls_) {
      if (&other == &call) continue;
      const bool before = other.op->end < call.op->begin ||
                          (other.thread == call.thread && other.index < call.index);
      const bool after = call.op->end < other.op->begin ||
                         (other.thread == call.thread && other.index > call.index);
      if (before && !all_placed(other, placed)) return false;
      if (after && any_placed(other, placed)) return false;
    }
    return true;
  }

  // What probes say of calls that slept, and of those that began later.
  bool in_sleep_order(const Call& call, size_t move, uint64_t placed) const {
    const bool delivery =
        std::find(call.unordered.begin(), call.unordered.end(), move) != call.unordered.end();
    for (const Call& probe : calls_) {
      if (!probe.probe || &probe == &call) continue;
      const bool checked = is_placed(placed, probe.ordered[0]);
      const bool slept =
          std::find(call.slept.begin(), call.slept.end(), probe.op->begin) != call.slept.end();
      if (slept && checked != delivery) return false;
      if (!slept && call.op->begin >= probe.op->begin && !checked) return false;
    }
    if (call.probe && move == call.ordered[0]) {
      for (const Call& sleeper : calls_) {
        const bool slept = std::find(sleeper.slept.begin(), sleeper.slept.end(), call.op->begin) !=
                           sleeper.slept.end();
        if (slept && !all_placed(sleeper.ordered, placed)) return false;
      }
    }
    return true;
  }

  bool fits(const Move& move, TinyWorld* world) const {
    const TinyWorld::Key key(move.event.filter, move.event.ident);
    switch (move.what) {
      case What::kChange:
        return world->change(move.event) == move.error;
      case What::kHidden:
        if (!world->deliverable(key)) return false;
        world->deliver(key);
        return true;
      case What::kDeliver: {
        if (!world->deliverable(key)) return false;
        Event expected = world->shown(key);
        // Data of descriptors is not judged, and an end may be overlooked, not invented.
        if (key.first == filter::kRead) {
          expected.data = move.event.data;
          expected.fflags = move.event.fflags;
          if ((move.event.flags & flag::kEof) == 0) {
            expected.flags = static_cast<uint16_t>(expected.flags & ~flag::kEof);
          }
        }
        if (!(expected == move.event)) return false;
        world->deliver(key);
        return true;
      }
      case What::kCheck:
        return std::none_of(move.not_due.begin(), move.not_due.end(),
                            [&](const TinyWorld::Key& k) { return world->due(k); });
      case What::kPlain:
        return move.plain(world);
    }
    return false;
  }

  // From its begin to its end a close may take a knote along at any time.
  bool may_lose(const Call& call, int closer, const TinyWorld& world, uint64_t placed) const {
    if (call.closes < 0 || is_placed(placed, call.ordered[1])) return false;
    return in_sleep_order(call, call.ordered[0], placed) &&
           world.may_lose(call.closes, closer, is_placed(placed, call.ordered[0]));
  }

  bool visit(const TinyWorld& world, uint64_t placed) {
    bool complete = true;
    for (size_t i = 0; i < moves_.size(); ++i) {
      complete = complete && (moves_[i].optional || is_placed(placed, i));
    }
    if (complete) return true;
    if (++result_.orders > kMostOrders) {
      result_.too_large = true;
      return false;
    }
    for (size_t i = 0; i < calls_.size(); ++i) {
      const Call& call = calls_[i];
      if (!in_time(call, placed)) continue;
      if (may_lose(call, static_cast<int>(i), world, placed)) {
        TinyWorld after = world;
        after.lose(call.closes);
        if (visit(after, placed)) return true;
        if (result_.too_large) return false;
      }
      for (const std::vector<size_t>* list : {&call.ordered, &call.unordered}) {
        for (const size_t move : *list) {
          if (is_placed(placed, move) || !in_call_order(call, move, placed)) continue;
          if (!in_sleep_order(call, move, placed)) continue;
          TinyWorld after = world;
          if (!fits(moves_[move], &after)) continue;
          if (visit(after, placed | uint64_t{1} << move)) return true;
          if (result_.too_large) return false;
        }
      }
    }
    return false;
  }

  const HistoryView& history_;
  const Part& part_;
  const bool late_;
  std::vector<uint64_t> probes_;
  std::set<TinyWorld::Key> keys_;
  std::vector<Move> moves_;
  std::vector<Call> calls_;
  BruteForce result_;
};

}  // namespace

BruteForce brute_force(const HistoryView& history, bool late) {
  BruteForce result;
  result.explainable = true;
  for (const Part& part : parts_of(history)) {
    const BruteForce answer = Enumerator(history, part, late).run();
    result.orders += answer.orders;
    result.too_large = result.too_large || answer.too_large;
    result.explainable = result.explainable && answer.explainable;
  }
  return result;
}

}  // namespace kqtorture::contract::testing
