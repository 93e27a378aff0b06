// The kernel is asked to do the copying, because only it can try without faulting: on Linux by
// process_vm_readv/writev of our own process, elsewhere through a pipe. That is one system call per
// list, which only subjects whose layout is not the canonical one pay.
#include "subject/caller_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>

namespace kqtorture {
namespace {

size_t page_size() {
  static const size_t size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

// Up to the end of the page that at lies in: memory appears and disappears by whole pages.
size_t left_in_page(uintptr_t at) { return page_size() - at % page_size(); }

#if defined(__linux__)

// Where the system call is forbidden (some sandboxes) the copy is made directly: a bad pointer then
// crashes the worker, which is reported, and good pointers work.
bool forbidden(ssize_t result) { return result < 0 && (errno == ENOSYS || errno == EPERM); }

size_t copy_chunk_from(void* to, uintptr_t from, size_t size) {
  iovec local{to, size};
  iovec remote{reinterpret_cast<void*>(from), size};
  const ssize_t n = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
  if (forbidden(n)) {
    std::memcpy(to, reinterpret_cast<const void*>(from), size);
    return size;
  }
  return n > 0 ? static_cast<size_t>(n) : 0;
}

size_t copy_chunk_to(uintptr_t to, const void* from, size_t size) {
  iovec local{const_cast<void*>(from), size};
  iovec remote{reinterpret_cast<void*>(to), size};
  const ssize_t n = process_vm_writev(getpid(), &local, 1, &remote, 1, 0);
  if (forbidden(n)) {
    std::memcpy(reinterpret_cast<void*>(to), from, size);
    return size;
  }
  return n > 0 ? static_cast<size_t>(n) : 0;
}

#else

// One pipe per thread, so that copies of two threads cannot mix.
struct Pipe {
  int ends[2] = {-1, -1};
  Pipe() {
    if (pipe(ends) == 0) {
      fcntl(ends[0], F_SETFD, FD_CLOEXEC);
      fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    }
  }
  ~Pipe() {
    close(ends[0]);
    close(ends[1]);
  }
};

// PIPE_BUF bytes are taken or refused as a whole, and always fit into an empty pipe.
constexpr size_t kChunk = 512;

size_t through_pipe(void* to, const void* from, size_t size) {
  static thread_local Pipe channel;
  size_t done = 0;
  while (done < size) {
    const size_t part = std::min(kChunk, size - done);
    if (write(channel.ends[1], static_cast<const char*>(from) + done, part) < 0) return done;
    const ssize_t n = read(channel.ends[0], static_cast<char*>(to) + done, part);
    if (n < 0) {
      char discard[kChunk];
      (void)!read(channel.ends[0], discard, part);
      return done;
    }
    done += static_cast<size_t>(n);
  }
  return done;
}

size_t copy_chunk_from(void* to, uintptr_t from, size_t size) {
  return through_pipe(to, reinterpret_cast<const void*>(from), size);
}

size_t copy_chunk_to(uintptr_t to, const void* from, size_t size) {
  return through_pipe(reinterpret_cast<void*>(to), from, size);
}

#endif

// One attempt for everything, then page by page from where it stopped, so that the part before a
// hole is copied exactly.
template <typename CopyChunk>
size_t copy_prefix(uintptr_t remote, size_t size, CopyChunk copy_chunk) {
  size_t done = copy_chunk(0, size);
  while (done < size) {
    const size_t part = std::min(left_in_page(remote + done), size - done);
    const size_t n = copy_chunk(done, part);
    done += n;
    if (n < part) break;
  }
  return done;
}

}  // namespace

size_t copy_from_caller(void* to, const void* from, size_t size) {
  const auto remote = reinterpret_cast<uintptr_t>(from);
  return copy_prefix(remote, size, [&](size_t at, size_t part) {
    return copy_chunk_from(static_cast<char*>(to) + at, remote + at, part);
  });
}

size_t copy_to_caller(void* to, const void* from, size_t size) {
  const auto remote = reinterpret_cast<uintptr_t>(to);
  return copy_prefix(remote, size, [&](size_t at, size_t part) {
    return copy_chunk_to(remote + at, static_cast<const char*>(from) + at, part);
  });
}

size_t readable_bytes(const void* from, size_t size) {
  const auto begin = reinterpret_cast<uintptr_t>(from);
  size_t known = 0;
  while (known < size) {
    char byte;
    if (copy_chunk_from(&byte, begin + known, 1) != 1) break;
    known += left_in_page(begin + known);
  }
  return std::min(known, size);
}

GuardedMemory::GuardedMemory(size_t size) {
  const size_t page = page_size();
  const size_t used = (size + page - 1) / page * page;
  mapped_ = used + page;
  mapping_ = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
  if (mapping_ == MAP_FAILED) {
    mapping_ = nullptr;
    return;
  }
  char* guard = static_cast<char*>(mapping_) + used;
  if (mprotect(guard, page, PROT_NONE) == 0) data_ = guard - size;
}

GuardedMemory::~GuardedMemory() {
  if (mapping_ != nullptr) munmap(mapping_, mapped_);
}

}  // namespace kqtorture
