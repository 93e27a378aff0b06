// The kqueue that this program is linked with: the operating system's, or, where the header found
// is that of libkq, the emulator reached as any program reaches it that says -lkq. In the second
// case descriptor calls go through libkq's interposition, which a subject loaded late never
// exercises.
#include "subject/layout.h"
#include "subject/loaders.h"

#if __has_include(<sys/event.h>)

#include <sys/types.h>
// After sys/types.h: the BSDs' header relies on it.
#include <sys/event.h>
#include <sys/utsname.h>

#include <cstdlib>

#include "subject/convert.h"
#include "subject/host_calls.h"

namespace kqtorture {
namespace {

#if defined(KQ_SYS_EVENT_H_)
constexpr bool kIsEmulator = true;
#else
constexpr bool kIsEmulator = false;
#endif

#if defined(__FreeBSD__)
constexpr Layout kLayout = sizeof(struct kevent) == native_size(Layout::kFreebsd12)
                               ? Layout::kFreebsd12
                               : Layout::kFreebsd11;
#elif defined(__NetBSD__)
constexpr Layout kLayout =
    sizeof(struct kevent) == native_size(Layout::kNetbsd) ? Layout::kNetbsd : Layout::kNetbsdExt;
#elif defined(__OpenBSD__)
constexpr Layout kLayout = Layout::kOpenbsd;
#elif defined(__DragonFly__)
constexpr Layout kLayout = Layout::kDragonfly;
#elif defined(__APPLE__)
constexpr Layout kLayout = Layout::kMacos;
#else
constexpr Layout kLayout = Layout::kFreebsd11;  // libkq, libkqueue
#endif
static_assert(sizeof(struct kevent) == native_size(kLayout),
              "this system's struct kevent has none of the layouts in layout.cpp");

#if defined(KQ_SYS_EVENT_H_) || defined(__NetBSD__)
constexpr int (*kKqueue1)(int) = ::kqueue1;
#else
constexpr int (*kKqueue1)(int) = nullptr;
#endif

// The release decides between the two FreeBSD profiles; every other system has one.
std::string native_profile() {
  if (kIsEmulator) return "strict-2006";
#if defined(__FreeBSD__)
  utsname name;
  if (uname(&name) == 0 && std::atoi(name.release) <= 13) return "freebsd13";
  return "freebsd";
#elif defined(__linux__)
  return "libkqueue";
#else
  return default_profile(kLayout);
#endif
}

int native_kevent(int kq, const void* changes, intptr_t nchanges, void* events, intptr_t nevents,
                  const timespec* timeout) {
#if defined(__NetBSD__)
  using Count = size_t;
#else
  using Count = int;
#endif
  return ::kevent(kq, static_cast<const struct kevent*>(changes), static_cast<Count>(nchanges),
                  static_cast<struct kevent*>(events), static_cast<Count>(nevents), timeout);
}

class NativeSubject : public Subject {
 public:
  NativeSubject() {
    calls_ = host_calls();
    calls_.kqueue = ::kqueue;
    calls_.kqueue1 = kKqueue1;
    spec_ = "native";
    profile_ = native_profile();
    layout_ = kLayout;
    emulator_ = kIsEmulator;
  }

  int kevent(int kq, const Kevent* changes, int nchanges, Kevent* events, int nevents,
             const timespec* timeout) const override {
    if constexpr (is_canonical(kLayout)) {
      return native_kevent(kq, changes, nchanges, events, nevents, timeout);
    } else {
      return converted_kevent(kLayout, native_kevent, kq, changes, nchanges, events, nevents,
                              timeout);
    }
  }
};

}  // namespace

std::unique_ptr<Subject> open_native(std::string*) { return std::make_unique<NativeSubject>(); }

}  // namespace kqtorture

#else

namespace kqtorture {

std::unique_ptr<Subject> open_native(std::string* error) {
  *error = "native: this operating system has no kqueue";
  return nullptr;
}

}  // namespace kqtorture

#endif
