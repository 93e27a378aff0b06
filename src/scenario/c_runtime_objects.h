// The C functions that make objects and do what is not one call; see c_runtime.h.
#pragma once

#include <span>
#include <string_view>

namespace kqtorture {

struct CPiece {
  std::string_view name;  // the identifier that asks for it
  std::string_view text;
};
std::span<const CPiece> c_object_pieces();

}  // namespace kqtorture
