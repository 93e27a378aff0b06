// Child processes for scenarios: each does nothing until it is told to end.
//
// They are made by the dozen in a process that may have threads and a sanitizer's shadow memory, so
// on Linux a child shares the memory of its parent, has a small stack of its own, and makes system
// calls only: it takes microseconds to make and nothing can be held when it begins. It holds no
// descriptor but the one its orders come from, so nothing that a program closes stays open in it.
// It dies with the thread that made it.
#pragma once

#include <sys/types.h>

#include <mutex>

namespace kqtorture {

class ScriptedChild {
 public:
  ScriptedChild() = default;
  ~ScriptedChild() { clear(); }
  ScriptedChild(const ScriptedChild&) = delete;
  ScriptedChild& operator=(const ScriptedChild&) = delete;

  // False with errno. Before that and after clear() there is no child.
  bool start();
  void clear();
  pid_t pid() const { return pid_; }
  // Still the child that start() made, alive.
  bool fresh();

#if defined(__linux__)
  // All system calls about children, and those of the children, go through it: syscall(2), or the
  // real one in a program that has put another in its place. Set before there are any.
  static long (*host_syscall)(long, ...);
#endif

  // Any thread may call these. They return when the child is a zombie, 0, or -1 with ESRCH when it
  // has ended already.
  int exit_with(int status);
  int kill_by(int signal);
  // Its wait status, or -1 with EAGAIN when it lives and ECHILD when it has been reaped.
  int reap();

 private:
  enum class Life { kNone, kAlive, kZombie, kReaped };
  // What start() ends with: ends, of the pipe of its orders; error, should there be no child.
  bool begin_life(const int ends[2], int error);
  void await_death() const;

  pid_t pid_ = -1;
  int orders_ = -1;
  void* stack_ = nullptr;
  Life life_ = Life::kNone;
  std::mutex mutex_;  // of the last
};

}  // namespace kqtorture
