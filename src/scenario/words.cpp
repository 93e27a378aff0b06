// The words that only the litmus text has, and numbers; flags and filters are the contract's.
// std::from_chars and to_chars throughout: no locale, no allocation.
#include "scenario/words.h"

#include <charconv>
#include <iterator>

#include "contract/vocabulary.h"

namespace kqtorture {
namespace {

template <typename T>
struct Word {
  std::string_view name;
  T value;
};

constexpr Word<ObjectKind> kObjects[] = {{"pipe", ObjectKind::kPipe},
                                         {"socketpair", ObjectKind::kSocketpair},
                                         {"dgrampair", ObjectKind::kDgrampair},
                                         {"tcp", ObjectKind::kTcp},
                                         {"unixlistener", ObjectKind::kUnixListener},
                                         {"listener", ObjectKind::kListener},
                                         {"eventfd", ObjectKind::kEventfd},
                                         {"file", ObjectKind::kFile},
                                         {"user", ObjectKind::kUser},
                                         {"timer", ObjectKind::kTimer},
                                         {"kqueue", ObjectKind::kKqueue},
                                         {"fd", ObjectKind::kVariable},
                                         {"signal", ObjectKind::kSignal},
                                         {"child", ObjectKind::kChild},
                                         {"procdesc", ObjectKind::kProcdesc},
                                         {"directory", ObjectKind::kDirectory}};

constexpr Word<OpKind> kOps[] = {
    {"kevent", OpKind::kKevent}, {"trigger", OpKind::kTrigger},   {"write", OpKind::kWrite},
    {"fill", OpKind::kFill},     {"read", OpKind::kRead},         {"drain", OpKind::kDrain},
    {"close", OpKind::kClose},   {"shutdown", OpKind::kShutdown}, {"dup", OpKind::kDup},
    {"dup2", OpKind::kDup2},     {"reopen", OpKind::kReopen},     {"connect", OpKind::kConnect},
    {"accept", OpKind::kAccept}, {"seek", OpKind::kSeek},         {"truncate", OpKind::kTruncate},
    {"chmod", OpKind::kChmod},   {"link", OpKind::kLink},         {"unlink", OpKind::kUnlink},
    {"rename", OpKind::kRename}, {"create", OpKind::kCreate},     {"mkdir", OpKind::kMkdir},
    {"remove", OpKind::kRemove}, {"rmdir", OpKind::kRmdir},       {"sleep", OpKind::kSleep},
    {"await", OpKind::kAwait},   {"raise", OpKind::kRaise},       {"exit", OpKind::kExit},
    {"kill", OpKind::kKill},     {"reap", OpKind::kReap}};

template <typename T, size_t n>
std::optional<T> value_of(const Word<T> (&table)[n], std::string_view name) {
  for (const Word<T>& word : table) {
    if (word.name == name) return word.value;
  }
  return std::nullopt;
}

template <typename T, size_t n>
std::string_view name_of(const Word<T> (&table)[n], T value) {
  for (const Word<T>& word : table) {
    if (word.value == value) return word.name;
  }
  return {};
}

void append_hex(std::string* out, uint64_t value) {
  char digits[2 + 16];
  const auto end = std::to_chars(digits, std::end(digits), value, 16).ptr;
  out->append("0x").append(digits, end);
}

}  // namespace

void append_number(std::string* out, int64_t value) {
  char digits[24];
  const auto end = std::to_chars(digits, std::end(digits), value).ptr;
  out->append(digits, end);
}

void append_filter(std::string* out, int16_t filter) { *out += contract::filter_name(filter); }

void append_flags(std::string* out, uint16_t flags) { *out += contract::flags_text(flags); }

void append_fflags(std::string* out, int16_t filter, uint32_t fflags) {
  *out += contract::notes_text(filter, fflags);
}

void append_errno(std::string* out, int64_t error) {
  *out += contract::errno_name(static_cast<int>(error));
}

void append_udata(std::string* out, uint64_t udata) {
  const std::string name = name_of_udata(udata);
  if (!name.empty()) {
    *out += name;
  } else if (udata == 0) {
    *out += '0';
  } else {
    append_hex(out, udata);
  }
}

std::optional<int64_t> signed_of_word(std::string_view word) {
  const bool negative = word.starts_with('-');
  const auto magnitude = unsigned_of_word(negative ? word.substr(1) : word);
  if (!magnitude) return std::nullopt;
  constexpr uint64_t kMax = INT64_MAX;
  if (*magnitude > kMax + negative) return std::nullopt;
  return static_cast<int64_t>(negative ? 0 - *magnitude : *magnitude);
}

std::optional<uint64_t> unsigned_of_word(std::string_view word) {
  int base = 10;
  if (word.starts_with("0x") || word.starts_with("0X")) {
    base = 16;
    word.remove_prefix(2);
  }
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value, base);
  if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
  return value;
}

std::optional<int16_t> filter_of_word(std::string_view word) {
  return contract::parse_filter(word);
}

std::optional<uint16_t> flag_of_word(std::string_view word) { return contract::parse_flags(word); }

std::optional<uint32_t> fflag_of_word(int16_t filter, std::string_view word) {
  return contract::parse_notes(filter, word);
}

std::optional<int64_t> errno_of_word(std::string_view word) {
  const auto error = contract::parse_errno(word);
  if (!error || signed_of_word(word)) return std::nullopt;
  return *error;
}

std::optional<uint64_t> udata_of_word(std::string_view word) {
  if (is_name(word)) {
    if (word.size() > sizeof(uint64_t)) return std::nullopt;
    return udata_of_name(word);
  }
  return unsigned_of_word(word);
}

std::string_view word_of_object(ObjectKind kind) { return name_of(kObjects, kind); }
std::optional<ObjectKind> object_of_word(std::string_view word) { return value_of(kObjects, word); }
std::string_view word_of_op(OpKind kind) { return name_of(kOps, kind); }
std::optional<OpKind> op_of_word(std::string_view word) { return value_of(kOps, word); }

bool is_name(std::string_view word) {
  if (word.empty()) return false;
  for (const char c : word) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    const bool digit = c >= '0' && c <= '9';
    if (!letter && !digit) return false;
  }
  return word[0] < '0' || word[0] > '9';
}

}  // namespace kqtorture
