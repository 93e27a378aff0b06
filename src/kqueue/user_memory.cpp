// Is a pointer of the user's good? A kernel finds out while it copies; a library would crash. So
// the pages are asked for beforehand (madvise(2) populates them, or says why not), and what was
// found good is remembered per thread: an event loop passes the same lists again and again. A range
// that was good and is unmapped later crashes, as it would with any library.
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "internal.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

namespace kq {
namespace {

constexpr uintptr_t kPage = 4096;
constexpr int kChunk = 8;  // entries copied at a time, FreeBSD's KQ_NEVENTS

struct Range {
  uintptr_t begin = 0, end = 0;
};

// Recently found good, most recent first.
struct Ranges {
  Range ranges[4];

  bool contain(uintptr_t begin, uintptr_t end) const {
    for (const Range& range : ranges) {
      if (begin >= range.begin && end <= range.end) return true;
    }
    return false;
  }
  void remember(uintptr_t begin, uintptr_t end) {
    for (int i = 3; i > 0; --i) ranges[i] = ranges[i - 1];
    ranges[0] = {begin, end};
  }
};

thread_local Ranges known[2];  // [writing]

// For kernels before 5.14, which cannot populate: whether the bytes can be read.
bool can_copy(uintptr_t begin, uintptr_t end) {
  for (uintptr_t at = begin; at < end; at = (at | (kPage - 1)) + 1) {
    char byte;
    iovec local{&byte, 1}, remote{reinterpret_cast<void*>(at), 1};
    if (syscall(SYS_process_vm_readv, getpid(), &local, 1UL, &remote, 1UL, 0UL) < 0 &&
        (errno == EFAULT)) {
      return false;
    }
  }
  return true;
}

bool kernel_populates() {
  static std::atomic<int> answer{-1};
  int known_answer = answer.load(std::memory_order_relaxed);
  if (known_answer < 0) {
    alignas(16) char here[16] = {};
    const uintptr_t page = reinterpret_cast<uintptr_t>(here) & ~(kPage - 1);
    known_answer = madvise(reinterpret_cast<void*>(page), kPage, MADV_POPULATE_WRITE) == 0;
    answer.store(known_answer, std::memory_order_relaxed);
  }
  return known_answer;
}

bool good(const void* memory, size_t size, bool writing) {
  if (size == 0) return true;
  const uintptr_t address = reinterpret_cast<uintptr_t>(memory);
  if (address < kPage || address + size < address) return false;
  if (known[writing].contain(address, address + size)) return true;
  const uintptr_t begin = address & ~(kPage - 1);
  const uintptr_t end = (address + size + kPage - 1) & ~(kPage - 1);
  const int saved = errno;
  bool result;
  if (kernel_populates()) {
    const int advice = writing ? MADV_POPULATE_WRITE : MADV_POPULATE_READ;
    result = madvise(reinterpret_cast<void*>(begin), end - begin, advice) == 0;
  } else {
    result = can_copy(begin, end);
  }
  errno = saved;
  if (result) known[writing].remember(begin, end);
  return result;
}

// Whether the list is good as a whole, if that is a reasonable question: populating must not bring
// in gigabytes for a wild count.
bool good_whole(const struct kevent* list, int count, bool writing) {
  constexpr int kReasonable = 1 << 17;
  return count <= kReasonable && good(list, static_cast<size_t>(count) * sizeof *list, writing);
}

// Entries from the first that are good in steps of so many.
int good_entries(const struct kevent* list, int count, int step, bool writing) {
  if (good_whole(list, count, writing)) return count;
  int entries = 0;
  while (entries < count) {
    const int chunk = count - entries < step ? count - entries : step;
    if (!good(entry_at(list, entries), static_cast<size_t>(chunk) * sizeof *list, writing)) break;
    entries += chunk;
  }
  return entries;
}

}  // namespace

int readable_entries(const struct kevent* list, int count) {
  return good_entries(list, count, kChunk, false);
}

int writable_entries(struct kevent* list, int count) { return good_entries(list, count, 1, true); }

bool readable(const void* memory, size_t size) { return good(memory, size, false); }

}  // namespace kq
