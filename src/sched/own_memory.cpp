// What this program itself allocates is never the subject's, not even while a thread of it is in
// the subject: the runtime's own tables grow there, and are not gone after the schedule.
//
// Hidden, so that only the code that is linked into this program takes these; the subject and the
// C++ library call malloc(), which looks where they are.
#include <cstddef>
#include <cstdlib>
#include <new>

#include "sched/real.h"

namespace {

void* own(size_t size) {
  void* memory = kqtorture::sched::real().malloc(size == 0 ? 1 : size);
  if (memory == nullptr) std::abort();
  return memory;
}

void* own_aligned(size_t size, std::align_val_t alignment) {
  void* memory = kqtorture::sched::real().memalign(static_cast<size_t>(alignment), size);
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace

// Under the names that the compiler gives to operator new: it knows the operators themselves, and
// lets nobody hide them.
#define KQ_OWN_NEW(symbol, name, parameters)                                                    \
  extern "C" __attribute__((visibility("hidden"), used)) void* name parameters __asm__(symbol); \
  extern "C" void* name parameters

KQ_OWN_NEW("_Znwm", kq_own_new, (size_t size)) { return own(size); }
KQ_OWN_NEW("_Znam", kq_own_new_array, (size_t size)) { return own(size); }
KQ_OWN_NEW("_ZnwmSt11align_val_t", kq_own_new_aligned, (size_t size, std::align_val_t alignment)) {
  return own_aligned(size, alignment);
}
KQ_OWN_NEW("_ZnamSt11align_val_t", kq_own_new_array_aligned,
           (size_t size, std::align_val_t alignment)) {
  return own_aligned(size, alignment);
}
