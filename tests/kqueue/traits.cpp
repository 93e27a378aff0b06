// The rows of the profile table: what each platform answers where it departs from FreeBSD main.
// Kept as one function per platform so that a row can be read against the contract's column.
#include "traits.h"

namespace kqtorture {
namespace {

Traits strict_2006() {
  Traits t;
  t.name = "strict-2006";
  t.unknown_flags = UnknownFlags::kRefused;
  t.final_event_marked = true;
  return t;
}

Traits freebsd13() {
  Traits t;
  t.name = "freebsd13";
  t.not_a_kqueue = EBADF;
  t.negative_changes = CountCheck::kAsZero;
  t.negative_events = CountCheck::kUntold;  // runs without a limit
  t.keepudata = false;
  t.nested_is_synchronous = false;
  return t;
}

// What every kernel but FreeBSD's has in common against it.
Traits other_kernel(const char* name) {
  Traits t;
  t.name = name;
  t.not_a_kqueue = EBADF;
  t.empty_filter_slot = EINVAL;
  t.echoes_actions = true;
  t.forceoneshot = false;
  t.keepudata = false;
  t.lost_entry_is_counted = false;
  t.freebsd_objects = false;
  t.dead_pipe_ends_knote = false;
  t.exit_needs_interest = false;
  t.zombie_can_be_added = false;
  t.user_oneshot_zeroed = false;
  t.freebsd_timer_units = false;
  return t;
}

Traits netbsd() {
  Traits t = other_kernel("netbsd");
  t.bad_timeout_on_closed_kqueue = EBADF;
  t.negative_changes = CountCheck::kUntold;
  t.negative_events = CountCheck::kUntold;
  t.filter_zero = kUnstated;  // it is READ there, and the canonical form cannot say it
  t.enable_disable = EnableDisable::kEndsEnabled;
  t.dispatch_with_clear = false;
  t.dispatch_limits_timers = false;
  t.close_under_waiter = CloseUnderWaiter::kWoken;
  t.self_watch = 0;
  return t;
}

Traits openbsd() {
  Traits t = other_kernel("openbsd");
  t.bad_timeout_on_closed_kqueue = EBADF;
  t.timeout_check = TimeoutCheck::kEarly;
  t.negative_changes = CountCheck::kAsZero;
  t.negative_events = CountCheck::kAsZero;
  t.filter_zero = EINVAL;
  t.enable_disable = EnableDisable::kEndsEnabled;
  t.add_delete_existing = AddDelete::kModifies;
  t.enable_writes_udata = false;
  t.disable_writes_udata = false;
  t.plain_change_writes_udata = false;
  t.enable_overwrites_interest = false;
  t.plain_change_reevaluates = false;
  t.oneshot_evaluation = OneshotEvaluation::kUntold;  // USER and TIMER check, others do not
  t.stale_activity_survives_disable = false;
  t.close_under_waiter = CloseUnderWaiter::kWoken;
  t.self_watch = 0;
  t.nested_is_synchronous = false;
  t.dead_pipe_ends_knote = true;
  t.trigger_on_creation = true;
  t.user_add_fflags = UserAddFflags::kMasked;
  t.any_signal_number = false;
  return t;
}

Traits dragonfly() {
  Traits t = other_kernel("dragonfly");
  t.timeout_check = TimeoutCheck::kUntold;  // never: a negative one has already run out
  t.negative_changes = CountCheck::kUntold;
  t.negative_events = CountCheck::kAsZero;
  t.filter_zero = EINVAL;
  t.empty_filter_slot = kUnstated;
  t.enable_disable = EnableDisable::kEndsEnabled;
  t.add_delete_existing = AddDelete::kModifies;
  t.receipt_without_room = ReceiptWithoutRoom::kUntold;  // writes past the caller's list
  t.user_change_writes_udata = false;
  t.self_watch = 0;
  t.nested_write = EOPNOTSUPP;
  t.trigger_on_creation = true;
  t.user_add_fflags = UserAddFflags::kComputed;
  t.user_result_survives_clear = false;
  t.zombie_can_be_added = true;
  t.timer_abstime = false;
  t.timer_readd_resets = false;
  return t;
}

Traits macos() {
  Traits t = other_kernel("macos");
  t.timeout_check = TimeoutCheck::kEarly;
  t.negative_changes = CountCheck::kAsZero;
  t.negative_events = CountCheck::kAsZero;
  t.changes_per_copy = 1;
  t.filter_zero = EINVAL;
  t.change_on_closed_descriptor = ENOENT;
  t.enable_disable = EnableDisable::kEndsDisabled;
  t.add_delete_absent = ENOENT;
  t.bare_error_entries = false;
  t.receipt_without_room = ReceiptWithoutRoom::kContinues;
  t.oneshot_evaluation = OneshotEvaluation::kAtDelivery;
  t.stale_activity_survives_disable = false;
  t.close_under_waiter = CloseUnderWaiter::kCloseBlocks;
  t.cycle = EINVAL;
  t.deep_nesting = false;  // depth 10 at most
  t.trigger_on_creation = true;
  t.clear_cancels_trigger = false;
  t.exit_needs_interest = true;
  t.exit_tells_status = false;  // only with NOTE_EXITSTATUS
  t.timer_abstime = false;
  return t;
}

Traits libkqueue() {
  Traits t = other_kernel("libkqueue");
  t.closed_kqueue = ENOENT;
  t.checks_pointers = false;
  t.clears_reserved_bits = false;
  t.kqueue_is_descriptor = false;
  t.not_a_kqueue = ENOENT;
  t.bad_timeout_on_closed_kqueue = kUnstated;
  t.timeout_check = TimeoutCheck::kUntold;
  t.changes_per_copy = kUnstated;
  t.filter_zero = EINVAL;
  t.empty_filter_slot = kUnstated;
  t.change_on_closed_descriptor = kUnstated;
  t.enable_disable = EnableDisable::kEndsDisabled;
  t.dispatch_oneshot = EINVAL;
  t.bare_error_entries = false;
  t.receipt_without_room = ReceiptWithoutRoom::kFails;
  t.entries_end_the_call = false;
  t.add_disabled_is_silent = false;
  t.enable_writes_udata = false;
  t.disable_writes_udata = false;
  t.enable_overwrites_interest = false;
  t.readd_reevaluates = false;
  t.plain_change_reevaluates = false;
  t.readd_keeps_behaviour = false;
  t.oneshot_evaluation = OneshotEvaluation::kUntold;
  t.stale_activity_survives_disable = false;
  t.efault_loses_events = false;
  t.close_removes_knotes = false;
  t.close_under_waiter = CloseUnderWaiter::kWoken;
  t.self_watch = kUnstated;
  t.cycle = kUnstated;
  t.deep_nesting = false;
  t.nested_is_synchronous = false;
  t.nested_write = kUnstated;
  t.first_in_first_out = false;
  t.local_low_water = false;                   // kqueue.2: NOTE_LOWAT is not supported
  t.counts_connections = false;                // always 1: src/linux/read.c
  t.tells_space_of_devices = false;            // kqueue.2 has it for sockets, pipes and fifos
  t.user_add_fflags = UserAddFflags::kMasked;  // at delivery
  t.clear_cancels_trigger = false;
  t.bare_clear_is_applied = false;  // kevent_copyin_one() in its src/common/kevent.c
  t.user_data_overwritten = false;
  t.user_latch_survives_dispatch = false;
  t.user_trigger_while_disabled = false;
  t.any_signal_number = false;
  t.timer_abstime = false;
  return t;
}

}  // namespace

const Traits* find_traits(const std::string& profile) {
  static const Traits table[] = {strict_2006(), freebsd13(), Traits(), netbsd(),
                                 openbsd(),     dragonfly(), macos(),  libkqueue()};
  for (const Traits& row : table) {
    if (profile == row.name) return &row;
  }
  return nullptr;
}

}  // namespace kqtorture
