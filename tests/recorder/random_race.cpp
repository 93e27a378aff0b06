// The part of the race that makes no calls: which change to make, of the many that there are.
#include "random_race.h"

#include <fcntl.h>

namespace kqtorture {

int RandomRace::pipe_flags() { return O_NONBLOCK | O_CLOEXEC; }

Kevent RandomRace::random_change(Random& random, uint64_t* udata) {
  Kevent change{};
  const bool user = random.chance(1, 2);
  change.filter = user ? filter::kUser : filter::kRead;
  if (user) {
    change.ident = random.below(static_cast<size_t>(options_.users));
  } else {
    const int reader = random.element(pipes_).reader.load(std::memory_order_relaxed);
    change.ident = static_cast<uintptr_t>(reader < 0 ? 0x7fffffff : reader);
  }
  // Never used twice, so that a delivery says which change it answers.
  change.udata = reinterpret_cast<void*>(static_cast<uintptr_t>(++*udata));
  switch (random.below(user ? 12 : 8)) {
    case 0:
    case 1:
    case 2:
      change.flags = flag::kAdd;
      change.flags |= random.pick<uint16_t>({0, flag::kOneshot, flag::kClear, flag::kDispatch,
                                             flag::kDispatch, flag::kDispatch | flag::kClear});
      if (random.chance(1, 8)) change.flags |= flag::kDisable;
      break;
    case 3:
    case 4:
      change.flags = flag::kEnable;
      break;
    case 5:
      change.flags = random.pick<uint16_t>({flag::kDisable, flag::kDelete});
      break;
    case 6:
      change.flags = flag::kForceOneshot;
      if (random.chance(1, 2)) change.flags |= flag::kEnable;
      break;
    case 7:
      change.flags = random.pick<uint16_t>({0, flag::kKeepUdata, flag::kUnknown400});
      break;
    default:
      change.flags = random.pick<uint16_t>({0, flag::kEnable, flag::kKeepUdata});
      change.fflags = note::kTrigger;
      if (random.chance(1, 4)) change.fflags |= note::kFfOr | (1u << random.below(8));
      break;
  }
  if (random.chance(1, 16)) change.flags |= flag::kReceipt;
  return change;
}

}  // namespace kqtorture
