// How many threads share the cases of the sweep and the settings of the matrix, unless told
// otherwise: one for each of two cores.
//
// Under ThreadSanitizer it is one. The jobs have nothing in common but the numbers of descriptors,
// which one of them gets after another has closed them; a close inside the emulated kqueue is a
// system call that ThreadSanitizer does not see, so it takes the two for a race. What threads do to
// one kqueue is for the stress tests.
#pragma once

namespace kqtorture {

#if defined(__SANITIZE_THREAD__)
inline constexpr int kDefaultJobs = 1;
#elif defined(__has_feature)
inline constexpr int kDefaultJobs = __has_feature(thread_sanitizer) ? 1 : 2;
#else
inline constexpr int kDefaultJobs = 2;
#endif

}  // namespace kqtorture
