// Guarded pages by mmap and mprotect.
#include "guarded_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace kqtorture {

GuardedPage::GuardedPage(Access access) : page_(static_cast<size_t>(sysconf(_SC_PAGESIZE))) {
  void* const base = mmap(nullptr, 3 * page_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) {
    perror("guarded page");
    abort();
  }
  base_ = static_cast<char*>(base);
  end_ = base_ + 2 * page_;
  const int protection = access == Access::kReadOnly ? PROT_READ : PROT_READ | PROT_WRITE;
  if (mprotect(base_ + page_, page_, protection) != 0) {
    perror("guarded page");
    abort();
  }
}

GuardedPage::~GuardedPage() { munmap(base_, 3 * page_); }

}  // namespace kqtorture
