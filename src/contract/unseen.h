// What follows from a close that the kqueue did not see?
//
// A raw system call closes a number under a kqueue that lives in user space. Such a kqueue finds
// out at the next ADD of the number or when it is about to deliver, or at any time before. Until
// then the knotes of the number are orphans: a change may find one as if nothing had happened, or
// find nothing; an event of one is never delivered. If the same open file comes back to the number
// meanwhile, nobody may ever notice: then the knotes were lost or go on.
#pragma once

#include "contract/context.h"
#include "contract/operation.h"

namespace kqtorture::contract {

// Closes an open number unseen. kUndecided for a kqueue's own number, of which nothing is promised.
Answer close_unseen(const Context& context, int number);
// The object is gone: what watches it still are orphans, which nothing will happen to any more.
void strand_orphans(const Context& context, int object);
// The kqueue finds out: its orphans of this number are removed.
void find_out(const Context& context, uint8_t kqueue, uint64_t ident);
// After an operation that opened numbers: an orphan whose file came back was lost or goes on.
void look_for_returned(const Context& context);
// Before a kevent() call: splits the states by which of its changes still find which orphan.
// kUndecided when there are too many ways.
Answer split_by_discovery(StateSet* states, const Op& op);
// A change that adds nothing reaches a number of which the kqueue has orphans. False: it has found
// out, and has none any more.
bool orphans_hold(const Context& context, uint8_t kqueue, uint64_t ident);

}  // namespace kqtorture::contract
