// Children for the cases about processes: each sleeps until it is told how to end, and is gone
// with the case at the latest.
#pragma once

#include <sys/types.h>

namespace kqtorture {

class ChildProcess {
 public:
  // A child of this process. The child calls nothing but read(2) and _exit(2).
  ChildProcess();
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }
  // Lets it end by _exit(status); returns at once.
  void exit_with(unsigned char status);
  // Returns when it is a zombie, which stays.
  void wait_until_dead() const;
  // Its wait status, by waitpid(2) without waiting; -1 if it cannot be reaped.
  int reap_now();
  // The same, after it has ended.
  int reap();

 private:
  pid_t pid_ = -1;
  int orders_ = -1;
  bool reaped_ = false;
};

// Ends a forked child, past what its parent has registered for its own end. Where line coverage is
// measured, what the child ran counts, too.
[[noreturn]] void end_child(int status);

// A process that is no child of this one but of another, which does not reap it.
class Grandchild {
 public:
  Grandchild();
  ~Grandchild();
  Grandchild(const Grandchild&) = delete;
  Grandchild& operator=(const Grandchild&) = delete;

  pid_t pid() const { return pid_; }
  // Lets it end by _exit(status); its parent leaves it a zombie.
  void exit_with(unsigned char status);

 private:
  pid_t parent_ = -1, pid_ = -1;
  int orders_ = -1, parents_orders_ = -1;
};

}  // namespace kqtorture
