// The words of the litmus text: operations, objects, udata; and, by way of the contract's
// vocabulary, what each flag, filter, note and errno is called.
//
// The parser and the printer meet the vocabulary here and nowhere else. Prefixes (EV_, EVFILT_,
// NOTE_) may be written and are never printed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "scenario/program.h"

namespace kqtorture {

// Appending forms: printing is on the fuzzer's path.
void append_filter(std::string* out, int16_t filter);
void append_flags(std::string* out, uint16_t flags);
void append_fflags(std::string* out, int16_t filter, uint32_t fflags);
void append_errno(std::string* out, int64_t error);
void append_udata(std::string* out, uint64_t udata);
void append_number(std::string* out, int64_t value);

// One word, without '|'. Names and numbers (decimal, 0x) alike.
std::optional<int16_t> filter_of_word(std::string_view word);
std::optional<uint16_t> flag_of_word(std::string_view word);
std::optional<uint32_t> fflag_of_word(int16_t filter, std::string_view word);
std::optional<int64_t> errno_of_word(std::string_view word);
std::optional<uint64_t> udata_of_word(std::string_view word);

std::string_view word_of_object(ObjectKind kind);
std::optional<ObjectKind> object_of_word(std::string_view word);
std::string_view word_of_op(OpKind kind);
std::optional<OpKind> op_of_word(std::string_view word);

// Numbers: decimal or 0x, with an optional minus. Nothing on overflow.
std::optional<int64_t> signed_of_word(std::string_view word);
std::optional<uint64_t> unsigned_of_word(std::string_view word);
bool is_name(std::string_view word);

}  // namespace kqtorture
