// What the knotes of a race watch: a pipe, a socket pair, a USER ident or a timer, each a slot
// whose descriptors may be closed and opened again under everybody's hands.
//
// The numbers are relaxed atomics: whoever reads one may find it closed, or somebody else's, by the
// time of the call. That is the race; it orders nothing.
#pragma once

#include <atomic>
#include <cstdint>

#include "lane.h"

namespace kqtorture {

enum class SlotKind { kPipe, kSocketPair, kUser, kTimer };
const char* name_of(SlotKind kind);

class Slot {
 public:
  // number: tells the slots of a race apart; the ident of a USER knote or timer follows from it.
  Slot(SlotKind kind, size_t number) : kind_(kind), number_(number) {}
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;

  SlotKind kind() const { return kind_; }
  size_t number() const { return number_; }
  bool has_descriptors() const {
    return kind_ == SlotKind::kPipe || kind_ == SlotKind::kSocketPair;
  }
  // Of the slot's own filter, or of another one: the WRITE knote of a pipe is at its other end.
  // False when the descriptor is closed at the moment.
  bool key(int16_t filter, Kevent* event) const;
  int16_t filter() const;
  bool is_at(const Kevent& event) const;

  // False when the subject has no descriptors left. Does nothing for a USER ident or a timer.
  bool open(Lane& self);
  // Closes both ends, the reading end first, unless somebody else is faster.
  void close(Lane& self);
  // Another file under the number of the reading end, which is never free meanwhile (dup2).
  bool replace(Lane& self);
  // A second number for the reading end, or its close when there is one.
  void duplicate(Lane& self);
  // Makes it readable. Nothing for USER, whose trigger is a change.
  void fill(Lane& self, size_t bytes = 1);
  void drain(Lane& self);
  // After the round: nobody records any more.
  void discard(const Subject& subject);

 private:
  using Number = std::atomic<int>;
  static int take(Number* number) { return number->exchange(-1, std::memory_order_relaxed); }
  static void put(Lane& self, Number* number, int fd);

  const SlotKind kind_;
  const size_t number_;
  Number read_end_{-1}, write_end_{-1}, duplicate_{-1};
};

}  // namespace kqtorture
