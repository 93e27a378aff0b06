// One component: its open calls, and the quick way for calls that overlap nothing.
#include "contract/checker/component.h"

#include <algorithm>
#include <bit>

namespace kqtorture::contract::checking {

void Component::start() {
  ways_.reset(layout_.bytes());
  excluded_.reset(layout_.bytes());
  visited_.reset(layout_.bytes());
  found_.reset(layout_.bytes());
  row_.assign(ways_.row_words(), 0);
  next_.assign(ways_.row_words(), 0);
  begin_world(layout_, reinterpret_cast<uint8_t*>(row_.data() + 1));
  ways_.add(row_.data());
}

Component::Handle Component::begin(uint32_t thread, uint32_t op, uint64_t end, bool asleep) {
  Handle handle = 0;
  while (handle < calls_.size() && calls_[handle].open) ++handle;
  if (handle == calls_.size()) calls_.emplace_back();
  Call& call = calls_[handle];
  call.open = true;
  call.sealed = false;
  call.asleep = asleep;
  call.sibling = false;
  call.thread = thread;
  call.op = op;
  call.end = end;
  call.all = call.required = call.ordered = call.signature = 0;
  call.points.clear();
  call.bits.clear();
  call.releases = kNoIndex;
  for (const Handle other : open_) {
    if (calls_[other].thread == thread) call.sibling = calls_[other].sibling = true;
  }
  open_.push_back(handle);
  ++open_calls_;
  return handle;
}

Point* Component::add(Handle handle, PointKind kind) {
  if (free_bits_ == 0) return nullptr;
  const uint64_t bit = free_bits_ & (~free_bits_ + 1);
  free_bits_ &= ~bit;
  Call& call = calls_[handle];
  call.points.emplace_back();
  call.bits.push_back(bit);
  Point& point = call.points.back();
  point.kind = kind;
  return &point;
}

void Component::seal(Handle handle) {
  Call& call = calls_[handle];
  for (size_t i = 0; i < call.points.size(); ++i) {
    const Point& point = call.points[i];
    call.all |= call.bits[i];
    if (!point.optional) call.required |= call.bits[i];
    const bool delivery = point.kind == PointKind::kDelivery || point.kind == PointKind::kHidden;
    if (!delivery) call.ordered |= call.bits[i];
    if (point.kind == PointKind::kDrop) call.releases = point.number;
  }
  open_bits_ |= call.all;
  call.sealed = true;
  // Worth computing only when there may be a twin.
  if (open_calls_ > 1) {
    for (const Handle other : open_) {
      if (calls_[other].signature == 0) calls_[other].signature = sign(calls_[other]);
    }
  }
}

bool Component::place_alone(const Call& call, Effort* effort) {
  const World world(layout_, ways_.world(0));
  uint64_t placed = ways_.placed(0);
  for (size_t i = 0; i < call.points.size(); ++i) {
    if ((placed & call.bits[i]) != 0) continue;
    if (place(rules_, call.points[i], world) != Misfit::kNone) {
      ways_.set_placed(0, placed);
      return false;
    }
    placed |= call.bits[i];
    ++effort->points;
  }
  ways_.set_placed(0, placed);
  return true;
}

Component::Status Component::finish(Handle handle, const CheckOptions& options, Effort* effort) {
  Call& call = calls_[handle];
  Status status = Status::kFine;
  if (!given_up_) {
    const uint64_t others = open_bits_ & ~call.all;
    const bool alone = ways_.count() == 1 && call.required == call.all && !call.asleep &&
                       (others & ~ways_.placed(0)) == 0;
    if (alone) {
      if (!place_alone(call, effort)) status = Status::kStuck;
    } else {
      status = search(call, call.required, options, effort);
    }
  }
  if (status != Status::kFine) return status;
  excluded_.clear();
  remove_bits(call.all);
  call.open = false;
  open_.erase(std::find(open_.begin(), open_.end(), handle));
  --open_calls_;
  for (const Handle other : open_) {
    if (calls_[other].thread != call.thread) continue;
    calls_[other].sibling = false;
    for (const Handle third : open_) {
      if (third != other && calls_[third].thread == call.thread) calls_[other].sibling = true;
    }
  }
  return Status::kFine;
}

Component::Status Component::sleep(Handle handle, const CheckOptions& options, Effort* effort) {
  if (given_up_) return Status::kFine;
  const Call& call = calls_[handle];
  return search(call, call.required & call.ordered, options, effort);
}

void Component::keep_only(const std::vector<uint8_t>& keep) {
  for (size_t i = 0; i < keep.size(); ++i) {
    if (keep[i] == 0) excluded_.add(ways_.row(i));
  }
  ways_.keep_only(keep);
}

bool Component::return_to_excluded(Handle handle, const CheckOptions& options, Effort* effort) {
  const Ways refuted = ways_;
  for (size_t i = 0; i < excluded_.count(); ++i) {
    ways_.clear();
    ways_.add(excluded_.row(i));
    const Call& call = calls_[handle];
    const bool explains = search(call, call.required, options, effort) == Status::kFine;
    ways_.clear();
    ways_.add(excluded_.row(i));
    if (explains) return true;
  }
  ways_ = refuted;
  return false;
}

bool Component::rests() const {
  return std::all_of(open_.begin(), open_.end(),
                     [this](Handle handle) { return calls_[handle].asleep; });
}

void Component::wake(Handle handle) {
  calls_[handle].asleep = false;
  calls_[handle].signature = sign(calls_[handle]);
}

void Component::remove_bits(uint64_t bits) {
  if (bits == 0) return;
  free_bits_ |= bits;
  open_bits_ &= ~bits;
  for (size_t i = 0; i < ways_.count(); ++i) ways_.set_placed(i, ways_.placed(i) & ~bits);
  if (ways_.count() > 1) ways_.unify();
}

// What a call does, as a number: calls that differ in the least have different ones, or none.
uint64_t Component::sign(const Call& call) const {
  if (!call.sealed || call.asleep || call.required != call.all) return 0;
  uint64_t h = 1;
  const auto mix = [&h](uint64_t value) {
    h = (h ^ value) * 0xff51afd7ed558ccd;
    h ^= h >> 29;
  };
  for (const Point& point : call.points) {
    const bool timer = point.cell != kNoIndex && layout_.cells[point.cell].filter == filter::kTimer;
    if (timer) return 0;  // when it began and ends matters
    mix(static_cast<uint64_t>(point.kind) | static_cast<uint64_t>(point.fate) << 8 |
        static_cast<uint64_t>(point.object) << 16);
    mix(point.cell | static_cast<uint64_t>(point.number) << 16 |
        static_cast<uint64_t>(point.number2) << 32 | static_cast<uint64_t>(point.closer) << 48);
    mix(static_cast<uint64_t>(point.error));
    mix(static_cast<uint64_t>(point.amount));
    mix(point.event.flags | static_cast<uint64_t>(point.event.fflags) << 16);
    mix(static_cast<uint64_t>(point.event.data));
    mix(point.event.udata);
  }
  return h | 1;
}

bool Component::is_being_forced(uint16_t cell) const {
  return std::any_of(open_.begin(), open_.end(), [&](Handle handle) {
    const std::vector<Point>& points = calls_[handle].points;
    return std::any_of(points.begin(), points.end(), [&](const Point& point) {
      return point.kind == PointKind::kChange && point.cell == cell &&
             point.fate != Fate::kRefused && (point.event.flags & flag::kForceOneshot) != 0;
    });
  });
}

}  // namespace kqtorture::contract::checking
