// In which ways do kqueues differ?
//
// Each knob is one row of the contract's profile table (section 7), or of the difference tables it
// summarises, whose section is named beside it. A profile is a value of this struct and nothing
// else: no code asks which platform it is on. Knobs marked "concurrent" say something about several
// threads; the sequential model carries them for those who judge histories, and for printing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "contract/vocabulary.h"

namespace kqtorture::contract {

// What a call or change that is refused says, where platforms differ between taking and refusing.
enum class EnableDisable : uint8_t { kRefused, kEnables, kDisables };
enum class AddDeleteExisting : uint8_t { kDeletes, kModifies };
enum class AddDeleteAbsent : uint8_t { kCreates, kNotFound };
enum class FilterZero : uint8_t { kSkipped, kIsRead, kRefused };
enum class OneshotCheck : uint8_t { kNever, kUserAndTimer, kAlways };
enum class DispatchClear : uint8_t { kBoth, kClearOnly };
enum class UdataWriters : uint8_t {
  kAllChanges,
  kAllButKeepUdata,  // every change without EV_KEEPUDATA
  kAddAndUser,       // ADD, and every change of a USER knote
  kAllButUser,       // every change, but never of a USER knote
  kModifyHook,       // ADD, no flags, RECEIPT, and ENABLE together with NOTE_TRIGGER
};
enum class Reevaluates : uint8_t { kEveryChange, kAddOnly, kNever };
// The flags of an entry: ERROR, or besides those of the change, as it was simplified (ENABLE with
// DISABLE, reserved bits) or as it was given.
enum class ErrorEntry : uint8_t { kErrorOnly, kSimplifiedAndError, kInputAndError };
enum class ReceiptNoRoom : uint8_t { kStops, kWritesAnyway, kContinues, kFaults };
enum class TimeoutCheck : uint8_t { kLate, kEarly, kNever, kBackend };
enum class NegativeCount : uint8_t { kAsZero, kRefused, kUnlimited, kUndefined };
enum class CloseKqueue : uint8_t { kNotWoken, kWokenEbadf, kWokenEbadfAndBlocks };
enum class SelfWatch : uint8_t { kRefused, kAccepted, kUnsupported };
enum class NestedPropagation : uint8_t { kSync, kAsyncDrained, kAsync, kUnsupported };
// In data of an exit: of those who asked for NOTE_EXIT, of all, or only on demand.
enum class ExitStatus : uint8_t { kWithInterest, kAlways, kOnDemand };
enum class WakePolicy : uint8_t { kAll, kOneOrAll, kBackend };
enum class TimerReadd : uint8_t { kResets, kResetsAndReplacesFlags, kIgnoredUntilExpiry };
enum class TimerBadReadd : uint8_t { kEventLater, kRefusedAndOldKept, kRefused, kTaken };
enum class UnknownFlags : uint8_t { kEchoed, kRefused };
enum class DisabledCreation : uint8_t { kNotEvaluated, kEvaluatedThenDisabled };
enum class DisableQueue : uint8_t { kLazy, kUnlinks };
enum class UserSaved : uint8_t { kRaw, kMasked24, kAppliedToZero };
enum class UserClearDelivery : uint8_t { kKeepsResult, kZeroesResult };
enum class TimerUnits : uint8_t { kBits, kEnumeration, kMillisecondsOnly };
enum class DeadPipeWrite : uint8_t { kRefusedEpipe, kAccepted, kUnknown };
enum class LateTrigger : uint8_t { kTriggers, kLostWhenDisabled };
enum class CheckOrder : uint8_t { kDescriptorFirst, kKnoteFirst };

struct Profile {
  const char* name = "";
  const char* summary = "";  // one line

  // The call (1.3, 2.13).
  int not_kqueue_errno = 0;     // the descriptor is open but no kqueue
  int closed_kqueue_errno = 0;  // the descriptor is not open
  NegativeCount negative_changes = NegativeCount::kAsZero;
  NegativeCount negative_events = NegativeCount::kAsZero;
  TimeoutCheck timeout_check = TimeoutCheck::kLate;
  bool timeout_read_first = true;  // the timeout is read before the descriptor is looked at
  bool counts_first = false;       // negative counts are refused before anything else
  int chunk = 8;                   // changes read, and events written, at a time (2.12)

  // One change (1.1, 1.3, 1.4).
  UnknownFlags unknown_flags = UnknownFlags::kEchoed;
  uint16_t known_flags = 0;  // bits with a meaning, beside the reserved ones
  // Reserved bits, cleared from the input. What a kqueue makes of a bit of its output that it does
  // not clear (ERROR, EOF) nobody says.
  uint16_t sysflags = 0;
  FilterZero filter_zero = FilterZero::kSkipped;
  int16_t lowest_filter = filter::kLowest;
  int out_of_range_errno = 0;        // filter positive or below the table
  int empty_slot_errno = 0;          // a filter of the table that is not there
  int empty_slot_errno_or = 0;       // or this
  bool empty_slot_attaches = false;  // noticed only when a knote is to be made: else ENOENT
  CheckOrder closed_descriptor = CheckOrder::kDescriptorFirst;
  EnableDisable enable_disable = EnableDisable::kRefused;
  AddDeleteExisting add_delete_existing = AddDeleteExisting::kDeletes;
  AddDeleteAbsent add_delete_absent = AddDeleteAbsent::kCreates;
  bool dispatch_oneshot_refused = false;
  bool has_forceoneshot = false;
  bool has_keepudata = false;
  bool close_detected = true;       // close() removes the knotes of the descriptor (2.8)
  bool flag_clash = false;          // 0x0100 and 0x0200 mean something the model does not know
  bool final_event_marked = false;  // the last event of a forced knote carries 0x0100
  DeadPipeWrite dead_pipe_write = DeadPipeWrite::kRefusedEpipe;  // ADD without a reader (3.2)

  // The event list (1.5).
  bool echo_actions = false;  // deliveries carry the action bits of the creation
  ErrorEntry error_entry = ErrorEntry::kErrorOnly;
  bool entry_zeroes_fflags = true;  // of a successful creating change
  ReceiptNoRoom receipt_no_room = ReceiptNoRoom::kStops;
  bool scan_after_entries = false;
  bool entry_fault_ignored = true;  // an entry that cannot be written out still counts

  // A change of an existing knote (2.2, 2.4).
  UdataWriters udata_writers = UdataWriters::kAllChanges;
  bool interest_overwritten = true;  // by a change without ADD, of a filter without touch hook
  Reevaluates reevaluates = Reevaluates::kEveryChange;  // an enabled knote
  bool readd_sets_dispatch = false;
  DisabledCreation disabled_creation = DisabledCreation::kNotEvaluated;
  DisableQueue disable_queue = DisableQueue::kLazy;

  // Delivery (2.3, 2.4, 2.7).
  OneshotCheck oneshot_check = OneshotCheck::kNever;
  DispatchClear dispatch_clear = DispatchClear::kBoth;
  bool pipe_low_water = false;  // NOTE_LOWAT counts on pipes (3.1)
  bool death_converts = true;   // a dead pipe end makes its knotes EOF and ONESHOT

  // USER (3.3).
  bool trigger_on_creation = false;
  UserSaved user_saved = UserSaved::kRaw;
  bool user_data_overwritten = true;  // by every change
  bool user_clear_cancels = true;     // EV_CLEAR in a change resets the trigger
  LateTrigger user_trigger = LateTrigger::kTriggers;
  UserClearDelivery user_clear_delivery = UserClearDelivery::kKeepsResult;
  bool user_dispatch_resets = false;  // a DISPATCH delivery resets the trigger
  // Deliveries show the fflags of the registration, of USER without the control bits and the
  // trigger.
  bool shows_interest = false;
  bool user_clear_zeroes_data = false;  // EV_CLEAR in a change also sets D to 0
  bool user_oneshot_zeroed = true;      // a ONESHOT delivery has fflags 0 and data 0

  // TIMER (3.4).
  TimerUnits timer_units = TimerUnits::kBits;
  bool timer_unknown_notes_refused = true;
  bool timer_negative_refused = true;
  bool timer_zero_refused = false;
  bool timer_absolute = true;
  bool timer_absolute_before_boot_refused = false;
  bool timer_absolute_clears = false;   // absolute timers get CLEAR too
  bool timer_absolute_oneshot = false;  // and ONESHOT
  TimerReadd timer_readd = TimerReadd::kResets;
  TimerBadReadd timer_bad_readd = TimerBadReadd::kEventLater;

  // Nested kqueues (2.14).
  SelfWatch self_watch = SelfWatch::kRefused;
  int nested_depth = 0;  // deeper is refused with EINVAL; 0: any depth
  bool cycles_refused = false;
  int nested_other_filter_errno = 0;  // a filter other than READ on a kqueue
  NestedPropagation nested = NestedPropagation::kSync;

  // VNODE and EMPTY are FreeBSD's, whose VNODE posts all notes of an operation to who asked for any
  // (3.2, 3.7); else they are not modelled.
  bool freebsd_files = false;

  // Concurrent, or about filters that the sequential model has not.
  CloseKqueue close_kqueue = CloseKqueue::kNotWoken;  // under a waiter (2.9)
  bool overlapping_poll_may_miss = false;             // I8''
  WakePolicy wake_policy = WakePolicy::kAll;
  // SIGNAL and PROC (3.5, 3.6).
  bool signal_counts_told = true;      // what is counted is known
  bool signal_number_checked = false;  // one that is too large: EINVAL
  bool exit_event_without_interest = false;
  bool zombie_taken = true;  // ADD with NOTE_EXIT of one that has ended fires; else ESRCH
  ExitStatus exit_status = ExitStatus::kWithInterest;

  friend bool operator==(const Profile&, const Profile&) = default;
};

inline constexpr size_t kProfiles = 8;
// In the order of the contract: strict-2006 first.
const Profile (&profiles())[kProfiles];
// Null when there is no such profile. Names: strict-2006 freebsd13 freebsd netbsd openbsd dragonfly
// macos libkqueue.
const Profile* find_profile(std::string_view name);

// The whole table as text, one knob a line, one profile a column: what `kqtorture survey` prints
// the measured answers beside.
std::string profile_table();
// One profile, "knob: value" lines.
std::string to_text(const Profile& profile);

}  // namespace kqtorture::contract
