// Memory in a row: an allocation is an addition. Everything is mapped once, and the kernel gives
// pages to what is touched.
#include "sched/arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>

namespace kqtorture::sched {
namespace {

constexpr size_t kGranules = Arena::kBytes / Arena::kAlignment;
constexpr size_t kMostBlocks = size_t{1} << 19;
constexpr size_t kGap = 16;
constexpr unsigned char kPattern = 0xcd;

void* map(void* at, size_t size, int flags) {
  void* memory = mmap(at, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

size_t granule(uintptr_t address) { return (address - Arena::kBase) / Arena::kAlignment; }

}  // namespace

bool Arena::reserve() {
  void* const wanted = reinterpret_cast<void*>(kBase);
  if (map(wanted, kBytes, MAP_FIXED_NOREPLACE) != wanted) return false;
  states_ = static_cast<uint8_t*>(map(nullptr, kGranules, 0));
  owners_ = static_cast<uint32_t*>(map(nullptr, kGranules * sizeof(uint32_t), 0));
  blocks_ = static_cast<Block*>(map(nullptr, kMostBlocks * sizeof(Block), 0));
  return states_ != nullptr && owners_ != nullptr && blocks_ != nullptr;
}

void Arena::keep() {
  kept_count_ = count_;
  kept_next_ = next_;
  const size_t size = next_ - kBase;
  if (size == 0) return;
  kept_bytes_ = static_cast<unsigned char*>(map(nullptr, size, 0));
  if (kept_bytes_ != nullptr) std::memcpy(kept_bytes_, reinterpret_cast<void*>(kBase), size);
}

void Arena::reset() {
  const size_t from = granule(kept_next_);
  const size_t used = granule(next_ + kAlignment - 1) - from;
  std::memset(states_ + from, 0, used);
  std::memset(owners_ + from, 0, used * sizeof *owners_);
  for (uint32_t i = 0; i < kept_count_; i++) {
    blocks_[i].freed = false;
    mark(blocks_[i].begin, blocks_[i].size, true);
  }
  if (kept_bytes_ != nullptr) {
    std::memcpy(reinterpret_cast<void*>(kBase), kept_bytes_, kept_next_ - kBase);
  }
  count_ = kept_count_;
  next_ = kept_next_;
}

void* Arena::allocate(size_t size, size_t alignment, bool zeroed, uint32_t thread, uint32_t stack) {
  alignment = std::max(alignment, kAlignment);
  const uintptr_t begin = (next_ + kGap + alignment - 1) & ~(alignment - 1);
  if (size > kBytes || begin + size + kGap > kBase + kBytes || count_ == kMostBlocks) {
    return nullptr;
  }
  next_ = (begin + size + kAlignment - 1) & ~(kAlignment - 1);
  blocks_[count_] = {begin, size, thread, stack, false, 0, 0};
  owners_[granule(begin)] = ++count_;
  mark(begin, size, true);
  std::memset(reinterpret_cast<void*>(begin), zeroed ? 0 : kPattern, size);
  return reinterpret_cast<void*>(begin);
}

Arena::Block* Arena::find(const void* pointer) {
  const auto address = reinterpret_cast<uintptr_t>(pointer);
  const uint32_t owner = address % kAlignment == 0 ? owners_[granule(address)] : 0;
  return owner == 0 ? nullptr : &blocks_[owner - 1];
}

// Blocks are in the order of their addresses.
const Arena::Block* Arena::near(uintptr_t address) const {
  const Block* const end = blocks_ + count_;
  const Block* const after =
      std::upper_bound(static_cast<const Block*>(blocks_), end, address,
                       [](uintptr_t wanted, const Block& block) { return wanted < block.begin; });
  return after == blocks_ ? nullptr : after - 1;
}

void Arena::release(Block* block, uint32_t thread, uint32_t stack) {
  block->freed = true;
  block->free_thread = thread;
  block->free_stack = stack;
  mark(block->begin, block->size, false);
}

void Arena::mark(uintptr_t begin, size_t size, bool usable) {
  const size_t first = granule(begin);
  const size_t whole = size / kAlignment;
  std::memset(states_ + first, usable ? kAlignment : 0, whole);
  if (size % kAlignment != 0) {
    states_[first + whole] = usable ? static_cast<uint8_t>(size % kAlignment) : 0;
  }
}

bool Arena::accessible_beyond(uintptr_t address, size_t size) const {
  const size_t first = granule(address);
  const size_t last = granule(address + size - 1);
  for (size_t i = first; i < last; i++) {
    if (states_[i] != kAlignment) return false;
  }
  return states_[last] > (address + size - 1) % kAlignment;
}

}  // namespace kqtorture::sched
