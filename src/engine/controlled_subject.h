// A subject whose own code is told from the program around it.
//
// What a subject allocates is watched and put back after each schedule, what the suite allocates
// is not; so every call on the subject is made inside a sched::InSubject. Functions of the host
// that stand in for those the subject does not have are left as they are: the runtime has taken
// their place already. Calls are plain function pointers, so there is one such subject in a
// process.
#pragma once

#include "subject/subject.h"

namespace kqtorture {

class ControlledSubject : public Subject {
 public:
  // `inner` must outlive it.
  explicit ControlledSubject(const Subject& inner);
  ~ControlledSubject() override;

  int kevent(int kq, const Kevent* changes, int nchanges, Kevent* events, int nevents,
             const timespec* timeout) const override;

 private:
  const Subject& inner_;
};

}  // namespace kqtorture
