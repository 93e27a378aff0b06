// The filters that watch no descriptor: USER, TIMER, SIGNAL.
#include <algorithm>
#include <cerrno>
#include <ctime>

#include "kqueue.h"

namespace vkernel {
namespace {

constexpr uint32_t kUnits = kSeconds | kMseconds | kUseconds | kNseconds;
// Intervals are cut here: 100 years, so that no sum of two overflows.
constexpr int64_t kLongest = int64_t{100} * 365 * 86400 * 1'000'000'000;

int64_t wall_ns() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

int64_t unit_ns(uint32_t fflags) {
  switch (fflags & kUnits) {
    case kSeconds:
      return 1'000'000'000;
    case kUseconds:
      return 1'000;
    case kNseconds:
      return 1;
    default:
      return 1'000'000;
  }
}

int64_t duration_ns(uint32_t fflags, int64_t data) {
  const int64_t unit = unit_ns(fflags);
  return data > kLongest / unit ? kLongest : data * unit;
}

}  // namespace

bool evaluate_bare(Knote& knote) {
  return knote.event.filter == kUser ? knote.latch : knote.event.data != 0;
}

void touch_user(Knote& knote, const Event& change) {
  if ((change.fflags & kTrigger) != 0) knote.latch = true;
  const uint32_t given = change.fflags & kFfFlags;
  switch (change.fflags & kFfControl) {
    case kFfAnd:
      knote.interest &= given;
      break;
    case kFfOr:
      knote.interest |= given;
      break;
    case kFfCopy:
      knote.interest = given;
      break;
    default:
      break;
  }
  knote.wanted = change.data;
  if ((change.flags & kClear) != 0) knote.latch = false;
}

int check_timer(uint32_t fflags, int64_t data) {
  const uint32_t unit = fflags & kUnits;
  const bool known = (fflags & ~(kUnits | kAbstime)) == 0;
  return known && data >= 0 && (unit & (unit - 1)) == 0 ? 0 : EINVAL;
}

void start_timer(Knote& knote) {
  const bool absolute = (knote.interest & kAbstime) != 0;
  int64_t data = knote.wanted;
  if (data == 0 && !knote.has(kOneshot)) data = 1;
  const int64_t duration = duration_ns(knote.interest, data);
  const int64_t now = monotonic_ns();
  knote.period = absolute || knote.has(kOneshot) ? 0 : duration;
  knote.due = now + (absolute ? std::max<int64_t>(duration - wall_ns(), 0) : duration);
  Kernel& all = kernel();
  all.timers.insert({knote.due, &knote});
  // Those who wait must wake earlier than they meant to.
  knote.owner->told.notify_all();
  for (Kqueue* kqueue : all.kqueues) {
    if (kqueue->nested > 0) kqueue->told.notify_all();
  }
}

void stop_timer(Knote& knote) {
  if (knote.due != kNever) kernel().timers.erase({knote.due, &knote});
  knote.due = kNever;
}

void expire_timer(Knote& knote, int64_t now) {
  kernel().timers.erase({knote.due, &knote});
  int64_t times = 1;
  if (knote.period > 0 && !knote.has(kOneshot)) {
    times += (now - knote.due) / knote.period;
    knote.due += times * knote.period;
    kernel().timers.insert({knote.due, &knote});
  } else {
    knote.due = kNever;
  }
  knote.event.data += times;
  knote.owner->activate(knote);
}

}  // namespace vkernel
