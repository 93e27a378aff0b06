// One epoll_wait() for as many events as are ready, and one epoll_ctl() to re-arm each: what a
// program that knows epoll would write.
#include "raw_epoll.h"

#ifdef __linux__

#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstring>

namespace kqtorture::bench {
namespace {

uint32_t interest(Discipline discipline) {
  switch (discipline) {
    case Discipline::kDispatch:
      return EPOLLIN | EPOLLONESHOT;
    case Discipline::kClear:
      return EPOLLIN | EPOLLET;
    default:
      return EPOLLIN;
  }
}

}  // namespace

EpollCycle::EpollCycle(const Objects& objects, Discipline discipline, bool with_data)
    : objects_(objects),
      discipline_(discipline),
      with_data_(with_data),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      events_(static_cast<size_t>(objects.size())) {
  for (int i = 0; i < objects.size(); ++i) {
    epoll_event event{};
    event.events = interest(discipline);
    event.data.fd = objects.fd(i);
    epoll_ctl(epoll_, EPOLL_CTL_ADD, objects.fd(i), &event);
  }
}

EpollCycle::~EpollCycle() { ::close(epoll_); }

void EpollCycle::rearm(int fd) {
  epoll_event event{};
  event.events = interest(discipline_);
  event.data.fd = fd;
  if (discipline_ == Discipline::kDispatch) {
    epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event);
  } else if (discipline_ == Discipline::kOneshot) {
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }
}

bool EpollCycle::run(std::string* what) {
  const int count = objects_.size();
  for (int i = 0; i < count; ++i) objects_.make_ready(i);
  for (int seen = 0; seen < count;) {
    const int n = epoll_wait(epoll_, events_.data(), count, -1);
    if (n <= 0) {
      *what = std::string("epoll_wait: ") + std::strerror(errno);
      return false;
    }
    for (int i = 0; i < n; ++i) {
      const int fd = events_[static_cast<size_t>(i)].data.fd;
      if (discipline_ == Discipline::kOneshot) {
        epoll_event unused{};
        epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, &unused);
      }
      if (with_data_) {
        int bytes = 0;
        benchmark::DoNotOptimize(ioctl(fd, FIONREAD, &bytes));
      }
      objects_.consume(fd);
      rearm(fd);
    }
    seen += n;
  }
  ++work().cycles;
  return true;
}

}  // namespace kqtorture::bench

#endif  // __linux__
