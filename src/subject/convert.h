// How is kevent() called on a subject whose struct kevent is not the canonical one?
//
// Both lists are translated through scratch memory. The translation must not hide what a scenario
// did: null stays null; a list of no entries, or of less than no changes, is passed on with the
// caller's own pointer, which nobody may touch then; a list that can be read only in part reaches
// the subject readable in the same part, and so does a list for less than no events, which some
// kernels fill without a limit; one array used for both lists is one array for the subject as well.
// Other overlaps of the two lists are not reproduced.
#pragma once

#include <time.h>

#include "subject/layout.h"

namespace kqtorture {

// The subject's kevent() without its struct type. The counts are as wide as a register, because
// NetBSD's are size_t and everyone else's int: a sign-extended count is right for both.
using NativeKevent = int (*)(int kq, const void* changes, intptr_t nchanges, void* events,
                             intptr_t nevents, const timespec* timeout);

// Returns what native returned, and errno as native left it. When the events cannot be written to
// the caller's list: -1 with EFAULT, and they are lost, as on every kernel. When there is no memory
// for scratch: -1 with ENOMEM, before anything was done.
int converted_kevent(Layout layout, NativeKevent native, int kq, const Kevent* changes,
                     int nchanges, Kevent* events, int nevents, const timespec* timeout);

}  // namespace kqtorture
