// What the subject allocates: at the same addresses in every schedule, never given out twice in
// one, and watched.
//
// A block is followed and preceded by a gap, and a freed one stays where it is, so an access beyond
// a block or after its end is seen by whoever asks about the address. All of it lies at one place
// of the address space, which is the same in every process.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kqtorture::sched {

class Arena {
 public:
  static constexpr uintptr_t kBase = uintptr_t{0x6a} << 40;
  static constexpr size_t kBytes = size_t{64} << 20;
  static constexpr size_t kAlignment = 16;

  struct Block {
    uintptr_t begin = 0;
    size_t size = 0;
    uint32_t thread = 0;  // that allocated it
    uint32_t stack = 0;   // where
    bool freed = false;
    uint32_t free_thread = 0;
    uint32_t free_stack = 0;
  };

  // False when the addresses are taken.
  bool reserve();
  // Everything is gone.
  void reset();
  // What is there now is there after every reset() from now on, as far as that was written to the
  // arena itself.
  void keep();

  static bool owns(const void* pointer) {
    return reinterpret_cast<uintptr_t>(pointer) - kBase < kBytes;
  }

  // Null when it is full. Memory that is not zeroed is filled with a pattern: what a subject reads
  // without having written it is at least the same in every schedule.
  void* allocate(size_t size, size_t alignment, bool zeroed, uint32_t thread, uint32_t stack);
  // The block that begins there, or null.
  Block* find(const void* pointer);
  // The block that the address is in or behind, or null: for saying what a bad access hit.
  const Block* near(uintptr_t address) const;

  // Is every byte of it part of a block that is in use?
  bool accessible(uintptr_t address, size_t size) const {
    const uintptr_t last = address + size - 1;
    if ((address ^ last) & ~(uintptr_t{kAlignment} - 1)) return accessible_beyond(address, size);
    return states_[(last - kBase) / kAlignment] > last % kAlignment;
  }
  void release(Block* block, uint32_t thread, uint32_t stack);

 private:
  bool accessible_beyond(uintptr_t address, size_t size) const;
  void mark(uintptr_t begin, size_t size, bool usable);

  uint8_t* states_ = nullptr;   // by 16 bytes: how many of them, from the first, may be accessed
  uint32_t* owners_ = nullptr;  // by 16 bytes: 1 + the number of the block that begins there
  Block* blocks_ = nullptr;
  uint32_t count_ = 0;
  uintptr_t next_ = kBase;
  uint32_t kept_count_ = 0;
  uintptr_t kept_next_ = kBase;
  unsigned char* kept_bytes_ = nullptr;
};

}  // namespace kqtorture::sched
