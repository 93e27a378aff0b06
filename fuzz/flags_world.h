// The descriptors that a program of flags_fuzzer works on.
//
// The fixture is small and always the same, so that an input means the same in every run: slot 0/1
// a pipe, 2/3 a socketpair (of a subject without: a pipe), 4 an eventfd, 5 a regular file, 6 a
// number that was closed, 7 and 8 two kqueues, 9 to 11 free. Every byte that goes in or out goes
// through here, which is why the model can say what a filter must report.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "contract/operation.h"
#include "flags_program.h"
#include "subject/subject.h"

namespace kqtorture::flags {

enum class Kind : uint8_t { kPipe, kSocketpair, kEventfd, kFile, kKqueue, kDirectory };

// A file of the fixture holds this many bytes: more than one read takes, fewer than all of them do.
inline constexpr int64_t kFileBytes = 1000;

struct Slot {
  int fd = -1;  // kept after the close: the number is then a closed one
  int object = -1;
  int end = 0;
  bool open = false;
};

// Sees every call on the subject that can change what a kqueue answers, in the contract's words.
class Witness {
 public:
  virtual ~Witness() = default;
  virtual void called(const contract::Op& op, const contract::Outcome& outcome) = 0;
};

class World {
 public:
  explicit World(const Subject& subject);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // Opens the fixture. Returns false when the subject cannot open descriptors.
  // witness: null for none.
  bool build(Witness* witness);
  // Closes everything that is open.
  void tear_down();

  // Applies a step other than kKevent.
  void apply(const Step& step);

  // The open slot that holds this number, or null.
  const Slot* find(int64_t fd) const;
  Kind kind(int object) const { return kinds_[static_cast<size_t>(object)]; }
  const Slot& slot(int index) const { return slots_[index]; }
  // The number a kevent step calls: a slot's, or one that is never open.
  int callee(uint8_t slot) const;
  // The ident of a change: descriptors, small numbers and the borders of int and long. Never a
  // descriptor that is open but not ours.
  uintptr_t ident(uint8_t index, int16_t filter) const;

 private:
  // `way`: for what there are several functions.
  int open_kind(Kind kind, int slot, int way = 0);
  int make_kqueue(int way) const;
  // Returns what was made; fds[0] is -1 when nothing was.
  Kind make_pair(Kind kind, int fds[2]) const;
  int close_by(int way, int fd) const;
  int close_stream(bool reopened, int fd) const;
  int duplicate_by(int way, int from, int onto) const;
  void fork_and_close(int slot);
  void adopt(int slot, int fd, int object, int end);
  void close_slot(int slot, int way = 0, bool unseen = false);
  void duplicate(int from, int to, int way);
  // Returns how much was accepted.
  int64_t write_some(int slot, int64_t bytes);
  void read_some(int slot, int64_t bytes);
  void fill(int slot);
  void shut_down(int slot, int which);
  bool taken_by_others(int fd) const;
  // Tells the witness of a call on fd, with errno as it is now.
  void tell(contract::OpKind kind, int fd, int64_t amount, int64_t value, int new_fd = -1,
            int new_fd2 = -1, uint64_t counter = 0) const;

  const Subject& subject_;
  const bool host_descriptors_;
  Witness* witness_ = nullptr;
  Slot slots_[kSlots];
  bool forked_ = false;
  std::vector<Kind> kinds_;  // of the objects
};

// True when the subject's descriptors are the host's.
bool has_host_descriptors(const Subject& subject);
// True when this subject promises to find out about closes that it has not seen.
bool detects_unseen_closes(const Subject& subject);

}  // namespace kqtorture::flags
