// Mutants and children are valid, different, and reproducible from their seed.
#include "scenario/mutate.h"

#include <gtest/gtest.h>

#include "scenario/generate.h"
#include "scenario/parse.h"
#include "scenario/print.h"
#include "scenario/validate.h"

namespace kqtorture {
namespace {

TEST(Mutate, MutantsAreValidAndBounded) {
  Program program = generate(5);
  int changed = 0;
  for (uint64_t seed = 0; seed < 5000; seed++) {
    const Program before = program;
    mutate(&program, seed, 20);
    const auto problem = validate(program);
    ASSERT_FALSE(problem) << problem->reason << "\n" << print(program);
    ASSERT_LE(count_ops(program), 20u);
    changed += !(program == before);
  }
  EXPECT_GT(changed, 4000);
}

TEST(Mutate, OneSeedOneMutant) {
  for (uint64_t seed = 0; seed < 100; seed++) {
    Program first = generate(3, {.threads = 2});
    Program second = first;
    mutate(&first, seed);
    mutate(&second, seed);
    EXPECT_EQ(first, second);
  }
}

TEST(Mutate, AMutantNoLongerSaysWhatTheOriginalReturned) {
  Program program;
  ASSERT_FALSE(
      parse("title A sentence.\nexpect lost\npipe p\nthread T\nread p.r 1 => EAGAIN\n"
            "read p.r 1 => EAGAIN\n",
            &program));
  mutate(&program, 1);
  EXPECT_TRUE(program.title.empty());
  EXPECT_TRUE(program.expect.empty());
  for (const Op& op : program.threads[0].ops) EXPECT_EQ(op.expect, Expectation{});
}

TEST(CrossOver, ChildrenAreValidAndTakeAfterBoth) {
  int like_first = 0, like_second = 0;
  for (uint64_t seed = 0; seed < 1000; seed++) {
    const Program first = generate(seed);
    const Program second = generate(seed + 100000);
    const Program child = cross_over(first, second, seed);
    const auto problem = validate(child);
    ASSERT_FALSE(problem) << problem->reason << "\n" << print(child);
    const auto& ops = child.threads[0].ops;
    if (ops.empty()) continue;
    like_first += ops.front().kind == first.threads[0].ops.front().kind;
    like_second += ops.back().kind == second.threads[0].ops.back().kind;
    EXPECT_EQ(child, cross_over(first, second, seed));
  }
  EXPECT_GT(like_first, 500);
  EXPECT_GT(like_second, 500);
}

}  // namespace
}  // namespace kqtorture
