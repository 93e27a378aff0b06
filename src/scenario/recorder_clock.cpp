// Is the processor's counter one clock or several? Asked once per process, by passing messages.
#include "scenario/recorder_clock.h"

#include <cstdlib>
#include <string_view>
#include <thread>
#include <vector>

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sched.h>
#define KQT_HAS_COUNTER 1
#endif

namespace kqtorture {
namespace {

#ifdef KQT_HAS_COUNTER

// A skew shows in the fastest messages. A few hundred find it; on a loaded machine each may wait
// for a time slice, so the test ends after some milliseconds with what it has.
constexpr int kMessages = 1000;
constexpr int kFewestMessages = 100;
constexpr uint64_t kPatienceNs = 20'000'000;
// Processors beyond these are not tried: skews are between sockets, and 16 reach across any.
constexpr size_t kMostProcessors = 16;

bool invariant() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(0x80000007, &a, &b, &c, &d) != 0 && (d & (1u << 8)) != 0;
}

std::vector<int> processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> all;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return all;
  for (int cpu = 0; cpu < CPU_SETSIZE && all.size() < kMostProcessors; ++cpu) {
    if (CPU_ISSET(cpu, &set)) all.push_back(cpu);
  }
  return all;
}

void pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  sched_setaffinity(0, sizeof set, &set);
}

uint64_t counter() {
  _mm_lfence();
  const uint64_t ticks = __rdtsc();
  _mm_lfence();
  return ticks;
}

// Two threads on two processors hand the counter's value to and fro. False when a value was
// received before it was sent, or when too few messages got through to say.
bool agree(int one, int other) {
  std::atomic<uint64_t> mail{0};  // odd: for the other
  std::atomic<uint64_t> stamp{0};
  std::atomic<bool> skewed{false}, over{false};
  const auto player = [&](int cpu, uint64_t parity) {
    pin(cpu);
    const uint64_t start = RecorderClock::monotonic_ns();
    while (!over.load(std::memory_order_relaxed)) {
      const uint64_t turn = mail.load(std::memory_order_acquire);
      if ((turn & 1) != parity) {
        if (RecorderClock::monotonic_ns() - start > kPatienceNs) over = true;
        continue;
      }
      if (counter() < stamp.load(std::memory_order_relaxed)) skewed = true;
      stamp.store(counter(), std::memory_order_relaxed);
      if (turn >= kMessages) over = true;
      mail.store(turn + 1, std::memory_order_release);
    }
  };
  std::thread first(player, one, 0), second(player, other, 1);
  first.join();
  second.join();
  return !skewed && mail.load() >= kFewestMessages;
}

bool measure() {
  if (!invariant()) return false;
  const std::vector<int> cpus = processors();
  if (cpus.empty()) return false;
  for (size_t i = 1; i < cpus.size(); ++i) {
    if (!agree(cpus[0], cpus[i])) return false;
  }
  return true;
}

#endif

bool counter_is_one_clock() {
#ifdef KQT_HAS_COUNTER
  const char* wish = std::getenv("KQ_CLOCK");
  if (wish != nullptr && std::string_view(wish) == "tsc") return true;
  if (wish != nullptr && std::string_view(wish) == "monotonic") return false;
  static const bool measured = measure();
  return measured;
#else
  return false;
#endif
}

}  // namespace

RecorderClock::RecorderClock()
    : counter_(counter_is_one_clock()), start_ticks_(before()), start_ns_(monotonic_ns()) {}

double RecorderClock::ns_per_tick() const {
  if (!counter_) return 1;
  // A ratio of two clocks read one after the other is good to a permille after a millisecond.
  uint64_t ns = monotonic_ns() - start_ns_;
  while (ns < 1'000'000) ns = monotonic_ns() - start_ns_;
  return static_cast<double>(ns) / static_cast<double>(before() - start_ticks_);
}

}  // namespace kqtorture
