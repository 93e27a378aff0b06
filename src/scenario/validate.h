// Can this program be run at all? Whatever comes out of a parser, a mutator or a person's own code
// passes here before an engine touches it.
//
// The rules keep a program from reaching outside of itself: every name exists, every descriptor
// number that the program did not get from the subject is one that cannot be open, every count is
// bounded. What a kqueue must refuse (a closed descriptor, a bad pointer, a negative count) is
// valid: refusing it is what is tested.
#pragma once

#include <optional>
#include <string>

#include "scenario/program.h"

namespace kqtorture {

struct Problem {
  static constexpr int kNone = -1;
  int object = kNone;  // index of the guilty object, or
  int thread = kNone;  // of the guilty thread, and
  int op = kNone;      // of the guilty operation in it
  std::string reason;
};

std::optional<Problem> validate(const Program& program);

}  // namespace kqtorture
