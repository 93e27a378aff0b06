// What does a timer cost that is set and has expired? EVFILT_TIMER of a nanosecond, one-shot, from
// EV_ADD to delivery; beside a timerfd watched by epoll, which has to be set, waited for and read.
#include <errno.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "ring.h"

#ifdef __linux__
#include <sys/epoll.h>
#include <sys/timerfd.h>
#endif

namespace kqtorture::bench {
namespace {

class TimerSide : public Side, public Worker {
 public:
  TimerSide(const Subject& subject, int list)
      : subject_(subject), events_(static_cast<size_t>(list)) {
    for (int i = 0; i < list; ++i) {
      changes_.push_back({static_cast<uintptr_t>(i), filter::kTimer,
                          static_cast<uint16_t>(flag::kAdd | flag::kOneshot), note::kNseconds, 1,
                          nullptr});
    }
  }
  ~TimerSide() override {
    if (kq_ >= 0) subject_.close(kq_);
  }
  bool open(std::string* what) override {
    kq_ = subject_.kqueue();
    if (kq_ < 0) *what = std::string("no kqueue: ") + std::strerror(errno);
    return kq_ >= 0;
  }
  std::unique_ptr<Worker> worker() override {
    auto result = std::make_unique<TimerSide>(subject_, static_cast<int>(changes_.size()));
    std::string unused;
    result->open(&unused);
    return result;
  }
  const Subject* judged() const override { return &subject_; }

  int turn(std::string* what) override {
    const int list = static_cast<int>(changes_.size());
    if (subject_.kevent(kq_, changes_.data(), list, nullptr, 0, nullptr) != 0) {
      *what = std::string("EVFILT_TIMER was refused: ") + std::strerror(errno);
      return -1;
    }
    for (int seen = 0; seen < list;) {
      const int n = subject_.kevent(kq_, nullptr, 0, events_.data(), list, nullptr);
      for (int i = 0; i < n; ++i) {
        const Kevent& event = events_[static_cast<size_t>(i)];
        if (event.filter == filter::kTimer && event.data == 1) continue;
        *what = "a one-shot timer that tells " + std::to_string(event.data) + " expirations";
        return -1;
      }
      if (n <= 0 || n > list - seen) {
        *what = "timers were lost or delivered twice";
        return -1;
      }
      seen += n;
    }
    return list;
  }

 private:
  const Subject& subject_;
  std::vector<Kevent> changes_, events_;
  int kq_ = -1;
};

#ifdef __linux__
class TimerfdSide : public Side, public Worker {
 public:
  explicit TimerfdSide(int list) : events_(static_cast<size_t>(list)) {}
  ~TimerfdSide() override {
    for (const int fd : fds_) ::close(fd);
    ::close(epoll_);
  }
  bool open(std::string* what) override {
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    while (fds_.size() < events_.size()) {
      fds_.push_back(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.fd = fds_.back();
      if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fds_.back(), &event) == 0) continue;
      *what = std::string("timerfd: ") + std::strerror(errno);
      return false;
    }
    return true;
  }
  std::unique_ptr<Worker> worker() override {
    auto result = std::make_unique<TimerfdSide>(static_cast<int>(events_.size()));
    std::string unused;
    result->open(&unused);
    return result;
  }
  int turn(std::string* what) override {
    const itimerspec soon{{0, 0}, {0, 1}};
    for (const int fd : fds_) timerfd_settime(fd, 0, &soon, nullptr);
    for (size_t seen = 0; seen < fds_.size();) {
      const int n = epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), -1);
      for (int i = 0; i < n; ++i) {
        uint64_t expirations = 0;
        if (::read(events_[static_cast<size_t>(i)].data.fd, &expirations, sizeof expirations) ==
            sizeof expirations) {
          ++seen;
        }
      }
      if (n > 0) continue;
      *what = std::string("timerfd: ") + std::strerror(errno);
      return -1;
    }
    return static_cast<int>(fds_.size());
  }

 private:
  std::vector<epoll_event> events_;
  std::vector<int> fds_;
  int epoll_ = -1;
};
#endif

template <typename Make>
void add(const std::string& contender, int list, Make make) {
  register_ring({"timers/oneshot/list:" + std::to_string(list), contender, list, 1}, [=] {
    auto rig = std::make_shared<Rig>();
    rig->side = make();
    rig->side->open(&rig->error);
    return rig;
  });
}

}  // namespace

void register_timers() {
  for (const int list : {1, 64}) {
    for (const Contender& who : kqueues()) {
      add(who.name, list, [=] { return std::make_unique<TimerSide>(*who.subject, list); });
    }
#ifdef __linux__
    add("timerfd", list, [=] { return std::make_unique<TimerfdSide>(list); });
#endif
  }
}

}  // namespace kqtorture::bench
