// The C functions that an exported program may need.
#pragma once

#include <string>
#include <string_view>

namespace kqtorture {

// The headers that every such program includes.
std::string_view c_headers();

// Those of the functions whose names occur in `body`, and what they need themselves, in an order
// in which they can be compiled.
std::string c_functions(std::string_view body);

}  // namespace kqtorture
