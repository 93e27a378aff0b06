// The order of the steps of a change and of a delivery is the contract's, section 2.
#include "kqueue.h"

#include <algorithm>
#include <cerrno>
#include <climits>

namespace vkernel {
namespace {

constexpr uint16_t kActions = kAdd | kDelete | kEnable | kDisable | kForceOneshot;
// How many events are copied out at once: those of a batch that faults are lost.
constexpr int kBatch = 8;

}  // namespace

bool is_descriptor_filter(int filter) {
  return filter == kRead || filter == kWrite || filter == kVnode || filter == kProcdesc ||
         filter == kEmpty;
}

Kqueue::Kqueue() { kernel().kqueues.push_back(this); }

Kqueue::~Kqueue() {
  auto& all = kernel().kqueues;
  all.erase(std::find(all.begin(), all.end(), this));
  while (!knotes_.empty()) drop(knotes_.begin());
}

int Kqueue::accepts(int filter) const { return filter == kRead ? 0 : EINVAL; }

bool Kqueue::evaluate(Knote& knote) {
  knote.event.data = static_cast<int64_t>(queue_.size());
  return !queue_.empty();
}

Knote* Kqueue::find(int filter, uintptr_t ident) {
  const auto at = knotes_.find({filter, ident});
  return at == knotes_.end() ? nullptr : at->second.get();
}

int64_t Kqueue::next_look() const {
  const auto& all = kernel().timers;
  if (nested > 0) return all.empty() ? kNever : all.begin()->first;
  int64_t next = kNever;
  for (auto at = knotes_.lower_bound({kTimer, 0}); timers > 0 && at != knotes_.end(); ++at) {
    if (at->first.first != kTimer) break;
    next = std::min(next, at->second->due);
  }
  return next;
}

int Kqueue::apply(Event* change) {
  if ((change->flags & kEnable) != 0 && (change->flags & kDisable) != 0) return EINVAL;
  if (change->filter > 0 || change->filter < kLastFilter) return EINVAL;
  if ((change->flags & kAdd) != 0 && (change->flags & kKeepUdata) != 0) return EINVAL;
  std::shared_ptr<File> file;
  if (is_descriptor_filter(change->filter)) {
    if (change->ident > INT_MAX) return EBADF;
    file = kernel().table.find(static_cast<int>(change->ident));
    if (file == nullptr) return EBADF;
    if (file.get() == this) return EINVAL;
  }
  const auto at = knotes_.find({change->filter, change->ident});
  if (at == knotes_.end()) {
    if ((change->flags & kAdd) == 0) return ENOENT;
    const int error = create(*change, std::move(file));
    change->fflags = 0;
    return error;
  }
  if ((change->flags & kDelete) != 0) {
    drop(at);
    return 0;
  }
  modify(*at->second, *change);
  return 0;
}

int Kqueue::create(const Event& change, std::shared_ptr<File> file) {
  if (file != nullptr) {
    if (const int error = file->accepts(change.filter)) return error;
  }
  switch (change.filter) {
    case kTimer:
      if (const int error = check_timer(change.fflags, change.data)) return error;
      break;
    case kProc:
      return ESRCH;  // nobody else lives here
    case kUser:
    case kSignal:
      break;
    default:
      if (file == nullptr) return ENXIO;
  }
#if !defined(KQ_PLANT_WANT_LEAVES)
  if (kernel().faults.strike()) return ENOMEM;
#endif
  auto made = std::make_unique<Knote>();
  Knote& knote = *made;
  knote.event = change;
  knote.event.flags = static_cast<uint16_t>(change.flags & ~kActions);
  knote.event.fflags = 0;
  knote.event.data = 0;
  knote.interest = change.fflags;
  knote.wanted = change.data;
  knote.disabled = (change.flags & kDisable) != 0;
  knote.owner = this;
  knote.file = std::move(file);
  knotes_[{change.filter, change.ident}] = std::move(made);
  if (knote.file != nullptr) {
    if (dynamic_cast<Kqueue*>(knote.file.get()) != nullptr) ++nested;
#if defined(KQ_PLANT_DUP_IS_DEAF)
    if (!kernel().table.is_copy(static_cast<int>(change.ident)))
#endif
      knote.file->knotes.push_back(&knote);
  }
  if (change.filter == kSignal) knote.event.flags |= kClear;
  if (change.filter == kTimer) {
    ++timers;
    if ((change.fflags & kAbstime) == 0) knote.event.flags |= kClear;
    start_timer(knote);
  }
  look(knote);
#if defined(KQ_PLANT_WANT_LEAVES)
  if (kernel().faults.strike()) return ENOMEM;
#endif
  return 0;
}

void Kqueue::modify(Knote& knote, const Event& change) {
  if ((change.flags & kForceOneshot) != 0) {
    knote.event.flags |= kOneshot;
    activate(knote);
  }
  if ((change.flags & kEnable) != 0) knote.disabled = false;
  if ((change.flags & kDisable) != 0) knote.disabled = true;
  if ((change.flags & kKeepUdata) == 0) knote.event.udata = change.udata;
  if (change.filter == kUser) {
    touch_user(knote, change);
  } else if (change.filter == kTimer) {
    if ((change.flags & kAdd) != 0) {
      leave_queue(knote);
      knote.active = false;
      stop_timer(knote);
      knote.interest = change.fflags;
      knote.wanted = change.data;
      knote.event.data = check_timer(change.fflags, change.data);
      if (knote.event.data != 0) {
        knote.event.flags |= kError;
      } else {
        knote.event.flags = static_cast<uint16_t>(knote.event.flags & ~kError);
        start_timer(knote);
      }
    }
  } else {
    knote.interest = change.fflags;
    knote.wanted = change.data;
  }
  look(knote);
}

// After a change: an enabled knote is evaluated, and one that is active comes into the queue.
void Kqueue::look(Knote& knote) {
  if (knote.disabled) return;
  const bool ready = knote.file != nullptr ? knote.file->evaluate(knote) : evaluate_bare(knote);
  if (ready || knote.active) activate(knote);
}

bool Kqueue::activate(Knote& knote) {
  knote.active = true;
  if (knote.disabled || knote.queued) return false;
  knote.queued = true;
  knote.place = queue_.insert(queue_.end(), &knote);
  told.notify_all();
  if (!knotes.empty()) kernel().activity(*this, kRead);
  return true;
}

void Kqueue::leave_queue(Knote& knote) {
  if (knote.queued) queue_.erase(knote.place);
  knote.queued = false;
}

void Kqueue::drop(int filter, uintptr_t ident) {
  const auto at = knotes_.find({filter, ident});
  if (at != knotes_.end()) drop(at);
}

void Kqueue::drop(std::map<Key, std::unique_ptr<Knote>>::iterator at) {
  const std::unique_ptr<Knote> knote = std::move(at->second);
  knotes_.erase(at);
  leave_queue(*knote);
  if (knote->event.filter == kTimer) {
    --timers;
    stop_timer(*knote);
  }
  if (knote->file == nullptr) return;
  if (dynamic_cast<Kqueue*>(knote->file.get()) != nullptr) --nested;
  auto& there = knote->file->knotes;
  there.erase(std::remove(there.begin(), there.end(), knote.get()), there.end());
}

// True if it is delivered. A ONESHOT is delivered as it was last evaluated; the caller drops it.
bool Kqueue::deliver(Knote& knote, Event* to) {
  if (knote.has(kOneshot)) {
    *to = knote.event;
    return true;
  }
  const bool ready = knote.file != nullptr ? knote.file->evaluate(knote) : evaluate_bare(knote);
  if (!ready) {
    knote.active = false;
    return false;
  }
  *to = knote.event;
  if (knote.event.filter == kUser) {
    to->fflags = knote.interest;
    to->data = knote.wanted;
  }
  if (knote.has(kClear)) {
    knote.latch = false;
    knote.event.data = 0;
    knote.event.fflags = 0;
  }
  if (knote.has(kDispatch)) knote.disabled = true;
  if (knote.has(kClear) || knote.has(kDispatch)) {
    knote.active = false;
  } else {
    knote.queued = true;
    knote.place = queue_.insert(queue_.end(), &knote);
  }
  return true;
}

int Kqueue::scan(Event* events, int room) {
  Event batch[kBatch];
  int filled = 0;
  int total = 0;
  // Those that go back to the tail are not met again.
  for (size_t left = queue_.size(); left > 0 && total < room; --left) {
    Knote& knote = *queue_.front();
    queue_.pop_front();
    knote.queued = false;
    if (knote.disabled || !deliver(knote, &batch[filled])) continue;
    if (knote.has(kOneshot)) drop(knote.event.filter, knote.event.ident);
    ++filled;
    ++total;
    if (filled == kBatch) {
      if (!copy_out(events + total - filled, batch, sizeof batch)) return -EFAULT;
      filled = 0;
    }
  }
  const size_t rest = static_cast<size_t>(filled) * sizeof(Event);
  if (filled > 0 && !copy_out(events + total - filled, batch, rest)) return -EFAULT;
  return total;
}

}  // namespace vkernel
