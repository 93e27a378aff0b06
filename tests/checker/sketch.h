// A history in a few lines, for tests that say what must be accepted and what must not.
#pragma once

#include <string>
#include <vector>

#include "contract/checker/checker.h"

namespace kqtorture::contract::testing {

class Sketch {
 public:
  static constexpr int kQueue = 3, kReader = 10, kWriter = 11;

  // With a kqueue and a pipe, made long before time 100.
  Sketch();

  // Each on a thread of its own unless `on` chose one: calls of one thread in order of time.
  Sketch& on(size_t thread);
  Sketch& change(uint64_t begin, uint64_t end, const Event& change, int error = 0);
  Sketch& changes(uint64_t begin, uint64_t end, std::vector<Event> changes, int room,
                  std::vector<Event> seen, int64_t value, int error = 0);
  // A call without a timeout that returns these events, or one with room 4 and a zero timeout.
  Sketch& wait(uint64_t begin, uint64_t end, std::vector<Event> seen);
  Sketch& poll(uint64_t begin, uint64_t end, std::vector<Event> seen);
  Sketch& probe(uint64_t begin, uint64_t end, std::vector<Event> seen);
  Sketch& failed_wait(uint64_t begin, uint64_t end, int error);
  Sketch& call(uint64_t begin, uint64_t end, OpKind kind, int fd, int64_t amount, int64_t value,
               int fd2 = -1, int error = 0);
  Sketch& write(uint64_t begin, uint64_t end) {
    return call(begin, end, OpKind::kWrite, kWriter, 1, 1);
  }
  Sketch& read(uint64_t begin, uint64_t end) {
    return call(begin, end, OpKind::kRead, kReader, 1, 1);
  }
  Sketch& close(uint64_t begin, uint64_t end, int fd) {
    return call(begin, end, OpKind::kClose, fd, 0, 0);
  }

  CheckReport check() const;
  // "accepted", "undecided", or "I4 duplicate".
  std::string verdict() const;

  Sketch& judged_by(const char* profile, const char* host);
  History& history() { return history_; }
  History::Thread& thread(size_t index);

 private:
  Sketch& add(uint64_t begin, uint64_t end, HistoryOp op, const std::vector<Event>& changes = {},
              const std::vector<Event>& seen = {});

  History history_;
  size_t chosen_ = 0;
  bool choose_ = false;
  const char* profile_ = "strict-2006";
  const char* host_ = "linux-at-once";
};

// Flags for short.
inline constexpr uint16_t kAdd = flag::kAdd, kOnce = flag::kOneshot, kClear = flag::kClear,
                          kDispatch = flag::kDispatch, kForce = flag::kForceOneshot,
                          kFinal = kOnce | kForce;

// An event of USER ident 1, and of READ on the pipe.
Event user(uint16_t flags, uint64_t udata, uint32_t fflags = 0, int64_t data = 0);
Event read_event(uint16_t flags, uint64_t udata, int64_t data = 1,
                 uint64_t ident = Sketch::kReader);

// A USER knote created with these flags and udata 1, triggered by time 13.
Sketch triggered(uint16_t flags = 0);

}  // namespace kqtorture::contract::testing
