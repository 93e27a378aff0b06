// Wrong answers for those who test whoever judges: an outcome with one thing changed that no rule
// leaves open.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "contract/vocabulary.h"

namespace kqtorture::contract {

inline constexpr size_t kWrongs = 6;

// Changes the event `at` in the way `wrong`, 0 to kWrongs - 1; the last one is to return it twice.
inline void spoil(size_t wrong, size_t at, std::vector<Event>* events) {
  Event& victim = (*events)[at];
  switch (wrong) {
    case 0:
      victim.udata ^= 1u << 30;
      break;
    case 1:
      victim.ident += 12345678;
      break;
    case 2:
      victim.flags ^= 0x2000;
      break;
    case 3:
      victim.fflags ^= 0x00400000;
      break;
    case 4:
      victim.data = victim.data == INT64_MIN ? 0 : INT64_MIN;
      break;
    default: {
      const Event twice = victim;
      events->push_back(twice);
    }
  }
}

}  // namespace kqtorture::contract
