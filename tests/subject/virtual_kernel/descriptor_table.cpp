// The free numbers are a set beside the slots, so that giving out the lowest one does not depend on
// how many are open.
#include "descriptor_table.h"

#include <cerrno>
#include <utility>

namespace vkernel {

std::shared_ptr<File> DescriptorTable::find(int number) const {
  if (number < 0 || number >= size()) return nullptr;
  return slots_[static_cast<size_t>(number)].file;
}

int DescriptorTable::add(std::shared_ptr<File> file, int from) {
  const auto free = free_.lower_bound(from);
  int number = free != free_.end() ? *free : size();
  if (number < from) number = from;
  if (number >= kLimit) return -EMFILE;
  put(number, std::move(file));
#if defined(KQ_PLANT_NUMBER_TWICE)
  free_.erase(number);
#endif
  return number;
}

void DescriptorTable::put(int number, std::shared_ptr<File> file) {
  while (size() <= number) {
    free_.insert(size());
    slots_.emplace_back();
  }
  slots_[static_cast<size_t>(number)] = Slot{std::move(file)};
#if !defined(KQ_PLANT_NUMBER_TWICE)
  free_.erase(number);
#endif
}

std::shared_ptr<File> DescriptorTable::remove(int number) {
  std::shared_ptr<File> file = std::move(slots_[static_cast<size_t>(number)].file);
  slots_[static_cast<size_t>(number)] = {};
  free_.insert(number);
  return file;
}

}  // namespace vkernel
