// The server's kqueue: one knote per direction, EV_DISPATCH; the last event by EV_FORCEONESHOT.
//
// Workers hand their changes in with their next wait, which is what a changelist is for. What the
// contract promises is looked at here where it can be: a change of a connection that nobody may
// have ended is never refused, a call without a timeout never comes back empty, a last event is
// marked, and after it the knote is gone.
#include <cerrno>
#include <cstring>
#include <vector>

#include "contract/profile.h"
#include "poller.h"

namespace kqtorture::web {
namespace {

int16_t filter_of(Direction direction) {
  return direction == Direction::kRead ? filter::kRead : filter::kWrite;
}

Kevent change_of(const Watched& what, Direction direction, uint16_t flags) {
  return {static_cast<uintptr_t>(what.fd),   filter_of(direction), flags, 0, 0,
          reinterpret_cast<void*>(what.name)};
}

std::string describe(const Kevent& event) {
  char text[128];
  std::snprintf(text, sizeof text, "ident %zu filter %d flags 0x%04x data %ld udata %p",
                static_cast<size_t>(event.ident), event.filter, event.flags,
                static_cast<long>(event.data), event.udata);
  return text;
}

class KqueuePoller;

class KqueueWaiter : public Waiter {
 public:
  explicit KqueueWaiter(KqueuePoller* poller) : poller_(*poller) {}
  void arm(const Watched& what, Direction direction, bool) override {
    changes_.push_back(change_of(what, direction, flag::kEnable));
  }
  bool force_own(const Watched& what) override {
    changes_.push_back(change_of(what, Direction::kRead, flag::kForceOneshot | flag::kEnable));
    return true;
  }
  int wait(Ready* ready, int most) override;

 private:
  bool understand(const Kevent& event, Ready* ready);

  KqueuePoller& poller_;
  std::vector<Kevent> changes_, events_;
};

class KqueuePoller : public Poller {
 public:
  KqueuePoller(const Subject& subject, const contract::Profile& profile, int kq, Ledger* ledger)
      : subject_(subject), profile_(profile), kq_(kq), ledger_(*ledger) {}
  ~KqueuePoller() override { subject_.close(kq_); }

  std::unique_ptr<Waiter> waiter() override { return std::make_unique<KqueueWaiter>(this); }
  int attach(const Watched& what, Direction direction) override {
    return apply(change_of(what, direction, flag::kAdd | flag::kDispatch | flag::kDisable));
  }
  int arm_now(const Watched& what) override {
    return apply(change_of(what, Direction::kRead, flag::kEnable));
  }
  // Both ways of not losing the udata, in turn: the same one, or EV_KEEPUDATA with anything.
  int force(const Watched& what, Direction direction) override {
    Kevent change = change_of(what, direction, flag::kForceOneshot);
    if (profile_.has_keepudata && turn_.fetch_add(1, std::memory_order_relaxed) % 2 == 0) {
      change.flags |= flag::kKeepUdata;
      change.udata = nullptr;
    }
    return apply(change);
  }
  bool is_gone(int fd) override {
    return apply(change_of({fd, 0, nullptr}, Direction::kRead, flag::kDelete)) == ENOENT;
  }
  void wake_all(uint64_t wake) override {
    Kevent user = {1, filter::kUser, flag::kAdd, 0, 0, reinterpret_cast<void*>(wake)};
    apply(user);
    user.flags = 0;
    user.fflags = note::kTrigger;  // without EV_CLEAR it stays triggered
    apply(user);
  }
  bool has_event() override {
    const timespec now{0, 0};
    Kevent event;
    return subject_.kevent(kq_, nullptr, 0, &event, 1, &now) > 0;
  }
  bool is_opaque() const override { return !subject_.is_emulator(); }

 private:
  friend class KqueueWaiter;
  int apply(const Kevent& change) {
    return subject_.kevent(kq_, &change, 1, nullptr, 0, nullptr) == 0 ? 0 : errno;
  }

  const Subject& subject_;
  const contract::Profile& profile_;
  const int kq_;
  Ledger& ledger_;
  std::atomic<unsigned> turn_{0};
};

// False: it is no event of a descriptor, and has been dealt with.
bool KqueueWaiter::understand(const Kevent& event, Ready* ready) {
  const bool oneshot = (event.flags & flag::kOneshot) != 0;
  const bool marked = (event.flags & flag::kForceOneshot) != 0;
  if ((event.flags & flag::kError) != 0) {
    poller_.ledger_.accuse({"wrong-errno",
                            "I18",
                            "a change of a live connection was refused",
                            {describe(event), std::strerror(static_cast<int>(event.data))}});
    return false;
  }
  if (event.filter != filter::kUser && poller_.profile_.final_event_marked && oneshot != marked) {
    poller_.ledger_.accuse({"wrong-answer",
                            "I6",
                            "a last event carries one of EV_ONESHOT and EV_FORCEONESHOT without "
                            "the other",
                            {describe(event)}});
  }
  ready->name = reinterpret_cast<uintptr_t>(event.udata);
  ready->direction = event.filter == filter::kWrite ? Direction::kWrite : Direction::kRead;
  ready->last = oneshot;
  return true;
}

int KqueueWaiter::wait(Ready* ready, int most) {
  events_.resize(static_cast<size_t>(most));
  for (;;) {
    const int count =
        poller_.subject_.kevent(poller_.kq_, changes_.data(), static_cast<int>(changes_.size()),
                                events_.data(), most, nullptr);
    changes_.clear();  // also when a signal came: they had been applied before
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return -1;
    if (count == 0) {
      poller_.ledger_.accuse({"wrong-answer", "I14", "a call without a timeout returned 0", {}});
    }
    int understood = 0;
    for (int i = 0; i < count; ++i) understood += understand(events_[i], &ready[understood]);
    if (understood > 0 || poller_.ledger_.guilty()) return understood;
  }
}

}  // namespace

std::unique_ptr<Poller> make_kqueue_poller(const Subject& subject, Ledger* ledger,
                                           std::string* error) {
  const contract::Profile* profile = contract::find_profile(subject.profile());
  if (!profile) {
    *error = "no profile is called " + subject.profile();
    return nullptr;
  }
  const int kq = subject.kqueue();
  if (kq < 0) {
    *error = std::string("kqueue: ") + std::strerror(errno);
    return nullptr;
  }
  return std::make_unique<KqueuePoller>(subject, *profile, kq, ledger);
}

}  // namespace kqtorture::web
