// Functions to be called later, at a fork or at the end of the process. libc keeps lists of them
// that grow where the subject's memory is, and outlive the schedule: the next one, in which the
// subject's variables say that nothing was registered yet, would find the list longer than this one
// did. A process of schedules forks nothing of the subject's and leaves by _exit(), so nothing is
// lost.
#include <dlfcn.h>

#include "sched/replace.h"

using namespace kqtorture::sched;

namespace {

using ForkHandler = void (*)();
using RegisterAtFork = int (*)(ForkHandler, ForkHandler, ForkHandler, void*);
using RegisterAtExit = int (*)(void (*)(void*), void*, void*);

template <typename Function>
Function libc_function(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

KQ_REPLACE(int, __register_atfork,
           (ForkHandler prepare, ForkHandler parent, ForkHandler child, void* object)) {
  if (in_subject()) return 0;
  static const auto kReal = libc_function<RegisterAtFork>("__register_atfork");
  return kReal(prepare, parent, child, object);
}

KQ_REPLACE(int, __cxa_atexit, (void (*function)(void*), void* argument, void* object)) {
  if (in_subject()) return 0;
  static const auto kReal = libc_function<RegisterAtExit>("__cxa_atexit");
  return kReal(function, argument, object);
}
