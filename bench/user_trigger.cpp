// What does it cost to wake somebody up? EVFILT_USER from trigger to delivery, one and 64 at a time
// in one changelist, beside eventfds watched edge-triggered: the least that epoll can be made to do
// (no read, since every write is an edge).
#include <errno.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "ring.h"

#ifdef __linux__
#include <sys/epoll.h>
#include <sys/eventfd.h>
#endif

namespace kqtorture::bench {
namespace {

// One more than the knotes that count: triggered when every thread shall give up.
class UserSide : public Side {
 public:
  UserSide(const Subject& subject, int count, bool combined)
      : subject_(subject), count_(count), combined_(combined) {}
  ~UserSide() override {
    if (kq_ >= 0) subject_.close(kq_);
  }
  bool open(std::string* what) override;
  std::unique_ptr<Worker> worker() override;
  const Subject* judged() const override { return &subject_; }
  void halt() override {
    const Kevent change{
        static_cast<uintptr_t>(count_), filter::kUser, 0, note::kTrigger, 0, nullptr};
    subject_.kevent(kq_, &change, 1, nullptr, 0, nullptr);
  }

  const Subject& subject_;
  const int count_;
  const bool combined_;
  int kq_ = -1;
};

bool UserSide::open(std::string* what) {
  kq_ = subject_.kqueue();
  std::vector<Kevent> changes;
  for (int i = 0; i <= count_; ++i) {
    const uint16_t flags = i < count_ ? flag::kAdd | flag::kClear : flag::kAdd;
    changes.push_back({static_cast<uintptr_t>(i), filter::kUser, flags, 0, 0, nullptr});
  }
  const auto apply = [&](int n) {
    return subject_.kevent(kq_, changes.data(), n, nullptr, 0, nullptr) == 0;
  };
  bool done = kq_ >= 0 && apply(count_ + 1);
  for (Kevent& change : changes) {
    change.flags = 0;
    change.fflags = note::kTrigger;
  }
  done = done && apply(count_);
  if (!done) *what = std::string("EVFILT_USER: ") + std::strerror(errno);
  return done;
}

class UserWorker : public Worker {
 public:
  explicit UserWorker(UserSide& side)
      : side_(side), events_(static_cast<size_t>(side.count_)), changes_(events_.size()) {}
  ~UserWorker() override { trigger(); }
  uint64_t phantoms() const override { return phantoms_; }

  int turn(std::string* what) override {
    int n = 0;
    do {
      n = side_.subject_.kevent(side_.kq_, changes_.data(), owed_, events_.data(), side_.count_,
                                nullptr);
      owed_ = 0;
      phantoms_ += n == 0;
      // A peer is measured, not judged; and what io_uring left to do interrupts a wait.
    } while ((n == 0 && is_peer(side_.subject_)) || (n < 0 && errno == EINTR));
    if (n <= 0 || n > side_.count_) {
      *what = n < 0 ? std::string("kevent: ") + std::strerror(errno)
                    : "kevent returned " + std::to_string(n) + " events without a timeout";
      return -1;
    }
    for (int i = 0; i < n; ++i) {
      const Kevent& event = events_[static_cast<size_t>(i)];
      if (event.filter != filter::kUser || event.ident >= static_cast<uintptr_t>(side_.count_)) {
        *what = "an event that is not that of a triggered knote";
        return -1;
      }
      changes_[static_cast<size_t>(i)] = {event.ident, filter::kUser, 0, note::kTrigger,
                                          0,           nullptr};
    }
    owed_ = n;
    if (!side_.combined_ && !trigger()) {
      *what = std::string("NOTE_TRIGGER was refused: ") + std::strerror(errno);
      return -1;
    }
    return n;
  }

 private:
  bool trigger() {
    const int n = owed_;
    owed_ = 0;
    return n == 0 || side_.subject_.kevent(side_.kq_, changes_.data(), n, nullptr, 0, nullptr) == 0;
  }

  UserSide& side_;
  std::vector<Kevent> events_, changes_;
  uint64_t phantoms_ = 0;
  int owed_ = 0;
};

std::unique_ptr<Worker> UserSide::worker() { return std::make_unique<UserWorker>(*this); }

#ifdef __linux__
class EventfdSide : public Side {
 public:
  EventfdSide(int count, bool reads) : reads_(reads), fds_(static_cast<size_t>(count), -1) {}
  ~EventfdSide() override {
    for (const int fd : fds_) ::close(fd);
    ::close(epoll_);
  }
  bool open(std::string* what) override {
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    bool done = epoll_ >= 0;
    for (int& fd : fds_) {
      fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
      epoll_event event{};
      event.events = EPOLLIN | EPOLLET;
      event.data.fd = fd;
      done = done && epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0 && eventfd_write(fd, 1) == 0;
    }
    if (!done) *what = std::string("eventfd: ") + std::strerror(errno);
    return done;
  }
  std::unique_ptr<Worker> worker() override;

  const bool reads_;
  std::vector<int> fds_;
  int epoll_ = -1;
};

class EventfdWorker : public Worker {
 public:
  explicit EventfdWorker(EventfdSide& side) : side_(side), events_(side.fds_.size()) {}
  int turn(std::string* what) override {
    const int n = epoll_wait(side_.epoll_, events_.data(), static_cast<int>(events_.size()), -1);
    bool done = n > 0;
    for (int i = 0; i < n; ++i) {
      const int fd = events_[static_cast<size_t>(i)].data.fd;
      eventfd_t value = 0;
      if (side_.reads_) done = done && eventfd_read(fd, &value) == 0;
      done = done && eventfd_write(fd, 1) == 0;
    }
    if (!done) *what = std::string("eventfd: ") + std::strerror(errno);
    return done ? n : -1;
  }

 private:
  EventfdSide& side_;
  std::vector<epoll_event> events_;
};

std::unique_ptr<Worker> EventfdSide::worker() { return std::make_unique<EventfdWorker>(*this); }
#endif

std::shared_ptr<Rig> rig_of(std::unique_ptr<Side> side) {
  auto rig = std::make_shared<Rig>();
  rig->side = std::move(side);
  rig->side->open(&rig->error);
  return rig;
}

void add_all(int list, int threads) {
  const std::string question = "user_trigger/list:" + std::to_string(list);
  for (const Contender& who : kqueues()) {
    register_ring({question, who.name, list, threads},
                  [=] { return rig_of(std::make_unique<UserSide>(*who.subject, list, false)); });
  }
  if (threads == 1) {
    register_ring({question, "kqueue.combined", list, threads},
                  [=] { return rig_of(std::make_unique<UserSide>(subject(), list, true)); });
  }
#ifdef __linux__
  for (const bool reads : {false, true}) {
    register_ring({question, reads ? "eventfd+read" : "eventfd", list, threads},
                  [=] { return rig_of(std::make_unique<EventfdSide>(list, reads)); });
  }
#endif
}

}  // namespace

void register_user_trigger() {
  for (const int list : {1, 16, 64, 512}) add_all(list, 1);
  for (const int threads : {2, 4, 8}) add_all(64, threads);
}

}  // namespace kqtorture::bench
