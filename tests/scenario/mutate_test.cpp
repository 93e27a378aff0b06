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
    ASSERT_LE(count_changes(program), 40u);
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

TEST(CrossOver, ChildrenDoNotGrowAndCarryNoSpareObjects) {
  Program program = generate(1);
  for (uint64_t seed = 0; seed < 2000; seed++) {
    program = cross_over(program, generate(seed), seed, 12);
    ASSERT_LE(count_ops(program), 12u);
    ASSERT_LE(count_changes(program), 24u);
    Program tidy = program;
    erase_unused_objects(&tidy);
    // When no valid child came out the first parent is returned as it is.
    ASSERT_LE(program.objects.size() - tidy.objects.size(), seed == 0 ? 4u : 0u);
  }
}

TEST(EraseObjects, WhatRefersToALaterObjectFollowsIt) {
  Program program;
  ASSERT_FALSE(
      parse("pipe p\nsocketpair s\nkqueue k\nthread T\nkevent k (s.a READ ADD)\n", &program));
  erase_unused_objects(&program);
  EXPECT_FALSE(validate(program));
  EXPECT_EQ(print(program), "socketpair s\nkqueue k\n\nthread T\n  kevent k (s.a READ ADD)\n");
  erase_object(&program, 0);
  EXPECT_TRUE(validate(program)) << "the ident refers to no object any more";
}

}  // namespace
}  // namespace kqtorture
