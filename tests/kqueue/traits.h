// What a test expects of the profile that its subject is judged by: the knobs of the contract's
// profile table and the platform differences of its sections 1 to 3, as plain data.
//
// The defaults are FreeBSD main; each profile states only where it departs from them. A knob that
// the contract leaves open for a platform is kUnstated (or false, where true is a promise), and the
// tests that ask for it are skipped there rather than guessed.
#pragma once

#include <cerrno>
#include <string>

namespace kqtorture {

inline constexpr int kUnstated = -1;

enum class EnableDisable { kRefused, kEndsEnabled, kEndsDisabled };
enum class AddDelete { kDeletes, kModifies };
enum class OneshotEvaluation { kStale, kAtDelivery, kUntold };
enum class ReceiptWithoutRoom { kStops, kContinues, kFails, kUntold };
enum class TimeoutCheck { kLate, kEarly, kUntold };
enum class CountCheck { kRefused, kAsZero, kUntold };
enum class CloseUnderWaiter { kNotWoken, kWoken, kCloseBlocks };
enum class UnknownFlags { kRefused, kEchoed };
enum class UserAddFflags { kRaw, kMasked, kComputed };

// Errno-valued knobs: 0 means that the call succeeds.
struct Traits {
  const char* name = "freebsd";

  // Sections 1.3 to 1.5: one call.
  int closed_kqueue = EBADF;
  int not_a_kqueue = EINVAL;
  int bad_timeout_on_closed_kqueue = EFAULT;  // which check comes first
  TimeoutCheck timeout_check = TimeoutCheck::kLate;
  CountCheck negative_changes = CountCheck::kRefused;
  CountCheck negative_events = CountCheck::kRefused;
  int changes_per_copy = 8;
  int filter_zero = 0;
  int empty_filter_slot = ENXIO;
  int change_on_closed_descriptor = EBADF;  // without ADD
  UnknownFlags unknown_flags = UnknownFlags::kEchoed;
  bool clears_reserved_bits = true;
  bool echoes_actions = false;
  EnableDisable enable_disable = EnableDisable::kRefused;
  AddDelete add_delete_existing = AddDelete::kDeletes;
  int add_delete_absent = 0;
  int dispatch_oneshot = 0;
  bool bare_error_entries = true;  // flags are exactly EV_ERROR
  ReceiptWithoutRoom receipt_without_room = ReceiptWithoutRoom::kStops;
  bool entries_end_the_call = true;
  bool checks_pointers = true;        // a library may crash instead
  bool lost_entry_is_counted = true;  // a copy-out failure of an EV_ERROR entry is ignored

  // Section 2: the knote.
  bool add_disabled_is_silent = true;
  bool enable_writes_udata = true;
  bool disable_writes_udata = true;
  bool plain_change_writes_udata = true;
  bool user_change_writes_udata = true;
  bool enable_overwrites_interest = true;
  bool readd_reevaluates = true;
  bool plain_change_reevaluates = true;  // and so does ENABLE of an enabled knote
  bool readd_keeps_behaviour = true;     // ONESHOT, CLEAR, DISPATCH of a re-ADD are ignored
  OneshotEvaluation oneshot_evaluation = OneshotEvaluation::kStale;
  bool stale_activity_survives_disable = true;
  bool dispatch_with_clear = true;
  bool dispatch_limits_timers = true;
  bool forceoneshot = true;
  bool final_event_marked = false;
  bool keepudata = true;
  bool efault_loses_events = true;
  bool close_removes_knotes = true;
  CloseUnderWaiter close_under_waiter = CloseUnderWaiter::kNotWoken;
  bool kqueue_is_descriptor = true;  // poll, dup and another kqueue see it
  int self_watch = EINVAL;
  int cycle = 0;
  bool deep_nesting = true;
  bool nested_is_synchronous = true;
  int nested_write = EINVAL;
  bool first_in_first_out = true;  // I16

  // Section 3: the filters. freebsd_objects: the contract tells FreeBSD's answer only.
  bool freebsd_objects = true;
  bool local_low_water = true;         // NOTE_LOWAT of a local stream socket
  bool counts_connections = true;      // READ of a TCP listener tells how many wait
  bool tells_space_of_devices = true;  // WRITE data of a terminal and of an eventfd
  bool dead_pipe_ends_knote = true;    // WRITE becomes EOF and ONESHOT when the reader goes
  bool trigger_on_creation = false;
  bool clear_cancels_trigger = true;
  UserAddFflags user_add_fflags = UserAddFflags::kRaw;
  bool user_data_overwritten = true;
  bool bare_clear_is_applied = true;  // a change that is only CLEAR, of a USER knote
  bool user_result_survives_clear = true;
  bool user_oneshot_zeroed = true;
  bool user_latch_survives_dispatch = true;
  bool user_trigger_while_disabled = true;
  bool freebsd_timer_units = true;
  bool timer_abstime = true;
  bool timer_readd_resets = true;
  bool any_signal_number = true;
  bool exit_needs_interest = true;  // who did not ask for NOTE_EXIT gets nothing at all
  bool zombie_can_be_added = true;  // with NOTE_EXIT, and fires at once; else ESRCH
  bool exit_tells_status = true;
};

// The table's row of that name; null for a name the contract does not know.
const Traits* find_traits(const std::string& profile);

}  // namespace kqtorture
