// What -fsanitize=thread makes of atomic operations. All of them are points at which another thread
// may go on, and all are sequentially consistent: what weaker orders would allow beyond that is not
// explored. For races their orders are what the program says.
#include "sched/replace.h"

using namespace kqtorture::sched;

namespace {

// As the compilers pass them.
enum MemoryOrder : int { kRelaxed, kConsume, kAcquire, kRelease, kAcqRel, kSeqCst };

constexpr bool acquires(int order) {
  const int plain = order & 0xff;
  return plain == kConsume || plain == kAcquire || plain == kAcqRel || plain == kSeqCst;
}
constexpr bool releases(int order) {
  const int plain = order & 0xff;
  return plain == kRelease || plain == kAcqRel || plain == kSeqCst;
}

template <typename T>
T* plain(const volatile T* address) {
  return const_cast<T*>(address);
}

template <typename T>
void before(const volatile T* address, Step step, uintptr_t site) {
  Core& core = Core::get();
  core.step(step, core.object_of(key(address)), site);
  core.access(key(address), sizeof(T), step != Step::kAtomicLoad, true, site);
}

template <typename T>
T load(const volatile T* address, int order, uintptr_t site) {
  if (!in_subject()) return __atomic_load_n(address, __ATOMIC_SEQ_CST);
  before(address, Step::kAtomicLoad, site);
  if (acquires(order)) Core::get().acquire(key(address));
  return *plain(address);
}

template <typename T>
void store(volatile T* address, T value, int order, uintptr_t site) {
  if (!in_subject()) return __atomic_store_n(address, value, __ATOMIC_SEQ_CST);
  before(address, Step::kAtomicStore, site);
  if (releases(order)) Core::get().release_store(key(address));
  *plain(address) = value;
}

template <typename T, typename Change>
T update(volatile T* address, int order, uintptr_t site, Change change) {
  before(address, Step::kAtomicUpdate, site);
  Core& core = Core::get();
  if (acquires(order)) core.acquire(key(address));
  if (releases(order)) core.release(key(address));
  const T old = *plain(address);
  *plain(address) = change(old);
  return old;
}

template <typename T>
bool compare_exchange(volatile T* address, T* expected, T desired, int order, int failure,
                      uintptr_t site) {
  if (!in_subject()) {
    return __atomic_compare_exchange_n(address, expected, desired, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
  }
  before(address, Step::kAtomicUpdate, site);
  Core& core = Core::get();
  T* const place = plain(address);
  if (*place != *expected) {
    if (acquires(failure)) core.acquire(key(address));
    *expected = *place;
    return false;
  }
  if (acquires(order)) core.acquire(key(address));
  if (releases(order)) core.release(key(address));
  *place = desired;
  return true;
}

}  // namespace

#define KQ_UPDATE(bits, type, name, builtin, expression)                        \
  KQ_REPLACE(type, __tsan_atomic##bits##_##name,                                \
             (volatile type * address, type value, int order)) {                \
    if (!in_subject()) return builtin(address, value, __ATOMIC_SEQ_CST);        \
    return update(address, order, KQ_HERE,                                      \
                  [value](type old) { return static_cast<type>(expression); }); \
  }

#define KQ_ATOMICS(bits, type)                                                                   \
  KQ_REPLACE(type, __tsan_atomic##bits##_load, (const volatile type* address, int order)) {      \
    return load(address, order, KQ_HERE);                                                        \
  }                                                                                              \
  KQ_REPLACE(void, __tsan_atomic##bits##_store,                                                  \
             (volatile type * address, type value, int order)) {                                 \
    store(address, value, order, KQ_HERE);                                                       \
  }                                                                                              \
  KQ_UPDATE(bits, type, exchange, __atomic_exchange_n, ((void)old, value))                       \
  KQ_UPDATE(bits, type, fetch_add, __atomic_fetch_add, old + value)                              \
  KQ_UPDATE(bits, type, fetch_sub, __atomic_fetch_sub, old - value)                              \
  KQ_UPDATE(bits, type, fetch_and, __atomic_fetch_and, old& value)                               \
  KQ_UPDATE(bits, type, fetch_or, __atomic_fetch_or, old | value)                                \
  KQ_UPDATE(bits, type, fetch_xor, __atomic_fetch_xor, old ^ value)                              \
  KQ_UPDATE(bits, type, fetch_nand, __atomic_fetch_nand, ~(old & value))                         \
  KQ_REPLACE(int, __tsan_atomic##bits##_compare_exchange_strong,                                 \
             (volatile type * address, type * expected, type desired, int order, int failure)) { \
    return compare_exchange(address, expected, desired, order, failure, KQ_HERE);                \
  }                                                                                              \
  KQ_REPLACE(int, __tsan_atomic##bits##_compare_exchange_weak,                                   \
             (volatile type * address, type * expected, type desired, int order, int failure)) { \
    return compare_exchange(address, expected, desired, order, failure, KQ_HERE);                \
  }                                                                                              \
  KQ_REPLACE(type, __tsan_atomic##bits##_compare_exchange_val,                                   \
             (volatile type * address, type expected, type desired, int order, int failure)) {   \
    compare_exchange(address, &expected, desired, order, failure, KQ_HERE);                      \
    return expected;                                                                             \
  }

KQ_ATOMICS(8, uint8_t)
KQ_ATOMICS(16, uint16_t)
KQ_ATOMICS(32, uint32_t)
KQ_ATOMICS(64, uint64_t)
#if defined(__SIZEOF_INT128__) && defined(__x86_64__)
// gcc would call libatomic for these outside of the subject, where nothing calls them.
using Wide = unsigned __int128;
KQ_REPLACE(Wide, __tsan_atomic128_load, (const volatile Wide* address, int order)) {
  before(address, Step::kAtomicLoad, KQ_HERE);
  if (acquires(order)) Core::get().acquire(key(address));
  return *plain(address);
}
KQ_REPLACE(void, __tsan_atomic128_store, (volatile Wide * address, Wide value, int order)) {
  before(address, Step::kAtomicStore, KQ_HERE);
  if (releases(order)) Core::get().release_store(key(address));
  *plain(address) = value;
}
KQ_REPLACE(int, __tsan_atomic128_compare_exchange_strong,
           (volatile Wide * address, Wide* expected, Wide desired, int order, int)) {
  bool done = false;
  const Wide wanted = *expected;
  *expected = update(address, order, KQ_HERE, [&](Wide old) {
    done = old == wanted;
    return done ? desired : old;
  });
  return done;
}
#endif

KQ_REPLACE(void, __tsan_atomic_thread_fence, (int order)) {
  // For races a fence is an acquire and a release of one object that all fences share: an order
  // more than there may be, never one less.
  constexpr uintptr_t kFence = 16;
  if (!in_subject()) return __atomic_thread_fence(__ATOMIC_SEQ_CST);
  Core& core = Core::get();
  core.step(Step::kAtomicUpdate, 0, KQ_HERE);
  if (acquires(order)) core.acquire(kFence);
  if (releases(order)) core.release(kFence);
}
KQ_REPLACE(void, __tsan_atomic_signal_fence, (int)) {}
