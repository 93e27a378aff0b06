// Objects that can be made ready and emptied, with what their readiness must say.
//
// How much is written changes from round to round, so that a kqueue has to look to know: an event
// that tells yesterday's number is a wrong answer. Each object belongs to one thread at a time
// (whoever was handed its event), so the amounts are relaxed atomics and nothing more.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "subject/subject.h"

namespace kqtorture::bench {

enum class ObjectKind { kPipe, kSocketpair, kEventfd, kTcp };
inline constexpr ObjectKind kObjectKinds[] = {ObjectKind::kPipe, ObjectKind::kSocketpair,
                                              ObjectKind::kEventfd, ObjectKind::kTcp};
const char* name_of(ObjectKind kind);
// True if such objects can be made: an eventfd is Linux's, so the descriptors must be the host's.
bool available(ObjectKind kind);

class Objects {
 public:
  Objects(const Subject& subject, ObjectKind kind, int count);
  ~Objects();
  Objects(const Objects&) = delete;
  Objects& operator=(const Objects&) = delete;

  // Why they could not all be made; empty when they were.
  const std::string& error() const { return error_; }
  int size() const { return static_cast<int>(read_ends_.size()); }
  // The descriptor to watch.
  int fd(int i) const { return read_ends_[static_cast<size_t>(i)]; }
  ObjectKind kind() const { return kind_; }

  // Writes; false when that failed.
  bool make_ready(int i);
  // Takes everything that make_ready() wrote; false when there was more or less.
  bool consume(int i);
  // What a kevent for it must say in data, exactly; 0 when the subject's profile leaves it open.
  int64_t data(int i) const;
  // The number of bytes to be read, as FIONREAD tells it; 0 for an object that cannot count.
  int bytes(int i) const;

 private:
  bool make(int ends[2]);

  const Subject& subject_;
  ObjectKind kind_;
  bool exact_eventfd_;
  int listener_ = -1;
  std::string error_;
  std::vector<int> read_ends_, write_ends_;
  std::unique_ptr<std::atomic<uint32_t>[]> amount_;  // of the last write
};

}  // namespace kqtorture::bench
