// One kevent() call, as it was made and as it ended, and whether it may have ended so.
//
// The judge replays the call against the ledger in the contract's order: the call's own arguments,
// the changes in chunks of 8 with an entry for each error and receipt, then the scan. Where lists
// overlap it replays what the entries overwrite, too.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "flags_ledger.h"
#include "flags_program.h"

namespace kqtorture::flags {

inline constexpr int kSlack = 8;  // zeroed entries behind a roomy list
inline constexpr int kMaxList = kMaxChanges + kSlack;

struct Call {
  int callee = -1;
  const Kevent* changes = nullptr;
  int change_count = 0;
  int readable = 0;                     // entries before the first that faults
  std::array<Kevent, kMaxList> list{};  // their values before the call
  Kevent* events = nullptr;
  int room = 0;
  int writable = 0;  // entries before the first that faults
  int alias = -1;    // the event list starts at this entry of the changelist
  const timespec* timeout = nullptr;
  bool timeout_readable = true;
  bool timeout_valid = true;
  int64_t wait_ns = 0;  // -1: without limit
  Clock before{}, after{};
  int result = 0;
  int error = 0;  // errno when result is -1
};

class Judge {
 public:
  Judge(const World& world, Ledger& ledger, const Knobs& knobs)
      : world_(world), ledger_(ledger), knobs_(knobs) {}

  // A udata that no other change of this input has, for this key.
  void* issue_udata(int16_t filter, uintptr_t ident);
  std::optional<Violation> judge(const Call& call);
  uint64_t deliveries() const { return deliveries_; }
  // What a change did cannot be seen and cannot be concluded either: nothing more can be judged.
  bool undecided() const { return undecided_; }

 private:
  using Verdict = std::optional<Violation>;
  struct Replay;

  Verdict judge_followed(const Call& call);
  Verdict judge_changes(const Call& call, int kqueue, Replay& replay);
  Verdict judge_change(const Call& call, int kqueue, const Kevent& change, Replay& replay);
  int outcome_of(const Call& call, const Kevent& change, const Answers& answers,
                 const Replay& replay);
  Verdict check_entry(const Call& call, const Kevent& change, int outcome, int index) const;
  Verdict judge_scan(const Call& call, int kqueue);
  Verdict judge_events(const Call& call, int kqueue, const std::vector<size_t>& due);
  Verdict judge_unfollowed(const Call& call);
  Verdict once_per_call(const Call& call) const;
  Verdict must_end(const Call& call, int result, int error, const char* rule,
                   const char* why) const;

  const World& world_;
  Ledger& ledger_;
  const Knobs& knobs_;
  std::vector<Ledger::Key> issued_;  // by udata
  uint64_t deliveries_ = 0;
  bool undecided_ = false;
};

}  // namespace kqtorture::flags
