// Is this file something that the dynamic loader can be asked to map?
//
// The loader trusts what it maps: a file cut short kills the process that loads it. That would be
// reported as a crash of the subject, although nothing of it ran; so what can be known from outside
// is checked first, and the message says what is wrong with the file instead.
#pragma once

#include <string>

namespace kqtorture {

// False, with one line in *error, when path is missing, not a regular file, or not a shared library
// that could work here. True promises nothing.
bool looks_like_library(const std::string& path, std::string* error);

}  // namespace kqtorture
