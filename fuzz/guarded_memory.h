// Memory that ends where it says: lists whose next byte faults, and addresses that always fault.
//
// A kqueue that reads or writes one entry too many is found at once, in the kernel as EFAULT and in
// a library as a crash, and a list may straddle the end on purpose.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kqtorture {

// One page of memory between two that fault.
class GuardedPage {
 public:
  enum class Access { kReadWrite, kReadOnly };
  // Aborts when the process has no memory left: a fuzzer without its arena can judge nothing.
  explicit GuardedPage(Access access = Access::kReadWrite);
  ~GuardedPage();
  GuardedPage(const GuardedPage&) = delete;
  GuardedPage& operator=(const GuardedPage&) = delete;

  // The first byte that faults.
  char* end() const { return end_; }
  // Where something of this size must start in order to end at the guard.
  template <typename T>
  T* ending(size_t count) const {
    return reinterpret_cast<T*>(end_) - count;
  }
  // An address inside the guard page.
  char* unmapped() const { return end_ + 64; }

 private:
  char* base_;
  char* end_;
  size_t page_;
};

// An address below the lowest mapping that a system allows, and one that no user can have.
inline void* near_null() { return reinterpret_cast<void*>(uintptr_t{16}); }
inline void* wild_address() { return reinterpret_cast<void*>(UINTPTR_MAX / 2 + 1 + 64); }

}  // namespace kqtorture
