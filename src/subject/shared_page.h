// The memory that a worker and its supervisor share. Not for use outside this room.
//
// Everything is a relaxed atomic: the worker's threads write it without ordering anything among
// themselves (an ordered counter would hide the races that the suite looks for), and the supervisor
// reads it after the worker's end or as a hint while it runs.
#pragma once

#include <atomic>
#include <cstdint>

namespace kqtorture {

struct SharedPage {
  static constexpr uint64_t kMagic = 0x6b71776f726b6572;  // "kqworker"
  static constexpr int kActivityBytes = 200;
  static constexpr uint32_t kAnnounced = 0x10000;  // beside the code, so that 0 means not yet

  uint64_t magic;
  std::atomic<uint64_t> progress;
  std::atomic<uint64_t> seed;
  std::atomic<uint32_t> announced;
  std::atomic<uint32_t> findings;  // saved by the worker itself
  std::atomic<bool> has_seed;
  std::atomic<char> activity[kActivityBytes + 1];
};
static_assert(std::atomic<uint64_t>::is_always_lock_free, "shared between processes");
static_assert(sizeof(SharedPage) <= 4096);

// The name of the variable that hands the page's descriptor to the worker.
inline constexpr char kWorkerVariable[] = "KQ_WORKER";

// In the worker: from now on the page is this one.
void use_shared_page(SharedPage* page);

}  // namespace kqtorture
