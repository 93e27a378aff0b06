// When was a descriptor number closed?
//
// A read() or write() under way keeps the file it found, whatever becomes of the number: its
// effect, and the end of the file, may come after the close has returned. Which of them met a close
// is asked here, once for each, in the order of their begins, so that it costs next to nothing.
#pragma once

#include <cstdint>
#include <vector>

#include "contract/checker/history.h"

namespace kqtorture::contract::checking {

class Closings {
 public:
  // In the order of begins.
  void add(uint32_t thread, const HistoryOp& op);
  // Did another thread's close of the number overlap this call? Asked in the order of begins.
  bool meet(uint32_t thread, const HistoryOp& op);

 private:
  struct Closing {
    uint64_t begin, end;
    uint32_t thread;
  };
  std::vector<Closing> closings_;
  size_t first_ = 0;  // all before it had ended when the last call began
  uint64_t unreturned_from_ = kUnreturned;
};

}  // namespace kqtorture::contract::checking
