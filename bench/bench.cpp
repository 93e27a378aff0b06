// The kqueue side of every comparison, and the objects both sides use.
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#ifdef __linux__
#include <sys/eventfd.h>
#endif

namespace kqtorture::bench {
namespace {
const Subject* current = nullptr;
std::string complaint;
}  // namespace

const Subject& subject() { return *current; }
void set_subject(const Subject* subject) { current = subject; }

Work& work() {
  static Work total;
  return total;
}

void wrong_answer(benchmark::State& state, const std::string& what) {
  if (complaint.empty()) complaint = what;
  state.SkipWithError(what.c_str());
}

const std::string& first_wrong_answer() { return complaint; }

const char* name_of(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::kPipe:
      return "pipe";
    case ObjectKind::kSocketpair:
      return "socketpair";
    case ObjectKind::kEventfd:
      return "eventfd";
  }
  return "";
}

bool available(ObjectKind kind) {
#ifdef __linux__
  // Whoever brings its own read() has descriptors of its own.
  return kind != ObjectKind::kEventfd || subject().calls().read == ::read;
#else
  return kind != ObjectKind::kEventfd;
#endif
}

const char* name_of(Discipline discipline) {
  switch (discipline) {
    case Discipline::kDispatch:
      return "dispatch";
    case Discipline::kOneshot:
      return "oneshot";
    case Discipline::kClear:
      return "clear";
    case Discipline::kLevel:
      return "level";
  }
  return "";
}

Objects::Objects(ObjectKind kind, int count) : kind_(kind) {
  for (int i = 0; i < count && ok_; ++i) {
    int ends[2] = {-1, -1};
    if (kind == ObjectKind::kPipe) {
      ok_ = subject().calls().pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0;
    } else if (kind == ObjectKind::kSocketpair) {
      ok_ = subject().calls().socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
                                         ends) == 0;
    } else {
#ifdef __linux__
      ends[0] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
#endif
      ok_ = ends[0] >= 0;
    }
    if (!ok_) break;
    read_ends_.push_back(ends[0]);
    write_ends_.push_back(ends[1]);
  }
}

Objects::~Objects() {
  for (const int fd : read_ends_) subject().close(fd);
  for (const int fd : write_ends_) {
    if (fd >= 0) subject().close(fd);
  }
}

void Objects::make_ready(int i) const {
  const uint64_t one = 1;
  const auto n = static_cast<size_t>(i);
  if (kind_ == ObjectKind::kEventfd) {
    benchmark::DoNotOptimize(subject().write(read_ends_[n], &one, sizeof one));
  } else {
    benchmark::DoNotOptimize(subject().write(write_ends_[n], "x", 1));
  }
}

void Objects::consume(int fd) const {
  char buffer[8];
  benchmark::DoNotOptimize(subject().read(fd, buffer, sizeof buffer));
}

namespace {

uint16_t creation_flags(Discipline discipline) {
  switch (discipline) {
    case Discipline::kDispatch:
      return flag::kAdd | flag::kDispatch;
    case Discipline::kOneshot:
      return flag::kAdd | flag::kOneshot;
    case Discipline::kClear:
      return flag::kAdd | flag::kClear;
    case Discipline::kLevel:
      return flag::kAdd;
  }
  return 0;
}

}  // namespace

KqueueCycle::KqueueCycle(const Objects& objects, Discipline discipline)
    : objects_(objects), discipline_(discipline), kq_(subject().kqueue()) {
  for (int i = 0; i < objects.size(); ++i) {
    changes_.push_back({static_cast<uintptr_t>(objects.fd(i)), filter::kRead,
                        creation_flags(discipline), 0, 0, nullptr});
  }
  events_.resize(changes_.size());
  subject().kevent(kq_, changes_.data(), objects.size(), nullptr, 0, nullptr);
}

KqueueCycle::~KqueueCycle() { subject().close(kq_); }

bool KqueueCycle::run(std::string* what) {
  const int count = objects_.size();
  for (int i = 0; i < count; ++i) objects_.make_ready(i);
  for (int seen = 0; seen < count;) {
    const int n = subject().kevent(kq_, nullptr, 0, events_.data(), count, nullptr);
    if (n <= 0 || n > count - seen) {
      *what = n < 0 ? std::string("kevent: ") + std::strerror(errno)
                    : "kevent returned " + std::to_string(n) + " events of " +
                          std::to_string(count - seen) + " that are ready";
      return false;
    }
    for (int i = 0; i < n; ++i) {
      const Kevent& event = events_[static_cast<size_t>(i)];
      if (event.filter != filter::kRead || event.data < 1) {
        *what = "an event that is not that of a readable object";
        return false;
      }
      objects_.consume(static_cast<int>(event.ident));
      changes_[static_cast<size_t>(i)].ident = event.ident;
      changes_[static_cast<size_t>(i)].flags =
          discipline_ == Discipline::kDispatch ? flag::kEnable : creation_flags(discipline_);
    }
    work().operations += 1 + 2 * static_cast<uint64_t>(n);
    const bool rearm = discipline_ == Discipline::kDispatch || discipline_ == Discipline::kOneshot;
    if (rearm && subject().kevent(kq_, changes_.data(), n, nullptr, 0, nullptr) != 0) {
      *what = std::string("re-arming was refused: ") + std::strerror(errno);
      return false;
    }
    seen += n;
    work().deliveries += static_cast<uint64_t>(n);
  }
  ++work().cycles;
  return true;
}

}  // namespace kqtorture::bench
