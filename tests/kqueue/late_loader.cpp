// A program that loads libkq late, by dlopen: its own close() is libc's, and libkq never sees it.
// The exit code names the step that failed, 0 when all went well.
#include <dlfcn.h>
#include <errno.h>
#include <sys/event.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace {

decltype(&::kevent) library_kevent = nullptr;

int change(int kq, int fd, uint16_t flags, void* udata = nullptr) {
  struct kevent one;
  EV_SET(&one, fd, EVFILT_READ, flags, 0, 0, udata);
  return library_kevent(kq, &one, 1, nullptr, 0, nullptr);
}

int poll_once(int kq, struct kevent* event) {
  const timespec now{0, 0};
  return library_kevent(kq, nullptr, 0, event, 1, &now);
}

int run(const char* path) {
  int early[2];
  if (pipe(early) != 0 || write(early[1], "x", 1) != 1) return 1;
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    std::fprintf(stderr, "late_loader: %s\n", dlerror());
    return 2;
  }
  const auto make = reinterpret_cast<decltype(&::kqueue)>(dlsym(library, "kqueue"));
  library_kevent = reinterpret_cast<decltype(&::kevent)>(dlsym(library, "kevent"));
  if (make == nullptr || library_kevent == nullptr) return 3;
  const int kq = make();
  if (kq < 0) return 4;

  // A descriptor from before libkq was there.
  int first = 1;
  int second = 2;
  struct kevent event;
  if (change(kq, early[0], EV_ADD, &first) != 0) return 5;
  if (poll_once(kq, &event) != 1 || event.udata != &first) return 6;

  // Closed unseen, and the number goes to another pipe.
  int later[2];
  if (pipe(later) != 0 || write(later[1], "yy", 2) != 2) return 7;
  const int number = early[0];
  close(number);
  if (poll_once(kq, &event) != 0) return 8;
  if (dup2(later[0], number) != number) return 9;
  if (poll_once(kq, &event) != 0) return 10;
  if (change(kq, number, EV_ADD, &second) != 0) return 11;
  if (poll_once(kq, &event) != 1 || event.udata != &second || event.data != 2) return 12;

  // Closed unseen while a duplicate keeps the file open.
  const int copy = dup(number);
  if (copy < 0 || close(number) != 0) return 13;
  if (poll_once(kq, &event) != 0) return 14;
  return 0;
}

// A descriptor of a kqueue of the program before this one, inherited by exec: it is no kqueue of
// this one's, before it has any and after.
int run_with_inherited(const char* path, int kq) {
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return 2;
  const auto make = reinterpret_cast<decltype(&::kqueue)>(dlsym(library, "kqueue"));
  library_kevent = reinterpret_cast<decltype(&::kevent)>(dlsym(library, "kevent"));
  if (make == nullptr || library_kevent == nullptr) return 3;
  struct kevent event;
  if (poll_once(kq, &event) != -1 || errno != EINVAL) return 4;
  const int own = make();
  if (own < 0 || own == kq) return 5;
  if (poll_once(kq, &event) != -1 || errno != EINVAL) return 6;
  int ends[2];
  if (pipe(ends) != 0 || write(ends[1], "x", 1) != 1) return 7;
  if (change(kq, ends[0], EV_ADD) != -1 || errno != EINVAL) return 8;
  if (change(own, ends[0], EV_ADD) != 0 || poll_once(own, &event) != 1) return 9;
  return close(kq) == 0 && poll_once(own, &event) == 1 ? 0 : 10;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3) return run_with_inherited(argv[1], std::atoi(argv[2]));
  return argc == 2 ? run(argv[1]) : 98;
}
