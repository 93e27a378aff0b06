// The shrinker finds the few lines that matter, never loses the fault, and keeps to its budget.
#include "scenario/shrink.h"

#include <gtest/gtest.h>

#include "scenario/generate.h"
#include "scenario/parse.h"
#include "scenario/print.h"
#include "scenario/validate.h"
#include "subject/subject.h"

namespace kqtorture {
namespace {

// "Some DISPATCH knote is created, and later some call asks for FORCEONESHOT."
bool dispatch_then_force(const Program& program) {
  bool dispatched = false;
  for (const Thread& thread : program.threads) {
    for (const Op& op : thread.ops) {
      for (const Change& change : op.changes) {
        const bool creates = (change.flags & flag::kAdd) && (change.flags & flag::kDispatch);
        if (dispatched && (change.flags & flag::kForceOneshot)) return true;
        dispatched |= creates;
      }
    }
  }
  return false;
}

TEST(Shrink, TwoChangesAreLeftOfAFaultThatNeedsTwo) {
  int shrunk = 0;
  for (uint64_t seed = 0; seed < 300; seed++) {
    const Program program = generate(seed, {.min_ops = 20, .max_ops = 60});
    if (!dispatch_then_force(program)) continue;
    ShrinkStats stats;
    const Program small = shrink(program, dispatch_then_force, 3000, &stats);
    ASSERT_TRUE(dispatch_then_force(small));
    ASSERT_FALSE(validate(small));
    size_t changes = 0;
    for (const Op& op : small.threads[0].ops) changes += op.changes.size();
    ASSERT_EQ(count_ops(small), 1u) << print(small);
    ASSERT_EQ(changes, 2u) << print(small);
    EXPECT_EQ(small.threads[0].ops[0].changes[0].flags, flag::kAdd | flag::kDispatch);
    EXPECT_EQ(small.threads[0].ops[0].changes[1].flags, flag::kForceOneshot);
    EXPECT_EQ(small.threads[0].ops[0].room, 0);
    EXPECT_LE(small.objects.size(), 3u) << print(small);
    EXPECT_LT(stats.tried, 3000);
    shrunk++;
  }
  EXPECT_GT(shrunk, 20);
}

TEST(Shrink, ThreadsThatDoNotMatterGo) {
  const auto fails = [](const Program& program) {
    for (const Thread& thread : program.threads) {
      if (thread.name != Name("T2")) continue;
      for (const Op& op : thread.ops) {
        if (op.kind == OpKind::kKevent && op.room > 0) return true;
      }
    }
    return false;
  };
  for (uint64_t seed = 0; seed < 100; seed++) {
    const Program program = generate(seed, {.threads = 4});
    if (!fails(program)) continue;
    const Program small = shrink(program, fails);
    EXPECT_EQ(print(small).find("T1"), std::string::npos) << print(small);
    EXPECT_EQ(count_ops(small), 1u) << print(small);
  }
}

TEST(Shrink, SetupAndOneThreadBecomeOneThread) {
  Program program;
  ASSERT_FALSE(
      parse("pipe p\nsetup\nwrite p.w 5\nthread A\nread p.r 5\nfinally\nclose p.r\n", &program));
  const auto fails = [](const Program& candidate) { return count_ops(candidate) == 3; };
  EXPECT_EQ(print(shrink(program, fails)),
            "pipe p\n\nthread A\n  write p.w 1\n  read p.r 1\n  close p.r\n");
}

TEST(Shrink, ANegativeRoomThatMattersStays) {
  Program program;
  ASSERT_FALSE(
      parse("pipe p\nkqueue k\nthread A\nkevent k (p.r READ ADD) room=-5 timeout=due\n", &program));
  const auto fails = [](const Program& candidate) {
    for (const Op& op : candidate.threads[0].ops) {
      if (op.room < 0) return true;
    }
    return false;
  };
  EXPECT_EQ(print(shrink(program, fails)), "kqueue k\n\nthread A\n  kevent k room=-5\n");
}

TEST(Shrink, TheBudgetIsKept) {
  int calls = 0;
  const auto counting = [&](const Program& program) {
    calls++;
    return dispatch_then_force(program);
  };
  Program program;
  for (uint64_t seed = 0; !dispatch_then_force(program); seed++) {
    program = generate(seed, {.min_ops = 60, .max_ops = 60});
  }
  shrink(program, counting, 10);
  EXPECT_EQ(calls, 10);
}

}  // namespace
}  // namespace kqtorture
