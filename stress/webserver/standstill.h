// Does nothing happen any more although somebody waits for an answer?
//
// No clock decides: how far apart the looks are says only when the question is asked. Nothing has
// happened when, between two looks, no worker got an event, no visit ended, and the process used
// next to no processor time.
#pragma once

#include <sys/resource.h>

#include <chrono>
#include <cstdint>

#include "subject/sanitizers.h"

namespace kqtorture::web {

class Standstill {
 public:
  explicit Standstill(std::chrono::microseconds interval) : interval_(interval) {}

  // progress: any number that grows when something happens. True when nothing did for three looks.
  bool look(uint64_t progress) {
    const auto now = std::chrono::steady_clock::now();
    if (now < next_) return false;
    next_ = now + interval_;
    const auto used = processor_time();
    const bool still = progress == progress_ && used - used_ <= interval_ / kIdlePart;
    looks_ = still ? looks_ + 1 : 0;
    progress_ = progress;
    used_ = used;
    return looks_ >= kLooks;
  }

 private:
  static constexpr int kLooks = 3;
  // The timeout thread wakes up some hundred times a second, for microseconds, which
  // ThreadSanitizer makes two parts of a hundred of a processor.
  static constexpr int kIdlePart = kThreadSanitizer ? 10 : 50;

  static std::chrono::microseconds processor_time() {
    rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return std::chrono::seconds(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           std::chrono::microseconds(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
  }

  const std::chrono::microseconds interval_;
  std::chrono::steady_clock::time_point next_{};
  std::chrono::microseconds used_{0};
  uint64_t progress_ = 0;
  int looks_ = 0;
};

}  // namespace kqtorture::web
