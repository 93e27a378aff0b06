// Writing the log. Everything a call needs is written before its begin is stamped or after its end
// is, so that the recorder's own work lies outside the interval.
#include "scenario/recorder.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace kqtorture {
namespace {

using contract::HistoryOp;
using contract::OpKind;
using contract::Timeout;

// What a call that makes two descriptors answered. Right after it: errno is its.
void set_pair(int result, const int fds[2], HistoryOp* op) {
  op->value = result;
  op->error = result < 0 ? errno : 0;
  if (result != 0) return;
  op->fd = fds[0];
  op->fd2 = fds[1];
}

// One array may be copied as the other.
static_assert(sizeof(Kevent) == sizeof(contract::Event));
static_assert(offsetof(Kevent, ident) == offsetof(contract::Event, ident));
static_assert(offsetof(Kevent, filter) == offsetof(contract::Event, filter));
static_assert(offsetof(Kevent, flags) == offsetof(contract::Event, flags));
static_assert(offsetof(Kevent, fflags) == offsetof(contract::Event, fflags));
static_assert(offsetof(Kevent, data) == offsetof(contract::Event, data));
static_assert(offsetof(Kevent, udata) == offsetof(contract::Event, udata));

void copy(const Kevent* from, size_t count, contract::Event* to) {
  if (count > 0) std::memcpy(static_cast<void*>(to), from, count * sizeof *to);
}

constexpr int64_t kSecond = 1'000'000'000;
// A timeout of centuries is as good as none, and must not overflow.
constexpr time_t kLongestSeconds = INT64_MAX / kSecond - 1;

void note_timeout(const timespec* timeout, HistoryOp* op) {
  op->amount = 0;
  if (timeout == nullptr) {
    op->timeout = Timeout::kForever;
  } else if (timeout->tv_sec < 0) {
    op->timeout = Timeout::kNegative;
  } else if (timeout->tv_nsec < 0 || timeout->tv_nsec >= kSecond) {
    op->timeout = Timeout::kBadNanos;
  } else if (timeout->tv_sec == 0 && timeout->tv_nsec == 0) {
    op->timeout = Timeout::kZero;
  } else {
    op->timeout = Timeout::kFinite;
    op->amount = std::min(timeout->tv_sec, kLongestSeconds) * kSecond + timeout->tv_nsec;
  }
}

}  // namespace

RecordedThread::RecordedThread(const Subject& subject, const RecorderClock& clock,
                               const RecorderLimits& limits)
    // Filled, not reserved: the pages are there before the run.
    : subject_(subject), clock_(clock), ops_(limits.operations), events_(limits.events) {}

HistoryOp* RecordedThread::open(size_t events) {
  const uint64_t index = count_.load(std::memory_order_relaxed);
  if (truncated_ != contract::kUnreturned) return nullptr;
  if (index == ops_.size() || events > events_.size() - used_events_ ||
      events > contract::kLongestList) {
    truncated_ = clock_.before();
    return nullptr;
  }
  HistoryOp* op = &ops_[index];
  *op = HistoryOp{};
  op->first = static_cast<uint32_t>(used_events_);
  count_.store(index + 1, std::memory_order_relaxed);
  return op;
}

int RecordedThread::kevent_recorded(int kq, const Kevent* changes, int nchanges, Kevent* events,
                                    int nevents, const timespec* timeout, bool quiescent) {
  const size_t asked = static_cast<size_t>(std::max(nchanges, 0));
  const size_t given = changes != nullptr ? asked : 0;
  const size_t room = static_cast<size_t>(std::max(nevents, 0));
  HistoryOp* op = open(given + room);
  if (op == nullptr) return subject_.kevent(kq, changes, nchanges, events, nevents, timeout);
  op->kind = OpKind::kKevent;
  op->quiescent = quiescent;
  op->unreadable = given != asked;
  op->fd = kq;
  op->nchanges = nchanges;
  op->nevents = nevents;
  op->changes = static_cast<uint16_t>(given);
  note_timeout(timeout, op);
  // Before the call: the lists may be one array.
  copy(changes, given, &events_[used_events_]);
  op->begin = clock_.before();
  const int result = subject_.kevent(kq, changes, nchanges, events, nevents, timeout);
  op->end = clock_.after(&returned_);
  op->value = result;
  if (result < 0) {
    op->error = errno;
  } else {
    // More than the room would be a finding; what lies beyond the list is not ours to read.
    const size_t seen = std::min(static_cast<size_t>(result), room);
    copy(events, seen, &events_[used_events_ + given]);
    op->seen = static_cast<uint16_t>(seen);
  }
  used_events_ += given + op->seen;
  return result;
}

int RecordedThread::probe(int kq, Kevent* events, int nevents) {
  const timespec zero = {0, 0};
  return kevent_recorded(kq, nullptr, 0, events, nevents, &zero, true);
}

template <typename Call>
auto RecordedThread::recorded(OpKind kind, int fd, int64_t amount, Call call) {
  HistoryOp* op = open(0);
  if (op == nullptr) return call();
  op->kind = kind;
  op->fd = fd;
  op->amount = amount;
  op->begin = clock_.before();
  const auto result = call();
  op->end = clock_.after(&returned_);
  op->value = result;
  if (result < 0) op->error = errno;
  return result;
}

int RecordedThread::kqueue() {
  return recorded(OpKind::kKqueue, -1, 0, [&] { return subject_.kqueue(); });
}

int RecordedThread::close(int fd) {
  return recorded(OpKind::kClose, fd, 0, [&] { return subject_.close(fd); });
}

int RecordedThread::dup(int fd) {
  return recorded(OpKind::kDup, fd, 0, [&] { return subject_.calls().dup(fd); });
}

int RecordedThread::shutdown(int fd, int how) {
  return recorded(OpKind::kShutdown, fd, how, [&] { return subject_.calls().shutdown(fd, how); });
}

ssize_t RecordedThread::read(int fd, void* buffer, size_t size) {
  return recorded(OpKind::kRead, fd, static_cast<int64_t>(size),
                  [&] { return subject_.read(fd, buffer, size); });
}

ssize_t RecordedThread::write(int fd, const void* buffer, size_t size) {
  return recorded(OpKind::kWrite, fd, static_cast<int64_t>(size),
                  [&] { return subject_.write(fd, buffer, size); });
}

int RecordedThread::dup2(int from, int to) {
  HistoryOp op;
  op.kind = OpKind::kDup2;
  op.fd = from;
  op.fd2 = to;
  begin(op);
  const int result = subject_.calls().dup2(from, to);
  op.value = result;
  op.error = result < 0 ? errno : 0;
  end(op);
  return result;
}

int RecordedThread::pipe2(int fds[2], int flags) {
  HistoryOp op;
  op.kind = OpKind::kPipe;
  begin(op);
  const int result = subject_.calls().pipe2(fds, flags);
  set_pair(result, fds, &op);
  end(op);
  return result;
}

int RecordedThread::socketpair(int domain, int type, int protocol, int fds[2]) {
  const bool datagrams = (type & 0xf) == SOCK_DGRAM;
  HistoryOp op;
  op.kind = datagrams ? OpKind::kDgramPair : OpKind::kStreamPair;
  begin(op);
  const int result = subject_.calls().socketpair(domain, type, protocol, fds);
  set_pair(result, fds, &op);
  end(op);
  return result;
}

void RecordedThread::begin(const HistoryOp& op) {
  current_ = open(0);
  if (current_ == nullptr) return;
  current_->kind = op.kind;
  current_->fd = op.fd;
  current_->fd2 = op.fd2;
  current_->amount = op.amount;
  current_->begin = clock_.before();
}

void RecordedThread::end(const HistoryOp& op) {
  const int error = errno;
  if (current_ == nullptr) return;
  current_->end = clock_.after(&returned_);
  current_->fd = op.fd;
  current_->fd2 = op.fd2;
  current_->value = op.value;
  current_->error = op.error;
  current_ = nullptr;
  errno = error;
}

contract::ThreadLog RecordedThread::log() const {
  const uint64_t count = count_.load(std::memory_order_relaxed);
  return {std::span(ops_).first(count), events_, truncated_};
}

void RecordedThread::reset() {
  count_.store(0, std::memory_order_relaxed);
  used_events_ = 0;
  current_ = nullptr;
  truncated_ = contract::kUnreturned;
}

Recorder::Recorder(const Subject& subject, int threads, const RecorderLimits& limits) {
  for (int i = 0; i < threads; ++i) {
    threads_.push_back(std::make_unique<RecordedThread>(subject, clock_, limits));
  }
}

bool Recorder::truncated() const {
  return std::any_of(threads_.begin(), threads_.end(),
                     [](const auto& thread) { return thread->truncated(); });
}

contract::HistoryView Recorder::view() const {
  contract::HistoryView view;
  view.ns_per_tick = clock_.ns_per_tick();
  for (const auto& thread : threads_) view.threads.push_back(thread->log());
  return view;
}

void Recorder::reset() {
  for (const auto& thread : threads_) thread->reset();
}

}  // namespace kqtorture
