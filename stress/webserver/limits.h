// What the server accepts of one connection and one request, and the bodies that it gives out.
//
// Client and server share this file and nothing else: the client must know what is too long, and
// what the bytes of an answer have to be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace kqtorture::web {

// The customary limits of web servers (8 KiB of target, a hundred fields of 16 KiB together).
inline constexpr size_t kMostTarget = 8 * 1024;
inline constexpr size_t kMostFieldBytes = 16 * 1024;
inline constexpr size_t kMostFields = 100;
inline constexpr size_t kMostBody = 1024 * 1024;
inline constexpr size_t kMostBytes = 4 * 1024 * 1024;  // of /bytes/N
// Answers that a client does not fetch: beyond this its further requests wait unread.
inline constexpr size_t kMostUnsent = 256 * 1024;

// The body of /bytes/size?id=id: a slice of one long pattern, different for neighbouring ids, so
// that an answer to another request is not taken for the right one.
inline std::string_view body_of(uint64_t id, size_t size) {
  static const std::string pattern = [] {
    std::string text(kMostBytes + 4096, '\0');
    uint32_t state = 2463534242u;  // xorshift32's customary start; any would do
    for (char& c : text) {
      state ^= state << 13, state ^= state >> 17, state ^= state << 5;
      c = static_cast<char>('a' + state % 26);
    }
    return text;
  }();
  return std::string_view(pattern).substr(id % 4096, size);
}

}  // namespace kqtorture::web
