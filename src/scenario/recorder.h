// How does a run leave its history without changing it?
//
// Each thread writes a log of its own: memory that was allocated and touched before the run, a
// clock that is read and not shared, no lock, no atomic that orders anything. So recording neither
// hides a race from ThreadSanitizer nor makes one, and costs a few dozen nanoseconds a call. When a
// log is full the thread goes on unrecorded and the log says from when on ("truncated").
//
//     Recorder recorder(subject, threads, {});
//     // in thread i:
//     RecordedThread& self = recorder.thread(i);
//     self.kevent(kq, changes, n, events, room, nullptr);
//     self.write(fd, "x", 1);
//     // after the threads have ended:
//     check_history(recorder.view(), profile, host);
//     recorder.reset();
#pragma once

#include <time.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "contract/checker/history.h"
#include "scenario/recorder_clock.h"
#include "subject/subject.h"

namespace kqtorture {

// Per thread. The default holds a second of calls of a microsecond each with two events.
struct RecorderLimits {
  size_t operations = size_t{1} << 20;
  size_t events = size_t{1} << 21;
};

class RecordedThread {
 public:
  RecordedThread(const Subject& subject, const RecorderClock& clock, const RecorderLimits& limits);

  // The calls of the subject, with their log entries. Errors are in errno, as ever.
  int kevent(int kq, const Kevent* changes, int nchanges, Kevent* events, int nevents,
             const timespec* timeout) {
    return kevent_recorded(kq, changes, nchanges, events, nevents, timeout, false);
  }
  // The supervisor's zero-timeout call, made when it has established that every other thread sleeps
  // (DESIGN: quiescence): those in a kevent() that has not returned are asleep in it, and no call
  // of another kind is in flight.
  int probe(int kq, Kevent* events, int nevents);

  int kqueue();
  int pipe2(int fds[2], int flags);
  int socketpair(int domain, int type, int protocol, int fds[2]);
  int close(int fd);
  int dup(int fd);
  int dup2(int from, int to);
  int shutdown(int fd, int how);
  ssize_t read(int fd, void* buffer, size_t size);
  ssize_t write(int fd, const void* buffer, size_t size);

  // Any other call that matters: made by the caller between begin() and end(). Of `op` the kind,
  // fd, fd2 and amount are read by begin(), value and error (and of a pair fd and fd2) by end().
  void begin(const contract::HistoryOp& op);
  void end(const contract::HistoryOp& op);

  bool truncated() const { return truncated_ != contract::kUnreturned; }
  uint64_t recorded() const { return count_.load(std::memory_order_relaxed); }
  // Three quarters of the log are used: time to end a run that wants a whole history.
  bool nearly_full() const {
    return recorded() * 4 > ops_.size() * 3 || used_events_ * 4 > events_.size() * 3;
  }

  // Valid when the thread has ended, or sleeps in a call.
  contract::ThreadLog log() const;
  void reset();

 private:
  int kevent_recorded(int kq, const Kevent* changes, int nchanges, Kevent* events, int nevents,
                      const timespec* timeout, bool quiescent);
  // The next entry, begun and published, or null when the log is full.
  contract::HistoryOp* open(size_t events);
  template <typename Call>
  auto recorded(contract::OpKind kind, int fd, int64_t amount, Call call);

  const Subject& subject_;
  const RecorderClock& clock_;
  std::vector<contract::HistoryOp> ops_;
  std::vector<contract::Event> events_;
  // Relaxed, written by this thread only: they order nothing. A supervisor may read how many
  // entries there are while the thread sleeps.
  std::atomic<uint64_t> count_{0};
  std::atomic<uint64_t> returned_{0};
  size_t used_events_ = 0;
  contract::HistoryOp* current_ = nullptr;  // between begin() and end()
  uint64_t truncated_ = contract::kUnreturned;
};

class Recorder {
 public:
  Recorder(const Subject& subject, int threads, const RecorderLimits& limits);

  RecordedThread& thread(int index) { return *threads_[static_cast<size_t>(index)]; }
  int threads() const { return static_cast<int>(threads_.size()); }
  const RecorderClock& clock() const { return clock_; }
  bool truncated() const;

  // Points into the logs: valid until reset(). The threads have ended or sleep in a call.
  contract::HistoryView view() const;
  // Forgets everything; no thread may be recording.
  void reset();

 private:
  RecorderClock clock_;
  std::vector<std::unique_ptr<RecordedThread>> threads_;
};

}  // namespace kqtorture
