// How do bytes of unknown origin become text that a terminal, an XML parser or a browser accepts?
//
// Messages, names and reproducers come from subjects, fuzz inputs and files, so any byte may occur
// in them. Each output format has one function here, and every writer uses it: a hostile byte must
// never make a report unreadable, or a terminal obey it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace kqtorture {

// The same text as valid UTF-8: every byte that cannot be decoded becomes U+FFFD.
std::string to_utf8(std::string_view bytes);

// For a terminal: newline and tab are kept, other control characters and bytes that are not UTF-8
// are written as \xNN.
std::string to_printable(std::string_view bytes);

// The same on one line: newlines and tabs are written as spaces.
std::string to_line(std::string_view bytes);

// For the text or a quoted attribute of XML and HTML: markup is escaped, and what XML 1.0 does not
// allow at all (most control characters, U+FFFE, U+FFFF) becomes U+FFFD.
std::string to_markup(std::string_view bytes);

// For one component of a file name: letters, digits, '.', '_' and '-' are kept, everything else
// becomes '_'; at most limit bytes, never empty, never beginning with a dot.
std::string to_file_name(std::string_view bytes, size_t limit = 60);

// 1234567 as "1,234,567".
std::string with_commas(uint64_t value);

}  // namespace kqtorture
