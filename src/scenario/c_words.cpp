// The names are the vocabulary's own with their prefixes. What may be missing on a system is told
// to the caller, who asks the preprocessor.
#include "scenario/c_words.h"

#include <algorithm>
#include <cctype>

#include "contract/vocabulary.h"
#include "scenario/c_program.h"
#include "scenario/words.h"
#include "subject/subject.h"

namespace kqtorture {
namespace {

bool is_number(std::string_view word) {
  return word.empty() || word[0] == '-' || (word[0] >= '0' && word[0] <= '9');
}

// "ADD|0x400" as "EV_ADD | 0x400".
std::string with_prefix(std::string_view text, std::string_view prefix,
                        std::set<std::string>* used) {
  std::string result;
  while (true) {
    const size_t end = std::min(text.find('|'), text.size());
    const std::string_view word = text.substr(0, end);
    if (!result.empty()) result += " | ";
    if (is_number(word)) {
      result += word;
    } else {
      const std::string name = std::string(prefix).append(word);
      used->insert(name);
      result += name;
    }
    if (end == text.size()) return result;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

std::string c_filter(int16_t filter, std::set<std::string>* used) {
  return with_prefix(contract::filter_name(filter), "EVFILT_", used);
}

std::string c_flags(uint16_t flags, std::set<std::string>* used) {
  return with_prefix(contract::flags_text(flags), "EV_", used);
}

std::string c_fflags(int16_t filter, uint32_t fflags, std::set<std::string>* used) {
  std::string text = with_prefix(contract::notes_text(filter, fflags), "NOTE_", used);
  // Where milliseconds have no name they are what a timer counts without one.
  used->erase("NOTE_MSECONDS");
  return text;
}

std::string c_errno(int64_t error) { return contract::errno_name(static_cast<int>(error)); }

std::string c_number(int64_t value) {
  if (value == INT64_MIN) return "(-9223372036854775807LL - 1)";
  std::string text = std::to_string(value);
  if (value > INT32_MAX || value < INT32_MIN) text += "LL";
  return text;
}

std::string c_udata(uint64_t udata) {
  if (udata == 0) return "0";
  const std::string name = name_of_udata(udata);
  std::string text = "(uintptr_t)UINT64_C(" + contract::hexadecimal(udata) + ")";
  if (!name.empty()) text += " /* " + name + " */";
  return text;
}

std::string c_signal(int64_t value, std::set<std::string>* used) {
  const std::string word(signal_word(value));
  if (!word.starts_with("RT")) return "SIG" + word;
  used->insert("SIGRTMIN");
  return "(SIGRTMIN + 7 + " + word.substr(2) + ")";
}

std::string to_c_comment(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    const char last = safe.empty() ? ' ' : safe.back();
    const bool opens = (last == '/' && c == '*') || (last == '*' && c == '/');
    // Trigraphs are still looked for by some compilers; "??/" is a backslash.
    if (opens || (last == '?' && c == '?')) safe += ' ';
    safe += std::isprint(static_cast<unsigned char>(c)) ? c : '.';
  }
  if (safe.ends_with('\\')) safe += '.';
  return safe;
}

std::string to_c_string(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    if (c == '"' || c == '\\' || c == '?') safe += '\\';
    safe += std::isprint(static_cast<unsigned char>(c)) ? c : '.';
  }
  return safe;
}

}  // namespace kqtorture
