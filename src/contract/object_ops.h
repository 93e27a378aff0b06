// Is this what the host's objects do, and what do the knotes hear of it?
#pragma once

#include "contract/context.h"
#include "contract/operation.h"

namespace kqtorture::contract {

// Every operation but kKevent. Outcomes of reads and writes are the host's affair: how much a
// socket took, or that it took nothing, is believed and learned from. What cannot be believed (more
// bytes than were there, a closed descriptor that answers) is refused.
Answer judge_object_op(const Context& context, const Op& op, const Outcome& seen);

// The transfers, split off: read, write, seek, truncate.
Answer judge_read(const Context& context, const Op& op, const Outcome& seen);
Answer judge_write(const Context& context, const Op& op, const Outcome& seen);
Answer judge_seek(const Context& context, const Op& op, const Outcome& seen);
// What is done to a file's attributes and names (vnode.cpp).
Answer judge_file_op(const Context& context, const Op& op, const Outcome& seen);
Answer judge_entry_op(const Context& context, const Op& op, const Outcome& seen);
Answer judge_truncate(const Context& context, const Op& op, const Outcome& seen);

// The call returned `value`, and nothing else is right.
Answer expect_value(const Context& context, const Op& op, const Outcome& seen, int64_t value);
Answer expect_error(const Context& context, const Op& op, const Outcome& seen, int error);

}  // namespace kqtorture::contract
