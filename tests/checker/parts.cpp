// Parts are merged whenever a call connects the numbers of two of them.
#include "parts.h"

#include <cerrno>

namespace kqtorture::contract::testing {

std::vector<Part> parts_of(const HistoryView& history) {
  std::vector<Part> parts;
  const auto part_of = [&parts](int number) {
    size_t i = 0;
    while (i < parts.size() && parts[i].numbers.count(number) == 0) ++i;
    if (i == parts.size()) parts.push_back({{}, {number}});
    return i;
  };
  std::set<uint64_t> users;
  for (const ThreadLog& log : history.threads) {
    for (const HistoryOp& op : log.ops) {
      const bool failed = op.returned() && op.value < 0;
      if (op.kind == OpKind::kKevent || op.kind == OpKind::kKqueue || op.fd < 0) continue;
      const size_t one = part_of(op.fd);
      if (op.fd2 < 0 || failed) continue;
      const size_t other = part_of(op.fd2);
      if (one == other) continue;
      parts[one].numbers.insert(parts[other].numbers.begin(), parts[other].numbers.end());
      parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(other));
    }
    for (const Event& event : log.events) {
      if (event.filter == filter::kUser) users.insert(event.ident);
      if (event.filter == filter::kRead) part_of(static_cast<int>(event.ident));
    }
  }
  for (const uint64_t user : users) parts.push_back({user, {}});
  return parts;
}

bool overlap(const HistoryOp& a, const HistoryOp& b) {
  return a.begin <= b.end && b.begin <= a.end;
}

bool met_by_close(const HistoryView& history, const HistoryOp& op, size_t thread) {
  if (op.returned() && op.value < 0 && op.error == EBADF) return false;
  for (size_t t = 0; t < history.threads.size(); ++t) {
    for (const HistoryOp& other : history.threads[t].ops) {
      const bool failed = other.returned() && other.value < 0;
      const bool same = t == thread && other.returned();
      if (same || failed || !overlap(op, other)) continue;
      if (other.kind == OpKind::kClose && other.fd == op.fd) return true;
      if (other.kind != OpKind::kDup2 || other.fd == other.fd2) continue;
      if (other.fd2 == op.fd) return true;
    }
  }
  return false;
}

}  // namespace kqtorture::contract::testing
