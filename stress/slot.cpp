// The descriptors of a slot, created non-blocking in one call: a subject's numbers mean nothing to
// the host, so there is no fcntl() to fall back to.
#include "slot.h"

namespace kqtorture {
namespace {
// Apart from descriptors, so that a mixed-up ident cannot look right by chance.
constexpr uintptr_t kFirstIdent = 1000000;
}  // namespace

const char* name_of(SlotKind kind) {
  switch (kind) {
    case SlotKind::kPipe:
      return "Pipe";
    case SlotKind::kSocketPair:
      return "SocketPair";
    case SlotKind::kUser:
      return "User";
    case SlotKind::kTimer:
      return "Timer";
  }
  return "";
}

int16_t Slot::filter() const {
  if (has_descriptors()) return filter::kRead;
  return kind_ == SlotKind::kUser ? filter::kUser : filter::kTimer;
}

bool Slot::key(int16_t filter, Kevent* event) const {
  event->filter = filter;
  if (!has_descriptors()) {
    event->ident = kFirstIdent + number_;
    return true;
  }
  const bool other = filter == filter::kWrite && kind_ == SlotKind::kPipe;
  const int number = (other ? write_end_ : read_end_).load(std::memory_order_relaxed);
  event->ident = static_cast<uintptr_t>(number);
  return number >= 0;
}

bool Slot::is_at(const Kevent& event) const {
  Kevent mine{};
  return key(event.filter, &mine) && mine.ident == event.ident;
}

bool Slot::open(Lane& self) {
  if (!has_descriptors()) return true;
  int ends[2];
  if (!(kind_ == SlotKind::kPipe ? self.pipe(ends) : self.socketpair(ends))) return false;
  put(self, &read_end_, ends[0]);
  put(self, &write_end_, ends[1]);
  return true;
}

// Another driver may have opened the slot meanwhile.
void Slot::put(Lane& self, Number* number, int fd) {
  const int lost = number->exchange(fd, std::memory_order_relaxed);
  if (lost >= 0) self.close(lost);
}

void Slot::close(Lane& self) {
  const int read_end = take(&read_end_);
  const int write_end = take(&write_end_);
  if (read_end >= 0) self.close(read_end);
  if (write_end >= 0) self.close(write_end);
}

bool Slot::replace(Lane& self) {
  // Taken, so that nobody closes the number between here and the dup2().
  const int number = take(&read_end_);
  if (number < 0) return true;
  int ends[2];
  if (!(kind_ == SlotKind::kPipe ? self.pipe(ends) : self.socketpair(ends))) {
    self.close(number);
    return false;
  }
  self.dup2(ends[0], number);
  self.close(ends[0]);
  put(self, &write_end_, ends[1]);
  put(self, &read_end_, number);
  return true;
}

void Slot::duplicate(Lane& self) {
  const int old = take(&duplicate_);
  if (old >= 0) {
    self.close(old);
    return;
  }
  const int read_end = read_end_.load(std::memory_order_relaxed);
  if (read_end < 0) return;
  const int copy = self.dup(read_end);
  if (copy >= 0) put(self, &duplicate_, copy);
}

void Slot::fill(Lane& self, size_t bytes) {
  const int write_end = write_end_.load(std::memory_order_relaxed);
  if (write_end >= 0) self.write(write_end, bytes);
}

void Slot::drain(Lane& self) {
  const int read_end = read_end_.load(std::memory_order_relaxed);
  if (read_end >= 0) self.drain(read_end);
}

void Slot::discard(const Subject& subject) {
  for (Number* number : {&read_end_, &write_end_, &duplicate_}) {
    const int fd = take(number);
    if (fd >= 0) subject.close(fd);
  }
}

}  // namespace kqtorture
