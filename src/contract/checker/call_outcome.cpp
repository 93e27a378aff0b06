// The cases of a call's end, in the order of how much they tell.
#include "contract/checker/call_outcome.h"

#include <algorithm>
#include <cerrno>

#include "contract/change.h"

namespace kqtorture::contract::checking {
namespace {

// Beyond this many pairs of a change and an entry nobody asks which belongs to which: a changelist
// of a thousand with a thousand entries is matched one to one before it comes to that.
constexpr size_t kMostPairs = 1 << 16;

bool is_receipt(const Event& change) { return (change.flags & flag::kReceipt) != 0; }

class Reader {
 public:
  Reader(const Profile& profile, const Host& host, const ThreadLog& log, const HistoryOp& op,
         KqueueOpen open, CallOutcome* out)
      : profile_(profile),
        host_(host),
        changes_(log.changes(op)),
        seen_(log.seen(op)),
        op_(op),
        open_(open),
        out_(*out) {}

  void read(bool slept) {
    out_.changes.assign(changes_.size(), {});
    out_.first_delivery = 0;
    out_.hidden_deliveries = out_.unmodelled = out_.scanned = false;
    out_.fault = {};
    if (!op_.returned()) {
      all(slept ? Fate::kApplied : Fate::kUnknown);
      out_.hidden_deliveries = out_.scanned = op_.nevents != 0;
    } else if (op_.value < 0) {
      failed();
    } else {
      succeeded();
    }
    settle_words();
  }

 private:
  bool ambiguous_room() const { return op_.nevents < 0 || op_.nchanges < 0; }
  // Every change that fails finds room for its entry.
  bool all_fit() const { return changes_.size() <= static_cast<size_t>(std::max(op_.nevents, 0)); }

  void all(Fate fate) {
    for (ChangeFate& change : out_.changes) change.fate = fate;
  }

  void fault(const char* verdict, const char* rule, std::string message, int change = -1,
             int entry = -1) {
    if (out_.fault.verdict == nullptr) {
      out_.fault = {verdict, rule, std::move(message), change, entry};
    }
  }

  bool bad_timeout() const {
    return op_.timeout == Timeout::kNegative || op_.timeout == Timeout::kBadNanos;
  }

  void failed() {
    const int error = op_.error;
    if (error == EINTR) {
      out_.scanned = op_.nevents != 0;
      all(profile_.scan_after_entries ? Fate::kUnknown : Fate::kApplied);
      return;
    }
    if (error == EFAULT) {
      out_.hidden_deliveries = out_.scanned = op_.nevents != 0;
      all(Fate::kUnknown);
      return;
    }
    if (open_ == KqueueOpen::kNever) return;
    if (ambiguous_room()) {
      all(Fate::kUnknown);
      return;
    }
    if (error == EINVAL && bad_timeout() && profile_.timeout_check != TimeoutCheck::kNever) {
      if (profile_.timeout_check == TimeoutCheck::kEarly) return;
      // It may have been said of the descriptor, too, if that is no kqueue.
      const bool by_call = open_ == KqueueOpen::kMaybe && error == profile_.not_kqueue_errno;
      all(op_.nevents > 0 && all_fit() && !by_call ? Fate::kApplied : Fate::kUnknown);
      return;
    }
    failed_in_a_change(error);
  }

  // -1 is the answer to a change that failed when there was no room for its entry.
  void failed_in_a_change(int error) {
    const bool by_call =
        error == profile_.closed_kqueue_errno || error == profile_.not_kqueue_errno;
    // Whoever waits in a kqueue that is closed may be woken, its changes applied (2.9).
    const bool woken =
        error == EBADF && op_.nevents > 0 && profile_.close_kqueue != CloseKqueue::kNotWoken;
    if (open_ == KqueueOpen::kMaybe && (by_call || woken)) {
      if (woken || changes_.size() > 1) all(Fate::kUnknown);
      return;
    }
    const bool accusable = !for_want_of_resources(error) && error != ETIMEDOUT;
    if (changes_.empty()) {
      if (accusable && (error == EBADF || error == EINVAL || error == ENOENT)) {
        fault("wrong-errno", "1.3",
              "a kevent() without changes on an open kqueue failed with " + errno_name(error));
      }
      return;
    }
    if (all_fit()) {
      if (accusable && profile_.receipt_no_room != ReceiptNoRoom::kFaults) {
        fault("wrong-errno", "I13",
              "a call failed with " + errno_name(error) +
                  " although there was room to report the change that failed");
      }
      all(Fate::kUnknown);
      return;
    }
    if (changes_.size() > 1 || op_.nevents > 0) {
      all(Fate::kUnknown);
      return;
    }
    out_.changes[0].fate = Fate::kRefused;
    out_.changes[0].error = error;
  }

  void succeeded() {
    if (op_.nevents >= 0 && op_.value > op_.nevents &&
        profile_.receipt_no_room != ReceiptNoRoom::kWritesAnyway) {
      fault("wrong-answer", "I13", "a call returned more entries than there was room for");
    }
    if (may_tell_of_a_restart()) {
      out_.first_delivery = seen_.size();
      out_.hidden_deliveries = out_.scanned = true;
      return all(Fate::kUnknown);
    }
    const size_t entries = count_entries();
    out_.first_delivery = entries;
    out_.scanned = op_.nevents != 0 && (entries == 0 || profile_.scan_after_entries);
    if (changes_.empty()) return;
    const bool has_receipt = std::any_of(changes_.begin(), changes_.end(), is_receipt);
    if (entries == 0 && !has_receipt) {
      all(Fate::kApplied);
    } else if (entries == 0 && op_.value == 0 && !all_fit()) {
      stopped_at_receipt();
    } else {
      match(entries);
    }
  }

  // FreeBSD's answer to a receipt that has no room: 0, and the rest is not looked at.
  void stopped_at_receipt() {
    if (profile_.receipt_no_room == ReceiptNoRoom::kContinues) return all(Fate::kApplied);
    if (profile_.receipt_no_room != ReceiptNoRoom::kStops || op_.nevents != 0) {
      return all(Fate::kUnknown);
    }
    for (size_t i = 0; i < changes_.size(); ++i) {
      out_.changes[i].fate = Fate::kApplied;
      if (is_receipt(changes_[i]) && changes_[i].filter != 0) break;
    }
  }

  bool is_entry(const Event& event) const {
    return profile_.error_entry == ErrorEntry::kErrorOnly ? event.flags == flag::kError
                                                          : (event.flags & flag::kError) != 0;
  }

  // A timer that reports a failed restart looks like the entry of a change of this call.
  bool may_tell_of_a_restart() const {
    if (profile_.timer_bad_readd != TimerBadReadd::kEventLater) return false;
    return std::any_of(seen_.begin(), seen_.end(), [this](const Event& event) {
      return event.filter == filter::kTimer && is_entry(event) && event.data == EINVAL &&
             any_change_is(event);
    });
  }

  // Entries come first; a list is all of one kind unless the profile scans after entries.
  size_t count_entries() {
    if (changes_.empty()) return 0;
    size_t entries = 0;
    while (entries < seen_.size() && is_entry(seen_[entries])) ++entries;
    // A timer that reports a failed restart looks like an entry; no change of this call made it.
    if (entries > 0 && seen_[0].filter == filter::kTimer && !any_change_is(seen_[0])) return 0;
    if (entries > 0 && entries < seen_.size() && !profile_.scan_after_entries) {
      fault("wrong-answer", "I13", "a returned list mixes the results of changes with events", -1,
            static_cast<int>(entries));
    }
    return entries;
  }

  bool any_change_is(const Event& entry) const {
    return std::any_of(changes_.begin(), changes_.end(),
                       [&](const Event& change) { return belongs(entry, change); });
  }

  bool belongs(const Event& entry, const Event& change) const {
    return entry.ident == change.ident && entry.filter == change.filter &&
           entry.udata == change.udata && (entry.data != 0 || is_receipt(change));
  }

  bool skipped(const Event& change) const {
    return change.filter == 0 && profile_.filter_zero == FilterZero::kSkipped &&
           (profile_.unknown_flags == UnknownFlags::kEchoed ||
            (change.flags & ~(profile_.known_flags | profile_.sysflags)) == 0);
  }

  void set_by_entry(size_t change, const Event& entry) {
    out_.changes[change].fate = entry.data == 0 ? Fate::kApplied : Fate::kRefused;
    out_.changes[change].error = static_cast<int>(entry.data);
  }

  void match(size_t entries) {
    const size_t n = changes_.size();
    if (entries == n) {
      bool straight = true;
      for (size_t i = 0; i < n; ++i) straight = straight && belongs(seen_[i], changes_[i]);
      if (straight) {
        for (size_t i = 0; i < n; ++i) set_by_entry(i, seen_[i]);
        return;
      }
    }
    if (n * (entries + 1) > kMostPairs) return all(Fate::kUnknown);
    match_any(entries);
  }

  // Which entry belongs to which change? Entries are in the order of the changes; a change that
  // wants a receipt has one. tail[i][j]: changes from i on can have brought entries from j on.
  void match_any(size_t m) {
    const size_t n = changes_.size();
    std::vector<uint8_t> tail((n + 1) * (m + 1)), head((n + 1) * (m + 1));
    const auto at = [m](size_t i, size_t j) { return i * (m + 1) + j; };
    const auto may_skip = [this](size_t i) {
      return !is_receipt(changes_[i]) || skipped(changes_[i]);
    };
    const auto may_take = [this](size_t i, size_t j) {
      return belongs(seen_[j], changes_[i]) && !skipped(changes_[i]);
    };
    tail[at(n, m)] = head[at(0, 0)] = 1;
    for (size_t i = n; i-- > 0;) {
      for (size_t j = 0; j <= m; ++j) {
        tail[at(i, j)] = (may_skip(i) && tail[at(i + 1, j)] != 0) ||
                         (j < m && may_take(i, j) && tail[at(i + 1, j + 1)] != 0);
      }
    }
    if (tail[at(0, 0)] == 0) {
      fault("wrong-answer", "I13",
            "the entries of the returned list are not one for each change that failed or wanted a "
            "receipt, in the order of the changes",
            -1, m > 0 ? 0 : -1);
      return all(Fate::kUnknown);
    }
    for (size_t i = 0; i < n; ++i) {
      ChangeFate& change = out_.changes[i];
      bool first = true;
      const auto may_be = [&](Fate fate, int error) {
        if (!first && (change.fate != fate || change.error != error)) fate = Fate::kUnknown;
        change.fate = fate;
        change.error = error;
        first = false;
      };
      for (size_t j = 0; j <= m; ++j) {
        if (head[at(i, j)] == 0) continue;
        if (may_skip(i) && tail[at(i + 1, j)] != 0) {
          head[at(i + 1, j)] = 1;
          may_be(Fate::kApplied, 0);
        }
        if (j < m && may_take(i, j) && tail[at(i + 1, j + 1)] != 0) {
          head[at(i + 1, j + 1)] = 1;
          const int error = static_cast<int>(seen_[j].data);
          may_be(error == 0 ? Fate::kApplied : Fate::kRefused, error);
        }
      }
    }
  }

  // What the words of a change say whatever the state is.
  void settle_words() {
    for (size_t i = 0; i < changes_.size(); ++i) {
      ChangeFate& change = out_.changes[i];
      change.change = changes_[i];
      const ChangeOutcome words = check_words(profile_, host_, &change.change);
      switch (words.what) {
        case ChangeOutcome::kDone:
          break;
        case ChangeOutcome::kSkipped:
          change.fate = Fate::kNothing;
          break;
        case ChangeOutcome::kUndecided:
          // A filter without a model is still a knote; flags without a meaning are not known.
          if (change.change.filter < 0 && !profile_.flag_clash) break;
          out_.unmodelled = true;
          change.fate = Fate::kNothing;
          break;
        case ChangeOutcome::kFailed:
          check_refusal(static_cast<int>(i), words, change);
          change.fate = Fate::kNothing;
          break;
      }
    }
  }

  void check_refusal(int index, const ChangeOutcome& words, const ChangeFate& change) {
    if (change.fate == Fate::kApplied) {
      fault("wrong-errno", "1.4",
            "a change that is refused with " + errno_name(words.error) +
                " whatever its knote is was accepted",
            index);
    }
    if (change.fate != Fate::kRefused || for_want_of_resources(change.error)) return;
    if (change.error == words.error || change.error == words.error_or) return;
    fault("wrong-errno", "1.3",
          "a change was refused with " + errno_name(change.error) + ", not with " +
              errno_name(words.error),
          index);
  }

  const Profile& profile_;
  const Host& host_;
  const std::span<const Event> changes_, seen_;
  const HistoryOp& op_;
  const KqueueOpen open_;
  CallOutcome& out_;
};

}  // namespace

bool for_want_of_resources(int error) {
  return error == ENOMEM || error == ENOSPC || error == EMFILE || error == ENFILE ||
         error == EAGAIN || error == ENOBUFS || error == EINTR;
}

void read_outcome(const Profile& profile, const Host& host, const ThreadLog& log,
                  const HistoryOp& op, KqueueOpen open, bool slept, CallOutcome* outcome) {
  Reader(profile, host, log, op, open, outcome).read(slept);
}

}  // namespace kqtorture::contract::checking
