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

void ThreadLogger::before(contract::Op* op) {
  if (op->kind == contract::OpKind::kKevent && op->timeout == contract::Timeout::kForever) {
    waits_on_.store(op->fd, std::memory_order_release);
  }
  begun_ = clock_.before();
}

bool ThreadLogger::after(const contract::Op& op, const contract::Outcome& outcome) {
  const uint64_t end = clock_.after(&own_);
  waits_on_.store(-1, std::memory_order_release);
  progress_.fetch_add(1, std::memory_order_release);
  contract::HistoryOp call = history_op(op, outcome);
  call.begin = begun_;
  call.end = end;
  std::span<const contract::Event> changes, seen;
  if (op.kind == contract::OpKind::kKevent) {
    int count = std::max(op.nchanges, 0);
    if (op.changes_readable != contract::Op::kAll) count = std::min(count, op.changes_readable);
    changes = {op.changes, static_cast<size_t>(count)};
    if (outcome.value > 0) seen = {outcome.events, static_cast<size_t>(outcome.value)};
  }
  calls_.add(call, changes, seen);
  return true;
}

void ThreadLogger::begin_operation(const Op& op) {
  Operation operation{};
  operation.op = &op;
  operation.first_call = static_cast<uint32_t>(calls_.ops.size());
  operations_.push_back(std::move(operation));
}

void ThreadLogger::end_operation(const Returned& returned, bool done) {
  Operation& operation = operations_.back();
  operation.end_call = static_cast<uint32_t>(calls_.ops.size());
  operation.done = done;
  operation.returned = returned;
  if (operation.end_call > operation.first_call) {
    operation.begin = calls_.ops[operation.first_call].begin;
    operation.end = calls_.ops.back().end;
  }
  const bool events = operation.op->kind == OpKind::kKevent && returned.value > 0;
  if (events) operation.events.assign(returned.events, returned.events + returned.value);
  operation.returned.events = nullptr;
}

void ThreadLogger::reset() {
  calls_ = {};
  operations_.clear();
  waits_on_.store(-1, std::memory_order_relaxed);
}

}  // namespace kqtorture
