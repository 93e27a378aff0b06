// From addresses of this process to places in its source.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace kqtorture::sched {

// "function file:line" where the object has debug information and the distribution's addr2line is
// in PATH, else "function+0x12 (library+0x123)" or "library+0x123", and "?" where no object is. One
// line for each address; what was said of an address is said again.
std::vector<std::string> symbolize(const std::vector<uintptr_t>& addresses);
std::string symbolize(uintptr_t address);

}  // namespace kqtorture::sched
