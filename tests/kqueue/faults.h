// What runs out, and when: memory, descriptors or the kernel's memory fail at a call of libkq's
// that is chosen by counting. Only calls from libkq count, through what it imports (imports.h).
// The state is shared with the children that are forked after prepare_faults().
#pragma once

namespace kqtorture {

enum class Scarce {
  kNothing,
  kMemory,       // malloc() and its like, operator new, mmap()
  kDescriptors,  // every system call that makes a descriptor
  kKernelMemory  // epoll's and inotify's watches
};

// Takes the place of what libkq imports; false where that cannot be done. Once per process.
bool prepare_faults();
// From now on so many calls of the kind succeed. The one after them fails with the error, as it
// fails in libkq: errno, or null. With onwards so does every one after that.
void arm_faults(Scarce what, long successes, bool onwards, int error);
void disarm_faults();
// Nothing fails any more in this process alone, which is about to end: what is linked into libkq to
// measure it needs memory, too.
void spare_this_process();
// Calls that have failed since prepare_faults(), in this process and its children.
long faults();
// Blocks of memory that libkq of this process holds.
long blocks_held();

}  // namespace kqtorture
