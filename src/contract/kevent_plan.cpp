// The part of a kevent() call that comes before the scan (1.3, 1.5, 2.12, 2.13).
#include <cerrno>

#include "contract/change.h"
#include "contract/kevent_call.h"

namespace kqtorture::contract {
namespace {

bool out_of_range(Timeout timeout) {
  return timeout == Timeout::kNegative || timeout == Timeout::kBadNanos;
}

// Both return false when the plan is made.
bool fail(Plan* plan, int error, const char* rule, const char* because, int error_or = 0) {
  plan->what = Plan::kFails;
  plan->error = error;
  plan->error_or = error_or;
  plan->rule = rule;
  plan->because = because;
  return false;
}

bool undecided(Plan* plan) {
  plan->what = Plan::kUndecided;
  return false;
}

bool return_zero(Plan* plan, const char* rule, const char* because) {
  plan->what = Plan::kReturns;
  plan->rule = rule;
  plan->because = because;
  return false;
}

bool check_timeout(const Profile& profile, const Op& op, Plan* plan) {
  if (op.timeout == Timeout::kUnreadable) {
    return fail(plan, EFAULT, "1.3", "the timeout cannot be read");
  }
  if (profile.timeout_check == TimeoutCheck::kEarly && out_of_range(op.timeout)) {
    return fail(plan, EINVAL, "1.3", "the timeout is out of range");
  }
  return true;
}

bool check_kqueue(const Context& context, const Op& op, Plan* plan) {
  const Descriptor* descriptor = context.state->find_descriptor(op.fd);
  if (descriptor == nullptr) {
    return fail(plan, context.profile.closed_kqueue_errno, "1.3", "the kqueue is not open");
  }
  if (context.state->object[descriptor->object].kind != ObjectKind::kKqueue) {
    return fail(plan, context.profile.not_kqueue_errno, "1.3", "the descriptor is not a kqueue");
  }
  plan->kqueue = descriptor->object;
  return true;
}

bool check_negative(NegativeCount knob, int count, const char* because, Plan* plan) {
  if (count >= 0) return true;
  if (knob == NegativeCount::kRefused) return fail(plan, EINVAL, "2.13", because);
  if (knob == NegativeCount::kUndefined) return undecided(plan);
  return true;
}

bool check_call(const Context& context, const Op& op, Plan* plan) {
  const Profile& profile = context.profile;
  constexpr const char* kChanges = "the number of changes is negative";
  if (profile.counts_first) {
    if (!check_negative(profile.negative_changes, op.nchanges, kChanges, plan)) return false;
    if (!check_negative(profile.negative_events, op.nevents, "the room is negative", plan)) {
      return false;
    }
  }
  if (profile.timeout_read_first && !check_timeout(profile, op, plan)) return false;
  if (!check_kqueue(context, op, plan)) return false;
  if (!profile.timeout_read_first && !check_timeout(profile, op, plan)) return false;
  return check_negative(profile.negative_changes, op.nchanges, kChanges, plan);
}

int64_t entry_room(const Profile& profile, int nevents) {
  if (nevents >= 0) return nevents;
  // FreeBSD counts the room down to zero: a negative count never gets there.
  const bool none = profile.negative_events == NegativeCount::kAsZero;
  return none ? 0 : INT64_MAX;
}

// An entry is due and the list is full.
bool no_room(const Profile& profile, const ChangeOutcome& outcome, Plan* plan) {
  if (outcome.what == ChangeOutcome::kFailed) {
    return fail(plan, outcome.error, "1.5", "a change failed and there is no room for its entry",
                outcome.error_or);
  }
  switch (profile.receipt_no_room) {
    case ReceiptNoRoom::kStops:
      return return_zero(plan, "1.5", "there is no room for a receipt");
    case ReceiptNoRoom::kContinues:
      return true;
    case ReceiptNoRoom::kFaults:
      return fail(plan, EFAULT, "1.5", "there is no room for a receipt");
    case ReceiptNoRoom::kWritesAnyway:
      break;
  }
  return undecided(plan);
}

bool readable(const Op& op, int from, int to) {
  return op.changes_readable == Op::kAll || to <= op.changes_readable || from >= to;
}

bool add_entry(const Context& context, const Op& op, int index, const Event& change,
               const ChangeOutcome& outcome, Plan* plan) {
  if (plan->entries >= plan->room) return no_room(context.profile, outcome, plan);
  if (plan->entries == kMaxEntries) return undecided(plan);
  const bool faults = op.events_writable != Op::kAll && plan->entries >= op.events_writable;
  if (faults && !context.profile.entry_fault_ignored) {
    return fail(plan, EFAULT, "1.5", "an entry cannot be written");
  }
  Entry& entry = plan->entry[plan->entries++];
  entry.change = index;
  entry.given = &change;
  entry.error = outcome.error;
  entry.error_or = outcome.error_or;
  entry.flags = outcome.flags;
  entry.created = outcome.created;
  return true;
}

// The change as it is read when `entries` entries have been written.
const Event& change_at(const Op& op, int index, int entries) {
  const int entry = index - op.alias;
  const bool overwritten = op.alias != Op::kNoAlias && entry >= 0 && entry < entries &&
                           (op.events_writable == Op::kAll || entry < op.events_writable);
  return overwritten ? op.written[entry] : op.changes[index];
}

bool apply_changes(const Context& context, const Op& op, Plan* plan) {
  const int chunk = context.profile.chunk;
  int written = 0;  // entries, when the chunk was read
  for (int i = 0; i < op.nchanges; i++) {
    if (i % chunk == 0) written = plan->entries;
    if (i % chunk == 0 && !readable(op, i, std::min(i + chunk, op.nchanges))) {
      return fail(plan, EFAULT, "2.12", "the changelist cannot be read");
    }
    const Event& change = change_at(op, i, written);
    const ChangeOutcome outcome = change_state(context, plan->kqueue, change);
    if (outcome.what == ChangeOutcome::kUndecided) return undecided(plan);
    if (outcome.what == ChangeOutcome::kSkipped) continue;
    const bool receipt = (change.flags & flag::kReceipt) != 0;
    if (outcome.what == ChangeOutcome::kDone && !receipt) continue;
    if (!add_entry(context, op, i, change, outcome, plan)) return false;
  }
  return true;
}

bool check_late(const Profile& profile, const Op& op, Plan* plan) {
  if (op.nevents < 0) {
    if (!check_negative(profile.negative_events, op.nevents, "the room is negative", plan)) {
      return false;
    }
    if (profile.negative_events == NegativeCount::kAsZero) plan->room = 0;
  }
  if (plan->room == 0) return return_zero(plan, "1.3", "there is no room for events");
  if (out_of_range(op.timeout)) {
    if (profile.timeout_check == TimeoutCheck::kLate) {
      return fail(plan, EINVAL, "1.3", "the timeout is out of range");
    }
    if (profile.timeout_check == TimeoutCheck::kBackend) return undecided(plan);
  }
  return true;
}

}  // namespace

void plan_kevent(const Context& context, const Op& op, Plan* plan) {
  if (!check_call(context, op, plan)) return;
  plan->room = entry_room(context.profile, op.nevents);
  if (!apply_changes(context, op, plan)) return;
  if (plan->entries > 0 && !context.profile.scan_after_entries) {
    plan->what = Plan::kEntries;
    return;
  }
  if (!check_late(context.profile, op, plan)) return;
  plan->what = Plan::kScans;
}

Event entry_event(const Profile& profile, const Entry& entry, const Event& change) {
  Event event = change;
  uint16_t kept = 0;
  if (profile.error_entry == ErrorEntry::kSimplifiedAndError) kept = entry.flags;
  if (profile.error_entry == ErrorEntry::kInputAndError) kept = change.flags;
  event.flags = static_cast<uint16_t>(kept | flag::kError);
  event.data = entry.error;
  if (entry.created && entry.error == 0 && profile.entry_zeroes_fflags) event.fflags = 0;
  return event;
}

}  // namespace kqtorture::contract
