// The version of the suite, for reports and for `kqtorture version`.
#pragma once

#include <string>

namespace kqtorture {

std::string version();  // "0.1.0"

}  // namespace kqtorture
