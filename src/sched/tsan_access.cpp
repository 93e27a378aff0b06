// What -fsanitize=thread inserts at memory accesses and calls (clang 14 to 19, gcc 12).
//
// Nothing switches threads here: only synchronisation, atomic accesses and system calls are points
// at which another thread may go on. Between two of those an access can only be part of a race, and
// that is looked for.
#include "sched/replace.h"

using namespace kqtorture::sched;

namespace {

inline void touch(const volatile void* address, size_t size, bool write, uintptr_t site) {
  if (!in_subject()) return;
  Core::get().access(key(address), size, write, false, site);
}

}  // namespace

#define KQ_ACCESS(size)                                                                          \
  KQ_REPLACE(void, __tsan_read##size, (void* address)) { touch(address, size, false, KQ_HERE); } \
  KQ_REPLACE(void, __tsan_write##size, (void* address)) { touch(address, size, true, KQ_HERE); } \
  KQ_REPLACE(void, __tsan_unaligned_read##size, (void* address)) {                               \
    touch(address, size, false, KQ_HERE);                                                        \
  }                                                                                              \
  KQ_REPLACE(void, __tsan_unaligned_write##size, (void* address)) {                              \
    touch(address, size, true, KQ_HERE);                                                         \
  }                                                                                              \
  KQ_REPLACE(void, __tsan_read_write##size, (void* address)) {                                   \
    touch(address, size, true, KQ_HERE);                                                         \
  }                                                                                              \
  KQ_REPLACE(void, __tsan_unaligned_read_write##size, (void* address)) {                         \
    touch(address, size, true, KQ_HERE);                                                         \
  }                                                                                              \
  KQ_REPLACE(void, __tsan_volatile_read##size, (void* address)) {                                \
    touch(address, size, false, KQ_HERE);                                                        \
  }                                                                                              \
  KQ_REPLACE(void, __tsan_volatile_write##size, (void* address)) {                               \
    touch(address, size, true, KQ_HERE);                                                         \
  }                                                                                              \
  KQ_REPLACE(void, __tsan_unaligned_volatile_read##size, (void* address)) {                      \
    touch(address, size, false, KQ_HERE);                                                        \
  }                                                                                              \
  KQ_REPLACE(void, __tsan_unaligned_volatile_write##size, (void* address)) {                     \
    touch(address, size, true, KQ_HERE);                                                         \
  }

KQ_ACCESS(1)
KQ_ACCESS(2)
KQ_ACCESS(4)
KQ_ACCESS(8)
KQ_ACCESS(16)

KQ_REPLACE(void, __tsan_read_range, (void* address, unsigned long size)) {
  if (size > 0) touch(address, size, false, KQ_HERE);
}
KQ_REPLACE(void, __tsan_write_range, (void* address, unsigned long size)) {
  if (size > 0) touch(address, size, true, KQ_HERE);
}
KQ_REPLACE(void, __tsan_vptr_read, (void** address)) {
  touch(address, sizeof *address, false, KQ_HERE);
}
KQ_REPLACE(void, __tsan_vptr_update, (void** address, void* value)) {
  // A constructor writes what is there already.
  if (*address != value) touch(address, sizeof *address, true, KQ_HERE);
}

KQ_REPLACE(void, __tsan_func_entry, (void* caller)) {
  if (controlled()) Core::get().enter(key(caller));
}
KQ_REPLACE(void, __tsan_func_exit, ()) {
  if (controlled()) Core::get().leave();
}
KQ_REPLACE(void, __tsan_init, ()) {}
KQ_REPLACE(void, __tsan_ignore_thread_begin, ()) {}
KQ_REPLACE(void, __tsan_ignore_thread_end, ()) {}

// Called by name by some compilers, as memcpy() and so on by others.
KQ_REPLACE(void*, __tsan_memcpy, (void* to, const void* from, unsigned long size)) {
  if (size > 0) {
    touch(from, size, false, KQ_HERE);
    touch(to, size, true, KQ_HERE);
  }
  return __builtin_memcpy(to, from, size);
}
KQ_REPLACE(void*, __tsan_memmove, (void* to, const void* from, unsigned long size)) {
  if (size > 0) {
    touch(from, size, false, KQ_HERE);
    touch(to, size, true, KQ_HERE);
  }
  return __builtin_memmove(to, from, size);
}
KQ_REPLACE(void*, __tsan_memset, (void* to, int value, unsigned long size)) {
  if (size > 0) touch(to, size, true, KQ_HERE);
  return __builtin_memset(to, value, size);
}
