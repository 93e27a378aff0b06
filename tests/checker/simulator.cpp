// The threads are small state machines; each step of one is at most one instant of the world.
#include "simulator.h"

#include <algorithm>
#include <cerrno>

#include "simulator_thread.h"

namespace kqtorture::contract::testing {
namespace {

// The ident that the parked waiter waits for, on a kqueue of its own.
constexpr uint64_t kParkedIdent = 99;

}  // namespace

Simulator::Simulator(const SimulatorOptions& options, uint64_t seed)
    : options_(options), random_(seed), world_(options.late) {
  const int count = options.threads + (options.probes ? 1 : 0);
  history_.threads.resize(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) threads_.push_back(std::make_unique<Thread>());
}

Simulator::~Simulator() = default;

uint64_t Simulator::tick() {
  if (options_.ties == 0 || !random_.chance(1, static_cast<size_t>(options_.ties))) ++time_;
  return time_;
}

uint64_t Simulator::udata() { return options_.fresh_udata ? ++last_udata_ : 1 + random_.below(3); }

// Before the threads run: the kqueue and the pipes, by the first thread.
void Simulator::set_up() {
  History::Thread& first = history_.threads[0];
  HistoryOp op;
  op.kind = OpKind::kKqueue;
  op.value = kKqueue;
  op.begin = ++time_;
  op.end = ++time_;
  first.add(op);
  for (int i = 0; i < options_.pipes; ++i) {
    HistoryOp pipe;
    pipe.kind = OpKind::kPipe;
    pipe.fd = kFirstFd + 2 * i;
    pipe.fd2 = pipe.fd + 1;
    pipe.begin = ++time_;
    pipe.end = ++time_;
    world_.open_pipe(pipe.fd, pipe.fd2);
    first.add(pipe);
  }
  ++time_;
}

History Simulator::run() {
  set_up();
  if (options_.parked_waiter) {
    Event add;
    add.ident = kParkedIdent;
    add.filter = filter::kUser;
    add.flags = flag::kAdd | flag::kDispatch;
    world_.change(add);
    Thread& parked = *threads_[0];
    parked.op = {};
    parked.op.fd = kKqueue;
    parked.op.nevents = 1;
    parked.op.nchanges = 1;
    parked.op.timeout = Timeout::kForever;
    parked.op.begin = ++time_;
    parked.changes = {add};
  }
  const size_t first = options_.parked_waiter ? 1 : 0;
  const size_t count = static_cast<size_t>(options_.threads);
  while (calls_ < options_.calls) {
    if (options_.probes && random_.chance(1, 16) && everybody_rests()) probe();
    step(threads_[first + random_.below(count - first)].get());
  }
  // Let what is under way end, unless the recording is to be cut.
  for (int i = 0; i < 10000 && !options_.unfinished; ++i) {
    Thread* thread = threads_[first + random_.below(count - first)].get();
    if (thread->phase != Phase::kIdle) step(thread);
  }
  for (size_t i = first; i < count; ++i) {
    Thread& thread = *threads_[i];
    // What an unfinished pipe() or read() would have returned, nobody knows.
    const bool returns = thread.op.kind == OpKind::kPipe || thread.op.kind == OpKind::kRead;
    while (returns && thread.phase != Phase::kIdle) step(&thread);
    if (thread.phase == Phase::kIdle) continue;
    thread.op.end = kUnreturned;
    thread.op.value = 0;
    history_.threads[i].add(thread.op, thread.changes);
  }
  if (options_.parked_waiter) {
    Thread& parked = *threads_[0];
    Event event = parked.changes[0];
    event.flags = flag::kDispatch;
    Event trigger = parked.changes[0];
    trigger.flags = 0;
    trigger.fflags = note::kTrigger;
    HistoryOp call;
    call.fd = kKqueue;
    call.nchanges = 1;
    call.begin = ++time_;
    call.end = ++time_;
    if (history_.threads[1].ops.back().returned()) history_.threads[1].add(call, {{trigger}});
    parked.op.end = ++time_;
    parked.op.value = 1;
    history_.threads[0].add(parked.op, parked.changes, {{event}});
  }
  return std::move(history_);
}

void Simulator::step(Thread* thread) {
  switch (thread->phase) {
    case Phase::kIdle:
      ++calls_;
      choose(thread);
      break;
    case Phase::kChanges:
      step_kevent(thread);
      break;
    case Phase::kScan:
      step_scan(thread);
      break;
    case Phase::kParked:
      if (anything_deliverable()) {
        thread->phase = Phase::kScan;
        thread->to_scan.clear();
      } else if (options_.signals && random_.chance(1, 20)) {
        finish(thread, -1, EINTR);
      } else if (thread->op.timeout == Timeout::kFinite && random_.chance(1, 4)) {
        finish(thread, 0, 0);
      }
      break;
    case Phase::kObject:
      if (!step_object_call(thread)) thread->phase = Phase::kReturn;
      break;
    case Phase::kRing:
      if (thread->op.kind == OpKind::kWrite) {
        world_.ring_pipe(thread->rings);
      } else {
        world_.ring_ends_of(thread->rings);
      }
      thread->phase = Phase::kReturn;
      break;
    case Phase::kReturn:
      finish(thread, thread->value, thread->error);
      break;
  }
}

void Simulator::finish(Thread* thread, int64_t value, int error) {
  thread->op.value = value;
  thread->op.error = error;
  thread->op.end = tick();
  const size_t index = static_cast<size_t>(
      std::find_if(threads_.begin(), threads_.end(),
                   [thread](const auto& other) { return other.get() == thread; }) -
      threads_.begin());
  if (value < 0) thread->seen.clear();
  history_.threads[index].add(thread->op, thread->changes, thread->seen);
  thread->phase = Phase::kIdle;
}

void Simulator::choose(Thread* thread) {
  thread->op = {};
  thread->changes.clear();
  thread->seen.clear();
  thread->to_scan.clear();
  thread->next_change = 0;
  thread->faults = thread->released = false;
  thread->value = thread->error = 0;
  if (options_.pipes > 0 && random_.chance(1, 3)) {
    choose_object_call(thread);
    thread->phase = Phase::kObject;
  } else {
    choose_kevent(thread);
    thread->phase = Phase::kChanges;
  }
  thread->op.begin = tick();
}

Event Simulator::choose_change() {
  Event event;
  const size_t keys = static_cast<size_t>(options_.users + 2 * options_.pipes);
  const size_t key = random_.below(keys);
  const bool user = key < static_cast<size_t>(options_.users);
  event.filter = user ? filter::kUser : filter::kRead;
  event.ident =
      user ? key : static_cast<uint64_t>(kFirstFd) + key - static_cast<size_t>(options_.users);
  event.udata = udata();
  switch (random_.below(user ? 10 : 8)) {
    case 0:
    case 1:
      event.flags = flag::kAdd;
      event.flags |= random_.pick<uint16_t>({0, flag::kOneshot, flag::kClear, flag::kDispatch,
                                             flag::kDispatch, flag::kDispatch | flag::kClear});
      if (random_.chance(1, 8)) event.flags |= flag::kDisable;
      if (random_.chance(1, 16)) event.flags |= flag::kUnknown400;
      break;
    case 2:
      event.flags = flag::kDelete;
      break;
    case 3:
    case 4:
      event.flags = flag::kEnable;
      break;
    case 5:
      event.flags = flag::kDisable;
      break;
    case 6:
      event.flags = flag::kForceOneshot;
      if (random_.chance(1, 2)) event.flags |= flag::kEnable;
      break;
    case 7:
      event.flags = random_.pick<uint16_t>({0, flag::kKeepUdata});
      break;
    default:
      event.flags = random_.pick<uint16_t>({0, flag::kEnable, flag::kKeepUdata});
      event.fflags = note::kTrigger;
      if (random_.chance(1, 3)) event.fflags |= note::kFfOr | (1u << random_.below(8));
      break;
  }
  return event;
}

void Simulator::choose_kevent(Thread* thread) {
  HistoryOp& op = thread->op;
  op.kind = OpKind::kKevent;
  op.fd = kKqueue;
  const bool waits = random_.chance(1, 2);
  if (!waits || random_.chance(1, 4)) {
    const size_t count = options_.receipts && random_.chance(1, 8) ? 1 + random_.below(4) : 1;
    for (size_t i = 0; i < count; ++i) thread->changes.push_back(choose_change());
    if (options_.receipts && random_.chance(1, 8)) {
      for (Event& change : thread->changes) change.flags |= flag::kReceipt;
    }
  }
  op.nchanges = static_cast<int32_t>(thread->changes.size());
  op.nevents = waits ? static_cast<int32_t>(1 + random_.below(4)) : 0;
  // Room for every entry, or for none: what lies between is call_outcome_test's.
  if (waits) op.nevents = std::max(op.nevents, op.nchanges);
  op.timeout = random_.pick({Timeout::kZero, Timeout::kForever, Timeout::kFinite});
  // Without signals nobody might ever end a wait.
  if (!options_.signals && op.timeout == Timeout::kForever) op.timeout = Timeout::kFinite;
  op.amount = op.timeout == Timeout::kFinite ? 1 : 0;
  thread->faults = options_.faults && waits && random_.chance(1, 64);
}

void Simulator::step_kevent(Thread* thread) {
  HistoryOp& op = thread->op;
  if (thread->next_change == thread->changes.size()) {
    if (!thread->seen.empty()) {
      thread->value = static_cast<int64_t>(thread->seen.size());
      thread->phase = Phase::kReturn;
    } else if (op.nevents == 0) {
      thread->phase = Phase::kReturn;
    } else {
      thread->phase = Phase::kScan;
    }
    return;
  }
  const Event& change = thread->changes[thread->next_change++];
  const int error = world_.change(change);
  const bool receipt = (change.flags & flag::kReceipt) != 0;
  if (error == 0 && !receipt) return;
  if (static_cast<int32_t>(thread->seen.size()) < op.nevents) {
    Event entry = change;
    entry.flags = flag::kError;
    entry.data = error;
    thread->seen.push_back(entry);
    return;
  }
  // No room: an error is the call's, a receipt ends it.
  thread->value = error == 0 ? 0 : -1;
  thread->error = error;
  thread->phase = Phase::kReturn;
}

bool Simulator::anything_deliverable() const {
  for (const auto& [key, knote] : world_.knotes()) {
    if (key.second != kParkedIdent && world_.deliverable(key)) return true;
  }
  return false;
}

void Simulator::deliver_into(Thread* thread, const TinyWorld::Key& key) {
  thread->seen.push_back(world_.shown(key));
  world_.deliver(key);
  // A late world's second reason to look may have been answered by the same scan.
  const auto found = world_.knotes().find(key);
  if (found != world_.knotes().end() && random_.chance(1, 2)) found->second.edge = false;
}

void Simulator::step_scan(Thread* thread) {
  if (thread->to_scan.empty() && thread->seen.empty()) {
    for (const auto& [key, knote] : world_.knotes()) {
      if (key.second != kParkedIdent) thread->to_scan.push_back(key);
    }
    std::rotate(thread->to_scan.begin(),
                thread->to_scan.begin() +
                    static_cast<std::ptrdiff_t>(random_.below(thread->to_scan.size())),
                thread->to_scan.end());
  }
  if (!thread->to_scan.empty()) {
    const TinyWorld::Key key = thread->to_scan.back();
    thread->to_scan.pop_back();
    if (world_.deliverable(key)) deliver_into(thread, key);
    const bool room = static_cast<int32_t>(thread->seen.size()) < thread->op.nevents;
    if (!room) thread->to_scan.clear();
    if (!thread->to_scan.empty()) return;
  }
  if (!thread->seen.empty()) {
    thread->value = static_cast<int64_t>(thread->seen.size());
    if (thread->faults) {
      thread->value = -1;
      thread->error = EFAULT;
    }
    thread->phase = Phase::kReturn;
  } else if (thread->op.timeout == Timeout::kZero) {
    thread->phase = Phase::kReturn;
  } else {
    thread->phase = Phase::kParked;
  }
}

bool Simulator::everybody_rests() const {
  bool parked = false;
  for (const auto& thread : threads_) {
    if (thread->phase != Phase::kIdle && thread->phase != Phase::kParked) return false;
    parked = parked || thread->phase == Phase::kParked;
  }
  return !parked || !anything_deliverable();
}

// The supervisor's poll, between two steps of everybody else.
void Simulator::probe() {
  Thread& thread = *threads_.back();
  thread.op = {};
  thread.changes.clear();
  thread.seen.clear();
  thread.op.fd = kKqueue;
  thread.op.nevents = 4;
  thread.op.quiescent = true;
  thread.op.begin = ++time_;
  for (const auto& [key, knote] : std::map(world_.knotes())) {
    if (key.second == kParkedIdent || !world_.deliverable(key)) continue;
    if (thread.seen.size() < 4) deliver_into(&thread, key);
  }
  finish(&thread, static_cast<int64_t>(thread.seen.size()), 0);
  ++time_;
}

}  // namespace kqtorture::contract::testing
