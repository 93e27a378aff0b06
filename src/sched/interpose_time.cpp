// Time is the runtime's.
#include <errno.h>
#include <sys/time.h>

#include "sched/calls.h"

using namespace kqtorture::sched;

namespace {

bool is_realtime(clockid_t clock) {
  return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI ||
         clock == CLOCK_REALTIME_ALARM;
}

uint64_t now(bool realtime) { return Core::get().tick() + (realtime ? Descriptors::kRealtime : 0); }

timespec time_of(uint64_t ns) {
  return {static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
}

bool is_invalid(const timespec* time) {
  return time->tv_sec < 0 || time->tv_nsec < 0 || time->tv_nsec > 999'999'999;
}

}  // namespace

KQ_REPLACE(int, clock_gettime, (clockid_t clock, timespec* time)) {
  if (!controlled()) return real().clock_gettime(clock, time);
  *time = time_of(now(is_realtime(clock)));
  return 0;
}

KQ_REPLACE(int, gettimeofday, (timeval * time, void* zone)) {
  if (!controlled()) return real().gettimeofday(time, zone);
  const timespec precise = time_of(now(true));
  *time = {precise.tv_sec, precise.tv_nsec / 1000};
  return 0;
}

KQ_REPLACE(time_t, time, (time_t * result)) {
  if (!controlled()) return real().time(result);
  const time_t seconds = time_of(now(true)).tv_sec;
  if (result != nullptr) *result = seconds;
  return seconds;
}

KQ_REPLACE(int, clock_nanosleep,
           (clockid_t clock, int flags, const timespec* time, timespec* left)) {
  if (!controlled()) return real().clock_nanosleep(clock, flags, time, left);
  if (is_invalid(time)) return EINVAL;
  uint64_t until = static_cast<uint64_t>(timeout_of(time));
  if (!(flags & TIMER_ABSTIME)) {
    until += Core::get().now_ns();
  } else if (is_realtime(clock)) {
    until = until > Descriptors::kRealtime ? until - Descriptors::kRealtime : 0;
  }
  const long result = sleep_until(until, KQ_HERE);
  const uint64_t over = Core::get().now_ns();
  if (result < 0 && left != nullptr && !(flags & TIMER_ABSTIME)) {
    *left = time_of(until > over ? until - over : 0);
  }
  return static_cast<int>(-result);
}

KQ_REPLACE(int, nanosleep, (const timespec* time, timespec* left)) {
  if (!controlled()) return real().nanosleep(time, left);
  if (is_invalid(time)) return static_cast<int>(for_libc(-EINVAL));
  const uint64_t until = Core::get().now_ns() + static_cast<uint64_t>(timeout_of(time));
  const long result = sleep_until(until, KQ_HERE);
  const uint64_t over = Core::get().now_ns();
  if (result < 0 && left != nullptr) *left = time_of(until > over ? until - over : 0);
  return static_cast<int>(for_libc(result));
}

KQ_REPLACE(int, usleep, (unsigned microseconds)) {
  if (!controlled()) return real().usleep(microseconds);
  return static_cast<int>(
      for_libc(sleep_until(Core::get().now_ns() + uint64_t{microseconds} * 1000, KQ_HERE)));
}

KQ_REPLACE(unsigned, sleep, (unsigned seconds)) {
  if (!controlled()) return real().sleep(seconds);
  sleep_until(Core::get().now_ns() + uint64_t{seconds} * 1'000'000'000, KQ_HERE);
  return 0;
}
