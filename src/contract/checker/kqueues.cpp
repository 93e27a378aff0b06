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

// The oldest window that is open: the calls that close and reopen a number may overlap, but the
// close came first.
void Kqueues::close(int32_t number, const Binding& binding) {
  const auto found = windows_.find(number);
  if (found == windows_.end()) return;
  for (Window& window : found->second) {
    if (window.closing != kUnreturned) continue;
    window.closing = binding.op->begin;
    window.to = binding.op->end;
    window.closed_by = binding.ref;
    return;
  }
}

uint32_t Kqueues::living_at(int32_t number, uint64_t time) const {
  const auto found = windows_.find(number);
  if (found == windows_.end()) return kNone;
  for (const Window& window : found->second) {
    if (window.from <= time && window.closing == kUnreturned) return window.kqueue;
  }
  return kNone;
}

void Kqueues::build(const std::vector<Binding>& bindings) {
  for (const Binding& binding : bindings) {
    const HistoryOp& op = *binding.op;
    if (op.value < 0 && op.returned()) continue;
    const int32_t made = static_cast<int32_t>(op.value);
    switch (op.kind) {
      case OpKind::kKqueue:
        if (!op.returned()) break;
        kqueues_.push_back({made, op.begin, 0, kUnreturned, kUnreturned});
        open(made, static_cast<uint32_t>(kqueues_.size() - 1), op);
        break;
      case OpKind::kDup:
      case OpKind::kDup2: {
        const uint32_t kqueue = living_at(op.fd, op.begin);
        if (op.kind == OpKind::kDup2 && op.fd != op.fd2) close(op.fd2, binding);
        if (kqueue == kNone || op.fd == op.fd2) break;
        if (op.kind == OpKind::kDup2 || op.returned()) {
          open(op.kind == OpKind::kDup2 ? op.fd2 : made, kqueue, op);
        }
        break;
      }
      case OpKind::kClose:
        close(op.fd, binding);
        break;
      default:
        break;
    }
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
                                     [&](const Window& w) { return w.to < begin; });
  for (; window != windows.end() && window->from <= end; ++window) {
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
