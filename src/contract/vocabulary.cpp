// Names and numbers come from the tables at the top; everything below works on any of them.
#include "contract/vocabulary.h"

#include <cerrno>
#include <charconv>
#include <iterator>

namespace kqtorture::contract {
namespace {

template <typename T>
struct Word {
  std::string_view name;
  T value;
};

constexpr Word<int16_t> kFilters[] = {
    {"READ", filter::kRead},   {"WRITE", filter::kWrite},       {"AIO", filter::kAio},
    {"VNODE", filter::kVnode}, {"PROC", filter::kProc},         {"SIGNAL", filter::kSignal},
    {"TIMER", filter::kTimer}, {"PROCDESC", filter::kProcdesc}, {"FS", filter::kFs},
    {"LIO", filter::kLio},     {"USER", filter::kUser},         {"SENDFILE", filter::kSendfile},
    {"EMPTY", filter::kEmpty},
};

constexpr Word<uint16_t> kFlags[] = {
    {"ADD", flag::kAdd},
    {"DELETE", flag::kDelete},
    {"ENABLE", flag::kEnable},
    {"DISABLE", flag::kDisable},
    {"ONESHOT", flag::kOneshot},
    {"CLEAR", flag::kClear},
    {"RECEIPT", flag::kReceipt},
    {"DISPATCH", flag::kDispatch},
    {"FORCEONESHOT", flag::kForceOneshot},
    {"KEEPUDATA", flag::kKeepUdata},
    {"ERROR", flag::kError},
    {"EOF", flag::kEof},
    // The names of the 2006 proposal, understood and never printed.
    {"DOD", flag::kDispatch},
    {"FORCEOS", flag::kForceOneshot},
};

constexpr Word<uint32_t> kObjectNotes[] = {{"LOWAT", note::kLowat}, {"FILE_POLL", note::kFilePoll}};
// FFCOPY first: it is both bits of FFAND and FFOR.
constexpr Word<uint32_t> kUserNotes[] = {{"FFCOPY", note::kFfCopy},
                                         {"FFAND", note::kFfAnd},
                                         {"FFOR", note::kFfOr},
                                         {"TRIGGER", note::kTrigger}};
constexpr Word<uint32_t> kTimerNotes[] = {{"SECONDS", note::kSeconds},
                                          {"MSECONDS", note::kMseconds},
                                          {"USECONDS", note::kUseconds},
                                          {"NSECONDS", note::kNseconds},
                                          {"ABSTIME", note::kAbstime}};
constexpr Word<uint32_t> kProcessNotes[] = {{"EXIT", note::kExit},   {"FORK", note::kFork},
                                            {"EXEC", note::kExec},   {"TRACK", note::kTrack},
                                            {"CHILD", note::kChild}, {"TRACKERR", note::kTrackErr}};

constexpr Word<uint32_t> kVnodeNotes[] = {
    {"DELETE", note::kDelete},          {"WRITE", note::kWrite}, {"EXTEND", note::kExtend},
    {"ATTRIB", note::kAttrib},          {"LINK", note::kLink},   {"RENAME", note::kRename},
    {"REVOKE", note::kRevoke},          {"OPEN", note::kOpen},   {"CLOSE", note::kClose},
    {"CLOSE_WRITE", note::kCloseWrite}, {"READ", note::kRead}};

constexpr Word<int> kErrnos[] = {
    {"EPERM", EPERM},
    {"ENOENT", ENOENT},
    {"ESRCH", ESRCH},
    {"EINTR", EINTR},
    {"ENXIO", ENXIO},
    {"EBADF", EBADF},
    {"EAGAIN", EAGAIN},
    {"ECHILD", ECHILD},
    {"ENOMEM", ENOMEM},
    {"EACCES", EACCES},
    {"EFAULT", EFAULT},
    {"EEXIST", EEXIST},
    {"EINVAL", EINVAL},
    {"ENFILE", ENFILE},
    {"EMFILE", EMFILE},
    {"ESPIPE", ESPIPE},
    {"EPIPE", EPIPE},
    {"ERANGE", ERANGE},
    {"ENOSYS", ENOSYS},
    {"ENOTSUP", ENOTSUP},
    {"ENOTSOCK", ENOTSOCK},
    {"ECONNRESET", ECONNRESET},
    {"ECONNREFUSED", ECONNREFUSED},
    {"ECONNABORTED", ECONNABORTED},
    {"ENOTCONN", ENOTCONN},
    {"ETIMEDOUT", ETIMEDOUT},
    {"EINPROGRESS", EINPROGRESS},
};

template <typename T, size_t n>
std::string_view name_of(const Word<T> (&table)[n], T value) {
  for (const Word<T>& word : table) {
    if (word.value == value) return word.name;
  }
  return {};
}

template <typename T, size_t n>
std::optional<T> value_of(const Word<T> (&table)[n], std::string_view name) {
  for (const Word<T>& word : table) {
    if (word.name == name) return word.value;
  }
  return std::nullopt;
}

template <typename T>
std::optional<T> parse_number(std::string_view text) {
  const bool negative = std::is_signed_v<T> && text.starts_with('-');
  if (negative) text.remove_prefix(1);
  int base = 10;
  if (text.starts_with("0x")) {
    base = 16;
    text.remove_prefix(2);
  }
  if (text.empty() || text[0] == '-') return std::nullopt;
  // Wide enough for either sign of every T.
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (negative) value = -value;
  const T narrow = static_cast<T>(value);
  if (static_cast<int64_t>(narrow) != value) return std::nullopt;
  return narrow;
}

template <typename T, size_t n>
std::string bits_text(const Word<T> (&table)[n], T bits) {
  std::string text;
  for (const Word<T>& word : table) {
    if ((bits & word.value) != word.value) continue;
    if (!text.empty()) text += '|';
    text += word.name;
    bits = static_cast<T>(bits & ~word.value);
    if (bits == 0) return text;
  }
  if (bits == 0) return "0";
  if (!text.empty()) text += '|';
  return text + hexadecimal(bits);
}

std::string_view without_prefix(std::string_view text, std::string_view prefix) {
  if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
  return text;
}

template <typename T, size_t n>
std::optional<T> parse_bits(const Word<T> (&table)[n], std::string_view prefix,
                            std::string_view text) {
  T bits = 0;
  while (true) {
    const size_t bar = text.find('|');
    const std::string_view word = text.substr(0, bar);
    std::optional<T> value = value_of(table, without_prefix(word, prefix));
    if (!value) value = parse_number<T>(word);
    if (!value) return std::nullopt;
    bits = static_cast<T>(bits | *value);
    if (bar == std::string_view::npos) return bits;
    text.remove_prefix(bar + 1);
  }
}

constexpr Word<uint32_t> kNoNotes[] = {{"NONE", 0}};

}  // namespace

std::string filter_name(int16_t number) {
  const std::string_view name = name_of(kFilters, number);
  return name.empty() ? std::to_string(number) : std::string(name);
}

std::string flags_text(uint16_t flags) { return bits_text(kFlags, flags); }

std::string notes_text(int16_t number, uint32_t fflags) {
  switch (number) {
    case filter::kRead:
    case filter::kWrite:
      return bits_text(kObjectNotes, fflags);
    case filter::kUser:
      return bits_text(kUserNotes, fflags);
    case filter::kTimer:
      return bits_text(kTimerNotes, fflags);
    case filter::kVnode:
      return bits_text(kVnodeNotes, fflags);
    case filter::kProc:
    case filter::kProcdesc:
      return bits_text(kProcessNotes, fflags);
    default:
      return fflags == 0 ? "0" : hexadecimal(fflags);
  }
}

std::string hexadecimal(uint64_t value) {
  char digits[2 + 16] = {'0', 'x'};
  return {digits, std::to_chars(digits + 2, std::end(digits), value, 16).ptr};
}

std::string errno_name(int number) {
  const std::string_view name = name_of(kErrnos, number);
  return name.empty() ? std::to_string(number) : std::string(name);
}

std::string to_text(const Event& event) {
  return filter_name(event.filter) + " ident " + std::to_string(event.ident) + " flags " +
         flags_text(event.flags) + " fflags " + notes_text(event.filter, event.fflags) + " data " +
         std::to_string(event.data) + " udata " + hexadecimal(event.udata);
}

std::optional<int16_t> parse_filter(std::string_view text) {
  if (const auto named = value_of(kFilters, without_prefix(text, "EVFILT_"))) return named;
  return parse_number<int16_t>(text);
}

std::optional<uint16_t> parse_flags(std::string_view text) {
  return parse_bits(kFlags, "EV_", text);
}

std::optional<uint32_t> parse_notes(int16_t number, std::string_view text) {
  switch (number) {
    case filter::kRead:
    case filter::kWrite:
      return parse_bits(kObjectNotes, "NOTE_", text);
    case filter::kUser:
      return parse_bits(kUserNotes, "NOTE_", text);
    case filter::kTimer:
      return parse_bits(kTimerNotes, "NOTE_", text);
    case filter::kVnode:
      return parse_bits(kVnodeNotes, "NOTE_", text);
    case filter::kProc:
    case filter::kProcdesc:
      return parse_bits(kProcessNotes, "NOTE_", text);
    default:
      return parse_bits(kNoNotes, "NOTE_", text);
  }
}

std::optional<int> parse_errno(std::string_view text) {
  if (const auto named = value_of(kErrnos, text)) return named;
  return parse_number<int>(text);
}

}  // namespace kqtorture::contract
