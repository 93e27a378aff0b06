// What the emulated kqueue is judged by.
#pragma once

#include "contract/host.h"
#include "contract/profile.h"

namespace kqtorture {

inline const contract::Profile& strict() { return *contract::find_profile("strict-2006"); }
inline const contract::Host& host() { return *contract::find_host("linux"); }

}  // namespace kqtorture
