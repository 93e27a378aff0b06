// The kqueue side of every comparison: READ knotes over the subject, with one of four disciplines.
#include <errno.h>
#include <fcntl.h>

#include <cstring>
#include <vector>

#include "side.h"

namespace kqtorture::bench {
namespace {

uint16_t creation_flags(Discipline discipline) {
  switch (discipline) {
    case Discipline::kDispatch:
      return flag::kAdd | flag::kDispatch;
    case Discipline::kOneshot:
      return flag::kAdd | flag::kOneshot;
    case Discipline::kClear:
      return flag::kAdd | flag::kClear;
    case Discipline::kLevel:
      return flag::kAdd;
  }
  return 0;
}

void* udata_of(int i) { return reinterpret_cast<void*>(static_cast<uintptr_t>(i)); }

int index_of(const Kevent& event) {
  return static_cast<int>(reinterpret_cast<intptr_t>(event.udata));
}

class KqueueSide : public Side {
 public:
  KqueueSide(Objects& objects, const KqueueOptions& options)
      : objects_(objects), options_(options) {}
  ~KqueueSide() override {
    if (kq_ >= 0) subject().close(kq_);
    for (const int fd : halt_) {
      if (fd >= 0) subject().close(fd);
    }
  }

  bool open(std::string* what) override;
  std::unique_ptr<Worker> worker() override;
  const Subject* judged() const override { return options_.subject; }
  int descriptor() const override { return kq_; }
  void halt() override { benchmark::DoNotOptimize(subject().write(halt_[1], "!", 1)); }

  const Subject& subject() const { return *options_.subject; }
  const KqueueOptions& options() const { return options_; }
  Objects& objects() const { return objects_; }
  int kq() const { return kq_; }
  // What re-arms knote i; flags 0 when nothing has to.
  Kevent rearm(int i) const;

 private:
  Objects& objects_;
  KqueueOptions options_;
  int kq_ = -1;
  int halt_[2] = {-1, -1};  // a pipe that wakes every thread: level-triggered, never read
};

Kevent KqueueSide::rearm(int i) const {
  uint16_t flags = 0;
  if (options_.discipline == Discipline::kDispatch) flags = flag::kEnable;
  if (options_.discipline == Discipline::kOneshot) flags = creation_flags(options_.discipline);
  return {static_cast<uintptr_t>(objects_.fd(i)), filter::kRead, flags, 0, 0, udata_of(i)};
}

bool KqueueSide::open(std::string* what) {
  kq_ = subject().kqueue();
  if (kq_ < 0 || subject().calls().pipe2(halt_, O_NONBLOCK | O_CLOEXEC) != 0) {
    *what = std::string("no kqueue or no pipe: ") + std::strerror(errno);
    return false;
  }
  std::vector<Kevent> changes;
  for (int i = 0; i < objects_.size(); ++i) {
    changes.push_back({static_cast<uintptr_t>(objects_.fd(i)), filter::kRead,
                       creation_flags(options_.discipline), 0, 0, udata_of(i)});
  }
  changes.push_back(
      {static_cast<uintptr_t>(halt_[0]), filter::kRead, flag::kAdd, 0, 0, udata_of(-1)});
  if (subject().kevent(kq_, changes.data(), static_cast<int>(changes.size()), nullptr, 0,
                       nullptr) != 0) {
    *what = std::string("EV_ADD was refused: ") + std::strerror(errno);
    return false;
  }
  for (int i = 0; i < objects_.size(); ++i) {
    if (!objects_.make_ready(i)) {
      *what = "an object takes no bytes";
      return false;
    }
  }
  return true;
}

class KqueueWorker : public Worker {
 public:
  explicit KqueueWorker(KqueueSide& side)
      : side_(side),
        events_(static_cast<size_t>(side.options().list)),
        changes_(events_.size()),
        rearms_(side.rearm(0).flags != 0),
        lenient_(is_peer(side.subject())) {}
  // What was left for the next call is owed to the other threads.
  ~KqueueWorker() override {
    if (owed_ > 0) {
      side_.subject().kevent(side_.kq(), changes_.data(), owed_, nullptr, 0, nullptr);
    }
  }

  int turn(std::string* what) override;
  uint64_t phantoms() const override { return phantoms_; }

 private:
  int wait(std::string* what);
  bool take(const Kevent& event, int i, std::string* what);

  KqueueSide& side_;
  std::vector<Kevent> events_, changes_;
  const bool rearms_;
  const bool lenient_;  // a peer is measured, not judged
  uint64_t phantoms_ = 0;
  int owed_ = 0;  // changes for the next call
};

int KqueueWorker::turn(std::string* what) {
  int n = 0;
  while (n == 0) {
    n = wait(what);
    if (n < 0) return -1;
  }
  if (rearms_ && side_.options().combined) {
    owed_ = n;
  } else if (rearms_ &&
             side_.subject().kevent(side_.kq(), changes_.data(), n, nullptr, 0, nullptr) != 0) {
    *what = std::string("re-arming was refused: ") + std::strerror(errno);
    return -1;
  }
  for (int i = 0; i < n; ++i) {
    if (side_.objects().make_ready(index_of(changes_[static_cast<size_t>(i)]))) continue;
    *what = std::string("write: ") + std::strerror(errno);
    return -1;
  }
  return n;
}

// The events that are taken, with what re-arms them in changes_; 0 when all were phantoms.
int KqueueWorker::wait(std::string* what) {
  const int list = static_cast<int>(events_.size());
  int n = side_.subject().kevent(side_.kq(), owed_ > 0 ? changes_.data() : nullptr, owed_,
                                 events_.data(), list, nullptr);
  owed_ = 0;
  // What io_uring leaves to a thread to do, after the bench that used it, interrupts its next wait.
  // The changes are made by then.
  while (n < 0 && errno == EINTR) {
    n = side_.subject().kevent(side_.kq(), nullptr, 0, events_.data(), list, nullptr);
  }
  if (n < 0 || n > list || (n == 0 && !lenient_)) {
    *what = n < 0 ? std::string("kevent: ") + std::strerror(errno)
                  : "kevent returned " + std::to_string(n) + " events without a timeout";
    return -1;
  }
  int taken = 0;
  for (int i = 0; i < n; ++i) {
    const Kevent& event = events_[static_cast<size_t>(i)];
    const int index = index_of(event);
    if (index < 0 || index >= side_.objects().size()) {
      *what = "another thread has given up";
      return -1;
    }
    if (take(event, index, what)) {
      changes_[static_cast<size_t>(taken++)] = side_.rearm(index);
    } else if (lenient_) {
      what->clear();
      ++phantoms_;
    } else {
      return -1;
    }
  }
  return taken;
}

bool KqueueWorker::take(const Kevent& event, int i, std::string* what) {
  Objects& objects = side_.objects();
  if (event.filter != filter::kRead || event.ident != static_cast<uintptr_t>(objects.fd(i)) ||
      (event.flags & (flag::kError | flag::kEof)) != 0) {
    *what = "an event that is not that of a readable object";
    return false;
  }
  const int64_t wanted = objects.data(i);
  if (wanted != 0 ? event.data != wanted : event.data < 1) {
    *what = "data is " + std::to_string(event.data) + " where " + std::to_string(wanted) +
            " can be read";
    return false;
  }
  if (objects.consume(i)) return true;
  *what = "an event whose bytes were not there";
  return false;
}

std::unique_ptr<Worker> KqueueSide::worker() { return std::make_unique<KqueueWorker>(*this); }

}  // namespace

std::unique_ptr<Side> kqueue_side(Objects& objects, const KqueueOptions& options) {
  return std::make_unique<KqueueSide>(objects, options);
}

const char* name_of(Discipline discipline) {
  switch (discipline) {
    case Discipline::kDispatch:
      return "dispatch";
    case Discipline::kOneshot:
      return "oneshot";
    case Discipline::kClear:
      return "clear";
    case Discipline::kLevel:
      return "level";
  }
  return "";
}

}  // namespace kqtorture::bench
