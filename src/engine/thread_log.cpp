// From calls as the executor makes them to calls as histories have them.
#include "engine/thread_log.h"

#include <algorithm>
#include <span>

namespace kqtorture {

contract::HistoryOp history_op(const contract::Op& op, const contract::Outcome& outcome) {
  using contract::OpKind;
  contract::HistoryOp call;
  call.kind = op.kind;
  call.timeout = op.timeout;
  call.fd = op.fd;
  call.fd2 = op.fd2;
  call.value = outcome.value;
  call.error = outcome.error;
  call.amount = op.amount;
  const int opened = contract::opens(op.kind);
  if (opened == 2) {
    call.fd = outcome.fd;
    call.fd2 = outcome.fd2;
  } else if (opened == 1 && outcome.value >= 0) {
    call.value = outcome.fd;
  }
  if (op.kind == OpKind::kKevent) {
    call.nchanges = op.nchanges;
    call.nevents = op.nevents;
    call.unreadable = op.nchanges > 0 && op.changes_readable == 0;
  }
  return call;
}

std::span<const contract::Event> ThreadLog::changes_of(const contract::Op& op) {
  if (op.kind != contract::OpKind::kKevent) return {};
  int count = std::max(op.nchanges, 0);
  if (op.changes_readable != contract::Op::kAll) count = std::min(count, op.changes_readable);
  return {op.changes, static_cast<size_t>(count)};
}

std::span<const contract::Event> events_of(const contract::Op& op,
                                           const contract::Outcome& outcome) {
  if (op.kind != contract::OpKind::kKevent || outcome.value <= 0) return {};
  int64_t count = outcome.value;
  if (op.events_writable != contract::Op::kAll) {
    count = std::min<int64_t>(count, op.events_writable);
  }
  return {outcome.events, static_cast<size_t>(count)};
}

void ThreadLog::ended(const contract::Op& op, const contract::Outcome& outcome, uint64_t time) {
  waits_on_.store(-1, std::memory_order_release);
  progress_.fetch_add(1, std::memory_order_release);
  contract::HistoryOp call = history_op(op, outcome);
  call.begin = begun_;
  call.end = time;
  const std::span<const contract::Event> seen = events_of(op, outcome);
  if (op.kind == contract::OpKind::kKevent && static_cast<int64_t>(seen.size()) < outcome.value) {
    // What was returned into memory that faults, nobody saw: from here on the log says nothing.
    calls_.truncated = std::min(calls_.truncated, begun_);
    return;
  }
  calls_.add(call, changes_of(op), seen);
}

void ThreadLog::unreturned(const contract::Op& op) {
  contract::HistoryOp call = history_op(op, {});
  call.begin = begun_;
  call.end = contract::kUnreturned;
  calls_.add(call, changes_of(op));
}

void ThreadLog::begin_operation(const Op& op) {
  if (used_ == operations_.size()) operations_.emplace_back();
  Operation& operation = operations_[used_++];
  operation.op = &op;
  operation.first_call = operation.end_call = static_cast<uint32_t>(calls_.ops.size());
  operation.begin = operation.end = 0;
  operation.done = false;
  operation.open = true;
  operation.returned = {};
  operation.events.clear();
}

void ThreadLog::end_operation(const Returned& returned, bool done) {
  Operation& operation = operations_[used_ - 1];
  operation.end_call = static_cast<uint32_t>(calls_.ops.size());
  operation.done = done;
  operation.open = false;
  operation.returned = returned;
  if (operation.end_call > operation.first_call) {
    operation.begin = calls_.ops[operation.first_call].begin;
    operation.end = calls_.ops.back().end;
  }
  const bool events = operation.op->kind == OpKind::kKevent && returned.value > 0;
  if (events) operation.events.assign(returned.events, returned.events + returned.value);
  operation.returned.events = nullptr;
}

void ThreadLog::reset() {
  calls_.ops.clear();
  calls_.events.clear();
  calls_.truncated = contract::kUnreturned;
  used_ = 0;
  waits_on_.store(-1, std::memory_order_relaxed);
}

void ThreadLogger::before(contract::Op* op) { began(*op, clock_.before()); }

bool ThreadLogger::after(const contract::Op& op, const contract::Outcome& outcome) {
  ended(op, outcome, clock_.after(&own_));
  return true;
}

}  // namespace kqtorture
