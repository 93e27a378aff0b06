// All calls here go straight to the kernel, past the functions that this program exports.
#include "sched/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>

#include <algorithm>

#include "sched/real.h"

namespace kqtorture::sched {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

uint64_t ns_of(const timespec& time) {
  return static_cast<uint64_t>(time.tv_sec) * kSecond + static_cast<uint64_t>(time.tv_nsec);
}

timespec time_of(uint64_t ns) {
  return {static_cast<time_t>(ns / kSecond), static_cast<long>(ns % kSecond)};
}

bool valid(const timespec& time) {
  return time.tv_sec >= 0 && time.tv_nsec >= 0 && time.tv_nsec < static_cast<long>(kSecond);
}

}  // namespace

const Descriptors::Timer* Descriptors::timer_at(int fd) const {
  if (!followed(fd)) return nullptr;
  const uint16_t timer = numbers_[static_cast<size_t>(fd)].timer;
  return timer == 0 ? nullptr : &timers_[timer - 1u];
}

void Descriptors::opened(int fd, bool by_subject, int nonblocking) {
  if (!followed(fd)) return;
  Number& number = numbers_[static_cast<size_t>(fd)];
  if (number.timer != 0) closed(fd);  // it was closed behind our back
  number = {};
  set_nonblocking(fd, nonblocking);
  if (by_subject) {
    number.leftover = true;
    opened_.push_back(fd);
  }
}

void Descriptors::closed(int fd) {
  if (!followed(fd)) return;
  if (Timer* timer = timer_at(fd)) {
    if (--timer->users == 0) {
      if (timer->deadline != UINT64_MAX) armed_--;
      *timer = {};
    } else if (timer->fd == fd) {
      for (int other = 0; other < kNumbers && timer->fd == fd; other++) {
        if (other != fd && timer_at(other) == timer) timer->fd = other;
      }
    }
  }
  numbers_[static_cast<size_t>(fd)] = {};
}

void Descriptors::duplicated(int from, int to, bool by_subject) {
  const uint8_t nonblocking =
      followed(from) ? numbers_[static_cast<size_t>(from)].nonblocking : uint8_t{0};
  const uint16_t timer = followed(from) ? numbers_[static_cast<size_t>(from)].timer : uint16_t{0};
  opened(to, by_subject);
  if (!followed(to)) return;
  numbers_[static_cast<size_t>(to)].nonblocking = nonblocking;
  numbers_[static_cast<size_t>(to)].round =
      followed(from) ? numbers_[static_cast<size_t>(from)].round : 0;
  numbers_[static_cast<size_t>(to)].timer = timer;
  if (timer != 0) timers_[timer - 1u].users++;
}

bool Descriptors::nonblocking(int fd) {
  if (followed(fd)) {
    const Number& number = numbers_[static_cast<size_t>(fd)];
    if (number.nonblocking != 0 && number.round == round_) return number.nonblocking == 2;
  }
  const long flags = real().syscall(SYS_fcntl, fd, F_GETFL);
  const bool known = flags >= 0 && (flags & O_NONBLOCK);
  if (flags >= 0) set_nonblocking(fd, known);
  return known || flags < 0;
}

void Descriptors::set_nonblocking(int fd, int known) {
  if (!followed(fd)) return;
  numbers_[static_cast<size_t>(fd)].nonblocking = static_cast<uint8_t>(known + 1);
  numbers_[static_cast<size_t>(fd)].round = round_;
}

void Descriptors::close_leftovers() {
  for (const int fd : opened_) {
    if (!numbers_[static_cast<size_t>(fd)].leftover) continue;
    closed(fd);
    real().syscall(SYS_close, fd);
  }
  opened_.clear();
}

int Descriptors::make_timer(int clock, int flags, bool by_subject) {
  const int fd = static_cast<int>(real().syscall(
      SYS_eventfd2, 0,
      (flags & TFD_NONBLOCK ? EFD_NONBLOCK : 0) | (flags & TFD_CLOEXEC ? EFD_CLOEXEC : 0)));
  if (!followed(fd)) return fd;
  opened(fd, by_subject, (flags & TFD_NONBLOCK) != 0);
  auto timer = std::find_if(timers_.begin(), timers_.end(),
                            [](const Timer& candidate) { return candidate.users == 0; });
  if (timer == timers_.end()) timer = timers_.insert(timers_.end(), Timer{});
  timer->users = 1;
  timer->fd = fd;
  timer->realtime = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_ALARM;
  numbers_[static_cast<size_t>(fd)].timer = static_cast<uint16_t>(timer - timers_.begin() + 1);
  return fd;
}

void Descriptors::resume(Timer* timer, uint64_t now) {
  if (!timer->rests) return;
  timer->rests = false;
  if (timer->deadline > now) return;
  const uint64_t times = 1 + (now - timer->deadline) / timer->period;
  timer->expirations += times;
  timer->deadline += times * timer->period;
}

void Descriptors::remaining(const Timer& timer, itimerspec* value, uint64_t now) const {
  value->it_interval = time_of(timer.period);
  value->it_value = {0, 0};
  if (timer.deadline == UINT64_MAX) return;
  value->it_value = time_of(timer.deadline > now ? timer.deadline - now : 1);
}

int Descriptors::get_timer(int fd, itimerspec* value, uint64_t now) {
  Timer* timer = timer_at(fd);
  if (timer == nullptr) return EINVAL;
  resume(timer, now);
  remaining(*timer, value, now);
  return 0;
}

int Descriptors::set_timer(int fd, int flags, const itimerspec& value, itimerspec* old,
                           uint64_t now) {
  Timer* timer = timer_at(fd);
  if (timer == nullptr || !valid(value.it_value) || !valid(value.it_interval)) return EINVAL;
  resume(timer, now);
  if (old != nullptr) remaining(*timer, old, now);
  if (timer->deadline != UINT64_MAX) armed_--;
  uint64_t ignored;
  if (timer->expirations != 0) real().syscall(SYS_read, fd, &ignored, sizeof ignored);
  timer->expirations = 0;
  timer->deadline = UINT64_MAX;
  timer->period = ns_of(value.it_interval);
  const uint64_t wanted = ns_of(value.it_value);
  if (wanted == 0) return 0;
  if (!(flags & TFD_TIMER_ABSTIME)) {
    timer->deadline = now + wanted;
  } else {
    timer->deadline = !timer->realtime ? wanted : wanted > kRealtime ? wanted - kRealtime : 0;
  }
  armed_++;
  return 0;
}

uint64_t Descriptors::take_expirations(int fd, uint64_t now) {
  Timer* timer = timer_at(fd);
  resume(timer, now);
  uint64_t ignored;
  if (timer->expirations != 0) real().syscall(SYS_read, fd, &ignored, sizeof ignored);
  const uint64_t expirations = timer->expirations;
  timer->expirations = 0;
  return expirations;
}

uint64_t Descriptors::next_deadline() const {
  uint64_t next = UINT64_MAX;
  if (armed_ == 0) return next;
  for (const Timer& timer : timers_) {
    if (!timer.rests) next = std::min(next, timer.deadline);
  }
  return next;
}

bool Descriptors::expire(uint64_t now) {
  bool any = false;
  if (armed_ == 0) return any;
  for (Timer& timer : timers_) {
    if (timer.rests || timer.deadline > now) continue;
    const uint64_t late = now - timer.deadline;
    const uint64_t times = timer.period == 0 ? 1 : 1 + late / timer.period;
    timer.expirations += times;
    timer.deadline = timer.period == 0 ? UINT64_MAX : timer.deadline + times * timer.period;
    timer.rests = timer.period != 0;
    if (timer.period == 0) armed_--;
    const uint64_t one = 1;
    real().syscall(SYS_write, timer.fd, &one, sizeof one);
    any = true;
  }
  return any;
}

}  // namespace kqtorture::sched
