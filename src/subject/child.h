// How is another program run so that nothing of it is left behind, whatever happens?
//
// The child leads a process group of its own, so that whatever it starts can be ended with it; on
// Linux it also dies when its parent does. The parent sleeps in poll() on a pipe that signal
// handlers write to: no threads, no signal masks to inherit, and SIGINT, SIGTERM, SIGHUP and
// SIGQUIT become something that it can act on.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

namespace kqtorture {

// Call once, before the first child. False with errno set when there are no descriptors left.
bool watch_signals();
// The last of the four signals that arrived and has not been taken; 0 for none. Signals that were
// ignored when the program started stay ignored.
int pending_signal();
// Ends this process by the signal, as if it had never been caught.
void die_of(int signal_number);

struct SpawnOptions {
  std::vector<std::string> environment;  // "NAME=value"; complete, nothing is inherited
  int output = -1;                       // descriptor for stdout and stderr; -1: inherited
  bool no_input = false;                 // stdin reads nothing; false: inherited
};

class Child {
 public:
  using Clock = std::chrono::steady_clock;

  // Starts path with arguments (the first is the program's name). Returns 0, or the errno of what
  // failed, that of exec included.
  int start(const std::string& path, const std::vector<std::string>& arguments,
            const SpawnOptions& options);

  // Waits until the child has ended (true), or the time is up or a signal is pending (false).
  bool wait_until(Clock::time_point deadline);

  // Sends the signal to the whole group and waits for the end; kills what has not obeyed after two
  // seconds. Signals that arrive meanwhile are dropped.
  void end(int signal_number);

  pid_t pid() const { return pid_; }
  // As waitpid() gives it; valid once it has ended.
  int status() const { return status_; }

 private:
  bool reap();

  pid_t pid_ = -1;
  int status_ = 0;
  bool gone_ = true;
};

}  // namespace kqtorture
