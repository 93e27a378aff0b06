// What the races say to ThreadSanitizer, and hear from it. Without it everything here is nothing.
#pragma once

#include <cstdint>

#include "subject/subject.h"

namespace kqtorture {

// How many races ThreadSanitizer has reported so far.
uint64_t reported_races();

// ThreadSanitizer models a descriptor number as memory that close() and open() write and every use
// reads. A race between use and close of a number is what close_reopen is about, so the one
// function that makes new descriptors under the others' feet ignores these writes. Only around
// calls of the host: a call that the subject exports is the subject's code, of which nothing may be
// ignored.
class IgnoreDescriptorWrites {
 public:
  template <typename Call>
  IgnoreDescriptorWrites(const Subject& subject, Call* call)
      : IgnoreDescriptorWrites(!is_subjects_own(subject, reinterpret_cast<const void*>(call))) {}
  ~IgnoreDescriptorWrites();
  IgnoreDescriptorWrites(const IgnoreDescriptorWrites&) = delete;
  IgnoreDescriptorWrites& operator=(const IgnoreDescriptorWrites&) = delete;

 private:
  explicit IgnoreDescriptorWrites(bool host_call);
  // Does the function lie in the object that the subject's kqueue() comes from?
  static bool is_subjects_own(const Subject& subject, const void* function);
  bool active_;
};

// A subject whose code carries no instrumentation hands knotes from thread to thread by means that
// ThreadSanitizer cannot see. For those the harness says what the contract promises: what a thread
// did before it armed a knote happened before the delivery. Two deliveries of one arming are still
// unordered. For the emulator this says nothing, it must synchronise by itself.
void armed(const void* knote, bool opaque_subject);
void delivered(const void* knote, bool opaque_subject);

}  // namespace kqtorture
