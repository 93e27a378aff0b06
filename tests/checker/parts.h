// What of a history has no bearing on the rest of it? Told apart for the enumerator, in its own
// way.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "contract/checker/history.h"

namespace kqtorture::contract::testing {

// One USER ident, or the descriptor numbers that pairs, dup2 and reuse connect.
struct Part {
  std::optional<uint64_t> user;
  std::set<int> numbers;

  bool has(const Event& event) const {
    if (event.filter == filter::kUser) return user == event.ident;
    return numbers.count(static_cast<int>(event.ident)) != 0;
  }
  bool has(const HistoryOp& op) const {
    return numbers.count(op.fd) != 0 || numbers.count(op.fd2) != 0;
  }
};

std::vector<Part> parts_of(const HistoryView& history);

bool overlap(const HistoryOp& a, const HistoryOp& b);

// Did another thread's close of its number meet this read or write? Then it keeps the file it found
// for as long as it likes.
bool met_by_close(const HistoryView& history, const HistoryOp& op, size_t thread);

}  // namespace kqtorture::contract::testing
