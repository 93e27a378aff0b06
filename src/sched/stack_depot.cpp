// An open hash table over the nodes.
#include "sched/stack_depot.h"

namespace kqtorture::sched {

StackDepot::StackDepot() : nodes_(1), table_(8192) { nodes_.reserve(table_.size()); }

size_t StackDepot::slot(uint32_t caller, uintptr_t pc) const {
  return ((pc + caller * 0x9e3779b97f4a7c15u) * 0xff51afd7ed558ccdu >> 24) & (table_.size() - 1);
}

uint32_t StackDepot::push(uint32_t caller, uintptr_t pc) {
  size_t i = slot(caller, pc);
  for (; table_[i] != 0; i = (i + 1) & (table_.size() - 1)) {
    const Node& node = nodes_[table_[i]];
    if (node.pc == pc && node.caller == caller) return table_[i];
  }
  nodes_.push_back({pc, caller});
  const auto made = static_cast<uint32_t>(nodes_.size() - 1);
  table_[i] = made;
  if (nodes_.size() * 2 > table_.size()) {
    table_.assign(table_.size() * 2, 0);
    for (uint32_t n = 1; n < nodes_.size(); n++) {
      size_t k = slot(nodes_[n].caller, nodes_[n].pc);
      while (table_[k] != 0) k = (k + 1) & (table_.size() - 1);
      table_[k] = n;
    }
  }
  return made;
}

std::vector<uintptr_t> StackDepot::frames(uint32_t stack) const {
  std::vector<uintptr_t> frames;
  for (; stack != 0; stack = nodes_[stack].caller) frames.push_back(nodes_[stack].pc);
  return frames;
}

}  // namespace kqtorture::sched
