// What does it cost to register a descriptor and to remove it, what does a change of a knote that
// exists, and what does it bring to make many changes with one call? By length of the changelist
// and number of threads, each with objects of its own on one kqueue; beside epoll_ctl().
#include <errno.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "ring.h"

#ifdef __linux__
#include <sys/epoll.h>
#endif

namespace kqtorture::bench {
namespace {

enum class Change { kAddDelete, kDisableEnable };

// Shared by the threads: the kqueue. A turn is one list through both steps.
class ChangeSide : public Side {
 public:
  ChangeSide(const Subject& subject, Change work, int list, bool apart)
      : subject_(subject), work_(work), list_(list), apart_(apart) {}
  ~ChangeSide() override {
    if (kq_ >= 0) subject_.close(kq_);
  }
  bool open(std::string* what) override {
    kq_ = subject_.kqueue();
    if (kq_ < 0) *what = std::string("no kqueue: ") + std::strerror(errno);
    return kq_ >= 0;
  }
  std::unique_ptr<Worker> worker() override;
  const Subject* judged() const override { return &subject_; }

  const Subject& subject_;
  const Change work_;
  const int list_;
  const bool apart_;  // one call for each change
  int kq_ = -1;
};

class ChangeWorker : public Worker {
 public:
  explicit ChangeWorker(ChangeSide& side)
      : side_(side), objects_(side.subject_, ObjectKind::kPipe, side.list_) {
    if (side.work_ == Change::kDisableEnable) {
      const std::vector<Kevent> adds = changes(flag::kAdd);
      apply(adds, 0, adds.size());
      lists_ = {changes(flag::kDisable), changes(flag::kEnable)};
    } else {
      lists_ = {changes(flag::kAdd), changes(flag::kDelete)};
    }
  }

  int turn(std::string* what) override {
    bool done = objects_.error().empty();
    for (const std::vector<Kevent>& list : lists_) {
      if (!side_.apart_) {
        done = done && apply(list, 0, list.size());
        continue;
      }
      for (size_t i = 0; i < list.size(); ++i) done = done && apply(list, i, 1);
    }
    if (!done) {
      *what = objects_.error().empty()
                  ? std::string("a change was refused: ") + std::strerror(errno)
                  : objects_.error();
    }
    return done ? side_.list_ : -1;
  }

 private:
  std::vector<Kevent> changes(uint16_t flags) const {
    std::vector<Kevent> result;
    for (int i = 0; i < objects_.size(); ++i) {
      result.push_back(
          {static_cast<uintptr_t>(objects_.fd(i)), filter::kRead, flags, 0, 0, nullptr});
    }
    return result;
  }
  bool apply(const std::vector<Kevent>& list, size_t first, size_t count) const {
    return side_.subject_.kevent(side_.kq_, list.data() + first, static_cast<int>(count), nullptr,
                                 0, nullptr) == 0;
  }

  ChangeSide& side_;
  Objects objects_;
  std::vector<std::vector<Kevent>> lists_;
};

std::unique_ptr<Worker> ChangeSide::worker() { return std::make_unique<ChangeWorker>(*this); }

#ifdef __linux__
class EpollControl : public Side {
 public:
  explicit EpollControl(int list) : list_(list) {}
  ~EpollControl() override { ::close(epoll_); }
  bool open(std::string* what) override {
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ < 0) *what = std::string("no epoll: ") + std::strerror(errno);
    return epoll_ >= 0;
  }
  std::unique_ptr<Worker> worker() override;

  const int list_;
  int epoll_ = -1;
};

class ControlWorker : public Worker {
 public:
  explicit ControlWorker(EpollControl& side)
      : side_(side), objects_(subject(), ObjectKind::kPipe, side.list_) {}
  int turn(std::string* what) override {
    bool done = objects_.error().empty();
    for (const int operation : {EPOLL_CTL_ADD, EPOLL_CTL_DEL}) {
      for (int i = 0; i < objects_.size() && done; ++i) {
        epoll_event event{};
        event.events = EPOLLIN;
        done = epoll_ctl(side_.epoll_, operation, objects_.fd(i), &event) == 0;
      }
    }
    if (!done) *what = std::string("epoll_ctl: ") + std::strerror(errno);
    return done ? side_.list_ : -1;
  }

 private:
  EpollControl& side_;
  Objects objects_;
};

std::unique_ptr<Worker> EpollControl::worker() { return std::make_unique<ControlWorker>(*this); }
#endif

void add(const RingOptions& options, const std::function<std::unique_ptr<Side>()>& make_side) {
  register_ring(options, [=] {
    auto rig = std::make_shared<Rig>();
    rig->side = make_side();
    rig->side->open(&rig->error);
    return rig;
  });
}

void add_all(Change work, int list, int threads) {
  const std::string question = std::string("registration/") +
                               (work == Change::kAddDelete ? "add+delete" : "disable+enable") +
                               "/list:" + std::to_string(list);
  for (const Contender& who : kqueues()) {
    add({question, who.name, list, threads},
        [=] { return std::make_unique<ChangeSide>(*who.subject, work, list, false); });
  }
  if (list > 1) {
    add({question, "kqueue.one_by_one", list, threads},
        [=] { return std::make_unique<ChangeSide>(subject(), work, list, true); });
  }
#ifdef __linux__
  if (work == Change::kAddDelete && has_host_descriptors()) {
    add({question, "epoll", list, threads}, [=] { return std::make_unique<EpollControl>(list); });
  }
#endif
}

}  // namespace

void register_registration() {
  for (const Change work : {Change::kAddDelete, Change::kDisableEnable}) {
    for (const int list : {1, 16, 64, 512}) add_all(work, list, 1);
    for (const int threads : {2, 4, 8}) add_all(work, 64, threads);
  }
}

}  // namespace kqtorture::bench
