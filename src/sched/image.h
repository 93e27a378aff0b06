// The subject's variables, as they were before the first schedule.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace kqtorture::sched {

class Image {
 public:
  // Finds the object file that the address lies in. False with the reason.
  bool find(const void* address, std::string* why_not);
  // On each thread that will run it, before keep(): its thread-local variables of the object.
  void add_thread_locals();
  // Remembers all variables.
  void keep();
  // And puts them back.
  void restore();

  // Does it call what -fsanitize=thread inserts?
  bool instrumented() const { return instrumented_; }
  bool found() const { return base_ != 0; }
  bool holds(uintptr_t address) const { return address - base_ < size_; }
  uintptr_t base() const { return base_; }
  // Is it in a variable? Only these and the heap are watched for races.
  bool is_variable(uintptr_t address) const {
    return address >= variables_low_ && address < variables_high_;
  }

 private:
  struct Span {
    unsigned char* at;
    size_t size;
    size_t copy;  // where in copies_
  };
  void add(uintptr_t begin, size_t size);

  uintptr_t base_ = 0;
  size_t size_ = 0;
  uintptr_t variables_low_ = 0, variables_high_ = 0;
  size_t thread_locals_module_ = 0;
  size_t thread_locals_size_ = 0;
  bool instrumented_ = false;
  std::vector<Span> spans_;
  std::vector<unsigned char> copies_;
};

}  // namespace kqtorture::sched
