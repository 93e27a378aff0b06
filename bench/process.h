// What the bench asks of its own process: room for descriptors, how much memory is in use, how many
// descriptors are open, how often a thread went to sleep. Numbers that a system does not tell are
// -1, and shown as such.
#pragma once

namespace kqtorture::bench {

// Left free beside what a question fills the table with: the other questions' own.
inline constexpr int kReservedDescriptors = 4096;

// Raises RLIMIT_NOFILE as far as it may go and as far as any question can use.
void raise_descriptor_limit();
long descriptor_limit();

// Bytes that malloc() has handed out.
long heap_in_use();
// Bytes of private memory that are resident, wherever they come from.
long private_memory();
int open_descriptors();
// How often the calling thread has given the processor up to wait.
long sleeps_of_this_thread();

}  // namespace kqtorture::bench
