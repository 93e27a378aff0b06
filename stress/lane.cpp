// The calls of a lane: those of its log, and an eye on how full the log is.
#include "lane.h"

#include <errno.h>
#include <fcntl.h>

#include <chrono>
#include <utility>

#include "jitter.h"
#include "sanitizer.h"
#include "subject/socket_flags.h"

namespace kqtorture {

uint64_t now_ns() { return RecorderClock::monotonic_ns(); }

Kevent make_change(uintptr_t ident, int16_t filter, uint16_t flags, void* udata, uint32_t fflags,
                   intptr_t data) {
  return Kevent{ident, filter, flags, fflags, data, udata};
}

Lane::Lane(int index, const Subject& subject, RecordedThread* log, Signals* signals)
    : index_(index),
      subject_(subject),
      log_(*log),
      signals_(signals),
      hosts_pipe2_(is_hosts_own(subject, subject.calls().pipe2)),
      hosts_socketpair_(is_hosts_own(subject, subject.calls().socketpair)),
      hosts_close_(is_hosts_own(subject, subject.calls().close)),
      hosts_dup_(is_hosts_own(subject, subject.calls().dup)),
      hosts_dup2_(is_hosts_own(subject, subject.calls().dup2)) {}

void Lane::begin_round(uint64_t round, uint64_t seed, uint64_t spread) {
  round_ = round;
  random_ = Random(seed);
  spread_ = spread;
  serial_ = 0;
  work_.fill(0);
  accusation_.reset();
}

void Lane::look_at_log() {
  if (log_.nearly_full()) signals_->stop.store(true, std::memory_order_relaxed);
}

template <typename Result>
Result Lane::logged(Result result) {
  const int error = errno;
  look_at_log();
  errno = error;
  return result;
}

int Lane::kevent(int kq, const Kevent* changes, int nchanges, Kevent* events, int nevents,
                 const timespec* timeout) {
  in_call_.store(true, std::memory_order_relaxed);
  const int result = log_.kevent(kq, changes, nchanges, events, nevents, timeout);
  in_call_.store(false, std::memory_order_relaxed);
  if (result <= nevents) return logged(result);
  accuse({"wrong-answer", "I13", "kevent() returned more events than there was room for", {}, 0});
  return 0;
}

int Lane::probe(int kq, Kevent* events, int nevents) { return log_.probe(kq, events, nevents); }

int Lane::change(int kq, const Kevent& change) {
  return kevent(kq, &change, 1, nullptr, 0, nullptr) < 0 ? errno : 0;
}

int Lane::kqueue() { return logged(log_.kqueue()); }

bool Lane::pipe(int ends[2]) {
  const IgnoreDescriptorWrites ignore(hosts_pipe2_);
  return logged(log_.pipe2(ends, O_NONBLOCK | O_CLOEXEC)) == 0;
}

bool Lane::socketpair(int ends[2]) {
  const IgnoreDescriptorWrites ignore(hosts_socketpair_);
  const int type = SOCK_STREAM | kSocketNonblock | kSocketCloexec;
  if (logged(log_.socketpair(AF_UNIX, type, 0, ends)) != 0) return false;
  return finish_socket(subject_.calls(), ends[0], true) &&
         finish_socket(subject_.calls(), ends[1], true);
}

int Lane::close(int fd) {
  const IgnoreDescriptorWrites ignore(hosts_close_);
  return logged(log_.close(fd));
}

int Lane::dup(int fd) {
  const IgnoreDescriptorWrites ignore(hosts_dup_);
  return logged(log_.dup(fd));
}

int Lane::dup2(int from, int to) {
  const IgnoreDescriptorWrites ignore(hosts_dup2_);
  return logged(log_.dup2(from, to));
}

ssize_t Lane::write(int fd, size_t size) {
  static const char bytes[512] = {};
  return logged(log_.write(fd, bytes, size < sizeof bytes ? size : sizeof bytes));
}

size_t Lane::drain(int fd) {
  char bytes[512];
  size_t total = 0;
  for (;;) {
    const ssize_t size = logged(log_.read(fd, bytes, sizeof bytes));
    if (size <= 0) return total;
    total += static_cast<size_t>(size);
    if (size < static_cast<ssize_t>(sizeof bytes)) return total;
  }
}

void* Lane::fresh_udata() {
  return reinterpret_cast<void*>((static_cast<uint64_t>(index_ + 1) << 40) | ++serial_);
}

void Lane::accuse(Accusation accusation) {
  if (!accusation_) {
    accusation.time = now_ns();
    accusation_ = std::move(accusation);
  }
  signals_->guilty.store(true, std::memory_order_relaxed);
}

void Lane::jitter() { rest(next_pause(&random_, spread_)); }

}  // namespace kqtorture
