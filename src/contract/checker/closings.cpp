// A window that moves over the closes of one number.
#include "contract/checker/closings.h"

#include <algorithm>

namespace kqtorture::contract::checking {

void Closings::add(uint32_t thread, const HistoryOp& op) {
  if (op.returned()) {
    closings_.push_back({op.begin, op.end, thread});
  } else {
    // Its thread does nothing after it, so it is another thread's for whoever overlaps it.
    unreturned_from_ = std::min(unreturned_from_, op.begin);
  }
}

bool Closings::meet(uint32_t thread, const HistoryOp& op) {
  if (unreturned_from_ != kUnreturned && unreturned_from_ <= op.end) return true;
  while (first_ < closings_.size() && closings_[first_].end < op.begin) ++first_;
  for (size_t i = first_; i < closings_.size() && closings_[i].begin <= op.end; ++i) {
    if (closings_[i].end >= op.begin && closings_[i].thread != thread) return true;
  }
  return false;
}

}  // namespace kqtorture::contract::checking
