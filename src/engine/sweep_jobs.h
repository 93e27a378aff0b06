// How many threads share the cases of the sweep and the settings of the matrix, unless told
// otherwise: one for each of two cores.
//
// Under ThreadSanitizer it is one. The jobs have nothing in common but the numbers of descriptors,
// which one of them gets after another has closed them; a close inside the emulated kqueue is a
// system call that ThreadSanitizer does not see, so it takes the two for a race. What threads do to
// one kqueue is for the stress tests.
#pragma once

#include "subject/sanitizers.h"

namespace kqtorture {

inline constexpr int kDefaultJobs = kThreadSanitizer ? 1 : 2;

}  // namespace kqtorture
