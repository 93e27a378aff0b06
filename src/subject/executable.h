// Where is the program that is running? The emulator's library and the programs that belong
// together are found relative to it, so that a build tree and an installation work alike.
#pragma once

#include <string>

namespace kqtorture {

// The absolute path of the running program; empty when the system does not tell.
std::string executable_path();

// Its directory, without a trailing slash; "." when unknown.
std::string executable_directory();

}  // namespace kqtorture
