// Gets a thread out of a call that does not return.
//
// A signal without SA_RESTART interrupts the call after a while, and again and again: that it had
// to is no verdict yet, only a reason to look (the verdict comes from what a call with a zero
// timeout then returns). How long the while is decides nothing.
#pragma once

#include <csignal>
#include <ctime>

namespace kqtorture {

// Watches the thread that makes it.
class Watch {
 public:
  Watch();
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  void arm();
  // True when the signal came since arm().
  bool disarm();

 private:
#if !defined(__APPLE__)
  timer_t timer_{};
#endif
  bool works_ = false;
};

// The signal that Watch and the free-running engine end calls with. Its handler does nothing.
int interrupting_signal();
void install_interrupting_handler();

}  // namespace kqtorture
