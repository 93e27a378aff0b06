// The names of the profiles and of the hosts. What they mean is the contract's business
// (src/contract), which this room does not depend on; here a name is only checked, so that a typing
// error is reported at once.
#pragma once

#include <string>
#include <string_view>

namespace kqtorture {

bool is_profile(std::string_view name);
// All names, for messages: "strict-2006, freebsd13, ...".
std::string profile_names();

bool is_host(std::string_view name);
std::string host_names();

}  // namespace kqtorture
