// The small print of a history: how calls are appended, when a log is no history at all, and how a
// call reads as a line.
#include "contract/checker/history.h"

#include <algorithm>

namespace kqtorture::contract {
namespace {

const char* timeout_text(Timeout timeout) {
  switch (timeout) {
    case Timeout::kZero:
      return "zero";
    case Timeout::kFinite:
      return "wait";
    case Timeout::kForever:
      return "forever";
    case Timeout::kNegative:
      return "negative";
    case Timeout::kBadNanos:
      return "bad nanoseconds";
    case Timeout::kUnreadable:
      return "unreadable";
  }
  return "?";
}

bool known(const HistoryOp& op) {
  return static_cast<int>(op.kind) < kOpKinds &&
         static_cast<int>(op.timeout) <= static_cast<int>(Timeout::kUnreadable);
}

std::string malformed_op(const ThreadLog& log, size_t index) {
  const HistoryOp& op = log.ops[index];
  if (!known(op)) return "unknown kind of call or timeout";
  if (op.begin > op.end || op.begin == kUnreturned) return "a call ends before it begins";
  if (index > 0 && log.ops[index - 1].end > op.begin) {
    return "a call begins before the one before it has ended";
  }
  const uint64_t last = uint64_t{op.first} + op.changes + op.seen;
  if (last > log.events.size()) return "a list lies outside the events";
  if (op.kind != OpKind::kKevent) {
    return op.changes + op.seen == 0 ? "" : "a call that is no kevent() has lists";
  }
  // A kqueue may claim to have returned more than there was room for; then the room was recorded.
  const int64_t returned = op.returned() ? std::max<int64_t>(op.value, 0) : 0;
  if (op.seen != returned && (op.seen > returned || op.seen != op.nevents)) {
    return "the returned list is not as long as the call returned";
  }
  if (op.unreadable ? op.changes != 0 : op.changes != std::max(op.nchanges, 0)) {
    return "the changelist is not as long as the call says";
  }
  if (op.quiescent && op.timeout != Timeout::kZero) return "a quiescent probe that waits";
  return {};
}

std::string list(std::span<const Event> events) {
  std::string text = "{";
  for (const Event& event : events) {
    if (text.size() > 1) text += ", ";
    text += to_text(event);
  }
  return text + "}";
}

}  // namespace

void History::Thread::add(const HistoryOp& call, std::span<const Event> changes,
                          std::span<const Event> seen) {
  HistoryOp op = call;
  op.first = static_cast<uint32_t>(events.size());
  op.changes = static_cast<uint16_t>(changes.size());
  op.seen = static_cast<uint16_t>(seen.size());
  events.insert(events.end(), changes.begin(), changes.end());
  events.insert(events.end(), seen.begin(), seen.end());
  ops.push_back(op);
}

HistoryView History::view() const {
  HistoryView view;
  view.ns_per_tick = ns_per_tick;
  for (const Thread& thread : threads) {
    view.threads.push_back({thread.ops, thread.events, thread.truncated});
  }
  return view;
}

History copy_of(const HistoryView& view) {
  History history;
  history.ns_per_tick = view.ns_per_tick;
  for (const ThreadLog& log : view.threads) {
    history.threads.push_back(
        {{log.ops.begin(), log.ops.end()}, {log.events.begin(), log.events.end()}, log.truncated});
  }
  return history;
}

std::string malformed(const HistoryView& view) {
  if (!(view.ns_per_tick > 0 && view.ns_per_tick < 1e9)) return "no clock has such ticks";
  for (size_t t = 0; t < view.threads.size(); ++t) {
    const ThreadLog& log = view.threads[t];
    for (size_t i = 0; i < log.ops.size(); ++i) {
      const std::string what = malformed_op(log, i);
      if (!what.empty()) {
        return "thread " + std::to_string(t) + ", call " + std::to_string(i) + ": " + what;
      }
    }
    if (!log.ops.empty() && log.truncated < log.ops.back().begin) {
      return "thread " + std::to_string(t) + ": calls after the end of the log";
    }
  }
  return {};
}

uint64_t operations(const HistoryView& view) {
  uint64_t count = 0;
  for (const ThreadLog& log : view.threads) count += log.ops.size();
  return count;
}

std::string to_text(const ThreadLog& log, const HistoryOp& op) {
  if (op.kind != OpKind::kKevent) {
    Op plain;
    plain.kind = op.kind;
    plain.fd = op.fd;
    plain.fd2 = op.fd2;
    plain.amount = op.amount;
    Outcome outcome;
    outcome.value = op.value;
    outcome.error = op.error;
    outcome.fd = op.fd;
    outcome.fd2 = op.fd2;
    return op.returned() ? to_text(plain, outcome) : to_text(plain);
  }
  std::string text = "kevent(" + std::to_string(op.fd) + ", " + list(log.changes(op)) + ", room " +
                     std::to_string(op.nevents) + ", " + timeout_text(op.timeout) + ")";
  if (!op.returned()) return text + " has not returned";
  text += " = " + std::to_string(op.value);
  if (op.value < 0) return text + " " + errno_name(op.error);
  return op.seen > 0 ? text + " " + list(log.seen(op)) : text;
}

}  // namespace kqtorture::contract
