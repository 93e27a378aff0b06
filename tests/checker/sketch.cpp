// Threads are found by themselves: a call goes to the first thread that is free at its begin.
#include "sketch.h"

#include <gtest/gtest.h>

namespace kqtorture::contract::testing {

Event user(uint16_t flags, uint64_t udata, uint32_t fflags, int64_t data) {
  return {1, filter::kUser, flags, fflags, data, udata};
}

Event read_event(uint16_t flags, uint64_t udata, int64_t data, uint64_t ident) {
  return {ident, filter::kRead, flags, 0, data, udata};
}

Sketch triggered(uint16_t flags) {
  Sketch sketch;
  sketch.change(10, 11, user(kAdd | flags, 1)).change(12, 13, user(0, 1, note::kTrigger));
  return sketch;
}

Sketch::Sketch() {
  call(1, 2, OpKind::kKqueue, -1, 0, kQueue);
  call(3, 4, OpKind::kPipe, kReader, 0, 0, kWriter);
}

History::Thread& Sketch::thread(size_t index) {
  if (history_.threads.size() <= index) history_.threads.resize(index + 1);
  return history_.threads[index];
}

Sketch& Sketch::on(size_t thread) {
  chosen_ = thread;
  choose_ = true;
  return *this;
}

Sketch& Sketch::add(uint64_t begin, uint64_t end, HistoryOp op, const std::vector<Event>& changes,
                    const std::vector<Event>& seen) {
  op.begin = begin;
  op.end = end;
  size_t index = chosen_;
  if (!choose_) {
    index = 0;
    while (!thread(index).ops.empty() && thread(index).ops.back().end >= begin) ++index;
  }
  choose_ = false;
  thread(index).add(op, changes, seen);
  return *this;
}

Sketch& Sketch::call(uint64_t begin, uint64_t end, OpKind kind, int fd, int64_t amount,
                     int64_t value, int fd2, int error) {
  HistoryOp op;
  op.kind = kind;
  op.fd = fd;
  op.fd2 = fd2;
  op.amount = amount;
  op.value = value;
  op.error = error;
  return add(begin, end, op);
}

Sketch& Sketch::changes(uint64_t begin, uint64_t end, std::vector<Event> changes, int room,
                        std::vector<Event> seen, int64_t value, int error) {
  HistoryOp op;
  op.fd = kQueue;
  op.nchanges = static_cast<int32_t>(changes.size());
  op.nevents = room;
  op.value = value;
  op.error = error;
  return add(begin, end, op, changes, seen);
}

Sketch& Sketch::change(uint64_t begin, uint64_t end, const Event& change, int error) {
  return changes(begin, end, {change}, 0, {}, error == 0 ? 0 : -1, error);
}

Sketch& Sketch::wait(uint64_t begin, uint64_t end, std::vector<Event> seen) {
  HistoryOp op;
  op.fd = kQueue;
  op.nevents = 4;
  op.timeout = Timeout::kForever;
  op.value = static_cast<int64_t>(end == kUnreturned ? 0 : seen.size());
  return add(begin, end, op, {}, seen);
}

Sketch& Sketch::poll(uint64_t begin, uint64_t end, std::vector<Event> seen) {
  const auto count = static_cast<int64_t>(seen.size());
  return changes(begin, end, {}, 4, std::move(seen), count);
}

Sketch& Sketch::probe(uint64_t begin, uint64_t end, std::vector<Event> seen) {
  HistoryOp op;
  op.fd = kQueue;
  op.nevents = 4;
  op.quiescent = true;
  op.value = static_cast<int64_t>(seen.size());
  return add(begin, end, op, {}, seen);
}

Sketch& Sketch::failed_wait(uint64_t begin, uint64_t end, int error) {
  HistoryOp op;
  op.fd = kQueue;
  op.nevents = 4;
  op.timeout = Timeout::kForever;
  op.value = -1;
  op.error = error;
  return add(begin, end, op);
}

Sketch& Sketch::judged_by(const char* profile, const char* host) {
  profile_ = profile;
  host_ = host;
  return *this;
}

CheckReport Sketch::check() const {
  const HistoryView view = history_.view();
  EXPECT_EQ(malformed(view), "");
  return check_history(view, *find_profile(profile_), *find_host(host_));
}

std::string Sketch::verdict() const {
  const CheckReport report = check();
  if (report.violation) return report.violation->rule + " " + report.violation->verdict;
  return report.decided() ? "accepted" : "undecided";
}

}  // namespace kqtorture::contract::testing
