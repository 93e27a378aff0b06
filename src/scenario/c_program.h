// A program as one C file that needs no part of this suite: <sys/event.h>, POSIX and pthreads.
//
// What a finding hands to whoever keeps the kqueue: it can be attached to a bug report and compiled
// on the machine where the bug is. Each operation stands there as the calls it is made of, each
// answer is printed, and those that the contract forbids are looked for: exit code 0 when they did
// not come, 1 when they did, 77 where the system has not what the program needs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scenario/program.h"

namespace kqtorture {

// What one call must answer.
struct Foreseen {
  // Nothing said: the answer is not looked at. Of an event the bits below count, and of data and
  // udata those that expect.events[i].fields names.
  Expectation expect;
  struct Bits {
    uint16_t flags = 0xffff;
    uint32_t fflags = 0xffffffff;
  };
  std::vector<Bits> bits;  // by event; missing: all
  int errno_or = 0;        // of a failure: this errno, too
  bool any_order = false;  // of the events
  bool returns = true;     // of a wait without limit: the contract promises that it ends by itself
};

struct CProgram {
  Program program;
  // Lines of the comment at the top: what was seen, rule, seed.
  std::vector<std::string> heading;
  uint64_t seed = 1;  // of the delays between the calls of threads

  // By thread and operation. Of programs of one thread.
  std::vector<std::vector<Foreseen>> foreseen;

  // An operation of the program, or a probe of a kqueue while every thread sleeps.
  struct Call {
    static constexpr uint32_t kProbe = UINT32_MAX;
    uint32_t thread = 0;  // index into program.threads; kProbe
    uint32_t op = 0;      // of a probe: index of the kqueue among the objects
    friend bool operator==(const Call&, const Call&) = default;
  };
  // Answers that no legal order of the calls explains when they come together.
  struct Answer {
    Call call;
    Expectation answer;
    uint16_t flag_bits = 0xffff;  // of the events, those that are looked at
  };
  std::vector<std::vector<Answer>> forbidden;
  // What began only when the other had ended, in the run that `forbidden` is of.
  struct Edge {
    Call before, after;
  };
  std::vector<Edge> edges;

  // Of a program of one thread: how often it is tried, each time in a process of its own, until the
  // bug is shown; 0: once, in the process itself. For what depends on threads of the kqueue's own.
  uint32_t rounds = 0;

  // What is looked for is the end of the process: a crash, an exit, a standstill.
  bool ends = false;
};

// Whatever the names and texts of the program are, they stay inside their comments and strings.
std::string print_c(const CProgram& program);

// The text as it may stand in a comment, and in a string literal (without its quotes).
std::string to_c_comment(std::string_view text);
std::string to_c_string(std::string_view text);

}  // namespace kqtorture
