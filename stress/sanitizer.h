// What the races say to ThreadSanitizer, and hear from it. Without it everything here is nothing.
#pragma once

#include <cstdint>

#include "subject/subject.h"

namespace kqtorture {

// How many races ThreadSanitizer has reported so far.
uint64_t reported_races();

// ThreadSanitizer models a descriptor number as memory that close() and open() write and every use
// reads. A race between use and close of a number is what some races are about, so the calls
// of a lane that make and close descriptors under the others' feet ignore these writes. Only around
// calls of the host: a call that the subject exports is the subject's code, of which nothing may be
// ignored.
class IgnoreDescriptorWrites {
 public:
  explicit IgnoreDescriptorWrites(bool hosts_call);
  ~IgnoreDescriptorWrites();
  IgnoreDescriptorWrites(const IgnoreDescriptorWrites&) = delete;
  IgnoreDescriptorWrites& operator=(const IgnoreDescriptorWrites&) = delete;

 private:
  bool active_;
};
// Does the call come from the host, not from the object that the subject's kqueue() comes from?
bool is_hosts_call(const Subject& subject, const void* function);
template <typename Call>
bool is_hosts_own(const Subject& subject, Call* call) {
  return is_hosts_call(subject, reinterpret_cast<const void*>(call));
}

// A subject whose code carries no instrumentation hands knotes from thread to thread by means that
// ThreadSanitizer cannot see. For those the harness says what the contract promises: what a thread
// did before it armed a knote happened before the delivery. Two deliveries of one arming are still
// unordered. For the emulator this says nothing, it must synchronise by itself.
void armed(const void* knote, bool opaque_subject);
void delivered(const void* knote, bool opaque_subject);

}  // namespace kqtorture
