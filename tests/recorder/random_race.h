// Threads that do to one kqueue whatever a person could think of, for tests of the recorder.
//
// Written against the calls that a Caller makes, so that the same race runs recorded
// (RecordedThread) and unrecorded (PlainThread): what it costs is then the difference, and what it
// does is the same.
#pragma once

#include <sys/socket.h>
#include <time.h>

#include <atomic>
#include <csignal>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "scenario/random.h"
#include "scenario/recorder.h"
#include "subject/subject.h"

namespace kqtorture {

// The calls of a RecordedThread, without the log.
class PlainThread {
 public:
  explicit PlainThread(const Subject& subject) : subject_(subject) {}
  int kevent(int kq, const Kevent* changes, int nchanges, Kevent* events, int nevents,
             const timespec* timeout) {
    return subject_.kevent(kq, changes, nchanges, events, nevents, timeout);
  }
  int kqueue() { return subject_.kqueue(); }
  int pipe2(int fds[2], int flags) { return subject_.calls().pipe2(fds, flags); }
  int close(int fd) { return subject_.close(fd); }
  int dup2(int from, int to) { return subject_.calls().dup2(from, to); }
  ssize_t read(int fd, void* buffer, size_t size) { return subject_.read(fd, buffer, size); }
  ssize_t write(int fd, const void* buffer, size_t size) {
    return subject_.write(fd, buffer, size);
  }

 private:
  const Subject& subject_;
};

struct RaceOptions {
  uint64_t seed = 1;
  int threads = 4;
  int users = 3;
  int pipes = 2;
  uint64_t steps = 1000;  // per thread
  bool reopen = true;     // pipes are closed and opened again under everybody's hands
};

class RandomRace {
 public:
  explicit RandomRace(const RaceOptions& options) : options_(options), pipes_(options.pipes) {}

  // Opens the kqueue and the pipes; false when it could not. From now on the process ignores
  // SIGPIPE: somebody always writes to a pipe whose other end somebody is closing.
  template <typename Caller>
  bool set_up(Caller& self) {
    std::signal(SIGPIPE, SIG_IGN);
    kq_ = self.kqueue();
    if (kq_ < 0) return false;
    for (Pipe& pipe : pipes_) {
      if (!open(self, &pipe)) return false;
    }
    return true;
  }

  template <typename Caller>
  void run(Caller& self, int index) {
    Random random(options_.seed * 1000 + static_cast<uint64_t>(index));
    uint64_t udata = static_cast<uint64_t>(index + 1) << 48;
    for (uint64_t i = 0; i < options_.steps; ++i) step(self, random, &udata);
  }

  template <typename Caller>
  void tear_down(Caller& self) {
    for (Pipe& pipe : pipes_) shut(self, &pipe);
    if (kq_ >= 0) self.close(kq_);
  }

  int kq() const { return kq_; }

 private:
  struct Pipe {
    std::atomic<int> reader{-1}, writer{-1};
  };

  template <typename Caller>
  bool open(Caller& self, Pipe* pipe) {
    int fds[2];
    if (self.pipe2(fds, pipe_flags()) != 0) return false;
    pipe->reader.store(fds[0], std::memory_order_relaxed);
    pipe->writer.store(fds[1], std::memory_order_relaxed);
    return true;
  }

  template <typename Caller>
  void shut(Caller& self, Pipe* pipe) {
    const int reader = pipe->reader.exchange(-1, std::memory_order_relaxed);
    const int writer = pipe->writer.exchange(-1, std::memory_order_relaxed);
    if (reader >= 0) self.close(reader);
    if (writer >= 0) self.close(writer);
  }

  static int pipe_flags();
  Kevent random_change(Random& random, uint64_t* udata);

  template <typename Caller>
  void step(Caller& self, Random& random, uint64_t* udata) {
    Kevent changes[3], events[4];
    const timespec zero = {0, 0}, moment = {0, 50'000};
    Pipe& pipe = random.element(pipes_);
    char bytes[4] = {};
    switch (random.below(options_.reopen ? 64 : 63)) {
      case 63:
        shut(self, &pipe);
        open(self, &pipe);
        break;
      case 60:
      case 61:
      case 62: {
        const int count = 1 + static_cast<int>(random.below(3));
        for (int i = 0; i < count; ++i) changes[i] = random_change(random, udata);
        self.kevent(kq_, changes, count, events, 4, &zero);
        break;
      }
      default: {
        const size_t kind = random.below(6);
        if (kind == 0) {
          self.write(pipe.writer.load(std::memory_order_relaxed), bytes, 1);
        } else if (kind == 1) {
          self.read(pipe.reader.load(std::memory_order_relaxed), bytes, sizeof bytes);
        } else if (kind < 4) {
          changes[0] = random_change(random, udata);
          self.kevent(kq_, changes, 1, nullptr, 0, nullptr);
        } else {
          self.kevent(kq_, nullptr, 0, events, 4, random.chance(1, 8) ? &moment : &zero);
        }
        break;
      }
    }
  }

  const RaceOptions options_;
  int kq_ = -1;
  std::vector<Pipe> pipes_;
};

}  // namespace kqtorture
