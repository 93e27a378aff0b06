// One hash for names of files, seeds and signatures: the same on every build and platform, which
// std::hash is not.
#pragma once

#include <cstdint>
#include <string_view>

namespace kqtorture {

// FNV-1a, 64 bits. A hash so far may be given, to go on from.
constexpr uint64_t fnv1a(std::string_view bytes, uint64_t hash = 14695981039346656037u) {
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return hash;
}

}  // namespace kqtorture
