// The yardstick: the same server over raw epoll, as somebody would write it who has nothing else.
//
// EPOLLONESHOT is armed again by EPOLL_CTL_MOD, a call per event. There is no last event: whoever
// ends a connection from outside shuts the socket down, which makes it ready, and then sets its
// flag, for which a handler that comes too early has to spin. One that ends its own connection just
// does so. That is sound here because a connection is closed by its handler alone.
#include "poller.h"

#ifdef __linux__
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace kqtorture::web {
namespace {

// epoll_data has 64 bits and the name needs all: the direction is told by the event.
epoll_event event_of(const Watched& what, Direction direction) {
  epoll_event event{};
  event.events = (direction == Direction::kRead ? EPOLLIN : EPOLLOUT) | EPOLLONESHOT;
  event.data.u64 = what.name;
  return event;
}

class EpollPoller;

class EpollWaiter : public Waiter {
 public:
  explicit EpollWaiter(int epoll) : epoll_(epoll) {}
  void arm(const Watched& what, Direction direction, bool first) override {
    epoll_event event = event_of(what, direction);
    epoll_ctl(epoll_, first ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, what.fd, &event);
  }
  bool force_own(const Watched&) override { return false; }
  int wait(Ready* ready, int most) override {
    events_.resize(static_cast<size_t>(most));
    int count;
    do {
      count = epoll_wait(epoll_, events_.data(), most, -1);
    } while (count < 0 && errno == EINTR);
    for (int i = 0; i < count; ++i) {
      ready[i].name = events_[i].data.u64;
      ready[i].direction =
          (events_[i].events & EPOLLOUT) != 0 ? Direction::kWrite : Direction::kRead;
      ready[i].last = false;
    }
    return count;
  }

 private:
  const int epoll_;
  std::vector<epoll_event> events_;
};

class EpollPoller : public Poller {
 public:
  EpollPoller(const Subject& subject, int epoll) : subject_(subject), epoll_(epoll) {}
  ~EpollPoller() override {
    if (wake_ >= 0) close(wake_);
    close(epoll_);
  }
  std::unique_ptr<Waiter> waiter() override { return std::make_unique<EpollWaiter>(epoll_); }
  int attach(const Watched&, Direction) override { return 0; }
  int arm_now(const Watched& what) override {
    epoll_event event = event_of(what, Direction::kRead);
    if (epoll_ctl(epoll_, EPOLL_CTL_MOD, what.fd, &event) == 0) return 0;
    return epoll_ctl(epoll_, EPOLL_CTL_ADD, what.fd, &event) == 0 ? 0 : errno;
  }
  int force(const Watched& what, Direction direction) override {
    if (direction == Direction::kWrite) return 0;  // the shutdown wakes either
    // In this order: once the flag is seen the descriptor may be closed, and its number reused.
    subject_.calls().shutdown(what.fd, SHUT_RDWR);
    what.forced->store(true, std::memory_order_release);
    return 0;
  }
  bool is_gone(int) override { return true; }
  void wake_all(uint64_t wake) override {
    wake_ = eventfd(1, EFD_CLOEXEC);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = wake;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event);
  }
  bool has_event() override {
    epoll_event event;
    return epoll_wait(epoll_, &event, 1, 0) > 0;
  }
  bool is_opaque() const override { return true; }  // as a kernel is

 private:
  const Subject& subject_;
  const int epoll_;
  int wake_ = -1;
};

}  // namespace

std::unique_ptr<Poller> make_epoll_poller(const Subject& subject, std::string* error) {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) {
    *error = std::string("epoll_create1: ") + std::strerror(errno);
    return nullptr;
  }
  return std::make_unique<EpollPoller>(subject, epoll);
}

}  // namespace kqtorture::web

#else

namespace kqtorture::web {

std::unique_ptr<Poller> make_epoll_poller(const Subject&, std::string* error) {
  *error = "this operating system has no epoll";
  return nullptr;
}

}  // namespace kqtorture::web

#endif
