// Numbers, constants and texts as C has them.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "scenario/program.h"

namespace kqtorture {

// Constants of <sys/event.h> by name, numbers where they have none. The names go into *used, for
// whoever asks the system whether it has them.
std::string c_filter(int16_t filter, std::set<std::string>* used);
std::string c_flags(uint16_t flags, std::set<std::string>* used);
std::string c_fflags(int16_t filter, uint32_t fflags, std::set<std::string>* used);
std::string c_errno(int64_t error);
std::string c_number(int64_t value);  // of type long long
std::string c_udata(uint64_t udata);  // of type uintptr_t, its name in a comment
// The signal of a kSignal with this value, an expression.
std::string c_signal(int64_t value, std::set<std::string>* used);

}  // namespace kqtorture
