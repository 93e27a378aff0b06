// Measuring, drawing and spending pauses.
#include "jitter.h"

#include <sched.h>

#include <algorithm>
#include <bit>
#include <chrono>

namespace kqtorture {
namespace {

// No call of a kqueue is shorter than the first; beyond the second a pause is a sleep, and the
// others would race without us.
constexpr uint64_t kLeastSpread = 256;
constexpr uint64_t kMostSpread = 65536;
// A yield lets another thread in for a whole time slice, which on few cores no spin can do; it
// costs microseconds, hence rare.
constexpr size_t kPausesPerYield = 64;

bool may_sleep(const contract::HistoryOp& op) {
  return op.kind == contract::OpKind::kKevent && op.nevents != 0 &&
         op.timeout != contract::Timeout::kZero;
}

uint64_t typical(std::vector<uint64_t>* lengths) {
  if (lengths->empty()) return 0;
  const auto place = lengths->begin() + static_cast<std::ptrdiff_t>((lengths->size() - 1) / 2);
  std::nth_element(lengths->begin(), place, lengths->end());
  return *place;
}

}  // namespace

std::vector<std::vector<uint64_t>> racing_calls(const contract::HistoryView& history) {
  std::vector<std::vector<uint64_t>> lengths;
  for (const contract::ThreadLog& log : history.threads) {
    std::vector<uint64_t>& mine = lengths.emplace_back();
    for (const contract::HistoryOp& op : log.ops) {
      if (!op.returned() || may_sleep(op)) continue;
      mine.push_back(
          static_cast<uint64_t>(static_cast<double>(op.end - op.begin) * history.ns_per_tick));
    }
  }
  return lengths;
}

uint64_t calibrate(std::vector<std::vector<uint64_t>> lengths) {
  uint64_t longest = 0, second = 0;
  for (std::vector<uint64_t>& mine : lengths) {
    const uint64_t length = typical(&mine);
    second = std::max(second, std::min(length, longest));
    longest = std::max(longest, length);
  }
  if (longest == 0) return kUnmeasuredSpread;
  return std::clamp(std::bit_ceil(longest + second), kLeastSpread, kMostSpread);
}

Pause next_pause(Random* random, uint64_t spread_ns) {
  Pause pause;
  const size_t choice = random->below(kPausesPerYield);
  if (choice == 0) {
    pause.yield = true;
  } else if (choice > kPausesPerYield / 2) {
    pause.spin_ns = random->below(spread_ns + 1);
  }
  return pause;
}

void rest(const Pause& pause) {
  if (pause.yield) sched_yield();
  if (pause.spin_ns == 0) return;
  const auto end = std::chrono::steady_clock::now() + std::chrono::nanoseconds(pause.spin_ns);
  while (std::chrono::steady_clock::now() < end) {
  }
}

}  // namespace kqtorture
