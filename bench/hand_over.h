// One event for one of those who wait: what the questions of waking up have in common. Any number
// of threads may wait; one event wakes, or should wake, one of them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench.h"

namespace kqtorture::bench {

class HandOver {
 public:
  virtual ~HandOver() = default;
  // Causes one event. False when the call failed.
  virtual bool wake() = 0;
  // Sleeps until there is an event and takes it, leaving everything ready for the next one. False
  // when what came is not the event.
  virtual bool wait() = 0;
  virtual const Subject* judged() const { return nullptr; }
};

using MakeHandOver = std::function<std::unique_ptr<HandOver>(std::string* error)>;
// Null, and the measurement is skipped with the reason, when it cannot be made.
std::unique_ptr<HandOver> make_hand_over(benchmark::State& state, const MakeHandOver& make);

struct NamedHandOver {
  std::string object;     // "user", "pipe", "eventfd"
  std::string contender;  // "kqueue", "epoll", "read", ...
  MakeHandOver make;
};
std::vector<NamedHandOver> hand_overs();

}  // namespace kqtorture::bench
