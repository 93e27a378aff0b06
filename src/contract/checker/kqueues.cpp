// Windows of time in which a number was a kqueue.
#include "contract/checker/kqueues.h"

#include <algorithm>

namespace kqtorture::contract::checking {
namespace {

constexpr uint32_t kNone = UINT32_MAX;

uint64_t key_of(OpRef ref) { return static_cast<uint64_t>(ref.thread) << 32 | ref.op; }

}  // namespace

void Kqueues::open(int32_t number, uint32_t kqueue, const HistoryOp& op) {
  Window window;
  window.from = op.begin;
  window.surely_from = op.end;
  window.kqueue = kqueue;
  windows_[number].push_back(window);
}

// A number is opened and closed in turn: between two openings one of the closes that can have been
// there ended the first. When there are several nobody says which, so the number is not surely open
// once the first of them has begun.
void Kqueues::match_closes(std::vector<Window>* windows, std::vector<Binding> closes) {
  std::stable_sort(windows->begin(), windows->end(),
                   [](const Window& a, const Window& b) { return a.surely_from < b.surely_from; });
  std::stable_sort(closes.begin(), closes.end(),
                   [](const Binding& a, const Binding& b) { return a.op->end < b.op->end; });
  const auto take = [&closes](uint64_t from, uint64_t until, Window* window) {
    size_t chosen = closes.size(), candidates = 0;
    uint64_t closing = kUnreturned;
    for (size_t i = 0; i < closes.size(); ++i) {
      const HistoryOp& op = *closes[i].op;
      if (op.end < from || op.begin > until || window->opened_by == &op) continue;
      if (chosen == closes.size()) chosen = i;
      closing = std::min(closing, op.begin);
      ++candidates;
    }
    if (candidates == 0) return false;
    window->closing = closing;
    window->to = closes[chosen].op->end;
    // A call that has returned the number found it free, however long the close goes on.
    if (until != kUnreturned && (candidates > 1 || window->to > until)) window->to = until;
    window->closed_by = closes[chosen].ref;
    closes.erase(closes.begin() + static_cast<std::ptrdiff_t>(chosen));
    return true;
  };
  // What was open before the recording began, and whose close may as well be the first opening's.
  Window before;
  const uint64_t first = windows->front().from;
  uint64_t doubtful = kUnreturned;
  while (!closes.empty() && closes.front().op->end < first) closes.erase(closes.begin());
  if (!closes.empty() && closes.front().op->begin < first) {
    doubtful = closes.front().op->begin;
    take(0, windows->front().surely_from, &before);
  }
  for (size_t i = 0; i < windows->size(); ++i) {
    Window& window = (*windows)[i];
    const bool last = i + 1 == windows->size();
    const uint64_t until = last ? kUnreturned : (*windows)[i + 1].surely_from;
    if (!take(window.from, until, &window) && !last) {
      window.closing = window.from;  // nobody recorded it
      window.to = until;
    }
  }
  windows->front().closing = std::min(windows->front().closing, doubtful);
}

// A duplicate of what the number was open on: of the kqueue that it may have been, and then surely
// only if it can have been nothing else.
void Kqueues::duplicate(const HistoryOp& op, Window* made) const {
  const auto found = windows_.find(op.fd);
  made->kqueue = kNone;
  if (found == windows_.end()) return;
  int possible = 0;
  bool surely = false;
  for (const Window& window : found->second) {
    if (window.from > op.end || window.to < op.begin) continue;
    ++possible;
    if (window.kqueue == kNone) continue;
    made->kqueue = window.kqueue;
    surely = window.from <= op.begin && window.closing > op.begin;
  }
  if (possible > 1 || !surely) made->closing = std::min(made->closing, made->from);
}

// Openings of any kind: a close ends whatever the number is open on.
void Kqueues::open_all(const std::vector<Binding>& bindings) {
  for (const Binding& binding : bindings) {
    const HistoryOp& op = *binding.op;
    if (!op.returned() || op.value < 0) continue;
    const auto note = [&](int64_t number, uint32_t kqueue) {
      open(static_cast<int32_t>(number), kqueue, op);
      windows_[static_cast<int32_t>(number)].back().opened_by = &op;
    };
    switch (op.kind) {
      case OpKind::kKqueue:
        kqueues_.push_back({static_cast<int32_t>(op.value), op.begin, 0, kUnreturned, kUnreturned});
        note(op.value, static_cast<uint32_t>(kqueues_.size() - 1));
        break;
      case OpKind::kDup2:
        if (op.fd != op.fd2) note(op.fd2, kNone);
        break;
      case OpKind::kPipe:
      case OpKind::kStreamPair:
      case OpKind::kDgramPair:
      case OpKind::kTcpPair:
        note(op.fd, kNone);
        note(op.fd2, kNone);
        break;
      case OpKind::kClose:
        break;
      default:
        note(op.value, kNone);
        break;
    }
  }
}

void Kqueues::build(const std::vector<Binding>& bindings) {
  open_all(bindings);
  std::unordered_map<int32_t, std::vector<Binding>> closes;
  for (const Binding& binding : bindings) {
    const HistoryOp& op = *binding.op;
    if (op.returned() && op.value < 0) continue;
    if (op.kind == OpKind::kClose) closes[op.fd].push_back(binding);
    if (op.kind == OpKind::kDup2 && op.fd != op.fd2) closes[op.fd2].push_back(binding);
  }
  for (auto& [number, windows] : windows_) match_closes(&windows, std::move(closes[number]));
  // What a duplicate is open on was known before it was.
  for (const Binding& binding : bindings) {
    const HistoryOp& op = *binding.op;
    const bool duplicates = op.kind == OpKind::kDup || op.kind == OpKind::kDup2;
    if (!duplicates || !op.returned() || op.value < 0 || op.fd == op.fd2) continue;
    const int64_t made = op.kind == OpKind::kDup ? op.value : op.fd2;
    for (Window& window : windows_[static_cast<int32_t>(made)]) {
      if (window.opened_by == &op) duplicate(op, &window);
    }
  }
  for (auto entry = windows_.begin(); entry != windows_.end();) {
    std::erase_if(entry->second, [](const Window& window) { return window.kqueue == kNone; });
    std::stable_sort(entry->second.begin(), entry->second.end(),
                     [](const Window& a, const Window& b) { return a.from < b.from; });
    uint64_t reach = 0;
    for (Window& window : entry->second) window.reach = reach = std::max(reach, window.to);
    entry = entry->second.empty() ? windows_.erase(entry) : std::next(entry);
  }
  name_identities();
}

// A kqueue dies with its last descriptor: not before the last close of one began, and by the time
// the last has ended.
void Kqueues::name_identities() {
  std::vector<uint64_t> dying(kqueues_.size(), 0), dead(kqueues_.size(), 0);
  std::vector<OpRef> last(kqueues_.size());
  for (const auto& [number, windows] : windows_) {
    for (const Window& window : windows) {
      dying[window.kqueue] = std::max(dying[window.kqueue], window.closing);
      if (window.to >= dead[window.kqueue]) {
        dead[window.kqueue] = window.to;
        last[window.kqueue] = window.closed_by;
      }
    }
  }
  // Kqueues with the same first number share an identity when one was dead before the other began.
  std::unordered_map<int32_t, std::vector<std::pair<uint32_t, uint64_t>>> by_number;
  for (size_t i = 0; i < kqueues_.size(); ++i) {
    Kqueue& kqueue = kqueues_[i];
    kqueue.dying = dying[i];
    kqueue.dead = dead[i];
    uint32_t identity = kNone;
    for (auto& [known, dead_by] : by_number[kqueue.number]) {
      if (dead_by >= kqueue.from) continue;
      identity = known;
      dead_by = kqueue.dead;
      break;
    }
    if (identity == kNone) {
      identity = identities_++;
      by_number[kqueue.number].emplace_back(identity, kqueue.dead);
    }
    kqueue.identity = identity;
    if (kqueue.dead != kUnreturned) ends_[key_of(last[i])] = identity;
  }
}

const std::vector<Kqueues::Meaning>& Kqueues::meanings(int32_t number, uint64_t begin,
                                                       uint64_t end) {
  answer_.clear();
  const auto found = windows_.find(number);
  if (found == windows_.end()) {
    const auto [entry, is_new] = implicit_.try_emplace(number, identities_);
    if (is_new) ++identities_;
    answer_.push_back({KqueueOpen::kMaybe, entry->second, false, false});
    return answer_;
  }
  const std::vector<Window>& windows = found->second;
  // The first window that was not closed before the call began.
  auto window = std::partition_point(windows.begin(), windows.end(),
                                     [&](const Window& w) { return w.reach < begin; });
  for (; window != windows.end() && window->from <= end; ++window) {
    if (window->to < begin) continue;
    const Kqueue& kqueue = kqueues_[window->kqueue];
    const bool surely = window->surely_from <= begin && window->closing >= end;
    const bool dying = kqueue.dying != kUnreturned && end >= kqueue.dying;
    answer_.push_back(
        {surely ? KqueueOpen::kSurely : KqueueOpen::kMaybe, kqueue.identity, dying, true});
  }
  return answer_;
}

int64_t Kqueues::ended_by(OpRef ref) const {
  const auto found = ends_.find(key_of(ref));
  return found == ends_.end() ? -1 : static_cast<int64_t>(found->second);
}

}  // namespace kqtorture::contract::checking
