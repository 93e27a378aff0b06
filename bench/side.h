// One side of a comparison: something that tells which of many objects are ready.
//
// A turn is the whole cycle of everything it returns: wait, read what is there, ask to be told of
// the next byte, and write that byte. So as many objects as there are are always either ready or in
// some thread's hands, whatever the number of threads, and no thread can wait forever.
#pragma once

#include <memory>
#include <string>

#include "bench.h"
#include "objects.h"

namespace kqtorture::bench {

// How one is told of the next byte.
enum class Discipline {
  kDispatch,  // EV_DISPATCH, re-enabled; EPOLLONESHOT and EPOLL_CTL_MOD
  kOneshot,   // EV_ONESHOT, added again; EPOLL_CTL_DEL and EPOLL_CTL_ADD
  kClear,     // EV_CLEAR; EPOLLET
  kLevel,     // neither; epoll's default. Hands one byte to several threads, so for one only
};
inline constexpr Discipline kDisciplines[] = {Discipline::kDispatch, Discipline::kOneshot,
                                              Discipline::kClear, Discipline::kLevel};
const char* name_of(Discipline discipline);

// A thread's hands: its list, and what it does with what it gets.
class Worker {
 public:
  virtual ~Worker() = default;
  // One turn. Returns the number of events (1 or more), or -1 with *what told.
  virtual int turn(std::string* what) = 0;
  // Events that were none: a peer's are counted and passed over, the subject's end the measurement.
  virtual uint64_t phantoms() const { return 0; }
};

class Side {
 public:
  virtual ~Side() = default;
  // Registers everything and makes it ready. False with *what told.
  virtual bool open(std::string* what) = 0;
  // For the calling thread; the side outlives it.
  virtual std::unique_ptr<Worker> worker() = 0;
  // Whose answers are judged; null for a peer that is no kqueue.
  virtual const Subject* judged() const { return nullptr; }
  // The kqueue or epoll itself, for whoever registers more with it; -1 when there is none.
  virtual int descriptor() const { return -1; }
  // Something is wrong: every thread's turn shall end, now or when it begins.
  virtual void halt() {}
};

// The sides that watch objects. `list` is the most events that one call returns.
struct KqueueOptions {
  const Subject* subject;
  Discipline discipline;
  int list;
  bool combined = false;  // re-arms with the changelist of the call that waits
};
std::unique_ptr<Side> kqueue_side(Objects& objects, const KqueueOptions& options);

// Linux's. with_data: one ioctl(FIONREAD) per event, for what a kevent tells in data.
std::unique_ptr<Side> epoll_side(Objects& objects, Discipline discipline, int list, bool with_data);
// poll(2), which knows one discipline, level, and one list, all of them. One thread.
std::unique_ptr<Side> poll_side(Objects& objects);
// io_uring's poll requests, single or multishot for kDispatch and kClear. One thread.
std::unique_ptr<Side> uring_side(Objects& objects, Discipline discipline, int list);
// Why there is no io_uring here; empty when there is.
std::string why_no_uring();

}  // namespace kqtorture::bench
