// ThreadSanitizer's side of the harness. Its reports are counted through the callback that it
// offers, because the race case in which they happened must fail, with its seed, at once.
#include "sanitizer.h"

#include <dlfcn.h>

#include <atomic>

#include "subject/sanitizers.h"

#if KQ_THREAD_SANITIZER
extern "C" {
void AnnotateIgnoreWritesBegin(const char* file, int line);
void AnnotateIgnoreWritesEnd(const char* file, int line);
void __tsan_acquire(void* address);
void __tsan_release(void* address);
}
#endif

namespace kqtorture {
namespace {
std::atomic<uint64_t> races{0};
}  // namespace

uint64_t reported_races() { return races.load(std::memory_order_relaxed); }

bool is_hosts_call(const Subject& subject, const void* function) {
  Dl_info own{}, other{};
  return !dladdr(reinterpret_cast<const void*>(subject.calls().kqueue), &own) ||
         !dladdr(function, &other) || own.dli_fbase != other.dli_fbase;
}

#if KQ_THREAD_SANITIZER

IgnoreDescriptorWrites::IgnoreDescriptorWrites(bool host_call) : active_(host_call) {
  if (active_) AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
}
IgnoreDescriptorWrites::~IgnoreDescriptorWrites() {
  if (active_) AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
}
void armed(const void* knote, bool opaque_subject) {
  if (opaque_subject) __tsan_release(const_cast<void*>(knote));
}
void delivered(const void* knote, bool opaque_subject) {
  if (opaque_subject) __tsan_acquire(const_cast<void*>(knote));
}

#else

IgnoreDescriptorWrites::IgnoreDescriptorWrites(bool) : active_(false) {}
IgnoreDescriptorWrites::~IgnoreDescriptorWrites() { static_cast<void>(active_); }
void armed(const void*, bool) {}
void delivered(const void*, bool) {}

#endif

}  // namespace kqtorture

#if KQ_THREAD_SANITIZER
// Called by ThreadSanitizer after each report, with its own locks held: only count.
extern "C" void __tsan_on_report(void*) {
  kqtorture::races.fetch_add(1, std::memory_order_relaxed);
}
#endif
