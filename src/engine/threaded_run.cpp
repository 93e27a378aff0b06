// Nothing here knows how threads are made to run; what runs on which is the engines' business.
#include "engine/threaded_run.h"

#include <algorithm>
#include <cerrno>

#include "engine/sequential.h"
#include "scenario/print.h"

namespace kqtorture {

ThreadedRun::ThreadedRun(const Subject& subject, const Program& program)
    : subject_(subject), program_(program), world_(subject) {
  for (const Thread& thread : program.threads) {
    if (thread.role == Role::kThread) threads_.push_back(&thread);
  }
}

void ThreadedRun::add(std::unique_ptr<ThreadLog> log) {
  logs_.push_back(std::move(log));
  executors_.push_back(std::make_unique<Executor>(&world_, logs_.back().get()));
}

std::string ThreadedRun::name_of(size_t lane) const {
  return lane == 0 ? "main" : std::string(threads_[lane - 1]->name.view());
}

bool ThreadedRun::begin(std::string* why_not) {
  for (const auto& log : logs_) log->reset();
  for (const auto& executor : executors_) executor->prepare(program_);
  probes_.clear();
  return world_.begin(program_, logs_[0].get(), why_not);
}

void ThreadedRun::section(Role role) {
  for (const Thread& thread : program_.threads) {
    if (thread.role != role) continue;
    for (const Op& op : thread.ops) operate(0, op);
  }
}

void ThreadedRun::operate(size_t lane, const Op& op) {
  logs_[lane]->begin_operation(op);
  const Executor::Result done = executors_[lane]->run(op);
  logs_[lane]->end_operation(executors_[lane]->returned(), done == Executor::Result::kDone);
}

void ThreadedRun::probe(int kq) {
  Kevent events[limit::kRoom];
  const timespec zero{};
  contract::Op op;
  op.fd = kq;
  op.nevents = limit::kRoom;
  probes_.push_back(probe_in_words(kq));
  logs_[0]->begin_operation(probes_.back());
  logs_[0]->before(&op);
  contract::Outcome outcome;
  outcome.events = reinterpret_cast<const contract::Event*>(events);
  outcome.value = subject_.kevent(kq, nullptr, 0, events, limit::kRoom, &zero);
  if (outcome.value < 0) outcome.error = errno;
  logs_[0]->after(op, outcome);
  logs_[0]->calls().ops.back().quiescent = true;
  logs_[0]->end_operation({outcome.value, outcome.error, outcome.events}, true);
}

// The operation that a probe would be if the program had it.
Op ThreadedRun::probe_in_words(int kq) const {
  Op op;
  op.kind = OpKind::kKevent;
  op.target.number = static_cast<uint64_t>(kq);
  op.room = limit::kRoom;
  for (size_t i = 0; i < program_.objects.size(); i++) {
    const Ref ref{static_cast<uint8_t>(i), 0, 0};
    const bool kqueue = program_.objects[i].kind == ObjectKind::kKqueue;
    if (kqueue && world_.number(ref) == kq) op.target = ref;
  }
  return op;
}

const contract::HistoryView& ThreadedRun::view(double ns_per_tick) {
  view_.ns_per_tick = ns_per_tick;
  view_.threads.clear();
  for (const auto& log : logs_) {
    const contract::History::Thread& calls = log->calls();
    view_.threads.push_back({calls.ops, calls.events, calls.truncated});
  }
  return view_;
}

uint64_t ThreadedRun::deliveries() const {
  uint64_t sum = 0;
  for (const auto& log : logs_) {
    for (const contract::HistoryOp& call : log->calls().ops) sum += call.seen;
  }
  return sum;
}

uint64_t ThreadedRun::origin() const {
  uint64_t origin = UINT64_MAX;
  for (const auto& log : logs_) {
    for (const ThreadLog::Operation& operation : log->operations()) {
      if (operation.done) origin = std::min(origin, operation.begin);
      if (operation.open) origin = std::min(origin, log->begun());
    }
  }
  return origin;
}

Lanes ThreadedRun::lanes(contract::OpRef guilty, double ns_per_tick) const {
  Lanes lanes;
  lanes.caption = "no order explains this run:";
  const uint64_t first = origin();
  const auto microseconds = [&](uint64_t time) {
    return static_cast<double>(time - first) * ns_per_tick / 1000;
  };
  for (size_t t = 0; t < logs_.size(); t++) {
    lanes.names.push_back(name_of(t));
    for (const ThreadLog::Operation& operation : logs_[t]->operations()) {
      Lanes::Call call;
      call.lane = static_cast<uint32_t>(t);
      if (operation.open) {
        call.begin = microseconds(logs_[t]->begun());
        call.text = print_op(program_, *operation.op);
      } else if (operation.done && operation.end_call > operation.first_call) {
        Returned returned = operation.returned;
        returned.events = operation.events.data();
        call.begin = microseconds(operation.begin);
        call.end = microseconds(operation.end);
        call.text = describe(program_, world_, *operation.op, returned);
      } else {
        continue;
      }
      call.guilty = guilty.thread == t && guilty.op >= operation.first_call &&
                    (operation.open || guilty.op < operation.end_call);
      lanes.calls.push_back(std::move(call));
    }
  }
  return lanes;
}

}  // namespace kqtorture
