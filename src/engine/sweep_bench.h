// Carries out a sweep's case on sixteen knotes side by side.
//
// Knotes that share nothing but their kqueue do not influence one another, so sixteen words are
// tried with the system calls of one: a changelist holds the same step for every knote, and a scan
// returns all of them. What each saw is kept apart, in the numbers of a fixture of its own, so that
// it can be compared with, and judged as, what a single knote does. Sixteen, because a litmus
// program names that many objects; a batch too can be handed back as one.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "contract/operation.h"
#include "contract/vocabulary.h"
#include "engine/fixtures.h"
#include "engine/sweep_case.h"
#include "subject/subject.h"

namespace kqtorture {

// What one step showed of one knote. Compared as bytes: no padding.
struct SweepSeen {
  int64_t value = 0;  // as returned; of kevent calls: entries and deliveries of this knote
  int32_t error = 0;
  int32_t strays = 0;     // events that cannot be this knote's, or came twice
  contract::Event event;  // the first of `value`
};
static_assert(sizeof(SweepSeen) == 48);

struct SweepOutcome {
  static constexpr int kSteps = 24;
  int steps = 0;
  std::array<SweepSeen, kSteps> seen;

  bool same(const SweepOutcome& other) const;
  SweepSeen& add() {
    SweepSeen& next = seen[static_cast<size_t>(steps++)];
    next = {};
    return next;
  }
  SweepSeen& last() { return seen[static_cast<size_t>(steps - 1)]; }
};

struct SweepWork {
  uint64_t kevent_calls = 0;
  uint64_t changes = 0;
  uint64_t deliveries = 0;
};

class SweepBench {
 public:
  static constexpr int kSlots = 16;
  // The numbers in which outcomes are kept.
  static constexpr int kKqueue = 3, kEnd0 = 4, kEnd1 = 5;
  static constexpr uint64_t kIdent = 1;
  static constexpr int64_t kChunk = 65536;  // bytes of a read, and of each write of a fill

  SweepBench(const Subject& subject, const SweepCase& one, SweepWork* work);
  ~SweepBench();
  SweepBench(const SweepBench&) = delete;
  SweepBench& operator=(const SweepBench&) = delete;

  // Makes the fixtures, and prepares each. False with a reason when the machine has none left.
  bool open(std::string* why_not);
  // What preparing the slot showed; of a kFill the bytes of each write.
  const SweepOutcome& prepared(int slot) const { return prepared_[static_cast<size_t>(slot)]; }
  const std::vector<int64_t>& filled(int slot) const {
    return slots_[static_cast<size_t>(slot)].filled;
  }

  // Runs the steps on the first `count` slots; words: of kWord, one for each. Adds what was seen to
  // the outcomes.
  void run(const std::vector<SweepStep>& steps, int count, const uint16_t* words,
           SweepOutcome* outcomes);
  // One call with every word as a change of slot 0 and room for an entry each. Returns what
  // kevent() did; entries are in *entries, idents in the outcome's numbers.
  int submit(const uint16_t* words, int count, contract::Event* entries);

  // Is every object as it was prepared? Reads from what can be read, so this ends the bench's use.
  bool clean(std::string* why_not);

  // The swept change with this word, in the outcome's numbers.
  contract::Event change_of(uint16_t word) const;

 private:
  struct Slot {
    Ends ends;
    ScriptedChild* child = nullptr;
    bool has_signal = false;
    struct sigaction disposition {};  // of it, before
    std::vector<int64_t> filled;
  };

  uint64_t ident(int slot) const;
  bool make(int slot);
  uint64_t canonical(int slot, uint64_t number) const;
  int slot_of(uint64_t ident, int count) const;
  int call(int changes, int room);
  void run_changes(const SweepStep* steps, int number, int count, SweepOutcome* outcomes);
  void run_entries(const SweepStep& step, int count, SweepOutcome* outcomes);
  void run_word(int count, const uint16_t* words, SweepOutcome* outcomes);
  void run_scan(int count, SweepOutcome* outcomes);
  void run_on_object(const SweepStep& step, int slot, SweepSeen* seen);
  void fill(int slot, int end, SweepSeen* seen);
  void deliveries(int result, int count, int expected_entries, SweepOutcome* outcomes);
  Kevent kevent_of(const SweepStep& step, int slot) const;

  const Subject& subject_;
  const SweepCase& case_;
  SweepWork& work_;
  Fixtures fixtures_;
  int kqueue_ = -1;
  std::array<Slot, kSlots> slots_;
  std::array<SweepOutcome, kSlots> prepared_;
  static constexpr int kRoom = 64;
  std::array<Kevent, kRoom> changes_;
  std::array<Kevent, kRoom> events_;
  std::vector<char> buffer_;
};

}  // namespace kqtorture
