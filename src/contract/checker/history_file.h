// How does a history travel from the run that made it to the person who reads it?
//
// In a compact binary form: a magic word, then variable-length numbers, times and idents as
// differences from the ones before, about ten bytes a call. Whoever reads one may have got it from
// anybody, so reading believes nothing: it allocates in proportion to the bytes that are there, and
// refuses with one line what it does not understand. The caller exits with 2 then.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "contract/checker/history.h"

namespace kqtorture::contract {

std::vector<uint8_t> to_bytes(const HistoryView& view);

// Nothing, and *error one clear line, when the bytes are not a whole, well-formed history.
std::optional<History> history_from_bytes(std::span<const uint8_t> bytes, std::string* error);

// The file, complete or not at all. False, and *error, when it could not be written.
bool write_history(const HistoryView& view, const std::string& path, std::string* error);
// A file larger than this is refused unread; ten million calls fit.
inline constexpr size_t kLargestHistoryFile = size_t{1} << 30;
std::optional<History> read_history(const std::string& path, std::string* error);

}  // namespace kqtorture::contract
