// One trampoline for each kind of call, made by the compiler from the call's type.
#include "engine/controlled_subject.h"

#include <cstdarg>

#include "sched/runtime.h"
#include "subject/host_calls.h"

namespace kqtorture {
namespace {

SubjectCalls inner_calls{};
SubjectHooks inner_hooks{};

template <auto kMember, typename Function>
struct Trampoline;

template <auto kMember, typename Result, typename... Arguments>
struct Trampoline<kMember, Result (*)(Arguments...)> {
  static Result call(Arguments... arguments) {
    const sched::InSubject scope;
    return (inner_calls.*kMember)(arguments...);
  }
};

// Commands take no argument, an int or a pointer; a long holds each of them.
int fcntl_of_subject(int fd, int command, ...) {
  va_list list;
  va_start(list, command);
  const long argument = va_arg(list, long);
  va_end(list);
  const sched::InSubject scope;
  return inner_calls.fcntl(fd, command, argument);
}

int open_of_subject(const char* path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  const unsigned mode = va_arg(list, unsigned);
  va_end(list);
  const sched::InSubject scope;
  return inner_calls.open(path, flags, mode);
}

int interrupt_of_subject(pthread_t thread) {
  const sched::InSubject scope;
  return inner_hooks.interrupt(thread);
}

template <typename Function>
bool is_own(Function inner, Function host) {
  return inner != nullptr && inner != host;
}

}  // namespace

ControlledSubject::ControlledSubject(const Subject& inner) : inner_(inner) {
  calls_ = inner_calls = inner.calls();
  spec_ = inner.spec();
  profile_ = inner.profile();
  host_ = inner.host();
  layout_ = inner.layout();
  inner_hooks = inner.hooks();
  if (inner_hooks.interrupt != nullptr) hooks_.interrupt = interrupt_of_subject;
  emulator_ = inner.is_emulator();
  own_descriptors_ = inner.has_own_descriptors();
  const SubjectCalls host = host_calls();
#define KQT_WRAP(name)                                                                 \
  if (is_own(calls_.name, host.name)) {                                                \
    calls_.name = Trampoline<&SubjectCalls::name, decltype(SubjectCalls::name)>::call; \
  }
  KQT_WRAP(kqueue)
  KQT_WRAP(kqueue1)
  KQT_WRAP(close)
  KQT_WRAP(dup)
  KQT_WRAP(dup2)
  KQT_WRAP(pipe)
  KQT_WRAP(pipe2)
  KQT_WRAP(socketpair)
  KQT_WRAP(socket)
  KQT_WRAP(bind)
  KQT_WRAP(listen)
  KQT_WRAP(accept)
  KQT_WRAP(connect)
  KQT_WRAP(getsockname)
  KQT_WRAP(getsockopt)
  KQT_WRAP(setsockopt)
  KQT_WRAP(shutdown)
  KQT_WRAP(read)
  KQT_WRAP(write)
  KQT_WRAP(kqueuex)
  KQT_WRAP(dup3)
  KQT_WRAP(close_range)
  KQT_WRAP(fclose)
  KQT_WRAP(freopen)
  KQT_WRAP(closedir)
  KQT_WRAP(raise)
  KQT_WRAP(sigaction)
#undef KQT_WRAP
  if (is_own(calls_.fcntl, host.fcntl)) calls_.fcntl = fcntl_of_subject;
  if (is_own(calls_.open, host.open)) calls_.open = open_of_subject;
}

ControlledSubject::~ControlledSubject() = default;

int ControlledSubject::kevent(int kq, const Kevent* changes, int nchanges, Kevent* events,
                              int nevents, const timespec* timeout) const {
  const sched::InSubject scope;
  return inner_.kevent(kq, changes, nchanges, events, nevents, timeout);
}

}  // namespace kqtorture
