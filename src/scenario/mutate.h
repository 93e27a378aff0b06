// Variants of programs, for fuzzers: small changes of one, and children of two.
#pragma once

#include <cstdint>

#include "scenario/program.h"

namespace kqtorture {

// Changes a valid program a little; the result is valid. What a program said about its own outcome
// (=> and the title) is dropped: it spoke of another program. At most `max_ops` operations and
// twice as many changes, or what there were.
void mutate(Program* program, uint64_t seed, size_t max_ops = 32);

// A program that begins like one and ends like the other, on the objects of both where they are of
// one kind. Valid when both are; bounded as a mutant is.
Program cross_over(const Program& first, const Program& second, uint64_t seed, size_t max_ops = 32);

}  // namespace kqtorture
