// How is a caller's list read when it may not be there?
//
// Scenarios pass bad pointers on purpose, and the kqueue has to answer EFAULT. Where the lists are
// converted, our code touches them first, and must neither crash nor decide in the subject's place.
// So the memory is asked before it is touched, and what was found missing is made missing again in
// the list that the subject gets.
#pragma once

#include <cstddef>

namespace kqtorture {

// Copies size bytes, or as many from the front as can be read; returns how many. Never faults.
size_t copy_from_caller(void* to, const void* from, size_t size);

// Copies size bytes, or as many from the front as can be written; returns how many. Never faults.
size_t copy_to_caller(void* to, const void* from, size_t size);

// How many of the size bytes at from can be read without a gap.
size_t readable_bytes(const void* from, size_t size);

// Memory that ends at a page that can be neither read nor written.
class GuardedMemory {
 public:
  // size bytes, zeroed. data() is null when there is no memory left.
  explicit GuardedMemory(size_t size);
  ~GuardedMemory();
  GuardedMemory(const GuardedMemory&) = delete;
  GuardedMemory& operator=(const GuardedMemory&) = delete;

  // The first of size bytes; the byte after the last one is inaccessible.
  void* data() const { return data_; }

 private:
  void* mapping_ = nullptr;
  size_t mapped_ = 0;
  void* data_ = nullptr;
};

}  // namespace kqtorture
