// What must be true of every knote, kept by hand: the ledger of flags_fuzzer.
//
// One thread calls, so almost everything about a knote is known after each call: whether it exists,
// whether it is enabled, its flags, its udata, and whether its filter is true. The ledger says what
// a change may answer, applies it if it was accepted, and says of each delivery whether the
// contract allows it and of each silence whether it breaks it. Where the contract leaves a choice
// (a stale ONESHOT event, a timer's moment) or a call's fate cannot be seen (EFAULT while copying
// out), it answers "may" and never accuses.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "flags_knobs.h"
#include "flags_world.h"
#include "subject/subject.h"

namespace kqtorture::flags {

struct Violation {
  std::string verdict;  // of report/finding.h
  std::string rule;
  std::string message;
};

// The answers that the contract allows to one change: errnos, 0 for success.
struct Answers {
  bool skipped = false;   // filter 0: not even a receipt
  bool anything = false;  // a filter that the ledger does not follow
  int errnos[6];
  int count = 0;

  static Answers of(std::initializer_list<int> list) {
    Answers answers;
    for (int item : list) answers.errnos[answers.count++] = item;
    return answers;
  }
  bool allow(int error) const {
    if (anything) return true;
    for (int i = 0; i < count; i++) {
      if (errnos[i] == error) return true;
    }
    return false;
  }
  std::string text() const;
};

enum class Due { kNo, kMay, kMust };

struct Clock {
  int64_t monotonic;
  int64_t wall;
  static Clock now();
};

struct Knote {
  int kqueue;  // index of the object in the world
  int16_t filter;
  uintptr_t ident;
  int object = -1;     // behind the ident when the knote was created; -1: not about a descriptor
  uint16_t flags = 0;  // stored, as deliveries carry them
  uintptr_t udata = 0;
  uint32_t fflags = 0;  // the interest
  int64_t data = 0;
  bool disabled = false;
  bool forced = false;         // FORCEONESHOT: the coming event is the last
  bool forced_active = false;  // and needs no condition
  bool dead = false;           // the pipe died: EOF and ONESHOT behind the user's back
  bool edge = false;           // activated or evaluated since the last delivery
  bool edge_may = false;
  bool was_true = false;    // the condition held at some time: a ONESHOT event may be stale
  bool vague = false;       // an EFAULT may have consumed an event: either history is accepted
  bool maybe_gone = false;  // and with it the knote
  bool orphan = false;      // its descriptor was closed behind the subject's back
  int64_t most = 0;         // the largest data that the object ever had
  // USER
  bool latch = false;
  uint32_t saved_fflags = 0;
  int64_t saved_data = 0;
  // TIMER
  bool timer_absolute = false, timer_invalid = false, timer_was_invalid = false;
  int64_t start = 0, due = 0, period = 0, ticks = 0;
};

// What a filter says now.
struct Condition {
  Due holds = Due::kNo;
  Due eof = Due::kNo;
  std::optional<int64_t> data;
};

class Ledger : public WorldListener {
 public:
  Ledger(const World& world, const Knobs& knobs) : world_(world), knobs_(knobs) {}

  Answers answers(int kqueue, const Kevent& change) const;
  // The change was accepted. before: taken before the call began.
  void accept(int kqueue, const Kevent& change, const Clock& before);
  // The change was refused; refused with ENOENT, a knote that may have existed does not.
  void refuse(int kqueue, const Kevent& change, int error);

  Due due(const Knote& knote, const Clock& now, int depth = 0) const;
  // Checks one delivered event and consumes it.
  std::optional<Violation> deliver(int kqueue, const Kevent& event, const Clock& now);
  // Events of this kqueue may have been consumed without being seen.
  void blur(int kqueue, const Clock& now);
  // Some event is bound to come without anyone's doing: a call may wait without limit.
  bool bound_to_fire(int kqueue, const Clock& now) const;

  const std::vector<Knote>& knotes() const { return knotes_; }
  // Every key that a change ever named, in order of first use.
  struct Key {
    int kqueue;
    int16_t filter;
    uintptr_t ident;
    friend bool operator==(const Key&, const Key&) = default;
  };
  const std::vector<Key>& keys() const { return keys_; }
  std::string describe(const Knote& knote) const;

  void number_closed(int fd, bool unseen) override;
  void number_opened(int fd, int object) override;
  void activity(int object, int end, int16_t filter, bool certain) override;
  void object_died(int object) override;

 private:
  Knote* find(int kqueue, int16_t filter, uintptr_t ident);
  const Knote* find(int kqueue, int16_t filter, uintptr_t ident) const;
  void create(int kqueue, const Kevent& change, const Clock& before);
  void modify(Knote& knote, const Kevent& change, const Clock& before);
  void touch_user(Knote& knote, const Kevent& change);
  void start_timer(Knote& knote, const Clock& before);
  void observe(Knote& knote) const;
  void erase(Knote* knote) { knotes_.erase(knotes_.begin() + (knote - knotes_.data())); }
  Answers attach_answers(int kqueue, const Kevent& change, const Slot* slot) const;
  Condition condition(const Knote& knote, const Clock& now, int depth) const;
  Condition descriptor_condition(const Knote& knote, const Slot& slot) const;
  Due kqueue_readable(int kqueue, const Clock& now, int depth) const;
  bool watches(int watcher, int watched, int depth) const;
  std::optional<Violation> check_flags(const Knote& knote, const Kevent& event,
                                       const Condition& now) const;
  std::optional<Violation> check_values(Knote& knote, const Kevent& event, const Condition& state,
                                        const Clock& now) const;

  const World& world_;
  const Knobs& knobs_;
  std::vector<Knote> knotes_;
  std::vector<Key> keys_;
};

bool about_descriptor(int16_t filter);

}  // namespace kqtorture::flags
