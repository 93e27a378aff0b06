// Call stacks as numbers: a node is a place and the number of the stack that called it.
#pragma once

#include <cstdint>
#include <vector>

namespace kqtorture::sched {

class StackDepot {
 public:
  StackDepot();
  // The stack `caller` with one more frame; 0 is the empty stack. Amortised constant time, no
  // allocation when it was seen before.
  uint32_t push(uint32_t caller, uintptr_t pc);
  // Innermost first.
  std::vector<uintptr_t> frames(uint32_t stack) const;
  // Of the innermost frame; 0 of the empty stack.
  uintptr_t pc(uint32_t stack) const { return nodes_[stack].pc; }

 private:
  struct Node {
    uintptr_t pc;
    uint32_t caller;
  };
  size_t slot(uint32_t caller, uintptr_t pc) const;

  std::vector<Node> nodes_;
  std::vector<uint32_t> table_;  // indices of nodes_, 0: vacant
};

}  // namespace kqtorture::sched
