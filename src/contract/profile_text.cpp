// Every knob by its name, for people: one row per knob, so that a knob added to the struct and
// forgotten here is the only thing that can go wrong (a test counts them).
#include <string>

#include "contract/profile.h"

namespace kqtorture::contract {
namespace {

std::string word(bool value) { return value ? "yes" : "no"; }
std::string word(int value) { return std::to_string(value); }

// The words of an enum, in the order of its values.
template <typename Enum, typename... Words>
std::string pick(Enum value, Words... words) {
  const char* const table[] = {words...};
  return table[static_cast<int>(value)];
}

std::string error_word(int number) { return number == 0 ? "-" : errno_name(number); }

std::string count_word(NegativeCount value) {
  return pick(value, "as zero", "EINVAL", "unlimited", "undefined");
}

std::string four_digits(uint16_t bits) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "0x";
  for (int shift = 12; shift >= 0; shift -= 4) text += kDigits[(bits >> shift) & 0xf];
  return text;
}

struct Knob {
  const char* name;
  std::string (*show)(const Profile& p);
};

constexpr Knob kKnobs[] = {
    {"not a kqueue", [](const Profile& p) { return error_word(p.not_kqueue_errno); }},
    {"closed kqueue", [](const Profile& p) { return error_word(p.closed_kqueue_errno); }},
    {"nchanges < 0", [](const Profile& p) { return count_word(p.negative_changes); }},
    {"nevents < 0", [](const Profile& p) { return count_word(p.negative_events); }},
    {"timeout validated",
     [](const Profile& p) { return pick(p.timeout_check, "late", "early", "never", "backend"); }},
    {"timeout read first", [](const Profile& p) { return word(p.timeout_read_first); }},
    {"counts first", [](const Profile& p) { return word(p.counts_first); }},
    {"chunk", [](const Profile& p) { return word(p.chunk); }},
    {"unknown flags", [](const Profile& p) { return pick(p.unknown_flags, "echo", "refuse"); }},
    {"known flags", [](const Profile& p) { return four_digits(p.known_flags); }},
    {"reserved flags", [](const Profile& p) { return four_digits(p.sysflags); }},
    {"filter value 0",
     [](const Profile& p) { return pick(p.filter_zero, "skip", "READ", "EINVAL"); }},
    {"lowest filter", [](const Profile& p) { return word(p.lowest_filter); }},
    {"filter out of range", [](const Profile& p) { return error_word(p.out_of_range_errno); }},
    {"empty filter slot", [](const Profile& p) { return error_word(p.empty_slot_errno); }},
    {"empty filter slot, or", [](const Profile& p) { return error_word(p.empty_slot_errno_or); }},
    {"empty slot noticed",
     [](const Profile& p) { return std::string(p.empty_slot_attaches ? "at attach" : "at once"); }},
    {"checked first",
     [](const Profile& p) { return pick(p.closed_descriptor, "descriptor", "knote"); }},
    {"ENABLE+DISABLE",
     [](const Profile& p) { return pick(p.enable_disable, "EINVAL", "enable", "disable"); }},
    {"ADD+DELETE, exists",
     [](const Profile& p) { return pick(p.add_delete_existing, "delete", "modify"); }},
    {"ADD+DELETE, absent",
     [](const Profile& p) { return pick(p.add_delete_absent, "create", "ENOENT"); }},
    {"DISPATCH+ONESHOT refused", [](const Profile& p) { return word(p.dispatch_oneshot_refused); }},
    {"FORCEONESHOT", [](const Profile& p) { return word(p.has_forceoneshot); }},
    {"KEEPUDATA", [](const Profile& p) { return word(p.has_keepudata); }},
    {"close removes knotes", [](const Profile& p) { return word(p.close_detected); }},
    {"flag clash", [](const Profile& p) { return word(p.flag_clash); }},
    {"final event marked", [](const Profile& p) { return word(p.final_event_marked); }},
    {"WRITE, no reader",
     [](const Profile& p) { return pick(p.dead_pipe_write, "EPIPE", "accept", "unknown"); }},
    {"echo action bits", [](const Profile& p) { return word(p.echo_actions); }},
    {"error entry flags",
     [](const Profile& p) { return pick(p.error_entry, "ERROR", "input+ERROR"); }},
    {"entry zeroes fflags", [](const Profile& p) { return word(p.entry_zeroes_fflags); }},
    {"receipt, no room",
     [](const Profile& p) {
       return pick(p.receipt_no_room, "stop, 0", "writes anyway", "continue", "EFAULT");
     }},
    {"scan after entries", [](const Profile& p) { return word(p.scan_after_entries); }},
    {"entry fault ignored", [](const Profile& p) { return word(p.entry_fault_ignored); }},
    {"udata writers",
     [](const Profile& p) {
       return pick(p.udata_writers, "all", "not KEEPUDATA", "ADD, USER", "not USER", "hook");
     }},
    {"interest overwritten", [](const Profile& p) { return word(p.interest_overwritten); }},
    {"re-evaluated by",
     [](const Profile& p) { return pick(p.reevaluates, "any change", "ADD", "nothing"); }},
    {"re-ADD sets DISPATCH", [](const Profile& p) { return word(p.readd_sets_dispatch); }},
    {"ADD+DISABLE",
     [](const Profile& p) { return pick(p.disabled_creation, "not evaluated", "evaluated"); }},
    {"DISABLE", [](const Profile& p) { return pick(p.disable_queue, "lazy", "unlinks"); }},
    {"ONESHOT re-evaluated",
     [](const Profile& p) { return pick(p.oneshot_check, "no", "USER, TIMER", "yes"); }},
    {"DISPATCH+CLEAR",
     [](const Profile& p) { return pick(p.dispatch_clear, "both", "CLEAR only"); }},
    {"pipe low water", [](const Profile& p) { return word(p.pipe_low_water); }},
    {"death converts", [](const Profile& p) { return word(p.death_converts); }},
    {"trigger on creation", [](const Profile& p) { return word(p.trigger_on_creation); }},
    {"USER saves",
     [](const Profile& p) { return pick(p.user_saved, "raw", "24 bits", "applied to 0"); }},
    {"USER data overwritten", [](const Profile& p) { return word(p.user_data_overwritten); }},
    {"USER CLEAR cancels", [](const Profile& p) { return word(p.user_clear_cancels); }},
    {"USER trigger when disabled",
     [](const Profile& p) { return pick(p.user_trigger, "kept", "lost"); }},
    {"USER CLEAR delivery",
     [](const Profile& p) { return pick(p.user_clear_delivery, "keeps", "zeroes"); }},
    {"USER DISPATCH resets", [](const Profile& p) { return word(p.user_dispatch_resets); }},
    {"USER CLEAR zeroes data", [](const Profile& p) { return word(p.user_clear_zeroes_data); }},
    {"USER ONESHOT zeroed", [](const Profile& p) { return word(p.user_oneshot_zeroed); }},
    {"timer units",
     [](const Profile& p) { return pick(p.timer_units, "bits", "enumeration", "ms only"); }},
    {"timer unknown notes refused",
     [](const Profile& p) { return word(p.timer_unknown_notes_refused); }},
    {"timer < 0 refused", [](const Profile& p) { return word(p.timer_negative_refused); }},
    {"timer 0 refused", [](const Profile& p) { return word(p.timer_zero_refused); }},
    {"timer absolute", [](const Profile& p) { return word(p.timer_absolute); }},
    {"timer before boot refused",
     [](const Profile& p) { return word(p.timer_absolute_before_boot_refused); }},
    {"timer absolute clears", [](const Profile& p) { return word(p.timer_absolute_clears); }},
    {"timer absolute oneshot", [](const Profile& p) { return word(p.timer_absolute_oneshot); }},
    {"timer re-ADD",
     [](const Profile& p) { return pick(p.timer_readd, "resets", "and flags", "at expiry"); }},
    {"timer bad re-ADD",
     [](const Profile& p) {
       return pick(p.timer_bad_readd, "event later", "old kept", "refused", "taken");
     }},
    {"self watch",
     [](const Profile& p) { return pick(p.self_watch, "EINVAL", "ok", "unsupported"); }},
    {"nested depth", [](const Profile& p) { return word(p.nested_depth); }},
    {"cycles refused", [](const Profile& p) { return word(p.cycles_refused); }},
    {"nested, not READ", [](const Profile& p) { return error_word(p.nested_other_filter_errno); }},
    {"nested propagation",
     [](const Profile& p) {
       return pick(p.nested, "sync", "async, drained", "async", "unsupported");
     }},
    {"VNODE, EMPTY", [](const Profile& p) { return word(p.freebsd_files); }},
    {"close(kq) wakes",
     [](const Profile& p) { return pick(p.close_kqueue, "no", "EBADF", "EBADF, blocks"); }},
    {"overlapping poll may miss",
     [](const Profile& p) { return word(p.overlapping_poll_may_miss); }},
    {"wake policy",
     [](const Profile& p) { return pick(p.wake_policy, "all", "one/all", "backend"); }},
    {"signal counts told", [](const Profile& p) { return word(p.signal_counts_told); }},
    {"signal number checked", [](const Profile& p) { return word(p.signal_number_checked); }},
    {"exit without interest", [](const Profile& p) { return word(p.exit_event_without_interest); }},
    {"zombie taken", [](const Profile& p) { return word(p.zombie_taken); }},
    {"exit status",
     [](const Profile& p) { return pick(p.exit_status, "with NOTE_EXIT", "always", "on demand"); }},
};

void pad(std::string* text, size_t column) {
  text->append(text->size() < column ? column - text->size() : 1, ' ');
}

constexpr size_t kNameWidth = 30;
constexpr size_t kColumnWidth = 16;

}  // namespace

std::string profile_table() {
  std::string table = "knob";
  size_t column = kNameWidth;
  std::string line = table;
  for (const Profile& profile : profiles()) {
    pad(&line, column);
    line += profile.name;
    column += kColumnWidth;
  }
  table = line + '\n';
  for (const Knob& knob : kKnobs) {
    line = knob.name;
    column = kNameWidth;
    for (const Profile& profile : profiles()) {
      pad(&line, column);
      line += knob.show(profile);
      column += kColumnWidth;
    }
    table += line + '\n';
  }
  return table;
}

std::string to_text(const Profile& profile) {
  std::string text = std::string(profile.name) + ": " + profile.summary + '\n';
  for (const Knob& knob : kKnobs) {
    text += std::string(knob.name) + ": " + knob.show(profile) + '\n';
  }
  return text;
}

}  // namespace kqtorture::contract
