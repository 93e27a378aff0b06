#include "processes.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "fixture.h"

namespace kqtorture {
namespace {

// Descriptors of the host: a subject with descriptors of its own has no processes to watch.
void make_pipe(int ends[2]) {
  if (pipe(ends) != 0) ADD_FAILURE() << "pipe";
  fcntl(ends[0], F_SETFD, FD_CLOEXEC);
  fcntl(ends[1], F_SETFD, FD_CLOEXEC);
}

// In a child: waits for the byte, and ends with it; with 99 when nobody is left to send one.
[[noreturn]] void end_as_told(int orders) {
  unsigned char status = 99;
  while (read(orders, &status, 1) < 0 && errno == EINTR) {
  }
  _exit(status);
}

void tell(int fd, unsigned char status) {
  if (write(fd, &status, 1) != 1) ADD_FAILURE() << "write";
}

int wait_for(pid_t pid, int options) {
  int status = 0;
  pid_t result;
  while ((result = waitpid(pid, &status, options)) < 0 && errno == EINTR) {
  }
  return result == pid ? status : -1;
}

}  // namespace

ChildProcess::ChildProcess() {
  int ends[2];
  make_pipe(ends);
  pid_ = fork();
  if (pid_ == 0) {
    close(ends[1]);
    end_as_told(ends[0]);
  }
  EXPECT_GT(pid_, 0);
  close(ends[0]);
  orders_ = ends[1];
}

ChildProcess::~ChildProcess() {
  if (!reaped_) kill(pid_, SIGKILL);
  if (!reaped_) reap();
  close(orders_);
}

void ChildProcess::exit_with(unsigned char status) { tell(orders_, status); }

void ChildProcess::wait_until_dead() const {
  siginfo_t info{};
  while (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) < 0 && errno == EINTR) {
  }
}

int ChildProcess::reap_now() {
  const int status = wait_for(pid_, WNOHANG);
  if (status >= 0) reaped_ = true;
  return status;
}

int ChildProcess::reap() {
  reaped_ = true;
  return wait_for(pid_, 0);
}

Grandchild::Grandchild() {
  int ends[2], parents[2], answer[2];
  make_pipe(ends);
  make_pipe(parents);
  make_pipe(answer);
  parent_ = fork();
  if (parent_ == 0) {
    close(ends[1]);
    close(parents[1]);
    const pid_t child = fork();
    if (child == 0) end_as_told(ends[0]);
    if (write(answer[1], &child, sizeof child) != sizeof child) _exit(98);
    end_as_told(parents[0]);
  }
  close(ends[0]);
  close(parents[0]);
  close(answer[1]);
  orders_ = ends[1];
  parents_orders_ = parents[1];
  if (read(answer[0], &pid_, sizeof pid_) != sizeof pid_) ADD_FAILURE() << "no grandchild";
  close(answer[0]);
}

Grandchild::~Grandchild() {
  close(orders_);
  tell(parents_orders_, 0);
  wait_for(parent_, 0);
  close(parents_orders_);
}

void end_child(int status) {
#ifdef KQT_COVERAGE
  exit(status);
#else
  _exit(status);
#endif
}

void Grandchild::exit_with(unsigned char status) { tell(orders_, status); }

}  // namespace kqtorture
