// Decoding is strict (no overlong forms, surrogates or values above U+10FFFF), as in the Unicode
// standard's table of well-formed sequences, because parsers of JSON and XML are strict too.
#include "report/text.h"

#include <cstdint>

namespace kqtorture {
namespace {

constexpr const char* kReplacement = "\xEF\xBF\xBD";

struct Decoded {
  uint32_t code_point;
  size_t length;  // 0: not a well-formed sequence
};

bool is_continuation(unsigned char byte) { return (byte & 0xC0) == 0x80; }

Decoded decode(std::string_view bytes) {
  const auto at = [&](size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned char lead = at(0);
  if (lead < 0x80) return {lead, 1};
  size_t length = 0;
  uint32_t code_point = 0;
  uint32_t smallest = 0;
  if ((lead & 0xE0) == 0xC0) {
    length = 2, code_point = lead & 0x1F, smallest = 0x80;
  } else if ((lead & 0xF0) == 0xE0) {
    length = 3, code_point = lead & 0x0F, smallest = 0x800;
  } else if ((lead & 0xF8) == 0xF0) {
    length = 4, code_point = lead & 0x07, smallest = 0x10000;
  } else {
    return {0, 0};
  }
  if (bytes.size() < length) return {0, 0};
  for (size_t i = 1; i < length; ++i) {
    if (!is_continuation(at(i))) return {0, 0};
    code_point = code_point << 6 | (at(i) & 0x3F);
  }
  const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
  if (code_point < smallest || code_point > 0x10FFFF || surrogate) return {0, 0};
  return {code_point, length};
}

// Calls emit(sequence, code point) for every well-formed character and reject(byte) for the rest.
template <typename Emit, typename Reject>
void for_each_character(std::string_view bytes, Emit emit, Reject reject) {
  while (!bytes.empty()) {
    const Decoded decoded = decode(bytes);
    if (decoded.length == 0) {
      reject(static_cast<unsigned char>(bytes[0]));
      bytes.remove_prefix(1);
    } else {
      emit(bytes.substr(0, decoded.length), decoded.code_point);
      bytes.remove_prefix(decoded.length);
    }
  }
}

void append_hex(std::string* out, unsigned char byte) {
  constexpr char kDigits[] = "0123456789abcdef";
  *out += "\\x";
  *out += kDigits[byte >> 4];
  *out += kDigits[byte & 0xF];
}

}  // namespace

std::string to_utf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for_each_character(
      bytes, [&](std::string_view sequence, uint32_t) { out += sequence; },
      [&](unsigned char) { out += kReplacement; });
  return out;
}

std::string to_printable(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for_each_character(
      bytes,
      [&](std::string_view sequence, uint32_t c) {
        const bool control = (c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7F && c < 0xA0);
        if (!control) {
          out += sequence;
        } else {
          for (const char byte : sequence) append_hex(&out, static_cast<unsigned char>(byte));
        }
      },
      [&](unsigned char byte) { append_hex(&out, byte); });
  return out;
}

std::string to_line(std::string_view bytes) {
  std::string out = to_printable(bytes);
  for (char& c : out) {
    if (c == '\n' || c == '\t') c = ' ';
  }
  return out;
}

std::string to_markup(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for_each_character(
      bytes,
      [&](std::string_view sequence, uint32_t c) {
        const bool allowed =
            c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c != 0xFFFE && c != 0xFFFF);
        if (!allowed) {
          out += kReplacement;
        } else if (c == '&') {
          out += "&amp;";
        } else if (c == '<') {
          out += "&lt;";
        } else if (c == '>') {
          out += "&gt;";
        } else if (c == '"') {
          out += "&quot;";
        } else if (c == '\'') {
          out += "&#39;";
        } else if (c == '\r') {
          out += "&#13;";
        } else {
          out += sequence;
        }
      },
      [&](unsigned char) { out += kReplacement; });
  return out;
}

std::string to_file_name(std::string_view bytes, size_t limit) {
  std::string out;
  for (const char c : bytes.substr(0, limit)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '_' || c == '-';
    out += plain ? c : '_';
  }
  if (out.empty()) return "_";
  if (out[0] == '.') out[0] = '_';
  return out;
}

std::string with_commas(uint64_t value) {
  const std::string digits = std::to_string(value);
  std::string out;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return out;
}

}  // namespace kqtorture
