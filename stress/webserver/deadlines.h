// The timeout thread and its list: who ends connections that are idle or slow, from outside.
//
// It takes no lock of a connection, there is none. A connection is in the list from the moment at
// which its knote exists until just before its place is given back, so under the list's lock an
// entry is alive; whoever wins the exchange on `ending` may use it until the last event has been
// asked for, because only that event makes a handler close it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <unordered_set>
#include <vector>

#include "connection.h"

namespace kqtorture::web {

// Nanoseconds of a clock that never goes back.
int64_t now_ns();

class Deadlines {
 public:
  // end: asks for the last event of a connection whose exchange was won. tick: how often to look,
  // in nanoseconds. idle_work: done at every look.
  Deadlines(int64_t tick, std::function<void(Connection&)> end, std::function<void()> idle_work);
  ~Deadlines();

  void insert(Connection& c);
  void remove(Connection& c);
  // Ends what is idle now, and the rest when `grace` nanoseconds have passed.
  void shut_down(int64_t grace);
  void stop();

  uint64_t ended() const { return ended_; }

 private:
  void run();
  void end_what_is_due(Reason reason, bool idle_only);

  const int64_t tick_;
  const std::function<void(Connection&)> end_;
  const std::function<void()> idle_work_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::unordered_set<Connection*> list_;
  bool stopping_ = false, shutting_down_ = false;
  int64_t grace_ends_ = 0;
  uint64_t ended_ = 0;
  std::vector<Connection*> due_;
  std::thread thread_;
};

}  // namespace kqtorture::web
