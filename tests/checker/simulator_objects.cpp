// The calls of simulated threads on pipes: each a few instants of the tiny world.
#include <algorithm>
#include <cerrno>

#include "simulator_thread.h"

namespace kqtorture::contract::testing {

void Simulator::choose_object_call(Thread* thread) {
  HistoryOp& op = thread->op;
  const size_t pipes = static_cast<size_t>(options_.pipes);
  const int reader = kFirstFd + 2 * static_cast<int>(random_.below(pipes));
  const size_t kind = random_.below(options_.reuse ? 12 : 8);
  if (kind < 4) {
    op.kind = OpKind::kWrite;
    op.fd = reader + 1;
    op.amount = 1;
  } else if (kind < 8) {
    op.kind = OpKind::kRead;
    op.fd = reader;
    op.amount = static_cast<int64_t>(1 + random_.below(3));
  } else if (kind == 8) {
    op.kind = OpKind::kClose;
    op.fd = reader + static_cast<int>(random_.below(2));
  } else if (kind == 9) {
    op.kind = OpKind::kDup2;
    op.fd = kFirstFd + static_cast<int>(random_.below(2 * pipes));
    op.fd2 = kFirstFd + static_cast<int>(random_.below(2 * pipes));
  } else {
    op.kind = OpKind::kPipe;
  }
}

bool Simulator::open_some_pipe(HistoryOp* op) {
  for (int i = 0; i < options_.pipes; ++i) {
    const int reader = kFirstFd + 2 * i;
    if (!world_.open_pipe(reader, reader + 1)) continue;
    op->fd = reader;
    op->fd2 = reader + 1;
    return true;
  }
  return false;
}

// The knotes may go before the number or after it, one close at a time, and with those that were
// added in between the file goes last.
bool Simulator::step_close(Thread* thread, int closed) {
  const HistoryOp& op = thread->op;
  const int closer =
      static_cast<int>(std::find_if(threads_.begin(), threads_.end(),
                                    [thread](const auto& other) { return other.get() == thread; }) -
                       threads_.begin());
  if (thread->released) {
    if (world_.may_lose(closed, closer, true) && random_.chance(1, 2)) {
      world_.lose(closed);
      return true;
    }
    thread->rings = world_.pipe_released(closer);
    world_.drop(closer);
    const bool rings = options_.late && thread->rings >= 0;
    if (rings) thread->phase = Phase::kRing;
    return rings;
  }
  const auto claimed = closing_.find(closed);
  if (claimed != closing_.end() && claimed->second != thread) return true;
  const int needed = op.kind == OpKind::kDup2 ? op.fd : closed;
  if (!world_.is_open(needed)) {
    closing_.erase(closed);
    thread->value = -1;
    thread->error = EBADF;
    return false;
  }
  // Who takes a knote goes through with it.
  const bool surely = op.kind == OpKind::kClose && world_.is_open(closed);
  if (surely && world_.may_lose(closed, closer, false) && random_.chance(1, 3)) {
    closing_[closed] = thread;
    world_.lose(closed);
    return true;
  }
  closing_.erase(closed);
  if (op.kind == OpKind::kClose) {
    world_.release(closed, closer);
  } else {
    world_.dup2(op.fd, closed, closer);
    thread->value = op.fd2;
  }
  thread->released = true;
  return true;
}

// True when the call has more to do.
bool Simulator::step_object_call(Thread* thread) {
  HistoryOp& op = thread->op;
  const auto fail = [thread](int error) {
    thread->value = -1;
    thread->error = error;
    return false;
  };
  switch (op.kind) {
    case OpKind::kWrite:
      thread->rings = world_.pipe_behind(op.fd);
      if (!world_.arrive(op.fd, 1)) return fail(world_.is_open(op.fd) ? EPIPE : EBADF);
      thread->value = 1;
      if (options_.late) thread->phase = Phase::kRing;
      return options_.late;
    case OpKind::kRead: {
      const int asked = static_cast<int>(op.amount);
      if (!world_.is_open(op.fd)) return fail(EBADF);
      if (world_.is_ended(op.fd)) return false;
      int got = asked;
      while (got > 0 && !world_.take(op.fd, got)) --got;
      if (got == 0) return fail(world_.is_empty(op.fd) ? EAGAIN : EBADF);
      thread->value = got;
      return false;
    }
    case OpKind::kClose:
      return step_close(thread, op.fd);
    case OpKind::kDup2:
      if (op.fd != op.fd2) return step_close(thread, op.fd2);
      if (!world_.is_open(op.fd)) return fail(EBADF);
      thread->value = op.fd2;
      return false;
    case OpKind::kPipe:
      return open_some_pipe(&op) ? false : fail(EMFILE);
    default:
      return false;
  }
}

}  // namespace kqtorture::contract::testing
