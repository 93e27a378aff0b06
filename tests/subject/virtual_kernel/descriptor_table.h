// Which number stands for which file? The lowest free number is given out first, from 0.
//
// Faults can be planted here, each by a macro of its own, because a table of descriptors is what a
// kqueue over the host's descriptors does not have:
//   KQ_PLANT_NUMBER_TWICE     a number that dup2() has taken is given out once more
//   KQ_PLANT_DUP_IS_DEAF      knotes on a number that dup() made are not told what the file does
//   KQ_PLANT_DUP2_KEEPS       dup2() onto a number leaves the old file's knotes
//   KQ_PLANT_CLOSE_FREES      close() frees the number before it drops the knotes
//   KQ_PLANT_LAST_CLOSE_ONLY  close() drops knotes with the last descriptor of the file only
// and one elsewhere, for the faults that are asked for (kqtorture_set_faults):
//   KQ_PLANT_WANT_LEAVES      a change that failed for want of memory has made its knote
#pragma once

#include <memory>
#include <set>
#include <vector>

#include "file.h"

namespace vkernel {

class DescriptorTable {
 public:
  // How many numbers there are; FreeBSD's default for a process is far above what a test needs.
  static constexpr int kLimit = 20000;

  // Null when the number is not open.
  std::shared_ptr<File> find(int number) const;
  // The lowest free number from `from` on, or -EMFILE.
  int add(std::shared_ptr<File> file, int from = 0);
  // The number must be below kLimit; what was there is replaced.
  void put(int number, std::shared_ptr<File> file);
  // Frees the number, and hands its file over.
  std::shared_ptr<File> remove(int number);

  // Whether the number was made by dup() or dup2().
  bool is_copy(int number) const { return slots_[static_cast<size_t>(number)].copy; }
  void mark_copy(int number) { slots_[static_cast<size_t>(number)].copy = true; }
  bool cloexec(int number) const { return slots_[static_cast<size_t>(number)].cloexec; }
  void set_cloexec(int number, bool on) { slots_[static_cast<size_t>(number)].cloexec = on; }

  int size() const { return static_cast<int>(slots_.size()); }

 private:
  struct Slot {
    std::shared_ptr<File> file;
    bool copy = false;
    bool cloexec = false;
  };
  std::vector<Slot> slots_;
  std::set<int> free_;  // below slots_.size()
};

}  // namespace vkernel
