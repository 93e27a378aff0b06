// What a call is made of: its points, component by component.
#include <cerrno>

#include "contract/checker/sweep.h"

namespace kqtorture::contract::checking {
namespace {

// A faulting call may have taken an event of any knote of its kqueue. Beyond this many nobody
// follows each of them.
constexpr size_t kMostHidden = 64;

}  // namespace

Point* Sweep::add_point(Flight* flight, uint32_t index, PointKind kind) {
  Component& component = *census_.components()[index];
  if (component.given_up()) return nullptr;
  const std::pair<uint32_t, Component::Handle>* found = nullptr;
  for (const auto& touched : flight->touched) {
    if (touched.first == index) found = &touched;
  }
  if (found == nullptr) {
    const Component::Handle handle =
        component.begin(flight->ref.thread, flight->ref.op, flight->op->end, flight->asleep != 0);
    found = &flight->touched.emplace_back(index, handle);
  }
  Point* point = component.add(found->second, kind);
  if (point == nullptr) {
    give_up(index, Undecided::kTooManyWays);
    return nullptr;
  }
  point->begin = flight->op->begin;
  point->end = flight->op->end;
  point->optional = !flight->op->returned();
  return point;
}

Point* Sweep::add_number_point(Flight* flight, int64_t fd, PointKind kind) {
  const Census::Place place = census_.number(static_cast<uint64_t>(fd));
  if (place.component == Census::kNone) return nullptr;
  Point* point = add_point(flight, place.component, kind);
  if (point != nullptr) point->number = place.index;
  return point;
}

uint32_t Sweep::knote_of(const Flight& flight, const Kqueues::Meaning& meaning, uint32_t event,
                         const Event& value) const {
  const uint32_t known = census_.route(flight.ref.thread, event);
  return known != Census::kNone ? known
                                : census_.knote(meaning.identity, value.filter, value.ident);
}

void Sweep::begin_kevent(Flight* flight) {
  const HistoryOp& op = *flight->op;
  const std::vector<Kqueues::Meaning>& meanings =
      census_.kqueues().meanings(op.fd, op.begin, op.end);
  KqueueOpen open = meanings.empty() ? KqueueOpen::kNever : KqueueOpen::kMaybe;
  if (meanings.size() == 1) open = meanings[0].open;
  const bool slept = !op.returned() && flight->asleep != 0;
  read_outcome(profile_, host_, *flight->log, op, open, slept, &outcome_);
  flight->fault = outcome_.fault;
  flight->never_open = meanings.empty();
  flight->surely_open = open == KqueueOpen::kSurely;
  flight->scans = outcome_.scanned;
  if (meanings.size() == 1) {
    const size_t kqueue = meanings[0].identity;
    flight->kqueue = static_cast<int64_t>(kqueue);
    if (scanning_.size() <= kqueue) {
      scanning_.resize(kqueue + 1, 0);
      scanned_at_.resize(kqueue + 1, 0);
    }
    if (flight->scans) {
      flight->alone = scanning_[kqueue] == 0;
      ++scanning_[kqueue];
      scanned_at_[kqueue] = flight->sequence;
    }
  }
  if (op.quiescent) judge_probe(*flight);
  if (over_) return;
  for (const Kqueues::Meaning& meaning : meanings) {
    const bool optional = meanings.size() > 1 || meaning.dying || !op.returned();
    add_changes(flight, meaning, outcome_, optional);
    add_deliveries(flight, meaning, outcome_, optional);
  }
}

void Sweep::add_changes(Flight* flight, const Kqueues::Meaning& meaning, const CallOutcome& outcome,
                        bool optional) {
  const HistoryOp& op = *flight->op;
  for (uint32_t i = 0; i < outcome.changes.size(); ++i) {
    const ChangeFate& change = outcome.changes[i];
    if (change.fate == Fate::kNothing && !outcome.unmodelled) continue;
    const uint32_t knote = knote_of(*flight, meaning, op.first + i, change.change);
    if (knote == Census::kNone) continue;
    const Census::Place& place = census_.place(knote);
    if (outcome.unmodelled) {
      give_up(place.component, Undecided::kUnmodelled);
      continue;
    }
    Point* point = add_point(flight, place.component, PointKind::kChange);
    if (point == nullptr) continue;
    point->entry = static_cast<uint16_t>(i);
    point->cell = place.index;
    point->fate = change.fate;
    point->error = change.error;
    point->event = change.change;
    // A call that sleeps has made its changes even if it never returns.
    const bool made = flight->asleep != 0 && !meaning.dying && change.fate == Fate::kApplied;
    point->optional = (optional && !made) || change.fate == Fate::kUnknown;
  }
}

void Sweep::add_deliveries(Flight* flight, const Kqueues::Meaning& meaning,
                           const CallOutcome& outcome, bool optional) {
  const HistoryOp& op = *flight->op;
  const std::span<const Event> seen = flight->log->seen(op);
  for (size_t i = outcome.first_delivery; i < seen.size(); ++i) {
    const uint32_t event = op.first + op.changes + static_cast<uint32_t>(i);
    const uint32_t knote = knote_of(*flight, meaning, event, seen[i]);
    if (knote == Census::kNone) continue;
    const Census::Place& place = census_.place(knote);
    Point* point = add_point(flight, place.component, PointKind::kDelivery);
    if (point == nullptr) continue;
    point->entry = static_cast<uint16_t>(i);
    point->cell = place.index;
    point->event = seen[i];
    point->optional = optional;
  }
  if (!outcome.hidden_deliveries) return;
  const std::span<const uint32_t> knotes = census_.knotes_of(meaning.identity);
  for (const uint32_t knote : knotes) {
    const Census::Place& place = census_.place(knote);
    if (knotes.size() > kMostHidden) {
      give_up(place.component, Undecided::kTooManyWays);
      continue;
    }
    Point* point = add_point(flight, place.component, PointKind::kHidden);
    if (point == nullptr) continue;
    point->cell = place.index;
    point->optional = true;
  }
}

void Sweep::begin_open(Flight* flight, Kind kind, int64_t first, int64_t second) {
  Point* point = add_number_point(flight, first, PointKind::kOpen);
  if (point == nullptr) return;
  point->object = kind;
  point->amount = flight->op->amount;
  if (second >= 0) point->number2 = census_.number(static_cast<uint64_t>(second)).index;
}

void Sweep::begin_transfer(Flight* flight) {
  const HistoryOp& op = *flight->op;
  const bool rings = host_.activation == Observed::kAtScan;
  if (begin_straddling_transfer(flight)) return;
  if (op.kind == OpKind::kRead) {
    if (!op.returned() || (op.value < 0 && op.error != EAGAIN) || op.amount == 0) return;
    PointKind kind = op.value == 0 ? PointKind::kEnd : PointKind::kTake;
    if (op.value < 0) kind = PointKind::kEmpty;
    Point* point = add_number_point(flight, op.fd, kind);
    if (point != nullptr) point->amount = op.value;
    return;
  }
  const bool full = op.returned() && op.value < 0 && op.error == EAGAIN;
  const bool arrived = !op.returned() || op.value > 0;
  if (!full && !arrived) return;
  if (arrived || op.amount == 1) {
    Point* point = add_number_point(flight, op.fd, full ? PointKind::kFull : PointKind::kArrive);
    if (point == nullptr) return;
    point->amount = op.returned() ? op.value : op.amount;
    point->event.data = op.amount;
  }
  // Even a write that was refused may tell the readers that there is something to read.
  if (rings || full) begin_ring(flight, !full);
}

void Sweep::begin_ring(Flight* flight, bool surely) {
  const HistoryOp& op = *flight->op;
  const Census::Place place = census_.number(static_cast<uint64_t>(op.fd));
  if (place.component == Census::kNone) return;
  if (!census_.components()[place.component]->layout().edges) return;
  Point* point = add_number_point(flight, op.fd, PointKind::kRing);
  if (point != nullptr) point->amount = surely ? 1 : 0;
}

// A read or write that a close of its number meets: it finds the file while the number is open, and
// what it does there, or how long it keeps the file from going, nobody can say.
bool Sweep::begin_straddling_transfer(Flight* flight) {
  const HistoryOp& op = *flight->op;
  if (op.returned() && op.value < 0 && op.error == EBADF) return false;
  if (!census_.closed_meanwhile(flight->ref.thread, op)) return false;
  add_number_point(flight, op.fd, PointKind::kHold);
  const bool rings = host_.activation == Observed::kAtScan;
  if (op.kind == OpKind::kWrite && rings) begin_ring(flight, false);
  return true;
}

// The kqueue that ends with this call takes its knotes along.
void Sweep::end_kqueue(Flight* flight) {
  const int64_t ended = census_.kqueues().ended_by(flight->ref);
  if (ended < 0) return;
  for (const uint32_t knote : census_.knotes_of(static_cast<uint32_t>(ended))) {
    const uint32_t component = census_.place(knote).component;
    bool there = false;
    for (const auto& [index, handle] : flight->touched) {
      if (index != component) continue;
      const std::vector<Point>& points = census_.components()[index]->points(handle);
      there = !points.empty() && points.back().kind == PointKind::kEndQueue;
    }
    if (there) continue;
    Point* point = add_point(flight, component, PointKind::kEndQueue);
    if (point != nullptr) point->amount = ended;
  }
}

// close() and dup2(): the number goes, then what was open on it.
bool Sweep::begin_close(Flight* flight) {
  const HistoryOp& op = *flight->op;
  const bool dup2 = op.kind == OpKind::kDup2;
  Point* point = add_number_point(flight, op.fd, dup2 ? PointKind::kDup2 : PointKind::kRelease);
  if (point == nullptr) return false;
  const uint32_t index = flight->touched.back().first;
  const uint16_t closer = census_.components()[index]->layout().closer(flight->ref.thread);
  const uint16_t closed =
      dup2 ? census_.number(static_cast<uint64_t>(op.fd2)).index : point->number;
  if (dup2) point->number2 = closed;
  point->closer = closer;
  if (dup2 && op.fd == op.fd2) return true;
  point = add_point(flight, index, PointKind::kDrop);
  if (point == nullptr) return false;
  point->number = closed;
  point->closer = closer;
  return true;
}

void Sweep::begin_object_call(Flight* flight) {
  const HistoryOp& op = *flight->op;
  const bool transfers = op.kind == OpKind::kRead || op.kind == OpKind::kWrite;
  if (transfers) return begin_transfer(flight);
  if (op.returned() && op.value < 0) return;
  switch (op.kind) {
    case OpKind::kPipe:
      return begin_open(flight, Kind::kPipe, op.fd, op.fd2);
    case OpKind::kStreamPair:
      return begin_open(flight, Kind::kStream, op.fd, op.fd2);
    case OpKind::kDgramPair:
      return begin_open(flight, Kind::kDgram, op.fd, op.fd2);
    case OpKind::kTcpPair:
      return begin_open(flight, Kind::kOther, op.fd, op.fd2);
    case OpKind::kEventfd:
      if (op.returned()) begin_open(flight, Kind::kEventfd, op.value, -1);
      return;
    case OpKind::kKqueue:
    case OpKind::kUnixListener:
    case OpKind::kTcpListener:
    case OpKind::kFile:
    case OpKind::kProcdesc:
    case OpKind::kDirectory:
    case OpKind::kConnect:
    case OpKind::kAccept:
      if (op.returned()) begin_open(flight, Kind::kOther, op.value, -1);
      return;
    case OpKind::kShutdown:
      add_number_point(flight, op.fd, PointKind::kShut);
      return;
    case OpKind::kDup:
      if (op.returned()) {
        Point* point = add_number_point(flight, op.fd, PointKind::kDup);
        if (point != nullptr) {
          point->number2 = census_.number(static_cast<uint64_t>(op.value)).index;
        }
      }
      return;
    case OpKind::kDup2:
    case OpKind::kClose: {
      if (!begin_close(flight)) return end_kqueue(flight);
      const uint32_t component = flight->touched.back().first;
      if (profile_.wake_policy == WakePolicy::kBackend) {
        // A close that nobody notices leaves its knotes behind.
        give_up(component, Undecided::kUnmodelled);
      }
      const bool rings = host_.activation == Observed::kAtScan;
      if (rings && census_.components()[component]->layout().edges) {
        add_point(flight, component, PointKind::kEndRings);
      }
      return end_kqueue(flight);
    }
    default:
      return;
  }
}

}  // namespace kqtorture::contract::checking
