// The smallest C++ program that uses a kqueue: the header serves C++, and the flag of 2006 keeps
// its promise, one delivery until the handler enables the event again.
#include <sys/event.h>

#include <cstdio>

namespace {

int fail(const char* what) {
  std::fprintf(stderr, "consumer/user: %s\n", what);
  return 1;
}

}  // namespace

int main() {
  const timespec now{};
  struct kevent change, event;
  const int kq = kqueue();
  if (kq < 0) return fail("no kqueue");

  EV_SET(&change, 1, EVFILT_USER, EV_ADD | EV_DOD, 0, 0, nullptr);
  if (kevent(kq, &change, 1, nullptr, 0, nullptr) != 0) return fail("registration refused");
  EV_SET(&change, 1, EVFILT_USER, 0, NOTE_TRIGGER, 0, nullptr);
  if (kevent(kq, &change, 1, &event, 1, &now) != 1) return fail("the trigger gave no event");
  if (kevent(kq, nullptr, 0, &event, 1, &now) != 0) return fail("delivered twice");
  EV_SET(&change, 1, EVFILT_USER, EV_ENABLE, 0, 0, nullptr);
  if (kevent(kq, &change, 1, &event, 1, &now) != 1) return fail("not delivered after EV_ENABLE");
  return 0;
}
