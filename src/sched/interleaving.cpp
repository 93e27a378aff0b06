// An open table, emptied by counting rounds.
#include "sched/interleaving.h"

#include "sched/runtime.h"

namespace kqtorture::sched {
namespace {

constexpr size_t kObjects = 4096;  // a schedule that touches more shares their entries

#if defined(__linux__)
__attribute__((section("__libfuzzer_extra_counters")))
#endif
uint8_t counters[Interleaving::kPairs];

}  // namespace

std::span<uint8_t> pair_counters() { return counters; }

Interleaving::Interleaving() : table_(kObjects) {}

void Interleaving::reset() {
  round_++;
  used_.clear();
}

Interleaving::Object* Interleaving::find(uint64_t object) {
  const size_t first = mix(0, object) % kObjects;
  for (size_t i = 0; i < 64; i++) {
    Object& entry = table_[(first + i) % kObjects];
    if (entry.round == round_ && entry.object == object) return &entry;
    if (entry.round == round_) continue;
    entry = {object, round_, 0, 0, 0, 0};
    used_.push_back(static_cast<uint32_t>(&entry - table_.data()));
    return &entry;
  }
  return &table_[first];
}

void Interleaving::add(const Candidate& step, uint64_t context) {
  if (step.object == 0) return;
  Object& object = *find(step.object);
  const uint64_t what = mix(mix(step.site, static_cast<uint64_t>(step.step)), step.thread);
  const uint64_t here = mix(context, step.site);
  if (object.last_context != 0 && object.last_thread != step.thread) {
    uint8_t& counter = counters[mix(object.last_context, here) % kPairs];
    if (counter < UINT8_MAX) counter++;
  }
  object.last_context = here;
  object.last_thread = step.thread;
  if (writes(step.step)) {
    object.written = mix(mix(object.written, object.read), what);
    object.read = 0;
  } else {
    object.read += mix(object.written, what);
  }
}

uint64_t Interleaving::hash() const {
  uint64_t sum = 0;
  for (const uint32_t i : used_) {
    const Object& object = table_[i];
    sum += mix(mix(object.object, object.written), object.read);
  }
  return sum;
}

}  // namespace kqtorture::sched
