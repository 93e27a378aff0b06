// From a step to a call: where each list lies, which count is handed in, what is waited for.
#include "flags_run.h"

#include <errno.h>
#include <limits.h>
#include <time.h>

#include <algorithm>
#include <cstring>

#include "subject/worker.h"

namespace kqtorture::flags {

namespace {

// What lies in front of the guard pages and may be written: more than any list needs.
constexpr size_t kWindow = 64 * sizeof(Kevent);
static_assert(kWindow >= (kMaxList + 2) * sizeof(Kevent));
constexpr timespec kBrief = {0, 20000};

// The bytes in front of a guard page, as they were before a call.
struct Shadow {
  explicit Shadow(const GuardedPage& page) : start(page.end() - kWindow) {
    memcpy(bytes, start, kWindow);
  }
  // The same but for [from, to).
  bool same_outside(size_t from, size_t to) const {
    return memcmp(start, bytes, from) == 0 && memcmp(start + to, bytes + to, kWindow - to) == 0;
  }
  const char* start;
  char bytes[kWindow];
};

// What the call may have written: its entries, or, where the count tells nothing, its whole list. A
// negative room ends nothing before the scan.
bool wrote_too_much(const Call& call, const Shadow& changes, const Shadow& events) {
  const int entries = call.result > 0 ? call.result : call.room < 0 ? INT_MAX : call.room;
  const size_t bytes = std::min(static_cast<size_t>(entries) * sizeof(Kevent), kWindow);
  const Shadow& written = call.alias >= 0 ? changes : events;
  const Shadow& other = call.alias >= 0 ? events : changes;
  // The list may be a bad pointer, or on the page that is read-only: then nothing was written.
  const size_t from =
      reinterpret_cast<uintptr_t>(call.events) - reinterpret_cast<uintptr_t>(written.start);
  const bool inside = from <= kWindow;
  return !other.same_outside(0, 0) ||
         !written.same_outside(inside ? from : 0, inside ? std::min(from + bytes, kWindow) : 0);
}

Kevent* bad_list(Place place, const GuardedPage& page) {
  switch (place) {
    case Place::kNearNull:
      return static_cast<Kevent*>(near_null());
    case Place::kUnmapped:
      return reinterpret_cast<Kevent*>(page.unmapped());
    case Place::kWild:
      return static_cast<Kevent*>(wild_address());
    default:
      return nullptr;
  }
}

int count_of(ChangeCount mode, int n) {
  switch (mode) {
    case ChangeCount::kOneMore:
      return n + 1;
    case ChangeCount::kNineMore:
      return n + 9;
    case ChangeCount::kZero:
      return 0;
    case ChangeCount::kMinusOne:
      return -1;
    case ChangeCount::kMinimum:
      return INT_MIN;
    case ChangeCount::kMaximum:
      return INT_MAX;
    case ChangeCount::kOverflow:
      return INT_MAX / 16 + 2;
    default:
      return n;
  }
}

int room_of(uint8_t room, bool any) {
  if (room <= kMaxRoom) return room;
  if (!any) return kMaxRoom;
  switch (room) {
    case kRoomMinusOne:
      return -1;
    case kRoomMinimum:
      return INT_MIN;
    case kRoomMaximum:
      return INT_MAX;
    default:
      return INT_MAX / 16 + 2;
  }
}

// A library in user space may crash on them.
bool survives_bad_pointers(const Subject& subject) { return subject.profile() != "libkqueue"; }

int64_t now_ns() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * int64_t{1000000000} + time.tv_nsec;
}

}  // namespace

Run::Run(const Subject& subject, const Memory& memory, std::vector<Record>& records,
         ModelJudge* model)
    : subject_(subject),
      memory_(memory),
      profile_(contract::find_profile(subject.profile())),
      raw_pointers_(subject.layout() == Layout::kFreebsd11 && survives_bad_pointers(subject)),
      world_(subject),
      judge_(profile_ != nullptr && profile_->error_entry == contract::ErrorEntry::kErrorOnly),
      model_(model),
      records_(records) {
  records_.clear();
}

std::optional<Violation> Run::run(const Program& program) {
  if (model_ != nullptr) model_->reset();
  if (!world_.build(model_)) {
    return Violation{"wrong-answer", "",
                     std::string("the fixture could not be opened: ") + strerror(errno)};
  }
  std::optional<Violation> violation = run_steps(program);
  if (!violation) violation = settle();
  world_.tear_down();
  return violation;
}

std::optional<Violation> Run::run_steps(const Program& program) {
  for (const Step& step : program.steps) {
    note_progress();
    if (auto violation = run_step(step)) return violation;
  }
  return std::nullopt;
}

std::optional<Violation> Run::run_step(const Step& step) {
  if (step.op != Op::kKevent) {
    records_.push_back({step, 0, std::nullopt, {}});
    world_.apply(step);
    return model_ != nullptr ? model_->violation() : std::nullopt;
  }
  Call call;
  call.callee = world_.callee(step.slot);
  place_changes(step, call);
  // FreeBSD 13 takes a negative room for an endless one and writes past the list.
  const bool negative = step.room == kRoomMinusOne || step.room == kRoomMinimum;
  const bool any_room = takes_any_count() && (!negative || refuses_negative_room());
  call.room = room_of(step.room, any_room);
  place_events(step.event_place, step.event_split, call);
  place_timeout(step.timeout, call);
  records_.push_back({step, step.count, std::nullopt, {}});
  return perform(call);
}

void Run::place_changes(const Step& step, Call& call) {
  Kevent list[kMaxChanges];
  for (int i = 0; i < step.count; i++) {
    const Change& change = step.changes[static_cast<size_t>(i)];
    Kevent& event = list[i];
    event.filter = filter_of(change.filter);
    event.ident = world_.ident(change.ident, event.filter);
    event.flags = change.flags;
    event.fflags = change.fflags;
    event.data = static_cast<intptr_t>(data_of(change.data));
    event.udata = judge_.issue_udata(event.filter, event.ident);
    remember_key(call, event);
  }
  const Place place = raw_pointers_ ? step.change_place : Place::kRoomy;
  place_list(list, step.count, place, step.change_split, call);
  call.change_count =
      count_of(takes_any_count() ? step.change_count : ChangeCount::kExact, step.count);
}

void Run::place_list(const Kevent* list, int count, Place place, int split, Call& call) const {
  const GuardedPage& page = memory_.changes;
  int copied = count;
  size_t half = 0;
  switch (place) {
    case Place::kTight:
      break;
    case Place::kRoomy:
      memset(page.ending<Kevent>(kSlack), 0, kSlack * sizeof(Kevent));
      break;
    case Place::kHalf:
      half = sizeof(Kevent) / 2;
      [[fallthrough]];
    case Place::kStraddle:
      copied = split % (count + 1);
      break;
    default:
      call.changes = bad_list(place, page);
      return;
  }
  call.readable = place == Place::kRoomy ? count + kSlack : copied;
  char* const start = page.end() - static_cast<size_t>(call.readable) * sizeof(Kevent) - half;
  memcpy(start, list, static_cast<size_t>(copied) * sizeof(Kevent));
  if (half) memset(page.end() - half, 0, half);
  call.changes = reinterpret_cast<Kevent*>(start);
  std::copy_n(list, count, call.list.begin());
}

void Run::place_events(Place place, int split, Call& call) const {
  const GuardedPage& page = memory_.events;
  if (!raw_pointers_) place = Place::kRoomy;
  const int capacity = std::clamp(call.room, 0, kMaxRoom);
  if (place == Place::kAlias || place == Place::kAliasShifted) {
    if (call.readable > 0) {
      call.alias = place == Place::kAlias ? 0 : split % call.readable;
      call.events = const_cast<Kevent*>(call.changes) + call.alias;
      call.writable = call.readable - call.alias;
      return;
    }
    place = Place::kTight;
  }
  size_t half = 0;
  switch (place) {
    case Place::kTight:
      call.writable = capacity;
      break;
    case Place::kRoomy:
      call.writable = capacity + kSlack;
      break;
    case Place::kHalf:
      half = sizeof(Kevent) / 2;
      [[fallthrough]];
    case Place::kStraddle:
      call.writable = split % (capacity + 1);
      break;
    case Place::kReadOnly:
      call.events = memory_.read_only.ending<Kevent>(static_cast<size_t>(capacity));
      return;
    default:
      call.events = bad_list(place, page);
      return;
  }
  call.events = reinterpret_cast<Kevent*>(
      page.end() - static_cast<size_t>(call.writable) * sizeof(Kevent) - half);
}

void Run::remember_key(const Call& call, const Kevent& change) {
  const Slot* const slot = world_.find(call.callee);
  if (slot == nullptr) return;
  const Key key{slot->object, change.filter, change.ident};
  if (std::find(keys_.begin(), keys_.end(), key) == keys_.end()) keys_.push_back(key);
}

// Counts that only a kernel survives, or one that was made to.
bool Run::takes_any_count() const {
  return raw_pointers_ && profile_ != nullptr && profile_->has_forceoneshot;
}

bool Run::refuses_negative_room() const {
  return profile_->negative_events == contract::NegativeCount::kRefused;
}

// Nothing may block for good: without a limit only what is bound to end is waited for.
bool Run::may_wait(const Call& call) const {
  if (model_ == nullptr || call.change_count > 0 || call.room <= 0) return false;
  return model_->bound_to_fire(call.callee);
}

void Run::place_timeout(Timeout timeout, Call& call) const {
  const GuardedPage& page = memory_.timeouts;
  timespec* place = page.ending<timespec>(1);
  call.timeout = place;
  const bool wait = may_wait(call);
  *place = {0, 0};
  call.timeout_valid = false;
  switch (timeout) {
    case Timeout::kBrief:
      *place = kBrief;
      call.wait_ns = kBrief.tv_nsec;
      break;
    case Timeout::kForever:
      if (wait) call.timeout = nullptr;
      if (wait) call.wait_ns = -1;
      break;
    case Timeout::kAges:
      if (wait) *place = {INT64_MAX, 0};
      if (wait) call.wait_ns = -1;
      break;
    case Timeout::kNegativeSeconds:
      *place = {-1, 0};
      return;
    case Timeout::kMinimumSeconds:
      *place = {INT64_MIN, 999999999};
      return;
    case Timeout::kNegativeNanoseconds:
      *place = {0, -1};
      return;
    case Timeout::kBillionNanoseconds:
      *place = {0, 1000000000};
      return;
    case Timeout::kMaximumNanoseconds:
      *place = {INT32_MAX, INT64_MAX};
      return;
    case Timeout::kNearNull:
    case Timeout::kUnmapped:
    case Timeout::kWild:
    case Timeout::kHalf:
      if (raw_pointers_) {
        call.timeout = reinterpret_cast<const timespec*>(
            timeout == Timeout::kNearNull   ? static_cast<char*>(near_null())
            : timeout == Timeout::kUnmapped ? page.unmapped()
            : timeout == Timeout::kWild     ? static_cast<char*>(wild_address())
                                            : page.end() - sizeof(timespec) / 2);
        call.timeout_readable = false;
        return;
      }
      break;
    default:
      break;
  }
  call.timeout_valid = true;
}

std::optional<Violation> Run::perform(Call& call) {
  char* const window = memory_.events.end() - kWindow;
  memset(window, 0xa5, kWindow);  // so that an entry that was not written is seen
  const Shadow changes(memory_.changes), events(memory_.events);
  const int64_t before = now_ns();
  errno = 0;
  call.result = subject_.kevent(call.callee, call.changes, call.change_count, call.events,
                                call.room, call.timeout);
  call.error = call.result == -1 ? errno : 0;
  call.took_ns = now_ns() - before;
  calls_++;
  Record& record = records_.back();
  const int visible = std::clamp(call.result, 0, call.writable);
  record.returned.assign(call.events, call.events + visible);
  record.call = call;
  if (wrote_too_much(call, changes, events)) {
    return Violation{"wrong-answer", "1.5", "memory written that is not the caller's event list"};
  }
  if (model_ != nullptr) {
    model_->called(call);
    if (model_->violation()) return model_->violation();
  }
  return judge_.judge(call);
}

std::optional<Violation> Run::settle() {
  std::vector<int> done;
  for (int i = 0; i < kSlots; i++) {
    const Slot slot = world_.slot(i);
    if (!slot.open || world_.kind(slot.object) != Kind::kKqueue) continue;
    if (std::find(done.begin(), done.end(), slot.object) != done.end()) continue;
    done.push_back(slot.object);
    note_progress();
    if (auto violation = settle_kqueue(slot.fd, slot.object)) return violation;
  }
  return std::nullopt;
}

std::optional<Violation> Run::settle_kqueue(int kq, int kqueue) {
  // What is still there to be delivered, and then what must not be delivered again.
  if (auto violation = drain(kq, 2)) return violation;
  if (profile_ == nullptr || !profile_->has_forceoneshot) return std::nullopt;
  const uint16_t ask = static_cast<uint16_t>(flag::kReceipt | flag::kEnable | flag::kForceOneshot |
                                             (profile_->has_keepudata ? flag::kKeepUdata : 0));
  Kevent list[kMaxChanges];
  int count = 0;
  for (size_t i = 0; i <= keys_.size(); i++) {
    if (i < keys_.size()) {
      if (keys_[i].kqueue != kqueue) continue;
      void* const udata = judge_.issue_udata(keys_[i].filter, keys_[i].ident);
      list[count++] = {keys_[i].ident, keys_[i].filter, ask, 0, 0, udata};
    }
    if (count == 0 || (i < keys_.size() && count < kMaxChanges)) continue;
    Call call;
    call.callee = kq;
    place_list(list, count, Place::kTight, 0, call);
    call.change_count = call.room = count;
    place_events(Place::kTight, 0, call);
    place_timeout(Timeout::kZero, call);
    records_.push_back({Step{}, count, std::nullopt, {}});
    if (auto violation = perform(call)) return violation;
    count = 0;
  }
  // All of them come out now, so one call more than it takes must find nothing.
  return drain(kq, keys_.size() / kMaxRoom + 2);
}

std::optional<Violation> Run::drain(int kq, size_t calls) {
  for (size_t i = 0; i < calls; i++) {
    Call call;
    call.callee = kq;
    call.room = kMaxRoom;
    place_events(Place::kTight, 0, call);
    place_timeout(Timeout::kZero, call);
    records_.push_back({Step{}, 0, std::nullopt, {}});
    if (auto violation = perform(call)) return violation;
    if (call.result <= 0) break;
  }
  return std::nullopt;
}

}  // namespace kqtorture::flags
