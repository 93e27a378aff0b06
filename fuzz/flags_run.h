// Runs one program of flags_fuzzer against the subject, and has every call judged.
//
// At the end every key that was ever named is asked about once more: present knotes are forced out
// with FORCEONESHOT, absent ones must be absent. A refused change that was not inert, or a knote
// that outlived its descriptor, shows there if it has not shown before.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "flags_judge.h"
#include "flags_model.h"
#include "flags_program.h"
#include "flags_world.h"
#include "guarded_memory.h"

namespace kqtorture::flags {

// Where the lists lie. One for the process: a library may remember that an address was good.
struct Memory {
  GuardedPage changes, events, timeouts;
  GuardedPage read_only{GuardedPage::Access::kReadOnly};
};

// What was done, for the history: a call with what came back, or an operation.
struct Record {
  Step step;
  int listed = 0;  // changes in call.list
  std::optional<Call> call;
  std::vector<Kevent> returned;
};

class Run {
 public:
  // records: emptied, and filled with what was done. Lent, because allocating it anew for each
  // input is a good part of the cost of an input under AddressSanitizer.
  // model: null where there is none, and only the rules of flags_judge.h are checked.
  Run(const Subject& subject, const Memory& memory, std::vector<Record>& records,
      ModelJudge* model = nullptr);

  // Runs the program and closes everything. The first violation ends it.
  std::optional<Violation> run(const Program& program);

  uint64_t calls() const { return calls_; }
  uint64_t deliveries() const { return judge_.deliveries(); }
  // What was done and what came back, one line per step.
  std::vector<std::string> history() const;

 private:
  std::optional<Violation> run_steps(const Program& program);
  std::optional<Violation> run_step(const Step& step);
  std::optional<Violation> settle();
  std::optional<Violation> settle_kqueue(int kq, int kqueue);
  std::optional<Violation> drain(int kq, size_t calls);
  // Makes the call and has it judged.
  std::optional<Violation> perform(Call& call);
  void place_changes(const Step& step, Call& call);
  void place_list(const Kevent* list, int count, Place place, int split, Call& call) const;
  void place_events(Place place, int split, Call& call) const;
  void place_timeout(Timeout timeout, Call& call) const;
  bool may_wait(const Call& call) const;
  bool takes_any_count() const;
  bool refuses_negative_room() const;
  void remember_key(const Call& call, const Kevent& change);

  // What a change ever named.
  struct Key {
    int kqueue;  // object
    int16_t filter;
    uintptr_t ident;
    friend bool operator==(const Key&, const Key&) = default;
  };

  const Subject& subject_;
  const Memory& memory_;
  const contract::Profile* const profile_;  // null: unknown
  const bool raw_pointers_;                 // the subject gets our pointers untouched
  World world_;
  Judge judge_;
  ModelJudge* const model_;
  std::vector<Key> keys_;  // in order of first use
  uint64_t calls_ = 0;
  std::vector<Record>& records_;
};

}  // namespace kqtorture::flags
