// What are the words of a kqueue, and what is one event?
//
// The contract speaks FreeBSD's numbers, whatever the subject's own are: translating them is the
// subject's business. The names live here and only here, in tables that the parser and the printer
// of every report share. Nothing of ours is included, so that the contract stays what it is judged
// to be: written from the rules, not from the thing under test.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kqtorture::contract {

// One change, error entry or delivery. On a 64-bit machine it has the layout of FreeBSD 11's
// struct kevent, so that an array of one may be read as an array of the other.
struct Event {
  uint64_t ident = 0;
  int16_t filter = 0;
  uint16_t flags = 0;
  uint32_t fflags = 0;
  int64_t data = 0;
  uint64_t udata = 0;
  friend bool operator==(const Event&, const Event&) = default;
};
static_assert(sizeof(Event) == 32);

constexpr bool has(const Event& change, uint16_t flag) { return (change.flags & flag) != 0; }

namespace filter {
inline constexpr int16_t kRead = -1, kWrite = -2, kAio = -3, kVnode = -4, kProc = -5, kSignal = -6,
                         kTimer = -7, kProcdesc = -8, kFs = -9, kLio = -10, kUser = -11,
                         kSendfile = -12, kEmpty = -13;
// The lowest number of FreeBSD's table; below it a filter is out of range.
inline constexpr int16_t kLowest = kEmpty;
}  // namespace filter

namespace flag {
inline constexpr uint16_t kAdd = 0x0001, kDelete = 0x0002, kEnable = 0x0004, kDisable = 0x0008,
                          kOneshot = 0x0010, kClear = 0x0020, kReceipt = 0x0040, kDispatch = 0x0080,
                          kForceOneshot = 0x0100, kKeepUdata = 0x0200, kUnknown400 = 0x0400,
                          kUnknown800 = 0x0800, kError = 0x4000, kEof = 0x8000;
// Reserved: cleared from what the user passes in.
inline constexpr uint16_t kSysflags = 0xF000;
// What a change asks for at once, as opposed to what it stores.
inline constexpr uint16_t kActions = kAdd | kDelete | kEnable | kDisable;
}  // namespace flag

namespace note {
inline constexpr uint32_t kLowat = 0x1, kFilePoll = 0x2;
inline constexpr uint32_t kFfNop = 0, kFfAnd = 0x40000000, kFfOr = 0x80000000, kFfCopy = 0xc0000000,
                          kFfCtrlMask = 0xc0000000, kFfFlagsMask = 0x00ffffff,
                          kTrigger = 0x01000000;
inline constexpr uint32_t kSeconds = 0x1, kMseconds = 0x2, kUseconds = 0x4, kNseconds = 0x8,
                          kAbstime = 0x10, kTimerUnits = 0xf;
// EVFILT_VNODE.
inline constexpr uint32_t kDelete = 0x1, kWrite = 0x2, kExtend = 0x4, kAttrib = 0x8, kLink = 0x10,
                          kRename = 0x20, kRevoke = 0x40, kOpen = 0x80, kClose = 0x100,
                          kCloseWrite = 0x200, kRead = 0x400, kAllVnode = 0x7ff;
inline constexpr uint32_t kExit = 0x80000000, kFork = 0x40000000, kExec = 0x20000000, kTrack = 0x1,
                          kTrackErr = 0x2, kChild = 0x4;
}  // namespace note

// Filters whose ident is a descriptor number and which the model knows. The filter decides, not
// what the number means to the caller: EVFILT_USER on a pipe's number is an ordinary USER knote.
constexpr bool is_descriptor_filter(int16_t number) {
  return number == filter::kRead || number == filter::kWrite;
}

// The same with those that the sequential model alone knows: VNODE, EMPTY and PROCDESC. A checker
// of threads holds their knotes to the rules of sections 4.I1 to I6 and I12, whatever their objects
// do.
constexpr bool watches_descriptor(int16_t number) {
  return is_descriptor_filter(number) || number == filter::kVnode || number == filter::kEmpty ||
         number == filter::kProcdesc;
}

// Printing. Unknown numbers print as numbers ("17", "0x400"), no bits as "0".
std::string filter_name(int16_t number);                  // READ
std::string flags_text(uint16_t flags);                   // ADD|CLEAR|0x400
std::string notes_text(int16_t number, uint32_t fflags);  // TRIGGER|FFOR|0x7
std::string errno_name(int number);                       // ENOENT
std::string hexadecimal(uint64_t value);                  // 0x1f, as udata is shown
// One line: "READ ident 5 flags ADD|CLEAR fflags 0 data 0 udata 0x11".
std::string to_text(const Event& event);

// Parsing takes what printing gives, with or without the prefixes EVFILT_, EV_ and NOTE_, words
// joined by '|', numbers in decimal or hexadecimal; nothing on anything else. The names of the
// 2006 proposal, DOD and FORCEOS, are understood.
std::optional<int16_t> parse_filter(std::string_view text);
std::optional<uint16_t> parse_flags(std::string_view text);
std::optional<uint32_t> parse_notes(int16_t number, std::string_view text);
std::optional<int> parse_errno(std::string_view text);

}  // namespace kqtorture::contract
