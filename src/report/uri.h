// The name of a file as a part of a URI: in SARIF, and in the links of a page.
#pragma once

#include <string>
#include <string_view>

namespace kqtorture {

// Letters, digits, '.', '-', '_' and '/' are kept, everything else is written as %NN; so it can
// stand in an attribute, too.
std::string to_uri(std::string_view path);

}  // namespace kqtorture
