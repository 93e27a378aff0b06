// Signals and processes: what is posted, who has ended, and what the knotes about them hear of it.
// (3.5, 3.6)
//
// Only what the program itself does is followed: signals that it alone posts, and its own children.
// A knote about any other signal, or about a number that may be a stranger's process, is beyond the
// model.
#pragma once

#include "contract/context.h"
#include "contract/operation.h"

namespace kqtorture::contract {

// kSignal to kReap. What makes a descriptor of a child, kProcdesc, is judged as others that do.
Answer judge_process_op(const Context& context, const Op& op, const Outcome& seen);
// What the contract and the host say literally; a child's number is taken from `given`.
Outcome predict_process_op(const State& state, const Op& op, const Outcome& given);

// The program has made this child. Refused where one with its number is there.
Answer add_child(const Context& context, int64_t id);

// Can a knote be made that this ADD asks for? *error: the errno of the refusal, or 0. False: the
// model does not know.
bool attaches(const Context& context, const Event& change, int* error);
// Does the change ask a PROC knote for what its host does not see?
bool refuses_notes(const Context& context, const Event& change);
// A new knote may be about a process that has ended already. True: it entered the queue.
bool note_if_ended(const Context& context, Knote* knote);

}  // namespace kqtorture::contract
