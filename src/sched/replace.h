// How this program defines a function of libc's or the compiler's runtime in its place.
//
// Under a name of our own, so that nothing that libc's headers say of the function (that it throws
// nothing, that it is inline) applies to ours.
#pragma once

#include <cstdint>

#include "sched/core.h"
#include "sched/real.h"

#define KQ_REPLACE_AS(symbol, result, name, parameters)                                           \
  extern "C" __attribute__((visibility("default"), used)) result name parameters __asm__(symbol); \
  extern "C" result name parameters

#define KQ_REPLACE(result, name, parameters) KQ_REPLACE_AS(#name, result, kq_##name, parameters)

// The place that the function was called from.
#define KQ_HERE reinterpret_cast<uintptr_t>(__builtin_return_address(0))

namespace kqtorture::sched {

// Is the caller a thread of the runtime that is in the subject? Then its locks and its memory are
// ours.
inline bool in_subject() { return self() != nullptr && self()->in_subject > 0; }
// Is it a thread of the runtime? Then its time and its descriptors are ours.
inline bool controlled() { return self() != nullptr; }

inline uintptr_t key(const volatile void* object) { return reinterpret_cast<uintptr_t>(object); }

}  // namespace kqtorture::sched
