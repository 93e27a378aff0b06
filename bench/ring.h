// How a side is measured by one or by many threads.
//
// An iteration is `list` events handled by the calling thread, whatever portions they came in, so
// the time per iteration of N threads together is list / throughput, and the same work for every
// side. Threads share one kqueue (the design of 2006), or each has its own.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "side.h"

namespace kqtorture::bench {

// A side with whatever it watches.
struct Rig {
  std::unique_ptr<Objects> objects;  // null for a side that brings its own
  std::unique_ptr<Side> side;
  std::string error;  // why it cannot be measured; empty when it can
  std::string label;  // what else there is to know of it
};
using MakeRig = std::function<std::shared_ptr<Rig>()>;

// A rig of `count` objects, opened. The objects are made by the subject that watches them.
std::shared_ptr<Rig> make_rig(const Subject& subject, ObjectKind kind, int count,
                              const std::function<std::unique_ptr<Side>(Objects&)>& make_side);

enum class Sharing { kShared, kOwn };

struct RingOptions {
  std::string question;   // without the contender
  std::string contender;  // as it appears in the name
  int list = 64;
  int threads = 1;
  Sharing sharing = Sharing::kShared;
};
// make is called at the start of every repetition, by one thread or (kOwn) by each.
void register_ring(const RingOptions& options, const MakeRig& make);

}  // namespace kqtorture::bench
