// Each row names its member once; kind, getter and setter follow from the member's type.
#include "contract/knobs.h"

#include <algorithm>
#include <cerrno>
#include <type_traits>

namespace kqtorture::contract {
namespace {

using Kind = Knob::Kind;

constexpr const char* kCountWords[] = {"as zero", "EINVAL", "unlimited", "undefined"};
constexpr const char* kTimeoutCheck[] = {"late", "early", "never", "backend"};
constexpr const char* kUnknownFlags[] = {"echo", "refuse"};
constexpr const char* kFilterZero[] = {"skip", "READ", "EINVAL"};
constexpr const char* kSlotNoticed[] = {"at once", "at attach"};
constexpr const char* kClosedDescriptor[] = {"descriptor", "knote"};
constexpr const char* kEnableDisable[] = {"EINVAL", "enable", "disable"};
constexpr const char* kAddDeleteExisting[] = {"delete", "modify"};
constexpr const char* kAddDeleteAbsent[] = {"create", "ENOENT"};
constexpr const char* kDeadPipeWrite[] = {"EPIPE", "accept", "unknown"};
constexpr const char* kErrorEntry[] = {"ERROR", "simplified+ERROR", "input+ERROR"};
constexpr const char* kReceiptNoRoom[] = {"stop, 0", "writes anyway", "continue", "EFAULT"};
constexpr const char* kUdataWriters[] = {"all", "not KEEPUDATA", "ADD, USER", "not USER", "hook"};
constexpr const char* kReevaluates[] = {"any change", "ADD", "nothing"};
constexpr const char* kDisabledCreation[] = {"not evaluated", "evaluated"};
constexpr const char* kDisableQueue[] = {"lazy", "unlinks"};
constexpr const char* kOneshotCheck[] = {"no", "USER, TIMER", "yes"};
constexpr const char* kDispatchClear[] = {"both", "CLEAR only"};
constexpr const char* kUserSaved[] = {"raw", "24 bits", "applied to 0"};
constexpr const char* kUserTrigger[] = {"kept", "lost"};
constexpr const char* kUserClearDelivery[] = {"keeps", "zeroes"};
constexpr const char* kTimerUnits[] = {"bits", "enumeration", "ms only"};
constexpr const char* kTimerReadd[] = {"resets", "and flags", "at expiry"};
constexpr const char* kTimerBadReadd[] = {"event later", "old kept", "refused", "taken"};
constexpr const char* kSelfWatch[] = {"EINVAL", "ok", "unsupported"};
constexpr const char* kNested[] = {"sync", "async, drained", "async", "unsupported"};
constexpr const char* kCloseKqueue[] = {"no", "EBADF", "EBADF, blocks"};
constexpr const char* kWakePolicy[] = {"all", "one/all", "backend"};
constexpr const char* kExitStatus[] = {"with NOTE_EXIT", "always", "on demand"};

template <typename>
struct MemberOf;
template <typename Value>
struct MemberOf<Value Profile::*> {
  using Type = Value;
};
template <auto member>
using TypeOf = typename MemberOf<decltype(member)>::Type;

template <auto member>
constexpr Knob knob(const char* name, Kind kind, std::span<const char* const> words = {}) {
  return {name, kind, [](const Profile& p) { return static_cast<int>(p.*member); },
          [](Profile* p, int value) { p->*member = static_cast<TypeOf<member>>(value); }, words};
}

template <auto member>
constexpr Knob knob(const char* name) {
  return knob<member>(name, std::is_same_v<TypeOf<member>, bool> ? Kind::kYesNo : Kind::kNumber);
}

template <auto member>
constexpr Knob knob(const char* name, std::span<const char* const> words) {
  return knob<member>(name, Kind::kWords, words);
}

constexpr Knob kKnobs[] = {
    knob<&Profile::not_kqueue_errno>("not a kqueue", Kind::kErrno),
    knob<&Profile::closed_kqueue_errno>("closed kqueue", Kind::kErrno),
    knob<&Profile::negative_changes>("nchanges < 0", kCountWords),
    knob<&Profile::negative_events>("nevents < 0", kCountWords),
    knob<&Profile::timeout_check>("timeout validated", kTimeoutCheck),
    knob<&Profile::timeout_read_first>("timeout read first"),
    knob<&Profile::counts_first>("counts first"),
    knob<&Profile::chunk>("chunk"),
    knob<&Profile::unknown_flags>("unknown flags", kUnknownFlags),
    knob<&Profile::known_flags>("known flags", Kind::kBits),
    knob<&Profile::sysflags>("reserved flags", Kind::kBits),
    knob<&Profile::filter_zero>("filter value 0", kFilterZero),
    knob<&Profile::lowest_filter>("lowest filter"),
    knob<&Profile::out_of_range_errno>("filter out of range", Kind::kErrno),
    knob<&Profile::empty_slot_errno>("empty filter slot", Kind::kErrno),
    knob<&Profile::empty_slot_errno_or>("empty filter slot, or", Kind::kErrno),
    knob<&Profile::empty_slot_attaches>("empty slot noticed", kSlotNoticed),
    knob<&Profile::closed_descriptor>("checked first", kClosedDescriptor),
    knob<&Profile::enable_disable>("ENABLE+DISABLE", kEnableDisable),
    knob<&Profile::add_delete_existing>("ADD+DELETE, exists", kAddDeleteExisting),
    knob<&Profile::add_delete_absent>("ADD+DELETE, absent", kAddDeleteAbsent),
    knob<&Profile::dispatch_oneshot_refused>("DISPATCH+ONESHOT refused"),
    knob<&Profile::has_forceoneshot>("FORCEONESHOT"),
    knob<&Profile::has_keepudata>("KEEPUDATA"),
    knob<&Profile::close_detected>("close removes knotes"),
    knob<&Profile::flag_clash>("flag clash"),
    knob<&Profile::final_event_marked>("final event marked"),
    knob<&Profile::dead_pipe_write>("WRITE, no reader", kDeadPipeWrite),
    knob<&Profile::echo_actions>("echo action bits"),
    knob<&Profile::error_entry>("error entry flags", kErrorEntry),
    knob<&Profile::entry_zeroes_fflags>("entry zeroes fflags"),
    knob<&Profile::receipt_no_room>("receipt, no room", kReceiptNoRoom),
    knob<&Profile::scan_after_entries>("scan after entries"),
    knob<&Profile::entry_fault_ignored>("entry fault ignored"),
    knob<&Profile::udata_writers>("udata writers", kUdataWriters),
    knob<&Profile::interest_overwritten>("interest overwritten"),
    knob<&Profile::reevaluates>("re-evaluated by", kReevaluates),
    knob<&Profile::readd_sets_dispatch>("re-ADD sets DISPATCH"),
    knob<&Profile::disabled_creation>("ADD+DISABLE", kDisabledCreation),
    knob<&Profile::disable_queue>("DISABLE", kDisableQueue),
    knob<&Profile::oneshot_check>("ONESHOT re-evaluated", kOneshotCheck),
    knob<&Profile::dispatch_clear>("DISPATCH+CLEAR", kDispatchClear),
    knob<&Profile::pipe_low_water>("pipe low water"),
    knob<&Profile::death_converts>("death converts"),
    knob<&Profile::trigger_on_creation>("trigger on creation"),
    knob<&Profile::user_saved>("USER saves", kUserSaved),
    knob<&Profile::user_data_overwritten>("USER data overwritten"),
    knob<&Profile::user_clear_cancels>("USER CLEAR cancels"),
    knob<&Profile::user_trigger>("USER trigger when disabled", kUserTrigger),
    knob<&Profile::user_clear_delivery>("USER CLEAR delivery", kUserClearDelivery),
    knob<&Profile::user_dispatch_resets>("USER DISPATCH resets"),
    knob<&Profile::shows_interest>("deliveries show interest"),
    knob<&Profile::user_clear_zeroes_data>("USER CLEAR zeroes data"),
    knob<&Profile::user_oneshot_zeroed>("USER ONESHOT zeroed"),
    knob<&Profile::timer_units>("timer units", kTimerUnits),
    knob<&Profile::timer_unknown_notes_refused>("timer unknown notes refused"),
    knob<&Profile::timer_negative_refused>("timer < 0 refused"),
    knob<&Profile::timer_zero_refused>("timer 0 refused"),
    knob<&Profile::timer_absolute>("timer absolute"),
    knob<&Profile::timer_absolute_before_boot_refused>("timer before boot refused"),
    knob<&Profile::timer_absolute_clears>("timer absolute clears"),
    knob<&Profile::timer_absolute_oneshot>("timer absolute oneshot"),
    knob<&Profile::timer_readd>("timer re-ADD", kTimerReadd),
    knob<&Profile::timer_bad_readd>("timer bad re-ADD", kTimerBadReadd),
    knob<&Profile::self_watch>("self watch", kSelfWatch),
    knob<&Profile::nested_depth>("nested depth"),
    knob<&Profile::cycles_refused>("cycles refused"),
    knob<&Profile::nested_other_filter_errno>("nested, not READ", Kind::kErrno),
    knob<&Profile::nested>("nested propagation", kNested),
    knob<&Profile::freebsd_files>("VNODE, EMPTY"),
    knob<&Profile::close_kqueue>("close(kq) wakes", kCloseKqueue),
    knob<&Profile::overlapping_poll_may_miss>("overlapping poll may miss"),
    knob<&Profile::wake_policy>("wake policy", kWakePolicy),
    knob<&Profile::signal_counts_told>("signal counts told"),
    knob<&Profile::signal_number_checked>("signal number checked"),
    knob<&Profile::exit_event_without_interest>("exit without interest"),
    knob<&Profile::zombie_taken>("zombie taken"),
    knob<&Profile::exit_status>("exit status", kExitStatus),
};

std::string four_digits(int bits) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "0x";
  for (int shift = 12; shift >= 0; shift -= 4) text += kDigits[(bits >> shift) & 0xf];
  return text;
}

// What a kqueue may say beside what some profile says. Numbers: a chunk that holds every list of a
// program, and the filters that newer systems have.
std::vector<int> others(const Knob& knob) {
  if (knob.kind == Kind::kErrno) {
    return {0, EBADF, EINVAL, ENOENT, ENOSYS, ENXIO, EOPNOTSUPP, EPERM, EFAULT};
  }
  if (std::string_view(knob.name) == "chunk") return {1, 64};
  if (std::string_view(knob.name) == "lowest filter") return {-11, -15};
  return {};
}

}  // namespace

std::string Knob::word(int value) const {
  switch (kind) {
    case Kind::kYesNo:
      return value != 0 ? "yes" : "no";
    case Kind::kWords:
      return words[static_cast<size_t>(value)];
    case Kind::kErrno:
      return value == 0 ? "-" : errno_name(value);
    case Kind::kNumber:
      return std::to_string(value);
    case Kind::kBits:
      break;
  }
  return four_digits(value);
}

std::vector<int> Knob::values() const {
  std::vector<int> all;
  const auto add = [&all](int value) {
    if (std::find(all.begin(), all.end(), value) == all.end()) all.push_back(value);
  };
  for (const Profile& profile : profiles()) add(get(profile));
  if (kind == Kind::kYesNo) {
    add(0);
    add(1);
  }
  for (size_t i = 0; i < words.size(); i++) add(static_cast<int>(i));
  for (const int value : others(*this)) add(value);
  return all;
}

std::span<const Knob> knobs() { return kKnobs; }

const Knob* find_knob(std::string_view name) {
  for (const Knob& knob : kKnobs) {
    if (name == knob.name) return &knob;
  }
  return nullptr;
}

}  // namespace kqtorture::contract
