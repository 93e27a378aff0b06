// io_uring as a source of readiness: poll requests, whose re-arming is one system call for a whole
// list, or none at all when they are multishot. Used where the library was there when this was
// built and the kernel lets a ring be made; otherwise the reason is told in the row.
#include "side.h"

#ifdef KQ_HAVE_LIBURING

#include <liburing.h>
#include <poll.h>

#include <cstring>
#include <vector>

namespace kqtorture::bench {
namespace {

class UringSide : public Side, public Worker {
 public:
  UringSide(Objects& objects, Discipline discipline, int list)
      : objects_(objects), multishot_(discipline == Discipline::kClear), list_(list) {}
  ~UringSide() override {
    if (opened_) io_uring_queue_exit(&ring_);
  }

  bool open(std::string* what) override {
    // A completion for each request in flight and each byte that arrives meanwhile.
    const int failed = io_uring_queue_init(static_cast<unsigned>(objects_.size()) * 2, &ring_, 0);
    if (failed != 0) {
      *what = std::string("io_uring: ") + std::strerror(-failed);
      return false;
    }
    opened_ = true;
    for (int i = 0; i < objects_.size(); ++i) {
      request(i);
      if (objects_.make_ready(i)) continue;
      *what = "an object takes no bytes";
      return false;
    }
    return true;
  }

  // The ring is one thread's: the worker is the side itself.
  std::unique_ptr<Worker> worker() override;

  int turn(std::string* what) override {
    io_uring_cqe* unused = nullptr;
    const int failed = io_uring_submit_and_wait(&ring_, 1);
    if (failed < 0 || io_uring_peek_cqe(&ring_, &unused) != 0) {
      *what = std::string("io_uring: ") + std::strerror(failed < 0 ? -failed : 0);
      return -1;
    }
    ready_.clear();
    unsigned head = 0, taken = 0;
    io_uring_cqe* cqe = nullptr;
    io_uring_for_each_cqe(&ring_, head, cqe) {
      if (static_cast<int>(taken) == list_) break;
      ++taken;
      const int i = static_cast<int>(cqe->user_data);
      const bool more = (cqe->flags & IORING_CQE_F_MORE) != 0;
      if (cqe->res < 0 || !objects_.consume(i)) {
        *what = "io_uring: a completion without its bytes";
        return -1;
      }
      ready_.push_back(i);
      if (!more) request(i);
    }
    io_uring_cq_advance(&ring_, taken);
    for (const int i : ready_) objects_.make_ready(i);
    return static_cast<int>(taken);
  }

 private:
  // Queued; the next turn's call submits it.
  void request(int i) {
    io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
    if (sqe == nullptr) {
      io_uring_submit(&ring_);
      sqe = io_uring_get_sqe(&ring_);
    }
    if (multishot_) {
      io_uring_prep_poll_multishot(sqe, objects_.fd(i), POLLIN);
    } else {
      io_uring_prep_poll_add(sqe, objects_.fd(i), POLLIN);
    }
    io_uring_sqe_set_data64(sqe, static_cast<uint64_t>(i));
  }

  Objects& objects_;
  const bool multishot_;
  const int list_;
  bool opened_ = false;
  io_uring ring_{};
  std::vector<int> ready_;
};

class Borrowed : public Worker {
 public:
  explicit Borrowed(Worker& other) : other_(other) {}
  int turn(std::string* what) override { return other_.turn(what); }

 private:
  Worker& other_;
};

std::unique_ptr<Worker> UringSide::worker() { return std::make_unique<Borrowed>(*this); }

}  // namespace

std::unique_ptr<Side> uring_side(Objects& objects, Discipline discipline, int list) {
  return std::make_unique<UringSide>(objects, discipline, list);
}

std::string why_no_uring() {
  io_uring ring{};
  const int failed = io_uring_queue_init(2, &ring, 0);
  if (failed != 0) return std::string("the kernel gives no io_uring: ") + std::strerror(-failed);
  io_uring_queue_exit(&ring);
  return "";
}

}  // namespace kqtorture::bench

#else

namespace kqtorture::bench {

std::unique_ptr<Side> uring_side(Objects&, Discipline, int) { return nullptr; }
std::string why_no_uring() { return "built without liburing"; }

}  // namespace kqtorture::bench

#endif  // KQ_HAVE_LIBURING
