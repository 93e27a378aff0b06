// What the runtime has to know of descriptors: which do not block, which are timers of its own
// clock, and which the subject left open.
#pragma once

#include <time.h>

#include <array>
#include <cstdint>
#include <vector>

namespace kqtorture::sched {

class Descriptors {
 public:
  static constexpr int kNumbers = 65536;  // numbers from here on are asked of the kernel each time

  // A schedule begins: what is known of descriptors may have changed since the last one.
  void begin() { round_++; }
  // It ends: what the subject left open is closed.
  void close_leftovers();

  void opened(int fd, bool by_subject, int nonblocking = -1);  // 0, 1, or -1: not known
  void closed(int fd);
  void duplicated(int from, int to, bool by_subject);
  bool nonblocking(int fd);
  void set_nonblocking(int fd, int known);

  // --- timers (timerfd), which an eventfd stands for: it is readable while there are expirations.
  // As in the kernel a periodic timer expires once and then rests; what its period has made of the
  // time since is counted when it is asked. So nobody's clock need go from period to period.

  int make_timer(int clock, int flags, bool by_subject);
  bool is_timer(int fd) const { return timer_at(fd) != nullptr; }
  // now: virtual. As timerfd_settime(2) and timerfd_gettime(2): 0, or an errno.
  int set_timer(int fd, int flags, const itimerspec& value, itimerspec* old, uint64_t now);
  int get_timer(int fd, itimerspec* value, uint64_t now);
  // Expirations since the last one, 0 when there are none.
  uint64_t take_expirations(int fd, uint64_t now);
  // The first deadline of a timer that does not rest, UINT64_MAX without one.
  uint64_t next_deadline() const;
  // Lets all that are due expire. True when any did.
  bool expire(uint64_t now);
  // Nanoseconds between the runtime's clock and CLOCK_REALTIME.
  static constexpr uint64_t kRealtime = 1'600'000'000'000'000'000;

 private:
  struct Timer {
    uint32_t users = 0;
    int fd = -1;  // one of them, for the eventfd
    bool realtime = false;
    uint64_t deadline = UINT64_MAX;
    uint64_t period = 0;
    uint64_t expirations = 0;
    bool rests = false;  // it has a period, has expired, and was not asked since
  };
  struct Number {
    uint8_t nonblocking = 0;  // 0: not known, 1: blocks, 2: does not
    uint32_t round = 0;       // of begin() in which that was so
    bool leftover = false;    // opened by the subject
    uint16_t timer = 0;       // 1 + index of timers_
  };
  static bool followed(int fd) { return fd >= 0 && fd < kNumbers; }
  const Timer* timer_at(int fd) const;
  Timer* timer_at(int fd) {
    return const_cast<Timer*>(static_cast<const Descriptors*>(this)->timer_at(fd));
  }
  // Counts what it missed while it rested; it expires again from now on.
  void resume(Timer* timer, uint64_t now);
  void remaining(const Timer& timer, itimerspec* value, uint64_t now) const;

  std::vector<Number> numbers_ = std::vector<Number>(kNumbers);
  std::vector<Timer> timers_;
  std::vector<int> opened_;  // by the subject in this schedule
  uint32_t armed_ = 0;
  uint32_t round_ = 0;
};

}  // namespace kqtorture::sched
