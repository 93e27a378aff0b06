// Mutations of programs that keep their shape: the fuzzer's sense of what is worth trying.
//
// Blind bytes reach the error paths at once and the deliveries hardly ever: an event needs an ADD
// without a contradicting flag, an object that is ready, and room. So new steps are drawn from what
// programs do, and one in a few is spoiled on purpose.
#pragma once

#include <cstdint>

#include "flags_program.h"
#include "scenario/random.h"

namespace kqtorture::flags {

// A new step of a kind that programs are made of.
Step random_step(Random& random);
void mutate(Program& program, Random& random);
// Steps of both, in order.
Program cross(const Program& a, const Program& b, Random& random);

}  // namespace kqtorture::flags
