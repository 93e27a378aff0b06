// What every question of the bench shares: the kqueue under test, objects that can be made ready, a
// raw epoll to stand beside, and a count of the work done.
//
// A cycle is timed whole: the objects are made ready, the events waited for, the bytes read, and
// what the discipline asks for to be told of the next byte. Both sides of a comparison use the same
// objects in the same process.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <vector>

#include "subject/subject.h"

namespace kqtorture::bench {

// The subject, opened by main() before any benchmark runs.
const Subject& subject();
void set_subject(const Subject* subject);

// Work done, over all benchmarks; for the campaign's statistics.
struct Work {
  uint64_t operations = 0;
  uint64_t deliveries = 0;
  uint64_t cycles = 0;
};
Work& work();

// The subject answered what it must not: the first such answer is kept, and makes the exit code 1.
void wrong_answer(benchmark::State& state, const std::string& what);
const std::string& first_wrong_answer();

enum class ObjectKind { kPipe, kSocketpair, kEventfd };
const char* name_of(ObjectKind kind);
// True if the subject can watch such objects: an eventfd is the host's, so it must work with the
// host's descriptors.
bool available(ObjectKind kind);

// A set of objects of one kind that can be made ready and read, through the subject's calls.
class Objects {
 public:
  Objects(ObjectKind kind, int count);
  ~Objects();
  Objects(const Objects&) = delete;
  Objects& operator=(const Objects&) = delete;

  int size() const { return static_cast<int>(read_ends_.size()); }
  // The descriptor to watch.
  int fd(int i) const { return read_ends_[static_cast<size_t>(i)]; }
  void make_ready(int i) const;
  // Empties the object whose descriptor this is.
  void consume(int fd) const;
  bool ok() const { return ok_; }

 private:
  ObjectKind kind_;
  bool ok_ = true;
  std::vector<int> read_ends_, write_ends_;
};

// How one is told of the next byte.
enum class Discipline {
  kDispatch,  // EV_DISPATCH, re-enabled; EPOLLONESHOT and EPOLL_CTL_MOD
  kOneshot,   // EV_ONESHOT, added again; EPOLL_CTL_DEL and EPOLL_CTL_ADD
  kClear,     // EV_CLEAR; EPOLLET
  kLevel,     // neither; epoll's default
};
const char* name_of(Discipline discipline);

// One side of a comparison: objects registered with one discipline.
class Cycle {
 public:
  virtual ~Cycle() = default;
  // One whole cycle over all objects; false when an answer was wrong (*what says which).
  virtual bool run(std::string* what) = 0;
};

// kqueue over the subject, with lists as long as the set of objects.
class KqueueCycle : public Cycle {
 public:
  KqueueCycle(const Objects& objects, Discipline discipline);
  ~KqueueCycle() override;
  bool run(std::string* what) override;

 private:
  const Objects& objects_;
  Discipline discipline_;
  int kq_;
  std::vector<Kevent> changes_, events_;
};

}  // namespace kqtorture::bench
