// The host's own descriptor calls, as linked into this program: libc's, a sanitizer's interceptors,
// or those of a kqueue library that interposes them by name.
#pragma once

#include "subject/subject.h"

namespace kqtorture {

// Everything but kqueue, kqueue1 and kqueuex, which are null.
SubjectCalls host_calls();

// For subjects with descriptor numbers of their own: every entry answers -1 with ENOSYS. A call the
// subject does not have must not reach the host, where its numbers mean other descriptors.
SubjectCalls missing_calls();

}  // namespace kqtorture
