// What the questions of kq_bench share: the subject, objects that become ready, and the registry.
//
// Each file of bench/ asks one question and registers its benchmarks in a static initialiser, as
// Google Benchmark's users do; but through add(), so that main() knows how many there are and can
// divide its budget. Nothing passes or fails by time. An answer that is wrong ends the run as a
// finding: a figure measured on a broken kqueue is worth nothing.
#pragma once

#include <benchmark/benchmark.h>

#include <functional>
#include <string>
#include <vector>

#include "report/stats.h"
#include "subject/subject.h"

namespace kqtorture::bench {

const Subject& subject();
// True when the subject's descriptors are the host's, so that an eventfd can be watched.
bool has_host_descriptors();

using Body = std::function<void(benchmark::State&)>;

struct Question {
  std::string name;
  Body body;
  bool measures_itself = false;  // own_seconds() instead of Google Benchmark's measuring time
  bool needs_host_descriptors = false;  // watches an object that only the host can make
};
// Returns a value so that it can initialise a static. Subject and budget are not known yet.
int add(Question question);
std::vector<Question>& questions();

// For those that measure by themselves: the seconds that one of them should take.
double own_seconds();
void set_own_seconds(double seconds);

// What was done; main() writes it to KQ_STATS.
Stats& stats();

// Saves a finding and ends the process with 1.
[[noreturn]] void wrong_answer(const std::string& what);

enum class ObjectKind { kPipe, kSocketpair, kEventfd };
const char* name_of(ObjectKind kind);

// The descriptor calls of one side: the subject's, or the host's for raw epoll.
struct Calls {
  int (*pipe2)(int[2], int);
  int (*socketpair)(int, int, int, int[2]);
  ssize_t (*read)(int, void*, size_t);
  ssize_t (*write)(int, const void*, size_t);
  int (*close)(int);
};
Calls subject_calls();
Calls host_calls();

// An object that can be made ready for reading and emptied again.
class Object {
 public:
  Object(ObjectKind kind, const Calls& calls);
  ~Object();
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  int fd() const { return reader_; }
  void make_ready() const;
  void drain() const;

 private:
  Calls calls_;
  size_t bytes_;
  int reader_ = -1, writer_ = -1;
};

// A kqueue of the subject.
class Kqueue {
 public:
  Kqueue();
  ~Kqueue();
  Kqueue(const Kqueue&) = delete;
  Kqueue& operator=(const Kqueue&) = delete;

  // Applies the changes and waits for at least one event, if there is room for any.
  int call(const Kevent* changes, int count, Kevent* events, int room) {
    calls_++;
    const int got = subject_.kevent(fd_, changes, count, events, room, nullptr);
    if (got < 0 || (room > 0 && got == 0)) fail(got);
    events_ += static_cast<uint64_t>(got);
    return got;
  }
  int fd() const { return fd_; }

 private:
  [[noreturn]] static void fail(int result);

  const Subject& subject_;
  int fd_;
  uint64_t calls_ = 0, events_ = 0;
};

}  // namespace kqtorture::bench
