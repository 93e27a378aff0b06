// One method per kind of operation; each makes its calls through call(), which lets the observer
// see them.
#include "engine/executor.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "subject/worker.h"

namespace kqtorture {
namespace {

// What a wait of Wait::kDue lasts at most: timers that are due soon are due within a millisecond.
// On a machine that is late nothing is lost but a chance to see them; await is for what must be
// seen.
constexpr timespec kDueWait{0, 2'000'000};
// Explicit timeouts from here on are waits without limit as far as a program is concerned.
constexpr int64_t kLongSeconds = 2;
constexpr int64_t kSoonNs = 1'000'000;  // as the model has it
// How often a fill or drain calls at most: 256 times 64 KiB is more than any buffer takes.
constexpr int kMostCalls = 256;
constexpr int64_t kChunk = 65536;

void sleep_ns(int64_t ns) {
  if (ns <= 0) return;
  const timespec time{static_cast<time_t>(ns / 1'000'000'000),
                      static_cast<long>(ns % 1'000'000'000)};
  nanosleep(&time, nullptr);
  note_progress();  // who waits on purpose is not hung
}

int64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// What a timer asks for, if it is due soon; 0 if it is not.
int64_t soon_ns(const Change& change) {
  if (change.filter != filter::kTimer || change.data < 0) return 0;
  if (change.fflags & note::kAbstime) return 1;  // due at once, or not within the program
  const int64_t unit = change.fflags & note::kNseconds   ? 1
                       : change.fflags & note::kUseconds ? 1000
                       : change.fflags & note::kSeconds  ? 1'000'000'000
                                                         : 1'000'000;
  if (change.data > kSoonNs / unit) return 0;
  return std::max<int64_t>(change.data, 1) * unit;
}

Kevent kevent_of(const Change& change, uint64_t ident) {
  return Kevent{static_cast<uintptr_t>(ident),
                change.filter,
                change.flags,
                change.fflags,
                static_cast<intptr_t>(change.data),
                reinterpret_cast<void*>(static_cast<uintptr_t>(change.udata))};
}

static_assert(sizeof(Kevent) == sizeof(contract::Event));

}  // namespace

Executor::Executor(World* world, Observer* observer)
    : world_(*world),
      observer_(*observer),
      subject_(world->subject()),
      change_memory_(static_cast<size_t>(limit::kRoom) * sizeof(Kevent)),
      event_memory_(static_cast<size_t>(limit::kRoom) * sizeof(Kevent)),
      changes_end_(static_cast<Kevent*>(change_memory_.data()) + limit::kRoom),
      events_end_(static_cast<Kevent*>(event_memory_.data()) + limit::kRoom) {}

void Executor::prepare(const Program& program) {
  longest_timer_ns_ = due_at_ns_ = 0;
  has_tasks_ = false;
  alone_ = is_sequential(program);
  int kqueues = 0;
  for (const Object& object : program.objects) {
    has_tasks_ |= object.kind == ObjectKind::kTcp || object.kind == ObjectKind::kListener;
    kqueues += object.kind == ObjectKind::kKqueue;
  }
  has_tasks_ |= tasks_ && kqueues > 1;
  if (alone_) return;
  // Other threads start timers, too, at times unknown here.
  for (const Thread& thread : program.threads) {
    for (const Op& op : thread.ops) {
      for (const Change& change : op.changes) {
        longest_timer_ns_ = std::max(longest_timer_ns_, soon_ns(change));
      }
    }
  }
}

// After a call: it may have started timers, or taken an expiration after which a periodic one needs
// its period again.
void Executor::note_timers(const Op& op) {
  for (const Change& change : op.changes) {
    longest_timer_ns_ = std::max(longest_timer_ns_, soon_ns(change));
  }
  if (longest_timer_ns_ > 0) due_at_ns_ = now_ns() + longest_timer_ns_;
}

Executor::Result Executor::run(const Op& op) {
  // Not where threads race: they share nothing but what they race for.
  if (alone_) note_progress();
  returned_ = {};
  switch (op.kind) {
    case OpKind::kKevent:
      return kevent(op);
    case OpKind::kTrigger:
      return trigger(op);
    case OpKind::kWrite:
      return transfer(op, false);
    case OpKind::kRead:
      return transfer(op, true);
    case OpKind::kFill:
      return transfer_all(op, false);
    case OpKind::kDrain:
      return transfer_all(op, true);
    case OpKind::kClose:
      return close(world_.number(op.target));
    case OpKind::kShutdown:
      return shutdown(op);
    case OpKind::kDup:
      return duplicate(op);
    case OpKind::kDup2:
      return duplicate_onto(world_.number(op.target), world_.number(op.other));
    case OpKind::kReopen:
      return reopen(op);
    case OpKind::kConnect:
    case OpKind::kAccept:
      return connection(op);
    case OpKind::kSeek:
    case OpKind::kTruncate:
    case OpKind::kChmod:
    case OpKind::kLink:
    case OpKind::kUnlink:
      return file(op);
    case OpKind::kRename:
      return world_.is(world_.number(op.target), ObjectKind::kDirectory) ? entry(op) : file(op);
    case OpKind::kCreate:
    case OpKind::kMkdir:
    case OpKind::kRemove:
    case OpKind::kRmdir:
      return entry(op);
    case OpKind::kSleep:
      sleep_ns(op.amount * 1000);
      return Result::kDone;
    case OpKind::kAwait:
      return await();
    case OpKind::kRaise:
      return post(op);
    case OpKind::kExit:
    case OpKind::kKill:
      return end_child(op);
    case OpKind::kReap:
      return reap(op);
  }
  return Result::kSkipped;
}

bool Executor::astray(const Change& change) const {
  return is_descriptor_filter(change.filter) && change.ident.object != Ref::kNumber &&
         !world_.may_touch(world_.number(change.ident));
}

Executor::Result Executor::kevent(const Op& from) {
  if (!world_.may_touch(world_.number(from.target))) return Result::kAstray;
  const auto listed = static_cast<int>(from.changes.size());
  const int good = from.bad_changes >= 0 ? from.bad_changes : listed;
  // The changes that can be read end at the page that faults; an aliased list is an event list.
  const int entries =
      from.aliased ? std::max(listed, std::clamp(from.room, 0, limit::kRoom)) : good;
  Kevent* const changes = (from.aliased ? events_end_ : changes_end_) - entries;
  for (int i = 0; i < std::min(good, listed); i++) {
    const Change& change = from.changes[static_cast<size_t>(i)];
    if (astray(change)) return Result::kAstray;
    changes[i] = kevent_of(change, world_.value(change.ident));
  }
  contract::Op op;
  op.fd = world_.number(from.target);
  op.nchanges = from.count_given ? from.count : listed;
  op.nevents = from.room;
  if (from.bad_changes != bad::kNone) op.changes_readable = std::max(0, int{from.bad_changes});
  if (from.bad_events != bad::kNone) op.events_writable = std::max(0, int{from.bad_events});
  op.changes = reinterpret_cast<const contract::Event*>(changes);
  if (from.aliased) {
    copy_.assign(changes, changes + listed);
    op.changes = reinterpret_cast<const contract::Event*>(copy_.data());
  }
  switch (from.wait) {
    case Wait::kZero:
      op.timeout = from.timeout_faults ? contract::Timeout::kUnreadable : contract::Timeout::kZero;
      break;
    case Wait::kForever:
      op.timeout = contract::Timeout::kForever;
      break;
    case Wait::kDue:
      op.timeout = contract::Timeout::kFinite;
      break;
    case Wait::kExplicit:
      op.timeout = from.seconds < 0 ? contract::Timeout::kNegative
                   : from.nanoseconds < 0 || from.nanoseconds > 999'999'999
                       ? contract::Timeout::kBadNanos
                   : from.seconds >= kLongSeconds               ? contract::Timeout::kForever
                   : from.seconds == 0 && from.nanoseconds == 0 ? contract::Timeout::kZero
                                                                : contract::Timeout::kFinite;
  }
  const Kevent* passed = listed == 0 && from.bad_changes == bad::kNone ? nullptr : changes;
  if (from.bad_changes == bad::kNull) passed = nullptr;
  const int room = from.bad_events >= 0 ? from.bad_events
                   : from.room < 0      ? limit::kRoom
                                        : from.room;
  Kevent* events = events_end_ - std::min(room, limit::kRoom);
  if (from.aliased) events = changes;
  if (from.bad_events == bad::kNull || (from.room == 0 && from.bad_events == bad::kNone)) {
    events = nullptr;
  }
  return issue(&op, from, passed, events);
}

Executor::Result Executor::issue(contract::Op* op, const Op& from, const Kevent* changes,
                                 Kevent* events) {
  const Result result = call(op, [&](contract::Outcome* outcome) -> int64_t {
    timespec time{};
    const timespec* timeout = &time;
    switch (op->timeout) {
      case contract::Timeout::kZero:
        break;
      case contract::Timeout::kUnreadable:
        timeout = reinterpret_cast<const timespec*>(events_end_);
        break;
      case contract::Timeout::kForever:
        timeout = nullptr;
        [[fallthrough]];
      default:
        time = from.wait == Wait::kExplicit ? timespec{static_cast<time_t>(from.seconds),
                                                       static_cast<long>(from.nanoseconds)}
                                            : kDueWait;
        if (from.wait == Wait::kExplicit) timeout = &time;
    }
    outcome->events = reinterpret_cast<const contract::Event*>(events);
    return subject_.kevent(op->fd, changes, op->nchanges, events, op->nevents, timeout);
  });
  note_timers(from);
  return result;
}

Executor::Result Executor::trigger(const Op& from) {
  if (!world_.may_touch(world_.number(from.target))) return Result::kAstray;
  Change change;
  change.filter = filter::kUser;
  change.fflags = note::kTrigger;
  Kevent* const entry = changes_end_ - 1;
  *entry = kevent_of(change, world_.value(from.other));
  contract::Op op;
  op.fd = world_.number(from.target);
  op.nchanges = 1;
  op.changes = reinterpret_cast<const contract::Event*>(entry);
  return issue(&op, from, entry, nullptr);
}

Executor::Result Executor::transfer(const Op& op, bool reading) {
  return move_bytes(world_.number(op.target), op.amount, reading);
}

Executor::Result Executor::move_bytes(int fd, int64_t amount, bool reading) {
  if (!world_.may_touch(fd)) return Result::kAstray;
  if (world_.is(fd, ObjectKind::kKqueue) || world_.is(fd, ObjectKind::kListener) ||
      world_.is(fd, ObjectKind::kUnixListener)) {
    return Result::kSkipped;
  }
  const bool eventfd = world_.is(fd, ObjectKind::kEventfd);
  contract::Op op;
  op.kind = reading ? contract::OpKind::kRead : contract::OpKind::kWrite;
  op.fd = fd;
  op.amount = eventfd && reading ? 8 : amount;
  if (!reading) world_.soil(fd);
  // A megabyte for each thread of each program would be most of what a short program costs.
  const auto size = static_cast<size_t>(amount);
  if (buffer_.size() < size) buffer_.resize(size, 'x');
  return call(&op, [&](contract::Outcome* outcome) -> int64_t {
    uint64_t counter = static_cast<uint64_t>(amount);
    if (!eventfd) {
      return reading ? subject_.read(fd, buffer_.data(), size)
                     : subject_.write(fd, buffer_.data(), size);
    }
    if (!reading) return subject_.write(fd, &counter, sizeof counter);
    const ssize_t got = subject_.read(fd, &counter, sizeof counter);
    outcome->counter = counter;
    return got;
  });
}

Executor::Result Executor::transfer_all(const Op& op, bool reading) {
  const int fd = world_.number(op.target);
  int64_t total = 0;
  for (int calls = 0; calls < kMostCalls; calls++) {
    const Result result = move_bytes(fd, kChunk, reading);
    if (result != Result::kDone) return result;
    if (returned_.value < 0 || (returned_.value == 0 && reading)) break;
    total += returned_.value;
  }
  if (returned_.value >= 0 || returned_.error == EAGAIN) returned_ = {total, 0, nullptr};
  return Result::kDone;
}

Executor::Result Executor::close(int fd) {
  if (!world_.may_touch(fd)) return Result::kAstray;
  contract::Op op;
  op.kind = contract::OpKind::kClose;
  op.fd = fd;
  return call(&op, [&](contract::Outcome*) -> int64_t {
    // In a program with threads the number is free before close returns.
    world_.closed(fd);
    return subject_.close(fd);
  });
}

Executor::Result Executor::shutdown(const Op& from) {
  contract::Op op;
  op.kind = contract::OpKind::kShutdown;
  op.fd = world_.number(from.target);
  op.amount = from.amount;
  if (!world_.may_touch(op.fd)) return Result::kAstray;
  world_.spoil(op.fd);
  return call(&op, [&](contract::Outcome*) -> int64_t {
    return subject_.calls().shutdown(op.fd, static_cast<int>(from.amount));
  });
}

Executor::Result Executor::duplicate(const Op& from) {
  contract::Op op;
  op.kind = contract::OpKind::kDup;
  op.fd = world_.number(from.target);
  if (!world_.may_touch(op.fd)) return Result::kAstray;
  return call(&op, [&](contract::Outcome* outcome) -> int64_t {
    outcome->fd = subject_.calls().dup(op.fd);
    if (outcome->fd < 0) return -1;
    world_.duplicated(op.fd, outcome->fd);
    world_.bind(from.other, outcome->fd);
    return 0;
  });
}

Executor::Result Executor::duplicate_onto(int from, int to) {
  if (!world_.may_touch(from) || !world_.may_touch(to)) return Result::kAstray;
  contract::Op op;
  op.kind = contract::OpKind::kDup2;
  op.fd = from;
  op.fd2 = to;
  return call(&op, [&](contract::Outcome*) -> int64_t {
    const int result = subject_.calls().dup2(from, to);
    if (result >= 0 && from != to) {
      world_.closed(to);
      world_.duplicated(from, to);
    }
    return result;
  });
}

// A new object, then its ends onto the old numbers. Where the new numbers are in the way of the old
// ones the names take the new numbers instead.
Executor::Result Executor::reopen(const Op& from) {
  const ObjectKind kind = world_.kind_of(from.target);
  const int64_t value = world_.value_of(from.target);
  Ends fresh;
  contract::Op op = Fixtures::operation(kind, value);
  Result result = call(&op, [&](contract::Outcome* outcome) -> int64_t {
    if (!world_.fixtures().make(kind, value, &fresh)) return -1;
    outcome->fd = fresh.fd[0];
    outcome->fd2 = fresh.fd[1];
    for (const int fd : fresh.fd) {
      if (fd >= 0) world_.opened(fd, kind);
    }
    return 0;
  });
  if (result != Result::kDone || fresh.fd[0] < 0) return result;
  Ref refs[2] = {from.target, from.target};
  refs[0].end = 0;
  refs[1].end = 1;
  const int ends = ends_of(kind);
  const int old[2] = {world_.number(refs[0]), ends == 2 ? world_.number(refs[1]) : -1};
  const bool crossed = ends == 2 && (fresh.fd[0] == old[1] || fresh.fd[1] == old[0]);
  for (int end = 0; end < ends && result == Result::kDone; end++) {
    if (fresh.fd[end] == old[end]) continue;
    if (crossed || kind == ObjectKind::kKqueue) {
      world_.bind(refs[end], fresh.fd[end]);
      continue;
    }
    result = duplicate_onto(fresh.fd[end], old[end]);
    if (result == Result::kDone) result = close(fresh.fd[end]);
  }
  if (result == Result::kDone) returned_ = {};
  return result;
}

Executor::Result Executor::connection(const Op& from) {
  const int listener = world_.number(from.target);
  const bool unix_domain = world_.is(listener, ObjectKind::kUnixListener);
  if (!unix_domain && !world_.is(listener, ObjectKind::kListener)) return Result::kSkipped;
  const bool connecting = from.kind == OpKind::kConnect;
  contract::Op op;
  op.kind = connecting ? contract::OpKind::kConnect : contract::OpKind::kAccept;
  op.fd = listener;
  world_.spoil(listener);
  return call(&op, [&](contract::Outcome* outcome) -> int64_t {
    Fixtures& fixtures = world_.fixtures();
    outcome->fd = connecting ? fixtures.connect(listener, unix_domain) : fixtures.accept(listener);
    if (outcome->fd < 0) return -1;
    world_.opened(outcome->fd, unix_domain ? ObjectKind::kSocketpair : ObjectKind::kTcp);
    if (from.other.object != Ref::kNumber) world_.bind(from.other, outcome->fd);
    return 0;
  });
}

Executor::Result Executor::await() {
  contract::Op op;
  op.kind = contract::OpKind::kAwait;
  return call(&op, [&](contract::Outcome*) -> int64_t {
    const int64_t now = now_ns();
    const int64_t least = alone_ ? (has_tasks_ ? now : 0) : now + longest_timer_ns_;
    const int64_t until = std::max(due_at_ns_, least) + patience_ns_;
    sleep_ns(until - now);
    return 0;
  });
}

}  // namespace kqtorture
