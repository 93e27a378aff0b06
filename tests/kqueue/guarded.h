// Memory with an end that cannot be touched, for the rules about bad pointers.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>

#include "fixture.h"

namespace kqtorture {

// A list of kevents right below a page without access: element [size] faults. Never unmapped: a
// subject in this process may remember which addresses were good.
class GuardedList {
 public:
  explicit GuardedList(size_t size) {
    page_ = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    void* base =
        mmap(nullptr, 2 * page_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    base_ = static_cast<char*>(base);
    mprotect(base_ + page_, page_, PROT_NONE);
    list_ = reinterpret_cast<Kevent*>(base_ + page_) - size;
  }
  GuardedList(const GuardedList&) = delete;
  GuardedList& operator=(const GuardedList&) = delete;

  Kevent* data() { return list_; }
  Kevent& operator[](size_t i) { return list_[i]; }
  // Any pointer type, pointing into the page without access.
  template <typename T>
  T* forbidden() {
    return reinterpret_cast<T*>(base_ + page_);
  }

 private:
  size_t page_ = 0;
  char* base_ = nullptr;
  Kevent* list_ = nullptr;
};

}  // namespace kqtorture
