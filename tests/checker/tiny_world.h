// A kqueue small enough to be seen through, written apart from the model.
//
// The tests of the checker need somebody else's word for what is legal: this is FreeBSD's kqueue
// with unknown flags refused, for pipes and USER idents on one kqueue, in the plainest terms there
// are. It shares no line with the contract's model, so that a mistake must be made twice to pass.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "contract/vocabulary.h"

namespace kqtorture::contract::testing {

struct TinyFile {
  int pipe = 0;
  bool writes = false;
  friend auto operator<=>(const TinyFile&, const TinyFile&) = default;
};

struct TinyKnote {
  bool disabled = false;
  bool oneshot = false, clear = false, dispatch = false, receipt = false;
  bool forced = false;
  bool triggered = false;  // USER
  uint32_t fflags = 0;     // USER
  int64_t data = 0;        // USER
  uint64_t udata = 0;
  // Why a scan would look at a ONESHOT or CLEAR knote: a change or activity that was noticed, or
  // activity that a scan will notice (late worlds only); and whether it is sure to be noticed.
  bool active = false, edge = false, sure = false;
  // Its number is no longer its file's: who released it, and which file it was.
  int closer = -1;
  TinyFile file;
  friend auto operator<=>(const TinyKnote&, const TinyKnote&) = default;
};

struct TinyPipe {
  int bytes = 0, readers = 0, writers = 0;
  bool vague =
      false;  // a call keeps a file of it past its close: it may be empty, full, at its end
  friend auto operator<=>(const TinyPipe&, const TinyPipe&) = default;
};

class TinyWorld {
 public:
  using Key = std::pair<int16_t, uint64_t>;  // filter, ident

  // late: activity of pipes is noticed some time after their state can be seen.
  explicit TinyWorld(bool late = false) : late_(late) {}

  // 0 or the errno, in which case nothing has changed.
  int change(const Event& change);
  // Would a scan deliver it now, must it, and what would it show? deliver() requires the first.
  bool deliverable(const Key& key) const;
  bool due(const Key& key) const;
  Event shown(const Key& key) const;
  void deliver(const Key& key);

  bool open_pipe(int reader, int writer);
  // A close in its parts: the number goes, and later its file with whatever knotes are left. A
  // knote may go by itself (lose()) from the begin of the close on.
  bool release(int fd, int closer);
  bool dup2(int from, int to, int closer);
  void drop(int closer);
  // Before the number was released by `closer`, else after.
  bool may_lose(int fd, int closer, bool released) const;
  void lose(int fd) { knotes_.erase({filter::kRead, static_cast<uint64_t>(fd)}); }
  bool arrive(int fd, int bytes);  // the state of a write
  bool ring(int fd);               // its activity, wherever it is when nobody knows
  void ring_ended();               // likewise of a close that ended somebody's input
  void ring_pipe(int pipe) { activate(pipe, false, true); }  // the same, when it is known
  void ring_ends_of(int pipe);                               // of a close of an end of it
  int pipe_behind(int fd) const;                             // -1: not open
  int pipe_released(int closer) const;                       // -1: none
  bool take(int fd, int bytes);
  bool hold(int fd);            // a call found the file, and a close of the number meets the call
  bool is_empty(int fd) const;  // a read would say EAGAIN
  bool is_ended(int fd) const;  // a read would say 0

  bool is_open(int fd) const { return fds_.count(fd) != 0; }
  const std::map<Key, TinyKnote>& knotes() const { return knotes_; }
  std::map<Key, TinyKnote>& knotes() { return knotes_; }
  friend auto operator<=>(const TinyWorld&, const TinyWorld&) = default;

 private:
  const TinyFile* file_of(const Key& key, const TinyKnote& knote) const;
  void forget_released(int fd);
  bool ready(const Key& key, const TinyKnote& knote) const;
  bool may_be_ready(const Key& key, const TinyKnote& knote) const;
  void evaluate(const Key& key, TinyKnote* knote) const;
  // Of the knotes on one of its ends.
  void activate(int pipe, bool writes, bool sure);

  bool late_;
  int next_pipe_ = 0;
  std::map<int, TinyFile> fds_;
  std::map<int, TinyFile> released_;  // by closer
  std::map<int, TinyPipe> pipes_;
  std::map<Key, TinyKnote> knotes_;
};

}  // namespace kqtorture::contract::testing
