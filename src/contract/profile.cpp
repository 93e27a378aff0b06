// The columns of the contract's table. FreeBSD main is written out, the others as differences: a
// reader sees what is special about a platform, and nothing else.
#include "contract/profile.h"

#include <cerrno>

namespace kqtorture::contract {
namespace {

// FreeBSD main, 2025 and later: column Fm of the contract, the reference of all others.
constexpr Profile freebsd() {
  Profile p;
  p.name = "freebsd";
  p.summary = "FreeBSD main, 2025";
  p.not_kqueue_errno = EINVAL;
  p.closed_kqueue_errno = EBADF;
  p.negative_changes = NegativeCount::kRefused;
  p.negative_events = NegativeCount::kRefused;
  p.known_flags = 0x03FF;
  p.sysflags = 0xF000;
  p.out_of_range_errno = EINVAL;
  p.empty_slot_errno = ENXIO;
  p.empty_slot_attaches = true;
  p.has_forceoneshot = true;
  p.has_keepudata = true;
  p.udata_writers = UdataWriters::kAllButKeepUdata;
  p.nested_other_filter_errno = EINVAL;
  p.nested = NestedPropagation::kAsyncDrained;
  p.freebsd_files = true;
  return p;
}

constexpr Profile freebsd13() {
  Profile p = freebsd();
  p.name = "freebsd13";
  p.summary = "FreeBSD 13.0";
  p.not_kqueue_errno = EBADF;
  p.negative_changes = NegativeCount::kAsZero;
  p.negative_events = NegativeCount::kUnlimited;
  p.known_flags = 0x01FF;
  p.has_keepudata = false;
  p.udata_writers = UdataWriters::kAllChanges;
  p.timer_absolute_before_boot_refused = true;
  p.nested = NestedPropagation::kAsync;
  return p;
}

constexpr Profile strict_2006() {
  Profile p = freebsd();
  p.name = "strict-2006";
  p.summary = "FreeBSD main, unknown flags refused, the forced final event marked";
  p.unknown_flags = UnknownFlags::kRefused;
  p.final_event_marked = true;
  return p;
}

// What all others have in common against FreeBSD.
constexpr Profile not_freebsd() {
  Profile p;
  p.not_kqueue_errno = EBADF;
  p.closed_kqueue_errno = EBADF;
  p.known_flags = 0x00FF;
  p.sysflags = 0xF000;
  p.filter_zero = FilterZero::kRefused;
  p.out_of_range_errno = EINVAL;
  p.empty_slot_errno = EINVAL;
  p.enable_disable = EnableDisable::kEnables;
  p.echo_actions = true;
  p.entry_fault_ignored = false;
  p.disabled_creation = DisabledCreation::kEvaluatedThenDisabled;
  p.death_converts = false;
  p.dead_pipe_write = DeadPipeWrite::kUnknown;
  p.user_oneshot_zeroed = false;
  p.timer_negative_refused = false;
  p.zombie_taken = false;
  p.exit_status = ExitStatus::kAlways;
  p.nested_other_filter_errno = EINVAL;
  return p;
}

constexpr Profile netbsd() {
  Profile p = not_freebsd();
  p.name = "netbsd";
  p.summary = "NetBSD 10";
  p.negative_changes = NegativeCount::kUndefined;
  p.negative_events = NegativeCount::kUndefined;
  p.timeout_read_first = false;
  p.filter_zero = FilterZero::kIsRead;
  p.dispatch_clear = DispatchClear::kClearOnly;
  p.timer_units = TimerUnits::kEnumeration;
  p.timer_zero_refused = true;
  p.timer_readd = TimerReadd::kResetsAndReplacesFlags;
  p.timer_bad_readd = TimerBadReadd::kRefused;
  p.self_watch = SelfWatch::kAccepted;
  p.close_kqueue = CloseKqueue::kWokenEbadf;
  p.exit_event_without_interest = true;
  return p;
}

constexpr Profile openbsd() {
  Profile p = not_freebsd();
  p.name = "openbsd";
  p.summary = "OpenBSD 7.8";
  p.sysflags = 0xF800;
  p.timeout_check = TimeoutCheck::kEarly;
  p.timeout_read_first = false;
  p.add_delete_existing = AddDeleteExisting::kModifies;
  p.oneshot_check = OneshotCheck::kUserAndTimer;
  p.udata_writers = UdataWriters::kAddAndUser;
  p.interest_overwritten = false;
  p.reevaluates = Reevaluates::kAddOnly;
  p.death_converts = true;
  p.trigger_on_creation = true;
  p.user_saved = UserSaved::kMasked24;
  p.timer_units = TimerUnits::kEnumeration;
  p.timer_bad_readd = TimerBadReadd::kRefusedAndOldKept;
  p.signal_number_checked = true;
  p.self_watch = SelfWatch::kAccepted;
  p.nested = NestedPropagation::kAsync;
  p.close_kqueue = CloseKqueue::kWokenEbadf;
  p.overlapping_poll_may_miss = true;
  p.exit_event_without_interest = true;
  return p;
}

constexpr Profile dragonfly() {
  Profile p = not_freebsd();
  p.name = "dragonfly";
  p.summary = "DragonFly";
  p.sysflags = 0xF800;
  p.timeout_check = TimeoutCheck::kNever;
  p.negative_changes = NegativeCount::kUndefined;
  p.add_delete_existing = AddDeleteExisting::kModifies;
  p.receipt_no_room = ReceiptNoRoom::kWritesAnyway;
  p.udata_writers = UdataWriters::kAllButUser;
  p.trigger_on_creation = true;
  p.user_saved = UserSaved::kAppliedToZero;
  p.user_clear_zeroes_data = true;
  p.user_clear_delivery = UserClearDelivery::kZeroesResult;
  p.timer_units = TimerUnits::kMillisecondsOnly;
  p.timer_unknown_notes_refused = false;
  p.timer_absolute = false;
  p.timer_readd = TimerReadd::kIgnoredUntilExpiry;
  p.timer_bad_readd = TimerBadReadd::kTaken;
  p.self_watch = SelfWatch::kAccepted;
  p.nested_other_filter_errno = EOPNOTSUPP;
  p.overlapping_poll_may_miss = true;
  p.wake_policy = WakePolicy::kOneOrAll;
  p.zombie_taken = true;
  p.exit_event_without_interest = true;
  return p;
}

constexpr Profile macos() {
  Profile p = not_freebsd();
  p.name = "macos";
  p.summary = "macOS, kevent() on a plain kqueue";
  p.timeout_check = TimeoutCheck::kEarly;
  p.chunk = 1;
  p.known_flags = 0x03FF;
  p.flag_clash = true;
  p.closed_descriptor = CheckOrder::kKnoteFirst;
  p.enable_disable = EnableDisable::kDisables;
  p.add_delete_absent = AddDeleteAbsent::kNotFound;
  p.error_entry = ErrorEntry::kSimplifiedAndError;
  p.entry_zeroes_fflags = false;
  p.receipt_no_room = ReceiptNoRoom::kContinues;
  p.disabled_creation = DisabledCreation::kNotEvaluated;
  p.disable_queue = DisableQueue::kUnlinks;
  p.oneshot_check = OneshotCheck::kAlways;
  p.dead_pipe_write = DeadPipeWrite::kAccepted;
  p.pipe_low_water = true;
  p.trigger_on_creation = true;
  p.user_clear_cancels = false;
  p.timer_unknown_notes_refused = false;
  p.timer_absolute_clears = true;
  p.timer_absolute_oneshot = true;
  p.timer_bad_readd = TimerBadReadd::kRefused;
  p.exit_status = ExitStatus::kOnDemand;
  p.nested_depth = 10;
  p.cycles_refused = true;
  p.close_kqueue = CloseKqueue::kWokenEbadfAndBlocks;
  return p;
}

constexpr Profile libkqueue() {
  Profile p = not_freebsd();
  p.name = "libkqueue";
  p.summary = "libkqueue, 2026";
  p.not_kqueue_errno = ENOENT;
  p.closed_kqueue_errno = ENOENT;
  p.negative_changes = NegativeCount::kRefused;
  p.negative_events = NegativeCount::kRefused;
  p.timeout_check = TimeoutCheck::kBackend;
  p.counts_first = true;
  p.sysflags = 0;
  p.empty_slot_errno_or = ENOSYS;
  p.closed_descriptor = CheckOrder::kKnoteFirst;
  p.close_detected = false;
  p.enable_disable = EnableDisable::kDisables;
  p.dispatch_oneshot_refused = true;
  p.error_entry = ErrorEntry::kInputAndError;
  p.entry_zeroes_fflags = false;
  p.receipt_no_room = ReceiptNoRoom::kFaults;
  p.scan_after_entries = true;
  p.udata_writers = UdataWriters::kModifyHook;
  p.interest_overwritten = false;
  p.reevaluates = Reevaluates::kNever;
  p.readd_sets_dispatch = true;
  p.disable_queue = DisableQueue::kUnlinks;
  p.oneshot_check = OneshotCheck::kAlways;
  p.shows_interest = true;
  p.user_data_overwritten = false;
  p.user_clear_cancels = false;
  p.user_trigger = LateTrigger::kLostWhenDisabled;
  p.user_dispatch_resets = true;
  p.timer_unknown_notes_refused = false;
  p.timer_readd = TimerReadd::kResetsAndReplacesFlags;
  p.timer_bad_readd = TimerBadReadd::kRefused;
  p.signal_counts_told = false;  // those that it hands to one waiter or to several (B48)
  p.self_watch = SelfWatch::kUnsupported;
  p.nested = NestedPropagation::kUnsupported;
  p.close_kqueue = CloseKqueue::kWokenEbadf;
  p.overlapping_poll_may_miss = true;
  p.wake_policy = WakePolicy::kBackend;
  return p;
}

constexpr Profile kEveryProfile[kProfiles] = {strict_2006(), freebsd13(), freebsd(), netbsd(),
                                              openbsd(),     dragonfly(), macos(),   libkqueue()};

}  // namespace

const Profile (&profiles())[kProfiles] { return kEveryProfile; }

const Profile* find_profile(std::string_view name) {
  for (const Profile& profile : kEveryProfile) {
    if (name == profile.name) return &profile;
  }
  return nullptr;
}

}  // namespace kqtorture::contract
