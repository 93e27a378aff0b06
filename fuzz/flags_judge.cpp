// The replay of one call.
#include "flags_judge.h"

#include <limits.h>

#include <algorithm>
#include <cstring>

namespace kqtorture::flags {

namespace {

constexpr int kChunk = 8;  // FreeBSD's KQ_NEVENTS
constexpr uintptr_t kUdataBase = 0x5eed0000;

std::string outcome_text(int result, int error) {
  if (result != -1) return std::to_string(result);
  return std::string("-1 (") + strerror(error) + ")";
}

// "READ 0x5"
std::string key_text(const Kevent& event) {
  char text[64];
  snprintf(text, sizeof text, "%s %#zx", filter_name(event.filter).c_str(), event.ident);
  return text;
}

bool same_key(const Kevent& a, const Kevent& b) {
  return a.filter == b.filter && a.ident == b.ident;
}

}  // namespace

// Where the replay of a changelist stands.
struct Judge::Replay {
  int written = 0;     // entries
  bool ended = false;  // the call ends here, with this result:
  int result = 0;
  int error = 0;
  std::array<Kevent, kMaxList> memory{};  // the changelist, as entries overwrite it
};

void* Judge::issue_udata(int16_t filter, uintptr_t ident) {
  issued_.push_back({0, filter, ident});
  return reinterpret_cast<void*>(kUdataBase + issued_.size() - 1);
}

std::optional<Violation> Judge::judge(const Call& call) {
  if (call.room >= 0 && call.result > call.room) {
    return Violation{"wrong-answer", "1.5",
                     "more entries than room: " + outcome_text(call.result, 0)};
  }
  if (call.result < -1) {
    return Violation{"wrong-answer", "1.3", "returned " + std::to_string(call.result)};
  }
  if (Verdict wrong = once_per_call(call)) return wrong;
  return knobs_.followed ? judge_followed(call) : judge_unfollowed(call);
}

Judge::Verdict Judge::once_per_call(const Call& call) const {
  const int visible = std::min(call.result, call.writable);
  // The entries of changes: exactly EV_ERROR in FreeBSD's family, with other flags elsewhere.
  const auto of_change = [&](const Kevent& event) {
    return knobs_.followed ? event.flags == flag::kError : (event.flags & flag::kError) != 0;
  };
  for (int i = 0; i < visible; i++) {
    if (of_change(call.events[i])) continue;
    for (int j = 0; j < i; j++) {
      if (of_change(call.events[j]) || !same_key(call.events[i], call.events[j])) continue;
      return Violation{"duplicate", "I7",
                       "one knote twice in one call: " + key_text(call.events[i])};
    }
  }
  return std::nullopt;
}

Judge::Verdict Judge::must_end(const Call& call, int result, int error, const char* rule,
                               const char* why) const {
  if (call.result == result && (result != -1 || call.error == error)) return std::nullopt;
  const bool errnos = result == -1 && call.result == -1;
  return Violation{errnos ? "wrong-errno" : "wrong-answer", rule,
                   std::string(why) + ": the call returned " +
                       outcome_text(call.result, call.error) + ", the contract says " +
                       outcome_text(result, error)};
}

Judge::Verdict Judge::judge_followed(const Call& call) {
  if (call.timeout && !call.timeout_readable) {
    return must_end(call, -1, EFAULT, "1.3", "unreadable timeout");
  }
  const Slot* const slot = world_.find(call.callee);
  if (!slot) return must_end(call, -1, EBADF, "1.3", "a number that is not open");
  if (world_.object(slot->object).kind != Kind::kKqueue) {
    return must_end(call, -1, knobs_.not_a_kqueue, "1.3", "not a kqueue");
  }
  if (call.change_count < 0 && knobs_.strict_counts) {
    return must_end(call, -1, EINVAL, "2.13", "negative count of changes");
  }
  const int kqueue = slot->object;
  Replay replay;
  replay.memory = call.list;
  if (Verdict wrong = judge_changes(call, kqueue, replay)) return wrong;
  if (undecided_) return std::nullopt;
  if (replay.ended) return must_end(call, replay.result, replay.error, "1.5", "changes");
  if (replay.written > 0) return must_end(call, replay.written, 0, "1.5", "entries of changes");
  if (call.room == 0) return must_end(call, 0, 0, "1.3", "no room");
  if (call.room < 0) return must_end(call, -1, EINVAL, "2.13", "negative room");
  if (!call.timeout_valid) return must_end(call, -1, EINVAL, "1.3", "timeout out of range");
  return judge_scan(call, kqueue);
}

Judge::Verdict Judge::judge_changes(const Call& call, int kqueue, Replay& replay) {
  for (int start = 0; start < call.change_count; start += kChunk) {
    const int size = std::min(kChunk, call.change_count - start);
    if (size > call.readable - start) {
      replay.ended = true;
      replay.result = -1;
      replay.error = EFAULT;
      return std::nullopt;
    }
    // A chunk is read whole before its first entry is written.
    Kevent chunk[kChunk];
    std::copy_n(replay.memory.begin() + start, size, chunk);
    for (int i = 0; i < size; i++) {
      if (Verdict wrong = judge_change(call, kqueue, chunk[i], replay)) return wrong;
      if (replay.ended || undecided_) return std::nullopt;
    }
  }
  return std::nullopt;
}

// What the subject answered to this change, as far as that can be seen; else what it may answer.
int Judge::outcome_of(const Call& call, const Kevent& change, const Answers& answers,
                      const Replay& replay) {
  const int index = replay.written;
  const bool counted = call.result > 0 && index < call.result && index < call.writable;
  if (!counted && !answers.anything && answers.count == 1) return answers.errnos[0];
  // Entries are copied out one by one, so those of a call that then fails can be seen as well.
  if (index < std::min(call.room, call.writable)) {
    const Kevent& entry = call.events[index];
    const bool its_own = entry.udata == change.udata && same_key(entry, change);
    // A timer whose new parameters mean nothing says so in an event, which looks the same.
    const bool dead_timer = change.filter == filter::kTimer && entry.data == EINVAL &&
                            answers.allow(0) && !answers.allow(EINVAL);
    if (its_own && entry.flags == flag::kError && !dead_timer) return static_cast<int>(entry.data);
    if (counted) return 0;
  }
  undecided_ = true;
  return 0;
}

Judge::Verdict Judge::judge_change(const Call& call, int kqueue, const Kevent& change,
                                   Replay& replay) {
  const Answers answers = ledger_.answers(kqueue, change);
  if (answers.skipped) return std::nullopt;
  const int outcome = outcome_of(call, change, answers, replay);
  if (undecided_) return std::nullopt;
  if (!answers.allow(outcome)) {
    return Violation{"wrong-errno", "1.3",
                     key_text(change) + " " + flag_names(change.flags) + " answered " +
                         (outcome ? strerror(outcome) : "success") + ", the contract says " +
                         answers.text()};
  }
  const bool entry = outcome != 0 || (change.flags & flag::kReceipt);
  if (outcome == 0) {
    ledger_.accept(kqueue, change, call.before);
  } else {
    ledger_.refuse(kqueue, change, outcome);
  }
  if (!entry) return std::nullopt;
  if (call.room >= 0 && replay.written >= call.room) {
    replay.ended = true;
    replay.result = outcome ? -1 : 0;
    replay.error = outcome;
    return std::nullopt;
  }
  const int index = replay.written++;
  if (call.result > 0) {
    if (Verdict wrong = check_entry(call, change, outcome, index)) return wrong;
  }
  // Entries that cannot be written are lost and counted all the same.
  if (call.alias >= 0 && call.alias + index < call.readable && index < call.writable) {
    replay.memory[static_cast<size_t>(call.alias + index)] = call.events[index];
  }
  return std::nullopt;
}

Judge::Verdict Judge::check_entry(const Call& call, const Kevent& change, int outcome,
                                  int index) const {
  if (index >= call.result) {
    return Violation{"wrong-answer", "I13",
                     "no entry for " + key_text(change) + " " + flag_names(change.flags) + ", " +
                         (outcome ? strerror(outcome) : "receipt")};
  }
  if (index >= call.writable) return std::nullopt;
  const Kevent& entry = call.events[index];
  const bool fflags_ok =
      entry.fflags == change.fflags ||
      (outcome == 0 && (entry.fflags == 0 || entry.fflags == (change.fflags & note::kFfFlagsMask)));
  if (same_key(entry, change) && entry.udata == change.udata && entry.flags == flag::kError &&
      entry.data == outcome && fflags_ok) {
    return std::nullopt;
  }
  char text[200];
  snprintf(text, sizeof text,
           "entry %d is %s %#zx flags %s fflags %#x data %lld, not the answer (%s) to %s %#zx %s",
           index, filter_name(entry.filter).c_str(), entry.ident, flag_names(entry.flags).c_str(),
           entry.fflags, static_cast<long long>(entry.data),
           outcome ? strerror(outcome) : "receipt", filter_name(change.filter).c_str(),
           change.ident, flag_names(change.flags).c_str());
  return Violation{"wrong-answer", "I13", text};
}

Judge::Verdict Judge::judge_scan(const Call& call, int kqueue) {
  size_t may = 0, must = 0;
  std::vector<size_t> due;
  for (size_t i = 0; i < ledger_.knotes().size(); i++) {
    const Knote& knote = ledger_.knotes()[i];
    if (knote.kqueue != kqueue) continue;
    const Due state = ledger_.due(knote, call.after);
    may += state != Due::kNo;
    must += state == Due::kMust;
    if (state == Due::kMust) due.push_back(i);
  }
  const size_t room = static_cast<size_t>(call.room);
  const size_t writable = static_cast<size_t>(call.writable);
  if (call.result == -1) {
    if (call.error == EINTR && call.wait_ns != 0) return std::nullopt;
    if (call.error == EFAULT && writable < room && may > writable) {
      ledger_.blur(kqueue, call.after);
      return std::nullopt;
    }
    return Violation{"wrong-errno", "1.3",
                     std::string("a scan ended with ") + strerror(call.error)};
  }
  if (static_cast<size_t>(call.result) > writable) {
    return Violation{"wrong-answer", "2.12", "events where nothing can be written"};
  }
  if (writable < room && must > writable) {
    return Violation{"wrong-answer", "2.12",
                     "more events due than can be written, and no EFAULT: returned " +
                         std::to_string(call.result)};
  }
  return judge_events(call, kqueue, due);
}

Judge::Verdict Judge::judge_events(const Call& call, int kqueue, const std::vector<size_t>& due) {
  if (call.result < call.room) {
    for (size_t i : due) {
      const Knote& knote = ledger_.knotes()[i];
      const bool returned =
          std::any_of(call.events, call.events + call.result, [&](const Kevent& event) {
            return event.filter == knote.filter && event.ident == knote.ident;
          });
      if (returned) continue;
      return Violation{"lost", knote.forced ? "I6" : "I8'",
                       "not delivered: " + ledger_.describe(knote)};
    }
  }
  if (call.result == 0 && call.wait_ns < 0) {
    return Violation{"wrong-answer", "I14", "an empty return without a timeout"};
  }
  if (call.result == 0 && call.after.monotonic - call.before.monotonic < call.wait_ns) {
    return Violation{"wrong-answer", "I14", "an empty return before its time"};
  }
  for (int i = 0; i < call.result; i++) {
    deliveries_++;
    if (Verdict wrong = ledger_.deliver(kqueue, call.events[i], call.after)) return wrong;
  }
  return std::nullopt;
}

// The rules that every platform keeps: a key that was named, with a udata that was given for it.
Judge::Verdict Judge::judge_unfollowed(const Call& call) {
  const int visible = std::min(call.result, call.writable);
  for (int i = 0; i < visible; i++) {
    const Kevent& event = call.events[i];
    if (event.flags & flag::kError) continue;
    deliveries_++;
    const uintptr_t index = reinterpret_cast<uintptr_t>(event.udata) - kUdataBase;
    if (index < issued_.size() && issued_[index].filter == event.filter &&
        issued_[index].ident == event.ident) {
      continue;
    }
    return Violation{"wrong-udata", "I12",
                     "a udata that was never given for this key: " + key_text(event)};
  }
  return std::nullopt;
}

}  // namespace kqtorture::flags
