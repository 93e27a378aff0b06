// Threads that the subject starts, and what is done once.
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "sched/replace.h"

using namespace kqtorture::sched;

KQ_REPLACE(int, pthread_create,
           (pthread_t * handle, const pthread_attr_t* attributes, void* (*routine)(void*),
            void* argument)) {
  if (!in_subject()) return real().pthread_create(handle, attributes, routine, argument);
  Core& core = Core::get();
  core.step(Step::kNotify, 0, KQ_HERE);
  Thread* thread = core.spawn();
  if (thread == nullptr) core.unsupported("pthread_create() more often than there are threads");
  thread->routine = routine;
  thread->argument = argument;
  thread->in_subject = 1;
  int state = PTHREAD_CREATE_JOINABLE;
  if (attributes != nullptr) pthread_attr_getdetachstate(attributes, &state);
  thread->detached = state == PTHREAD_CREATE_DETACHED;
  *handle = core.handle(thread->index);
  return 0;
}

KQ_REPLACE(int, pthread_join, (pthread_t handle, void** result)) {
  Thread* thread = in_subject() ? Core::get().thread_of(handle) : nullptr;
  if (thread == nullptr) return real().pthread_join(handle, result);
  if (thread->detached || thread->joined) return EINVAL;
  if (thread == self()) return EDEADLK;
  Core& core = Core::get();
  core.step(Step::kWait, 0, KQ_HERE);
  while (thread->state != Thread::State::kFinished) {
    core.block(Why::kThread, key(thread), kNever, Step::kNotify, 0, KQ_HERE);
    core.test_cancel();
  }
  core.joined(thread->index);
  thread->joined = true;
  if (result != nullptr) *result = thread->result;
  return 0;
}

KQ_REPLACE(int, pthread_detach, (pthread_t handle)) {
  Thread* thread = in_subject() ? Core::get().thread_of(handle) : nullptr;
  if (thread == nullptr) return real().pthread_detach(handle);
  thread->detached = true;
  return 0;
}

KQ_REPLACE(void, pthread_exit, (void* result)) {
  if (!controlled()) real().pthread_exit(result);
  Core::get().exit_thread(result);
}

KQ_REPLACE(int, pthread_cancel, (pthread_t handle)) {
  Thread* thread = controlled() ? Core::get().thread_of(handle) : nullptr;
  if (thread == nullptr) return real().pthread_cancel(handle);
  Core& core = Core::get();
  core.step(Step::kNotify, 0, KQ_HERE);
  thread->cancelled = true;
  const bool waits = thread->state == Thread::State::kBlocked &&
                     (thread->why == Why::kDescriptor || thread->why == Why::kSleep ||
                      thread->why == Why::kCondition || thread->why == Why::kThread);
  if (waits && thread->cancel_state == PTHREAD_CANCEL_ENABLE) {
    core.wake_thread(thread, Wake::kInterrupted);
  }
  return 0;
}

KQ_REPLACE(void, pthread_testcancel, ()) {
  if (!controlled()) return real().pthread_testcancel();
  Core::get().test_cancel();
}

KQ_REPLACE(int, pthread_setcancelstate, (int state, int* old)) {
  if (!controlled()) return real().pthread_setcancelstate(state, old);
  if (state != PTHREAD_CANCEL_ENABLE && state != PTHREAD_CANCEL_DISABLE) return EINVAL;
  if (old != nullptr) *old = self()->cancel_state;
  self()->cancel_state = state;
  return 0;
}

KQ_REPLACE(int, pthread_setcanceltype, (int type, int* old)) {
  if (!controlled()) return real().pthread_setcanceltype(type, old);
  if (type == PTHREAD_CANCEL_ASYNCHRONOUS) {
    Core::get().unsupported("pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS)");
  }
  if (type != PTHREAD_CANCEL_DEFERRED) return EINVAL;
  if (old != nullptr) *old = self()->cancel_type;
  return 0;
}

KQ_REPLACE(int, pthread_kill, (pthread_t handle, int number)) {
  Thread* thread = controlled() ? Core::get().thread_of(handle) : nullptr;
  if (thread == nullptr) return real().pthread_kill(handle, number);
  if (number != 0) Core::get().unsupported("pthread_kill()");
  return thread->state == Thread::State::kFinished ? ESRCH : 0;
}

// The carrier keeps its own mask: what a thread blocks concerns nobody else.
KQ_REPLACE(int, pthread_sigmask, (int how, const sigset_t* set, sigset_t* old)) {
  if (!controlled()) return real().pthread_sigmask(how, set, old);
  sigset_t& mask = self()->mask;
  if (old != nullptr) *old = mask;
  if (set == nullptr) return 0;
  if (how != SIG_BLOCK && how != SIG_UNBLOCK && how != SIG_SETMASK) return EINVAL;
  for (int number = 1; number < NSIG; number++) {
    const bool member = sigismember(set, number) == 1;
    if (how == SIG_SETMASK && !member) sigdelset(&mask, number);
    if (how == SIG_UNBLOCK && member) sigdelset(&mask, number);
    if (how != SIG_UNBLOCK && member) sigaddset(&mask, number);
  }
  return 0;
}

KQ_REPLACE(int, sched_yield, ()) {
  if (!controlled()) return real().sched_yield();
  Core::get().yield(KQ_HERE);
  return 0;
}

KQ_REPLACE(pid_t, fork, ()) {
  if (controlled()) Core::get().unsupported("fork()");
  return static_cast<pid_t>(real().syscall(SYS_fork));
}

// --- what comes next

extern "C" const char __executable_start;
extern "C" const char etext;

// A library that replaces functions itself asks for those behind its own: that is this program's
// where it has one, and not the one behind that.
KQ_REPLACE(void*, dlsym, (void* handle, const char* name)) {
  const bool from_here =
      KQ_HERE - key(&__executable_start) < key(&etext) - key(&__executable_start);
  if (handle == RTLD_NEXT && !from_here) {
    void* first = real().dlsym(RTLD_DEFAULT, name);
    Dl_info info;
    if (first != nullptr && dladdr(first, &info) != 0 && info.dli_fbase == &__executable_start) {
      return first;
    }
  }
  return real().dlsym(handle, name);
}

// --- once

// The numbers are glibc's, so that a control which was done before the schedule is done.
KQ_REPLACE(int, pthread_once, (pthread_once_t * control, void (*routine)())) {
  constexpr int kFresh = 0, kRunning = 1, kDone = 2;
  if (!in_subject()) return real().pthread_once(control, routine);
  Core& core = Core::get();
  core.step(Step::kAtomicUpdate, core.object_of(key(control)), KQ_HERE);
  while (*control == kRunning) {
    core.block(Why::kOnce, key(control), kNever, Step::kNotify, core.object_of(key(control)),
               KQ_HERE);
  }
  if (*control == kFresh) {
    *control = kRunning;
    routine();
    core.release(key(control));
    *control = kDone;
    core.wake(Why::kOnce, key(control));
  }
  core.acquire(key(control));
  return 0;
}

// The guard of a static variable, as the C++ ABI has it: its first byte says that it was made, and
// the second one is ours.
KQ_REPLACE(int, __cxa_guard_acquire, (char* guard)) {
  if (!in_subject()) return real().cxa_guard_acquire(guard);
  Core& core = Core::get();
  core.step(Step::kAtomicUpdate, core.object_of(key(guard)), KQ_HERE);
  while (guard[0] == 0 && guard[1] != 0) {
    core.block(Why::kOnce, key(guard), kNever, Step::kNotify, core.object_of(key(guard)), KQ_HERE);
  }
  core.acquire(key(guard));
  if (guard[0] != 0) return 0;
  guard[1] = 1;
  return 1;
}

KQ_REPLACE(void, __cxa_guard_release, (char* guard)) {
  if (!in_subject()) return real().cxa_guard_release(guard);
  Core& core = Core::get();
  core.release(key(guard));
  guard[0] = 1;
  guard[1] = 0;
  core.wake(Why::kOnce, key(guard));
}

KQ_REPLACE(void, __cxa_guard_abort, (char* guard)) {
  if (!in_subject()) return real().cxa_guard_abort(guard);
  guard[1] = 0;
  Core::get().wake(Why::kOnce, key(guard));
}
