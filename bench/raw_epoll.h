// The yardstick on Linux: the same cycle over epoll, with nothing between.
#pragma once

#ifdef __linux__

#include <sys/epoll.h>

#include <vector>

#include "bench.h"

namespace kqtorture::bench {

// with_data: one ioctl(FIONREAD) per event, for what a kevent tells in data and epoll does not.
class EpollCycle : public Cycle {
 public:
  EpollCycle(const Objects& objects, Discipline discipline, bool with_data);
  ~EpollCycle() override;
  bool run(std::string* what) override;

 private:
  void rearm(int fd);

  const Objects& objects_;
  Discipline discipline_;
  bool with_data_;
  int epoll_;
  std::vector<epoll_event> events_;
};

}  // namespace kqtorture::bench

#endif  // __linux__
