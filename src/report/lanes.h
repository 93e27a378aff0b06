// A history as a picture: one lane per thread, time down, the guilty call marked.
//
// Whoever reads a finding wants to see which calls ran at the same time. In the text a line is a
// call, with the times between which it ran and a star in its thread's column; in the drawing a
// call is a bar in its thread's lane, from the instant it began to the instant it returned. The
// drawing stretches time: every begin and every end has a row of its own, in the order in which
// they happened, so that calls of a microsecond beside one of a second can still be told apart.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kqtorture {

struct Lanes {
  struct Call {
    uint32_t lane = 0;          // index into names
    double begin = 0;           // microseconds, from whatever instant the caller counts
    std::optional<double> end;  // none: it has not returned
    std::string text;           // the call with what it returned
    bool guilty = false;
    friend bool operator==(const Call&, const Call&) = default;
  };
  // Of a controlled run: a thread that could have gone on did not, another did.
  struct Switch {
    double time = 0;            // microseconds, as those of the calls
    uint32_t from = 0, to = 0;  // lanes
    std::string text;           // what `from` was about to do, and where
    friend bool operator==(const Switch&, const Switch&) = default;
  };
  std::string caption;                // what the calls are; may be empty
  std::vector<std::string> names;     // of the threads
  std::vector<Call> calls;            // in any order
  std::vector<Switch> switches = {};  // by ascending time; may be empty

  bool empty() const { return calls.empty(); }
  friend bool operator==(const Lanes&, const Lanes&) = default;
};

// Caption, head, and one line for each call in the order in which they began, with the switches
// between them where they happened.
std::vector<std::string> to_lines(const Lanes& lanes);

// An <svg> element that stands alone: as a file of its own, or in a page. In dark surroundings it
// is dark. Empty when there are no calls.
std::string to_svg(const Lanes& lanes);

}  // namespace kqtorture
