// Idle knotes by the hundred thousand, for the questions of what they cost: in time beside active
// ones (idle.cpp), and in memory (memory.cpp).
#pragma once

#include <string>
#include <vector>

#include "subject/subject.h"

namespace kqtorture::bench {

// `count` descriptors on which nothing ever happens, or as many as RLIMIT_NOFILE allows. They are
// shared by all who ask and live as long as the process.
std::vector<int> idle_descriptors(int count);

struct Crowd {
  int descriptors = 0;  // READ knotes
  int users = 0;        // USER knotes, for what descriptors did not suffice
  std::string error;
};
Crowd add_idle_knotes(const Subject& subject, int kq, int count);

// Applies a changelist in portions that any subject takes; false with errno set.
bool apply_in_portions(const Subject& subject, int kq, const std::vector<Kevent>& changes);

}  // namespace kqtorture::bench
