// Do two accesses to the same memory, one of them a write, happen in no order?
//
// Vector clocks, as in FastTrack (Flanagan and Freund, PLDI 2009): every thread has one, and every
// lock and atomic object carries the clock of its last release. Of the accesses to each byte those
// are remembered that no later one stands for: an access is reported exactly when some earlier one,
// however long ago, races with it in the schedule that was run.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace kqtorture::sched {

class RaceDetector {
 public:
  static constexpr uint32_t kThreads = 16;

  struct Access {
    uint32_t thread;
    uint32_t stack;  // whatever the caller wants back: an index of a StackDepot
    uint8_t size;    // bytes, all within one word of 8
    bool write;
    bool atomic;
    uint32_t site = 0;  // as with the stack
  };
  struct Race {
    uintptr_t address;
    Access before, now;
  };

  RaceDetector();

  // Forgets everything: a schedule begins, with thread 0 alone.
  void reset();

  void fork(uint32_t parent, uint32_t child);
  void join(uint32_t parent, uint32_t child);
  void acquire(uint32_t thread, uintptr_t object);
  void release(uint32_t thread, uintptr_t object);        // joins what is there: a mutex's
  void release_store(uint32_t thread, uintptr_t object);  // replaces it: an atomic store's
  // Compares with what was done before, and remembers. Two atomic accesses do not race. Of several
  // that it races with, any one.
  std::optional<Race> access(uintptr_t address, const Access& access);

 private:
  using Time = uint32_t;
  using Clock = std::array<Time, kThreads>;

  // An access to a word that a later one may race with.
  struct Cell {
    Time time = 0;  // of the thread
    uint32_t stack = 0;
    uint32_t site = 0;
    uint8_t thread = 0;
    uint8_t bytes = 0;  // bits, by byte of the word; those that a later access has taken over gone
    uint8_t size = 0;   // as it was
    bool write = false;
    bool atomic = false;
  };
  static constexpr size_t kCells = 5;  // with them a word is two lines of the cache
  struct Word {
    uintptr_t word = 0;
    uint32_t round = 0;  // of reset(): others are empty
    uint16_t count = 0;  // of cells
    uint16_t more = 0;   // 1 + index of further cells; 0: these are enough
    Cell cells[kCells];
  };
  struct Object {
    uintptr_t object = 0;
    uint32_t round = 0;
    Clock clock;
  };

  Word& word_of(uintptr_t word);
  Object* object_of(uintptr_t object, bool make);
  bool ordered(const Cell& cell, const Clock& clock) const {
    return cell.time <= clock[cell.thread];
  }
  void begin_again();
  // Whoever races with `old`, races with `now`, too, which came after it.
  static bool takes_over(const Cell& now, const Cell& old) {
    return (now.write || !old.write) && (!now.atomic || old.atomic);
  }
  void remember(Word* word, const Cell& cell);
  void grow_words();
  void grow_objects();

  std::array<Clock, kThreads> clocks_{};
  uint32_t round_ = 0;
  std::vector<Word> words_;
  size_t word_count_ = 0;
  std::vector<Object> objects_;
  size_t object_count_ = 0;
  std::vector<std::vector<Cell>> more_;  // of words that many threads read; kept for later rounds
  size_t more_count_ = 0;
};

}  // namespace kqtorture::sched
