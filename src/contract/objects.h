// What happens to objects, and which knotes hear of it.
//
// Everything that changes an object goes through here and tells the knotes that watch it, on every
// kqueue, and the kqueues that watch those.
#pragma once

#include "contract/context.h"

namespace kqtorture::contract {

inline constexpr int kNone = -1;
// What is cited when an object, not a knote, did what none does.
inline constexpr const char* kHostRule = "host";

// Index of a fresh object, or kNone when the model is full.
int new_object(const Context& context, ObjectKind kind);
// False when the model is full. The number must not be open.
bool open_descriptor(const Context& context, int number, int object, int end);
// Closes an open number: its knotes are gone (2.8), and with the last number of an end the end.
void close_descriptor(const Context& context, int number);

// The same, but for the knotes.
void drop_descriptor(const Context& context, int number);

// Removes knote `index`. Later knotes move up.
void remove_knote(const Context& context, int index, Removal why);

// One knote is told that something happened, or may have, and evaluates.
void tell(const Context& context, int knote, Tri happened);
// Something came to `end`, or the end changed for good: its READ and WRITE knotes evaluate.
void activity(const Context& context, int object, int end, int16_t filter, Tri happened);
// Is the end told that itself moved the bytes? A BSD wakes everybody who watches a pipe's buffer,
// whoever reads or writes it (sys_pipe.c, pipe_read(), pipe_write()).
Tri own_end_told(const Context& context, const Object& object);
// Bytes were taken out of the inbox of `end`: READ there is re-counted, and WRITE at the other end
// may have become possible. `had_space`: as it was before.
void taken_out(const Context& context, int object, int end, Tri had_space);

// The two ends of a connection over the loopback may learn of a reset at any time from now on.
void may_reset(const Context& context, int object);

// A knote of this kqueue entered its queue, or may have; `was_queued`: whether it was there before.
void wake_parents(const Context& context, uint8_t kqueue, Tri was_queued);

// Where a task tells whoever watches a kqueue, it looks when it gets round to it, and may find the
// queue empty again: that is what a ONESHOT then tells of. To be called when the knote was
// evaluated.
void task_may_look(const Context& context, Knote* knote);

// Whatever is under way arrives, whatever is due expires.
void settle(const Context& context);

}  // namespace kqtorture::contract
