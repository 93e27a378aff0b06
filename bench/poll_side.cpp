// poll(2), which everybody has: nothing is registered, so each call names every object, and the
// kernel looks at each.
#include <errno.h>
#include <poll.h>

#include <cstring>
#include <vector>

#include "side.h"

namespace kqtorture::bench {
namespace {

class PollSide : public Side, public Worker {
 public:
  explicit PollSide(Objects& objects) : objects_(objects) {}

  bool open(std::string* what) override {
    for (int i = 0; i < objects_.size(); ++i) {
      files_.push_back({objects_.fd(i), POLLIN, 0});
      if (objects_.make_ready(i)) continue;
      *what = "an object takes no bytes";
      return false;
    }
    return true;
  }

  std::unique_ptr<Worker> worker() override {
    auto result = std::make_unique<PollSide>(objects_);
    result->files_ = files_;
    return result;
  }

  int turn(std::string* what) override {
    if (poll(files_.data(), files_.size(), -1) <= 0) {
      *what = std::string("poll: ") + std::strerror(errno);
      return -1;
    }
    int n = 0;
    for (size_t i = 0; i < files_.size(); ++i) {
      if ((files_[i].revents & POLLIN) == 0) continue;
      ++n;
      if (objects_.consume(static_cast<int>(i))) continue;
      *what = "poll: the bytes were not there";
      return -1;
    }
    for (size_t i = 0; i < files_.size(); ++i) {
      if ((files_[i].revents & POLLIN) != 0) objects_.make_ready(static_cast<int>(i));
    }
    return n;
  }

 private:
  Objects& objects_;
  std::vector<pollfd> files_;
};

}  // namespace

std::unique_ptr<Side> poll_side(Objects& objects) { return std::make_unique<PollSide>(objects); }

}  // namespace kqtorture::bench
