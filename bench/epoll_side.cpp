// The yardstick on Linux: the same cycle over epoll with nothing between, as a program that knows
// epoll would write it: one epoll_wait() for as many events as are ready, and one epoll_ctl() to
// re-arm each.
#ifdef __linux__

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "side.h"

namespace kqtorture::bench {
namespace {

uint32_t interest(Discipline discipline) {
  switch (discipline) {
    case Discipline::kDispatch:
      return EPOLLIN | EPOLLONESHOT;
    case Discipline::kOneshot:
      // Deleted by its handler; until then no other thread may be handed the same event.
      return EPOLLIN | EPOLLONESHOT;
    case Discipline::kClear:
      return EPOLLIN | EPOLLET;
    case Discipline::kLevel:
      return EPOLLIN;
  }
  return 0;
}

constexpr uint32_t kHalt = ~uint32_t{0};

class EpollSide : public Side {
 public:
  EpollSide(Objects& objects, Discipline discipline, int list, bool with_data)
      : objects_(objects), discipline_(discipline), list_(list), with_data_(with_data) {}
  ~EpollSide() override {
    ::close(epoll_);
    ::close(halt_);
  }

  bool open(std::string* what) override {
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    halt_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    bool done = epoll_ >= 0 && halt_ >= 0 && control(EPOLL_CTL_ADD, halt_, kHalt, EPOLLIN);
    for (int i = 0; i < objects_.size() && done; ++i) {
      done =
          control(EPOLL_CTL_ADD, objects_.fd(i), static_cast<uint32_t>(i), interest(discipline_)) &&
          objects_.make_ready(i);
    }
    if (!done) *what = std::string("epoll: ") + std::strerror(errno);
    return done;
  }
  std::unique_ptr<Worker> worker() override;
  int descriptor() const override { return epoll_; }
  void halt() override { eventfd_write(halt_, 1); }

  bool control(int operation, int fd, uint32_t i, uint32_t events) const {
    epoll_event event{};
    event.events = events;
    event.data.u32 = i;
    return epoll_ctl(epoll_, operation, fd, &event) == 0;
  }
  bool rearm(uint32_t i) const {
    const int fd = objects_.fd(static_cast<int>(i));
    if (discipline_ == Discipline::kDispatch) {
      return control(EPOLL_CTL_MOD, fd, i, interest(discipline_));
    }
    return discipline_ != Discipline::kOneshot ||
           (control(EPOLL_CTL_DEL, fd, i, 0) &&
            control(EPOLL_CTL_ADD, fd, i, EPOLLIN | EPOLLONESHOT));
  }

  Objects& objects_;
  const Discipline discipline_;
  const int list_;
  const bool with_data_;
  int epoll_ = -1, halt_ = -1;
};

class EpollWorker : public Worker {
 public:
  explicit EpollWorker(EpollSide& side) : side_(side), events_(static_cast<size_t>(side.list_)) {}

  int turn(std::string* what) override {
    const int n = epoll_wait(side_.epoll_, events_.data(), side_.list_, -1);
    if (n <= 0) {
      *what = std::string("epoll_wait: ") + std::strerror(errno);
      return -1;
    }
    for (int i = 0; i < n; ++i) {
      if (!take(events_[static_cast<size_t>(i)].data.u32, what)) return -1;
    }
    for (int i = 0; i < n; ++i) {
      side_.objects_.make_ready(static_cast<int>(events_[static_cast<size_t>(i)].data.u32));
    }
    return n;
  }

 private:
  bool take(uint32_t i, std::string* what) {
    if (i == kHalt) {
      *what = "another thread has given up";
      return false;
    }
    Objects& objects = side_.objects_;
    const int index = static_cast<int>(i);
    if (side_.with_data_) {
      int bytes = 0;  // an eventfd cannot count: the call is made and refused
      const int answer = ioctl(objects.fd(index), FIONREAD, &bytes);
      if (objects.bytes(index) != 0 && (answer != 0 || bytes != objects.bytes(index))) {
        *what = "FIONREAD tells another number than was written";
        return false;
      }
    }
    if (objects.consume(index) && side_.rearm(i)) return true;
    *what = "the bytes were not there, or re-arming was refused";
    return false;
  }

  EpollSide& side_;
  std::vector<epoll_event> events_;
};

std::unique_ptr<Worker> EpollSide::worker() { return std::make_unique<EpollWorker>(*this); }

}  // namespace

std::unique_ptr<Side> epoll_side(Objects& objects, Discipline discipline, int list,
                                 bool with_data) {
  return std::make_unique<EpollSide>(objects, discipline, list, with_data);
}

}  // namespace kqtorture::bench

#endif  // __linux__
