// One kevent() call, as it was made and as it ended, and the rules of it that every platform keeps.
//
// Exactly, calls are judged by the contract's model (flags_model.h). What is checked here needs no
// state and so holds where the model has no words, and for subjects of no profile that it knows.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "flags_program.h"
#include "subject/subject.h"

namespace kqtorture::flags {

inline constexpr int kSlack = 8;  // zeroed entries behind a roomy list
inline constexpr int kMaxList = kMaxChanges + kSlack;

struct Violation {
  std::string verdict;  // of report/finding.h
  std::string rule;
  std::string message;
};

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
  int64_t took_ns = 0;  // by the monotonic clock
  int result = 0;
  int error = 0;  // errno when result is -1
};

class Judge {
 public:
  // exact_entries: the entries of changes carry exactly EV_ERROR, with other flags elsewhere.
  explicit Judge(bool exact_entries) : exact_entries_(exact_entries) {}

  // A udata that no other change of this input has, for this key.
  void* issue_udata(int16_t filter, uintptr_t ident);
  std::optional<Violation> judge(const Call& call);
  uint64_t deliveries() const { return deliveries_; }

 private:
  using Verdict = std::optional<Violation>;

  bool of_change(const Kevent& event) const;
  Verdict once_per_call(const Call& call) const;
  Verdict not_too_soon(const Call& call) const;
  Verdict own_udata(const Call& call);

  struct Key {
    int16_t filter;
    uintptr_t ident;
  };
  const bool exact_entries_;
  std::vector<Key> issued_;  // by udata
  uint64_t deliveries_ = 0;
};

}  // namespace kqtorture::flags
