#include "hand_over.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cstring>

#ifdef __linux__
#include <sys/epoll.h>
#include <sys/eventfd.h>
#endif

namespace kqtorture::bench {
namespace {

// USER knote with EV_CLEAR: the trigger is the event.
class UserHandOver : public HandOver {
 public:
  UserHandOver(const Subject& subject, std::string* error)
      : subject_(subject), kq_(subject.kqueue()) {
    if (!change(flag::kAdd | flag::kClear, 0)) *error = std::strerror(errno);
  }
  ~UserHandOver() override { subject_.close(kq_); }
  bool wake() override { return change(0, note::kTrigger); }
  bool wait() override {
    Kevent event{};
    return subject_.kevent(kq_, nullptr, 0, &event, 1, nullptr) == 1 &&
           event.filter == filter::kUser && event.ident == 1;
  }
  const Subject* judged() const override { return &subject_; }

 private:
  bool change(uint16_t flags, uint32_t fflags) {
    const Kevent one{1, filter::kUser, flags, fflags, 0, nullptr};
    return subject_.kevent(kq_, &one, 1, nullptr, 0, nullptr) == 0;
  }
  const Subject& subject_;
  const int kq_;
};

// A pipe whose byte the waiter reads, whoever it is that watches it.
class PipeHandOver : public HandOver {
 public:
  PipeHandOver(const Subject& subject, std::string* error) : subject_(subject) {
    if (subject.calls().pipe2(ends_, O_NONBLOCK | O_CLOEXEC) != 0) *error = std::strerror(errno);
  }
  ~PipeHandOver() override {
    for (const int fd : ends_) subject_.close(fd);
  }
  bool wake() override { return subject_.write(ends_[1], "!", 1) == 1; }

 protected:
  bool take() {
    char byte = 0;
    return subject_.read(ends_[0], &byte, 1) == 1;
  }
  const Subject& subject_;
  int ends_[2] = {-1, -1};
};

class KqueuePipe : public PipeHandOver {
 public:
  KqueuePipe(const Subject& subject, std::string* error)
      : PipeHandOver(subject, error), kq_(subject.kqueue()) {
    if (!change(flag::kAdd | flag::kDispatch)) *error = std::strerror(errno);
  }
  ~KqueuePipe() override { subject_.close(kq_); }
  bool wait() override {
    Kevent event{};
    return subject_.kevent(kq_, nullptr, 0, &event, 1, nullptr) == 1 &&
           event.filter == filter::kRead && event.data == 1 && take() && change(flag::kEnable);
  }
  const Subject* judged() const override { return &subject_; }

 private:
  bool change(uint16_t flags) {
    const Kevent one{static_cast<uintptr_t>(ends_[0]), filter::kRead, flags, 0, 0, nullptr};
    return subject_.kevent(kq_, &one, 1, nullptr, 0, nullptr) == 0;
  }
  const int kq_;
};

class PollPipe : public PipeHandOver {
 public:
  using PipeHandOver::PipeHandOver;
  bool wait() override {
    // Every waiter is woken; all but one find nothing and wait again.
    do {
      pollfd file{ends_[0], POLLIN, 0};
      if (poll(&file, 1, -1) != 1) return false;
    } while (!take());
    return true;
  }
};

#ifdef __linux__
class EpollPipe : public PipeHandOver {
 public:
  EpollPipe(const Subject& subject, std::string* error)
      : PipeHandOver(subject, error), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    if (!control(EPOLL_CTL_ADD)) *error = std::strerror(errno);
  }
  ~EpollPipe() override { ::close(epoll_); }
  bool wait() override {
    epoll_event event{};
    return epoll_wait(epoll_, &event, 1, -1) == 1 && take() && control(EPOLL_CTL_MOD);
  }

 private:
  bool control(int operation) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLONESHOT;
    return epoll_ctl(epoll_, operation, ends_[0], &event) == 0;
  }
  const int epoll_;
};

// An eventfd that counts one event at a time down, and is waited for by reading it.
class BlockingEventfd : public HandOver {
 public:
  explicit BlockingEventfd(std::string* error) : fd_(eventfd(0, EFD_SEMAPHORE | EFD_CLOEXEC)) {
    if (fd_ < 0) *error = std::strerror(errno);
  }
  ~BlockingEventfd() override { ::close(fd_); }
  bool wake() override { return eventfd_write(fd_, 1) == 0; }
  bool wait() override {
    eventfd_t value = 0;
    return eventfd_read(fd_, &value) == 0 && value == 1;
  }

 private:
  const int fd_;
};
#endif

}  // namespace

std::unique_ptr<HandOver> make_hand_over(benchmark::State& state, const MakeHandOver& make) {
  std::string error;
  std::unique_ptr<HandOver> way = make(&error);
  if (error.empty()) return way;
  state.SkipWithError(error.c_str());
  return nullptr;
}

std::vector<NamedHandOver> hand_overs() {
  std::vector<NamedHandOver> result;
  for (const Contender& who : kqueues()) {
    const Subject* one = who.subject;
    result.push_back({"user", who.name, [=](std::string* error) {
                        return std::make_unique<UserHandOver>(*one, error);
                      }});
    result.push_back({"pipe", who.name, [=](std::string* error) {
                        return std::make_unique<KqueuePipe>(*one, error);
                      }});
  }
  if (!has_host_descriptors()) return result;
  result.push_back({"pipe", "poll", [](std::string* error) {
                      return std::make_unique<PollPipe>(subject(), error);
                    }});
#ifdef __linux__
  result.push_back({"pipe", "epoll", [](std::string* error) {
                      return std::make_unique<EpollPipe>(subject(), error);
                    }});
  result.push_back({"user", "eventfd",
                    [](std::string* error) { return std::make_unique<BlockingEventfd>(error); }});
#endif
  return result;
}

}  // namespace kqtorture::bench
