// What the server needs of a kqueue, so that the same server runs over raw epoll as a yardstick.
//
// A descriptor that was attached is silent until it is armed; an event disarms it. force() asks for
// one last event, marked as such, which comes when the handler that may be at work has armed the
// descriptor again. Each worker has a Waiter of its own, whose requests may wait for its next
// wait(): after asking, the worker does not touch the connection any more.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "ledger.h"
#include "subject/subject.h"

namespace kqtorture::web {

enum class Direction : uint8_t { kRead, kWrite };

// What is watched, as far as a poller has to know it.
struct Watched {
  int fd;
  uint64_t name;
  std::atomic<bool>* forced;  // set by pollers whose events carry no mark
};

struct Ready {
  uint64_t name = 0;
  Direction direction = Direction::kRead;
  bool last = false;  // the event that force() asked for
};

class Waiter {
 public:
  virtual ~Waiter() = default;
  // first: it has only been attached so far.
  virtual void arm(const Watched& what, Direction direction, bool first) = 0;
  // The handler, to whom the descriptor belongs, asks for the last event of its own. False: there
  // is none and none is needed, it may end the connection at once.
  virtual bool force_own(const Watched& what) = 0;
  // Returns how many, at least one; -1 and errno.
  virtual int wait(Ready* ready, int most) = 0;
};

class Poller {
 public:
  virtual ~Poller() = default;
  virtual std::unique_ptr<Waiter> waiter() = 0;
  // 0, or errno.
  virtual int attach(const Watched& what, Direction direction) = 0;
  // From any thread. 0, or errno.
  virtual int force(const Watched& what, Direction direction) = 0;
  // From any thread: arm() at once.
  virtual int arm_now(const Watched& what) = 0;
  // The last event has come: is the name really gone? Asked before the descriptor is closed.
  virtual bool is_gone(int fd) = 0;
  // From now on every wait() returns with the name `wake`, for every worker.
  virtual void wake_all(uint64_t wake) = 0;
  // Does a zero-timeout look from outside see an event? For the judge of a standstill.
  virtual bool has_event() = 0;
  // Its code carries no instrumentation: ThreadSanitizer must be told what it promises.
  virtual bool is_opaque() const = 0;
};

// Null and *error when it cannot be made.
std::unique_ptr<Poller> make_kqueue_poller(const Subject& subject, Ledger* ledger,
                                           std::string* error);
std::unique_ptr<Poller> make_epoll_poller(const Subject& subject, std::string* error);

}  // namespace kqtorture::web
