// What the subject allocates lies in the arena; what anybody else does, where it always did.
#include <errno.h>
#include <malloc.h>

#include <cstdint>
#include <cstring>

#include "sched/replace.h"

using namespace kqtorture::sched;

namespace {

void* take(size_t size, size_t alignment, bool zeroed, uintptr_t site) {
  Core& core = Core::get();
  void* memory =
      core.arena().allocate(size, alignment, zeroed, self()->index, core.stack_here(site));
  if (memory == nullptr) {
    errno = ENOMEM;
    return nullptr;
  }
  return memory;
}

void give_back(void* memory, uintptr_t site) {
  if (!controlled()) return;  // between two schedules: it is gone anyway
  Core& core = Core::get();
  Arena::Block* block = core.arena().find(memory);
  const uint32_t stack = core.stack_here(site);
  if (block == nullptr || block->freed) core.bad_access(key(memory), 1, true, stack);
  // Whoever uses it without an order before this is as wrong as who uses it after.
  constexpr size_t kMostChecked = 4096;
  if (block->size <= kMostChecked && block->size > 0) {
    core.access(block->begin, block->size, true, false, site);
  }
  core.arena().release(block, self()->index, stack);
}

}  // namespace

KQ_REPLACE(void*, malloc, (size_t size)) {
  if (!in_subject()) return real().malloc(size);
  return take(size, 1, false, KQ_HERE);
}

KQ_REPLACE(void, free, (void* memory)) {
  if (!Arena::owns(memory)) return real().free(memory);
  give_back(memory, KQ_HERE);
}

KQ_REPLACE(void*, calloc, (size_t count, size_t size)) {
  if (!in_subject()) return real().calloc(count, size);
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    errno = ENOMEM;
    return nullptr;
  }
  return take(bytes, 1, true, KQ_HERE);
}

KQ_REPLACE(void*, realloc, (void* memory, size_t size)) {
  const bool ours = Arena::owns(memory);
  if (!ours && (memory != nullptr || !in_subject())) return real().realloc(memory, size);
  if (memory == nullptr) return take(size, 1, false, KQ_HERE);
  if (!controlled()) {
    errno = ENOMEM;
    return nullptr;
  }
  if (size == 0) {
    give_back(memory, KQ_HERE);
    return nullptr;
  }
  const Arena::Block* block = Core::get().arena().find(memory);
  const size_t before = block == nullptr ? 0 : block->size;
  void* moved = take(size, 1, false, KQ_HERE);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, memory, before < size ? before : size);
  give_back(memory, KQ_HERE);
  return moved;
}

KQ_REPLACE(void*, memalign, (size_t alignment, size_t size)) {
  if (!in_subject()) return real().memalign(alignment, size);
  return take(size, alignment, false, KQ_HERE);
}

KQ_REPLACE(void*, aligned_alloc, (size_t alignment, size_t size)) {
  if (!in_subject()) return real().memalign(alignment, size);
  return take(size, alignment, false, KQ_HERE);
}

KQ_REPLACE(int, posix_memalign, (void** result, size_t alignment, size_t size)) {
  if (alignment % sizeof(void*) != 0 || (alignment & (alignment - 1)) != 0) return EINVAL;
  void* memory =
      in_subject() ? take(size, alignment, false, KQ_HERE) : real().memalign(alignment, size);
  if (memory == nullptr) return ENOMEM;
  *result = memory;
  return 0;
}

KQ_REPLACE(size_t, malloc_usable_size, (void* memory)) {
  if (!Arena::owns(memory)) return real().malloc_usable_size(memory);
  const Arena::Block* block = Core::get().arena().find(memory);
  return block == nullptr ? 0 : block->size;
}
